"""One client alone with its venue: how long its orders take, within it and from venue to venue."""

import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import orjson
import psutil

from bench.live.processes import CLIENT_CORE, PIPED, VENUE_CORE, process, put_parameters, quoting
from bench.live.pulse import ENOUGH, SYMBOL, write_pulse
from bench.live.socket_trace import SocketTrace
from strategy.live.doors import LiveStatus, read_status
from strategy.live.layout import Layout
from strategy.live.simulation.shadow_files import want_shadows
from strategy.venues.settings import paper_venue
from tests.integration.rig import wait_for

WARM_S: Final = 10.0  # samples of the first seconds are left out: connections, caches, compiled code
_START_S: Final = 120.0
# One level a side, and only while there is depth: every return of depth is a tick to answer.
PULSE: Final = {"risk": {"min_depth_base": ENOUGH, "max_orders_per_second": 100}}
ONE_LEVEL: Final = {"buy_spreads": [1.0], "sell_spreads": [1.0], "executor_refresh_time": 600.0}


@dataclass(frozen=True)
class Client:
    """Who is measured: microvol with a pause between rehearsals (ms, 0 = none), or the plain loop without one."""

    name: str
    rehearse_ms: int | None = None
    shadows: int = 0
    module: str = "strategy.live.quote"


@dataclass
class Timed:
    """Times in ms, and the share of a core that the client took."""

    in_process: list[float] = field(default_factory=list)
    venue_to_venue: list[float] = field(default_factory=list)
    cores: list[float] = field(default_factory=list)


def time_orders(client: Client, seconds: float, timed: Timed, environment: Mapping[str, str]) -> None:
    """Run a client for so long and add what was measured."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        trace, heard = SocketTrace(home, environment), home / "venue.json"
        write_pulse(home / "pulse.log", seconds + 2 * _START_S)
        with process(VENUE_CORE, "bench.live.venue", str(home / "pulse.log"), str(heard), **PIPED) as venue:
            assert venue.stdout is not None
            with _running(client, home, venue.stdout.readline().strip(), trace.environment) as running:
                wait_for(trace.samples, _START_S, "the first order")
                time.sleep(WARM_S)
                warm = len(trace.samples())
                timed.cores.append(_share_of_a_core(running.pid, seconds))
                timed.in_process += _ms(trace.samples()[warm:])
        timed.venue_to_venue += _ms(orjson.loads(heard.read_bytes())[warm:])


@contextmanager
def _running(client: Client, home: Path, url: str, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    if client.rehearse_ms is None:
        with process(CLIENT_CORE, "bench.live.plain", url, env=environment) as running:
            yield running
        return
    venue = paper_venue(url, SYMBOL)
    champion = put_parameters(home, venue, PULSE, **ONE_LEVEL)
    wanted = [champion.model_copy(update={"version": 2 + number}) for number in range(client.shadows)]
    want_shadows(Layout(home).live("paper", SYMBOL), wanted)
    options = ("--orders-per-10s", "290", "--rehearse-ms", f"{client.rehearse_ms}")
    with quoting(home, venue, *options, environment=environment, module=client.module) as running:
        journals = Layout(home).journal("paper", SYMBOL)
        wait_for(lambda: any(journals.glob("*.log")), _START_S, "quoting")
        wait_for(lambda: len(_status(home).shadows) == client.shadows, _START_S, "shadows")
        yield running


def _share_of_a_core(pid: int, seconds: float) -> float:
    watched = psutil.Process(pid)
    used, begun = sum(watched.cpu_times()[:2]), time.monotonic()
    time.sleep(seconds)
    return (sum(watched.cpu_times()[:2]) - used) / (time.monotonic() - begun)


def _ms(samples_ns: list[int]) -> list[float]:
    return [ns / 1e6 for ns in samples_ns]


def _status(home: Path) -> LiveStatus:
    found = read_status(Layout(home), "paper", SYMBOL)
    assert found is not None
    return found

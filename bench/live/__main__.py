"""Print both parts: tick to order beside the plain ccxt loop, and ten symbols in one process."""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
import psutil

from bench.live.markets import symbols
from bench.live.pulse import ENOUGH, SYMBOL, write_pulse
from bench.live.socket_trace import SocketTrace
from strategy.live.command import also
from strategy.live.doors import LiveStatus, read_status
from strategy.live.layout import Layout
from strategy.live.simulation.shadow_files import want_shadows
from strategy.policies.document import ParameterDocument, write_atomically
from strategy.venues.settings import VenueConfig, paper_venue
from tests.integration.rig import ROOT, close_quotes, wait_for
from tests.unit.fake_broker import INSTRUMENT

CLIENTS: Final = ("microvol", "plain ccxt")
MARKETS: Final = 10
ALIVE: Final = 50  # events after which a symbol is under way
# One level a side, and only while there is depth: every return of depth is a tick to answer.
PULSE: Final = {"risk": {"min_depth_base": ENOUGH, "max_orders_per_second": 100}}
ONE_LEVEL: Final = {"buy_spreads": [1.0], "sell_spreads": [1.0], "executor_refresh_time": 600.0}
PIPED: Final = {"stdout": subprocess.PIPE}
WARM_S: Final = 10.0  # samples of the first seconds are left out: connections, caches, compiled code


@contextmanager
def process(*arguments: str, **given: Any) -> Iterator[subprocess.Popen[str]]:
    """Run a python module for as long as the block lasts; it ends by SIGTERM."""
    with subprocess.Popen([sys.executable, "-m", *arguments], cwd=ROOT, text=True, **given) as running:
        try:
            yield running
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait(60)


@contextmanager
def quoting(
    home: Path, venue: VenueConfig, *options: str, environment: Mapping[str, str] = os.environ
) -> Iterator[subprocess.Popen[str]]:
    """Run the quoting process."""
    with (home / "quote.err").open("wb") as err:
        environment = {**environment, **venue.environment()}
        arguments = ("strategy.live.quote", "--home", str(home), *venue.arguments(), *options)
        with process(*arguments, env=environment, stderr=err) as running:
            yield running


def tick_to_order(seconds: float, shadows: int) -> dict[str, tuple[list[float], list[float]]]:
    """Run both clients for so long; return each one's times in ms, within its process and from venue to venue."""
    with tempfile.TemporaryDirectory() as folder:
        home, files = Path(folder), [Path(folder) / f"{number}.json" for number in range(len(CLIENTS))]
        traces = [SocketTrace(home, number) for number in range(len(CLIENTS))]
        write_pulse(home / "pulse.log", seconds + 120)
        with process("bench.live.venue", str(home / "pulse.log"), *map(str, files), **PIPED) as venue:
            assert venue.stdout is not None
            ours, plain = venue.stdout.readline().split()
            champion = put_parameters(home, paper_venue(ours, SYMBOL), PULSE, **ONE_LEVEL)
            wanted = [champion.model_copy(update={"version": 2 + number}) for number in range(shadows)]
            want_shadows(Layout(home).live("paper", SYMBOL), wanted)
            with (
                quoting(home, paper_venue(ours, SYMBOL), "--orders-per-10s", "290", environment=traces[0].environment),
                process("bench.live.plain", plain, env=traces[1].environment),
            ):
                journals = Layout(home).journal("paper", SYMBOL)
                wait_for(lambda: any(journals.glob("*.log")), 120, "quoting")
                wait_for(lambda: len(_status(home).shadows) == shadows, 120, "shadows")
                time.sleep(WARM_S + seconds)
        skipped = int(WARM_S * 5)
        return {
            name: (_ms(trace.samples()[skipped:]), _ms(orjson.loads(file.read_bytes())[skipped:]))
            for name, trace, file in zip(CLIENTS, traces, files, strict=True)
        }


def _ms(samples_ns: list[int]) -> list[float]:
    return [ns / 1e6 for ns in samples_ns]


def _status(home: Path) -> LiveStatus:
    found = read_status(Layout(home), "paper", SYMBOL)
    assert found is not None
    return found


def put_parameters(home: Path, venue: VenueConfig, groups: dict[str, Any], **quoting: Any) -> ParameterDocument:
    """Write the parameters of one symbol and return them."""
    instrument = INSTRUMENT.model_copy(update={"symbol": venue.symbol})
    file = Layout(home).parameter_file(venue.name, venue.symbol)
    file.parent.mkdir(parents=True)
    document = close_quotes(instrument, groups=groups, **quoting)
    write_atomically(file, document.to_json())
    return document


def print_tick_to_order(seconds: float, shadows: int) -> None:
    """Print each client's lines."""
    print(f"tick to order, {seconds:g} s                   n     p50 ms     p90 ms     p99 ms   worst ms")
    for name, both in tick_to_order(seconds, shadows).items():
        for where, found in zip(("in its process", "venue to venue"), both, strict=True):
            p50, p90, p99 = np.quantile(found, (0.5, 0.9, 0.99))
            print(f"  {name + ', ' + where:30} {len(found):8} {p50:10.3f} {p90:10.3f} {p99:10.3f} {max(found):10.3f}")


def side_by_side(seconds: float) -> tuple[float, float, float]:
    """Quote ten symbols in one process; return the share of a core that it takes, events a second, and MB."""
    with tempfile.TemporaryDirectory() as folder, process("bench.live.markets", f"{MARKETS}", **PIPED) as venues:
        assert venues.stdout is not None
        home, urls = Path(folder), venues.stdout.readline().split()
        markets = [paper_venue(url, symbol) for url, symbol in zip(urls, symbols(MARKETS), strict=True)]
        for market in markets:
            put_parameters(home, market, {})
        with quoting(home, markets[0], *chain.from_iterable(also(each) for each in markets[1:])) as running:
            states = [lambda each=each: read_status(Layout(home), each.name, each.symbol) for each in markets]
            wait_for(lambda: all((found := state()) and found.events > ALIVE for state in states), 180, "all quote")
            time.sleep(WARM_S)
            watched, before = psutil.Process(running.pid), [state().events for state in states]
            used, begun = sum(watched.cpu_times()[:2]), time.monotonic()
            time.sleep(seconds)
            share = (sum(watched.cpu_times()[:2]) - used) / (time.monotonic() - begun)
            events = sum(state().events for state in states) - sum(before)
            return share, events / seconds, watched.memory_info().rss / 1e6


def print_symbols(seconds: float) -> None:
    """Print what ten symbols take of a core."""
    share, events, rss = side_by_side(seconds)
    print(
        f"{MARKETS} symbols in one process, {seconds:g} s: {share:.1%} of a core, {events:.0f} events/s, {rss:.0f} MB"
    )


def main() -> None:
    """Print what is asked for; everything when nothing is."""
    parser = argparse.ArgumentParser(prog="python -m bench.live", description=__doc__)
    parser.add_argument("--only", choices=["order", "symbols"], help="one of the two parts")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--shadows", type=int, default=0, help="versions beside the champion, where orders are timed")
    options = parser.parse_args()
    if options.only != "symbols":
        print_tick_to_order(options.seconds, options.shadows)
    if options.only != "order":
        print_symbols(options.seconds)


main()

"""Two recorders, one ingest, one calibration and two notebooks on one lake, and what came of it.

Each is a process as people start it. The venues keep a log of every frame that they published; the lake is compared
with it at the end.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from flows.demo import free_ports
from strategy.live.layout import Layout
from strategy.live.segment import SegmentWriter
from strategy.venues.paper.config import PaperConfig
from strategy.venues.paper.history import write_history
from tests.faults.recording_rig import LoggedVenue, account, logged_venue, recorded

ROOT: Final = Path(__file__).resolve().parents[2]
PAST: Final = ("paper", "SOL/FDUSD")  # what is calibrated on: hours that were recorded before
CONFIG: Final = """
home = "{home}"
prefect_api_url = "http://127.0.0.1:{prefect}/api"

[ports]
paper = {paper}
mlflow = {mlflow}

[capture]
min_free_mb = 1.0
ingest_seconds = {ingest_s}

[venues.desk]
rest_url = "{desk}"
stream_url = "{desk_stream}/stream"
ws_api_url = "{desk_stream}/ws-api/v3"
"""
_PATIENCE_S: Final = 600.0
_FAULTS: Final = ("Traceback", "microvol:", "ingest failed", "ingest problem", "check failed")


@dataclass(frozen=True)
class Run:
    """One process that has ended."""

    name: str
    code: int
    out: str
    err: str

    @property
    def fault(self) -> str | None:
        """Return what a person would have seen go wrong."""
        said = self.err.splitlines()
        lines = [line for line in said if any(mark in line for mark in _FAULTS)]
        if self.code == 0 and not lines:
            return None
        return f"{self.name} ended with {self.code}: {' / '.join(dict.fromkeys([*lines, *said[-1:]]))}"


@dataclass
class Result:
    """What ran, and how the lake compares with the venues' logs."""

    runs: list[Run] = field(default_factory=list)
    markets: dict[str, dict[str, int]] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """Return everything that went wrong, a line each."""
        return [run.fault for run in self.runs if run.fault] + self.lost

    def of(self, name: str) -> list[Run]:
        """Return the runs of one kind."""
        return [run for run in self.runs if run.name == name]


def soak(folder: Path, seconds: float, hours: float, trials: int) -> Result:
    """Run everything for so long on a lake in a new folder, after so many simulated hours of another market."""
    home, result = folder / "home", Result()
    with ExitStack() as venues:
        paper = venues.enter_context(logged_venue(folder, "BTC/FDUSD"))
        desk = venues.enter_context(logged_venue(folder, "ETH/FDUSD", name="desk"))
        env = _environment(folder, home, paper, desk)
        _write_past(home, hours)
        result.runs.append(_run(env, "ingest", "-m", "flows", "ingest"))
        with ThreadPoolExecutor(6) as together:
            until = time.monotonic() + seconds
            began = [together.submit(_record, env, venue, seconds) for venue in (paper, desk)]
            markets = [f"{each.config.name}:{each.config.symbol}" for each in (paper, desk)]
            reading = ("-m", "bench.soak.reader", str(seconds), *markets)
            began += [together.submit(lambda: [_run(env, "reader", *reading)]) for _ in range(2)]
            began.append(together.submit(_over_and_over, env, until, "ingest", ("ingest",)))
            began.append(together.submit(_over_and_over, env, until, "calibrate", _calibration(trials)))
            for each in began:
                result.runs += each.result()
        result.runs.append(_run(env, "ingest", "-m", "flows", "ingest"))
        for venue in (paper, desk):
            _compare(result, home, venue)
    return result


def _environment(folder: Path, home: Path, paper: LoggedVenue, desk: LoggedVenue) -> dict[str, str]:
    """Write the settings that every process reads, and return their environment."""
    url, port = str(desk.config.rest_url), str(paper.config.rest_url).rsplit(":", 1)[1]
    prefect, mlflow = free_ports(2)
    places = {"paper": port, "desk": url, "desk_stream": url.replace("http", "ws"), "ingest_s": 15.0}
    file = folder / "microvol.toml"
    file.write_text(CONFIG.format(home=home, prefect=prefect, mlflow=mlflow, **places))
    own = [name for name in os.environ if name.startswith("MICROVOL_") and name != "MICROVOL_JIT_CACHE"]
    kept = {name: value for name, value in os.environ.items() if name not in own}
    return {**kept, "MICROVOL_CONFIG": str(file)}


def _write_past(home: Path, hours: float) -> None:
    config, end_ns = PaperConfig(symbol=PAST[1], seed=7), time.time_ns()
    with SegmentWriter(Layout(home).segments(*PAST)) as writer:
        write_history(writer.write, config, end_ns - int(hours * 3600e9), end_ns)


def _record(env: dict[str, str], venue: LoggedVenue, seconds: float) -> list[Run]:
    market = ("--venue", venue.config.name, "--symbol", venue.config.symbol)
    return [_run(env, "record", "-m", "flows", "record", "--seconds", f"{seconds:g}", *market)]


def _calibration(trials: int) -> tuple[str, ...]:
    market = ("--venue", PAST[0], "--symbol", PAST[1])
    return ("calibrate", "--trials", str(trials), "--spread", "discrete", *market)


def _over_and_over(env: dict[str, str], until: float, name: str, command: Sequence[str]) -> list[Run]:
    """Run a command until the time is over, at least once."""
    runs = [_run(env, name, "-m", "flows", *command)]
    while time.monotonic() < until:
        runs.append(_run(env, name, "-m", "flows", *command))
    return runs


def _run(env: dict[str, str], name: str, *arguments: str) -> Run:
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
    return Run(name, done.returncode, done.stdout, done.stderr)


def _compare(result: Result, home: Path, venue: LoggedVenue) -> None:
    """Count what was published, recorded and missed; what is not accounted for is a loss."""
    name = f"{venue.config.name} {venue.config.symbol}"
    try:
        counts = account(home, venue)
    except AssertionError as error:
        result.lost.append(f"{name}: lake and venue differ: {error}")
        return
    result.markets[name] = {"frames recorded": len(recorded(home, venue.config)), **counts}
    lost = [what for what in counts if what.endswith(("missed", "holes")) and counts[what]]
    result.lost += [f"{name}: {counts[what]} {what}" for what in lost]

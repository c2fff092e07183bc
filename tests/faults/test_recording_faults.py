"""Whatever happens to connection, venue, catalogue and clock: the lake holds what came and knows what did not."""

import itertools
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from analytics.ingest.ingest import ingest
from analytics.lake.store import Lake, LakeSettings, run_checks
from strategy.live.layout import Layout
from strategy.venues.settings import paper_venue
from tests.conformance.venue_process import Venue
from tests.faults.recording_rig import DEPTH, LoggedVenue, account, kind, logged_venue, recorded, seen, start_capture
from tests.integration.rig import ROOT, wait_for
from tests.unit import market_lines as lines

pytestmark = pytest.mark.slow

HOLDER = """
import sqlite3, sys, time
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("begin immediate")
print("held", flush=True)
time.sleep(3.0)
print(time.time(), flush=True)
held.execute("rollback")
"""

FAULTS = [
    ("skip", {"stream": "depth", "count": 1}),
    ("skip", {"stream": "trade", "count": 2}),
    ("close", {}),
    ("skip", {"stream": "depth", "count": 4}),
    ("abort", {}),
    ("mute", {"stream": "trade", "seconds": 1.0}),
    ("mute", {"stream": "depth", "seconds": 0.5}),
]


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoggedVenue]:
    with logged_venue(tmp_path_factory.mktemp("venue"), "BTC/FDUSD", "--regime", "stressed") as found:
        yield found


def take_in(home: Path) -> None:
    with Lake.open(LakeSettings.under(home / "lake")) as lake:
        assert ingest(lake, Layout(home)).problems == []
        assert run_checks(lake) == []


def more(home: Path, venue: LoggedVenue, frames: int) -> None:
    """Wait until so many more frames have been recorded."""
    have = status.frames if (status := seen(home, venue.config)) else 0
    wait_for(lambda: seen(home, venue.config, have + frames), 60, f"{frames} more frames")


def test_every_fault_of_a_connection_leaves_holes_that_the_lake_knows(venue: LoggedVenue, tmp_path: Path) -> None:
    life = start_capture(tmp_path, venue.config, "--fsync-seconds", "0.2")
    more(tmp_path, venue, 50)
    for number, (what, amounts) in enumerate(FAULTS):
        venue.fault(what, **amounts)
        more(tmp_path, venue, 30)
        if number == len(FAULTS) // 2:
            take_in(tmp_path)
    assert life.end() == 0
    take_in(tmp_path)
    found = account(tmp_path, venue)
    assert found["depth holes"] >= 3, found
    assert found["trade holes"] >= 2, found


@pytest.mark.parametrize("jump_s", [-3600.0, 3600.0])
def test_a_clock_that_is_set_while_recording_loses_nothing(venue: LoggedVenue, tmp_path: Path, jump_s: float) -> None:
    life = start_capture(tmp_path, venue.config, "--silence-seconds", "5", jump_s=jump_s, after_s=2.0)
    more(tmp_path, venue, 30)
    take_in(tmp_path)
    offsets = wait_for(lambda: (found := clocks(tmp_path, venue)) and len(found) >= 2 and found, 30, "a new comparison")
    more(tmp_path, venue, 30)
    assert life.end() == 0
    (by_ms,) = re.findall(r'event="our clock was set" by_ms=(-?\d+)', life.said())
    assert int(by_ms) == pytest.approx(1000 * jump_s, abs=50)
    assert abs(offsets[1] - offsets[0] + jump_s) < 0.1
    take_in(tmp_path)
    found = account(tmp_path, venue)
    assert (found["depth missed"], found["trade missed"]) == (0, 0)
    stamps = sorted(line.local_ns for line in recorded(tmp_path, venue.config) if kind(line.payload) == DEPTH)
    assert max(b - a for a, b in itertools.pairwise(stamps)) > 3500e9


def clocks(home: Path, venue: LoggedVenue) -> list[float]:
    """Return the recorded offsets in s, in the order in which they were estimated."""
    marked = [line for line in recorded(home, venue.config) if line.payload.startswith(b'{"clock"')]
    return sorted((orjson.loads(line.payload)["clock"]["offset_ns"] / 1e9 for line in marked), key=abs)


def start_venue(log: Path, port: int) -> tuple[subprocess.Popen[str], int]:
    command = [sys.executable, "-m", "strategy.venues.paper", "--port", str(port), "--frame-log", str(log)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    return process, int(process.stdout.readline().rsplit(":", 1)[1])


def test_a_venue_that_dies_and_comes_back_is_recorded_on(tmp_path: Path) -> None:
    log = tmp_path / "sent"
    process, port = start_venue(log, 0)
    url = f"http://127.0.0.1:{port}"
    found = LoggedVenue(Venue(url, admin_url=""), paper_venue(url, "BTC/FDUSD"), log)
    life = start_capture(tmp_path, found.config)
    try:
        more(tmp_path, found, 50)
        process.kill()
        process.communicate()
        process, _ = start_venue(log, port)
        more(tmp_path, found, 50)
        assert life.end() == 0
    finally:
        life.end(signal.SIGKILL)
        process.kill()
        process.communicate()
    take_in(tmp_path)
    counted = account(tmp_path, found, restarts=1)
    assert counted["depth holes"] >= 1


def test_a_catalogue_that_another_writer_holds_is_waited_for(tmp_path: Path) -> None:
    settings = LakeSettings.under(tmp_path / "lake")
    lines.write(Layout(tmp_path).segments("paper", "BTC/USDT") / "0001.log", lines.session(updates=50))
    with Lake.open(settings) as lake:
        # another process: SQLite's locks do not keep two of its copies in one process apart
        command = [sys.executable, "-c", HOLDER, str(settings.catalog_file)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"held\n"
            report = ingest(lake, Layout(tmp_path))
            ended = time.time()
            released_at = float(holder.stdout.readline())
        assert ended > released_at
        assert (report.market.depth_updates, report.market.trades) == (51, 50)
        assert run_checks(lake) == []

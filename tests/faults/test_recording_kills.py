"""kill -9 of capture, of ingest and of both at random moments: nothing on disk is lost or doubled, no hole unknown."""

import random
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from analytics.ingest.ingest import ingest
from analytics.lake.store import Lake, LakeSettings, run_checks
from strategy.live.capture_status import CaptureStatus, read_capture_status
from strategy.live.layout import Layout
from strategy.venues.collector import CollectorFile
from tests.faults.recording_rig import (
    Life,
    LoggedVenue,
    account,
    logged_venue,
    seen,
    segment_files,
    start_capture,
    start_ingest,
)
from tests.integration.rig import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

KILLS = 20
KILLED = (-signal.SIGKILL, 255)  # 255: Python's fork server lost the exit code
FSYNC = ("--fsync-seconds", "0.1", "--rotate-seconds", "1.5", "--clock-seconds", "1")


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoggedVenue]:
    with logged_venue(tmp_path_factory.mktemp("venue"), "BTC/FDUSD") as found:
        yield found


def kill_captures(home: Path, venue: LoggedVenue, rng: random.Random) -> None:
    """Live and kill, over and over; every life must leave on disk what it had acknowledged."""
    for number in range(KILLS):
        life = start_capture(home, venue.config, *FSYNC)
        if number % 4 == 0:  # most kills fall where they fall; some must find a recorder at work
            wait_for(lambda life=life: seen(home, venue.config, 20, life.process.pid), 60, "frames")
        time.sleep(rng.uniform(0.0, 0.6))
        assert life.end(signal.SIGKILL) in KILLED, life.said()
        status = read_capture_status(Layout(home), venue.config.name, venue.config.symbol)
        if status is not None and status.acknowledged_name:
            assert_on_disk(home, venue, status)


def assert_on_disk(home: Path, venue: LoggedVenue, status: CaptureStatus) -> None:
    (path,) = [each for each in segment_files(home, venue.config) if each.name.startswith(status.acknowledged_name)]
    file = CollectorFile(path)
    assert max(line.end_offset for line in file) >= status.acknowledged_offset > 0


def kill_ingests(home: Path, rng: random.Random) -> None:
    for _ in range(KILLS):
        life = start_ingest(home)
        time.sleep(rng.uniform(0.05, 0.8))
        assert life.end(signal.SIGKILL) in KILLED, life.said()


def settle(home: Path, venue: LoggedVenue, capture: Life | None = None) -> dict[str, int]:
    """End in order, take in the rest, and compare with what the venue sent."""
    last = capture or start_capture(home, venue.config, *FSYNC)
    wait_for(lambda: seen(home, venue.config, 20, last.process.pid), 60, "frames of the last life")
    assert last.end() == 0
    with Lake.open(LakeSettings.under(home / "lake")) as lake:
        assert ingest(lake, Layout(home)).problems == []
        assert run_checks(lake) == []
    return account(home, venue)


def test_kill_9_at_twenty_random_moments_of_capture_of_ingest_and_of_both(venue: LoggedVenue, tmp_path: Path) -> None:
    homes = {name: tmp_path / name for name in ("capture", "ingest", "both")}
    for home in homes.values():
        home.mkdir()
    steady = start_capture(homes["ingest"], venue.config, *FSYNC)
    wait_for(lambda: seen(homes["ingest"], venue.config, 20), 60, "frames")
    with ThreadPoolExecutor(4) as lanes:
        work = [
            lanes.submit(kill_captures, homes["capture"], venue, random.Random(1)),
            lanes.submit(kill_ingests, homes["ingest"], random.Random(2)),
            lanes.submit(kill_captures, homes["both"], venue, random.Random(3)),
            lanes.submit(kill_ingests, homes["both"], random.Random(4)),
        ]
        for each in work:
            each.result()
    found = {name: settle(home, venue, steady if name == "ingest" else None) for name, home in homes.items()}
    assert found["ingest"]["depth missed"] == found["ingest"]["trade missed"] == 0
    for name in ("capture", "both"):
        assert found[name]["depth holes"] >= 5, found

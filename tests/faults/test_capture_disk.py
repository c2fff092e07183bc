"""A disk that fills up under a recorder: it stops with an alert, and nothing on it is half written."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from strategy.venues.collector import CollectorFile
from tests.faults.recording_rig import LoggedVenue, kind, logged_venue, recorded, seen, segment_files, start_capture
from tests.integration.rig import ROOT, wait_for

pytestmark = pytest.mark.slow

DISK_BYTES = 4_000_000


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoggedVenue]:
    with logged_venue(tmp_path_factory.mktemp("venue"), "BTC/FDUSD") as found:
        yield found


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of four megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "microvol", str(folder)]
    done = subprocess.run(mount, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"no file system may be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(disk: Path, leave: int) -> Path:
    """Take all the room but so many bytes."""
    stat = os.statvfs(disk)
    path = disk / "ballast"
    path.write_bytes(b"x" * (stat.f_bavail * stat.f_frsize - leave))
    return path


def assert_whole(home: Path, venue: LoggedVenue) -> None:
    """Every segment ends with a whole line and every recorded frame is one that the venue published."""
    for path in segment_files(home, venue.config):
        file = CollectorFile(path)
        assert sum(1 for _ in file) > 0
        assert (file.torn_bytes, file.truncated) == (0, None), path
    frames = {line.payload for line in recorded(home, venue.config) if kind(line.payload)}
    assert frames <= {payload for _, payload in venue.published()}


def test_too_little_room_ends_recording_in_order_with_an_alert(venue: LoggedVenue, disk: Path) -> None:
    life = start_capture(disk, venue.config, "--min-free-mb", "1")
    wait_for(lambda: seen(disk, venue.config, 50), 30, "frames")
    fill(disk, 900_000)
    assert life.wait(10) == 3
    said = life.said()
    assert "level=critical event=alert" in said
    assert said.count("\nmicrovol: disk nearly full: 0.") == 1
    assert [path.suffix for path in segment_files(disk, venue.config)] == [".zst"]
    assert_whole(disk, venue)
    status = seen(disk, venue.config)
    assert "capture.min_free_mb is 1" in status.note
    assert status.frames == len(recorded(disk, venue.config))


def test_a_disk_that_is_full_at_once_keeps_every_line_whole_and_recording_goes_on_with_room(
    venue: LoggedVenue, disk: Path
) -> None:
    life = start_capture(disk, venue.config, "--fsync-seconds", "0.1")
    wait_for(lambda: seen(disk, venue.config, 50), 30, "frames")
    ballast = fill(disk, 0)
    assert life.wait(20) == 3
    assert "No space left on device" in life.said() or "is the disk full?" in life.said()
    assert "Traceback" not in life.said()
    (left,) = segment_files(disk, venue.config)
    assert left.suffix == ".log"
    assert list(left.parent.glob(".*.zst.tmp")) == []
    assert_whole(disk, venue)
    before = [line.payload for line in recorded(disk, venue.config)]

    ballast.unlink()
    again = start_capture(disk, venue.config)
    wait_for(lambda: seen(disk, venue.config, 50, again.process.pid), 30, "frames again")
    assert again.end() == 0
    assert {path.suffix for path in segment_files(disk, venue.config)} == {".zst"}
    assert [line.payload for line in recorded(disk, venue.config)][: len(before)] == before
    assert_whole(disk, venue)


def test_a_supervisor_does_not_restart_what_has_no_room(venue: LoggedVenue, tmp_path: Path) -> None:
    options = ["--", "--min-free-mb", "1e12"]
    command = [sys.executable, "-m", "strategy.live.supervisor", "--home", str(tmp_path), *venue.config.arguments()]
    done = subprocess.run([*command, "capture", *options], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.count("child started") == 1
    assert "microvol: disk nearly full" in done.stderr

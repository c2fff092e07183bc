import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import zstandard

from strategy.errors import Failed, NoSpace
from strategy.live.segment import SegmentWriter, time_name
from strategy.venues.collector import CollectorFile

WRITER = """
import sys, time
from pathlib import Path
from strategy.live.segment import SegmentWriter
writer = SegmentWriter(Path(sys.argv[1]), fsync_seconds=0.05, rotate_bytes=4_000_000)
number = 0
while True:
    writer.write(time.time_ns(), b'{"n":%d}' % number)
    number += 1
    if number % 1000 == 0:
        print(writer.acknowledged.name, writer.acknowledged.offset, flush=True)
"""


def lines(folder: Path) -> list[tuple[int, bytes]]:
    files = sorted(path for path in folder.iterdir() if path.name[0] != ".")
    return [(line.local_ns, line.payload) for path in files for line in CollectorFile(path)]


def wait_for(condition, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "condition not met in time"
        time.sleep(0.01)


def test_lines_come_back_as_written_from_the_compressed_file(tmp_path: Path) -> None:
    with SegmentWriter(tmp_path) as writer:
        for number in range(100):
            writer.write(1_000 + number, b'{"n": %d}' % number)
    assert [path.suffix for path in tmp_path.iterdir() if path.name[0] != "."] == [".zst"]
    assert lines(tmp_path) == [(1_000 + number, b'{"n": %d}' % number) for number in range(100)]


def test_a_frame_is_in_the_file_as_soon_as_write_returns(tmp_path: Path) -> None:
    with SegmentWriter(tmp_path, fsync_seconds=60) as writer:
        writer.write(5, b"{}")
        (active,) = tmp_path.glob("*.log")
        assert active.read_bytes() == b"5 {}\n"


def test_a_line_break_inside_a_frame_does_not_break_the_line(tmp_path: Path) -> None:
    with SegmentWriter(tmp_path) as writer:
        writer.write(5, b'{\n"a": 1}')
    assert lines(tmp_path) == [(5, b'{ "a": 1}')]


def test_acknowledged_follows_the_fsync(tmp_path: Path) -> None:
    with SegmentWriter(tmp_path, fsync_seconds=0.02) as writer:
        writer.write(5, b"{}")
        wait_for(lambda: writer.acknowledged.offset == 5)


def test_rotation_by_time_names_each_part_by_its_first_stamp(tmp_path: Path) -> None:
    minute = 60_000_000_000
    with SegmentWriter(tmp_path, rotate_seconds=60) as writer:
        for number in range(6):
            writer.write(number * minute // 2, b"{}")
    names = sorted(path.name for path in tmp_path.iterdir() if path.name[0] != ".")
    assert names == [f"{time_name(number * minute)}.log.zst" for number in range(3)]
    assert len(lines(tmp_path)) == 6


def test_rotation_by_size(tmp_path: Path) -> None:
    with SegmentWriter(tmp_path, rotate_bytes=50) as writer:
        for number in range(1, 21):
            writer.write(number, b'{"x": 12345678}')
    assert len(list(tmp_path.glob("*.zst"))) == 7
    assert len(lines(tmp_path)) == 20


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    with SegmentWriter(tmp_path), pytest.raises(Failed, match="is being written by another process"):
        SegmentWriter(tmp_path)


def test_what_a_dead_writer_left_is_compressed_unchanged(tmp_path: Path) -> None:
    left = b"1 {}\n2 {}\n3 {to"
    (tmp_path / f"{time_name(1)}.log").write_bytes(left)
    with SegmentWriter(tmp_path):
        wait_for(lambda: not list(tmp_path.glob("*.log")))
    (path,) = tmp_path.glob("*.zst")
    file = CollectorFile(path)
    assert [line.local_ns for line in file] == [1, 2]
    assert file.torn_bytes == len(b"3 {to")


def test_a_failed_fsync_stops_the_next_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: int) -> None:
        raise OSError(5, "Input/output error")

    writer = SegmentWriter(tmp_path, fsync_seconds=0.01)
    writer.write(1, b"{}")
    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(Failed, match="are not safe"):
        wait_for(lambda: writer.write(2, b"{}"))
    monkeypatch.undo()
    with pytest.raises(Failed, match="Input/output error"):
        writer.close()


def test_kill_9_loses_no_acknowledged_line(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    marks: list[list[str]] = []
    while len(marks) < 60 or len(marks[-1]) < 2:  # a mark has no name before the first fsync
        marks.append(next(process.stdout).split())
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    name, offset = next((found[0], int(found[1])) for found in reversed(marks) if len(found) == 2)
    numbers = [int(payload[5:-1]) for _, payload in lines(tmp_path)]
    assert numbers == list(range(len(numbers)))
    path = tmp_path / name
    found = path if path.exists() else path.with_name(f"{name}.zst")
    file = CollectorFile(found)
    ends = [line.end_offset for line in file]
    assert ends[-1] >= offset > 0
    assert ends[-1] + file.torn_bytes == found.stat().st_size or found.suffix == ".zst"


def test_a_clock_set_back_begins_a_new_segment(tmp_path: Path) -> None:
    hour = 3_600 * 10**9
    with SegmentWriter(tmp_path, rotate_seconds=900) as writer:
        for stamp in (2 * hour, 2 * hour + 1, hour, hour + 1):
            writer.write(stamp, b"{}")
    names = sorted(path.name for path in tmp_path.iterdir() if path.name[0] != ".")
    assert names == [f"{time_name(stamp)}.log.zst" for stamp in (hour, 2 * hour)]


def test_a_compressed_copy_says_how_long_its_stream_is(tmp_path: Path) -> None:
    with SegmentWriter(tmp_path) as writer:
        writer.write(5, b"{}")
    (path,) = tmp_path.glob("*.zst")
    assert zstandard.frame_content_size(path.read_bytes()) == len(b"5 {}\n")


def test_no_room_to_compress_leaves_the_whole_plain_file_and_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with SegmentWriter(tmp_path) as writer:
        writer.write(5, b"{}")
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir() if path.name != ".lock"] == [f"{time_name(5)}.log"]
    assert lines(tmp_path) == [(5, b"{}")]


def test_a_full_disk_is_told_from_other_faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int, __: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with SegmentWriter(tmp_path, fsync_seconds=60) as writer:
        writer.write(5, b"{}")
        monkeypatch.setattr(os, "write", full)
        with pytest.raises(NoSpace, match="No space left on device"):
            writer.write(6, b"{}")
        monkeypatch.undo()
    assert lines(tmp_path) == [(5, b"{}")]

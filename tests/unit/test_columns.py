"""Folders of columns: whole or absent, whatever happened to them."""

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from analytics.tape import columns as kept_columns
from analytics.tape.columns import keep, kept, make_room, open_columns

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = {
    "ticks": np.arange(10_000, dtype=np.int64),
    "side": np.resize(np.array([1, -1], np.int8), 999),
    "none": np.zeros(0),
}
INFO = {"fingerprint": "abc", "start_ns": 2**62}

BUILD = """
import sys
import numpy as np
from pathlib import Path
from analytics.tape.columns import kept, open_columns
folder, turns = Path(sys.argv[1]), int(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
for turn in range(turns):
    place = folder / str(turn)
    found = open_columns(place) or kept(place, {"ticks": np.arange(300_000)}, {"turn": turn})
    assert found[1] == {"turn": turn}
    assert int(found[0]["ticks"].sum()) == 300_000 * 299_999 // 2
"""
FILL_DISK = """
import resource, sys
import numpy as np
from pathlib import Path
from analytics.tape.columns import kept
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
found = kept(Path(sys.argv[1]) / "full", {"ticks": np.arange(100_000)}, {"turn": 1})
assert found[1] == {"turn": 1} and len(found[0]["ticks"]) == 100_000
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "cache" / "tape"
    keep(folder, COLUMNS, INFO)
    kept_columns._check_contents.cache_clear()  # as a process that has not looked at it yet
    return folder


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=ROOT, text=True, **pipes)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_was_kept_comes_back_mapped_and_writable_without_touching_the_file(folder: Path) -> None:
    for _ in range(2):
        found = open_columns(folder)
        assert found is not None
        columns, info = found
        assert info == INFO
        assert {name: column.dtype for name, column in columns.items()} == {n: c.dtype for n, c in COLUMNS.items()}
        assert all(np.array_equal(columns[name], column) for name, column in COLUMNS.items())
        assert type(columns["ticks"]) is np.ndarray
        columns["ticks"][0] = 99


def test_a_folder_that_is_not_there_is_absent_and_nothing_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert open_columns(tmp_path / "none") is None
    assert caplog.messages == []


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 8)


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 16
    path.write_bytes(data)


def swap_pages(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:4096] + data[8192:12288] + data[4096:8192] + data[12288:])


def blank_tail(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:-64] + bytes(64))


@pytest.mark.parametrize(
    ("damage", "file", "said"),
    [
        (cut, "ticks.npy", "ticks.npy has 80120 bytes, 80128 were written"),
        (lengthen, "side.npy", "side.npy has 1128 bytes, 1127 were written"),
        (flip, "ticks.npy", "ticks.npy is not what was written"),
        (swap_pages, "ticks.npy", "ticks.npy is not what was written"),
        (blank_tail, "ticks.npy", "ticks.npy is not what was written"),
        (flip, "side.npy", "side.npy is not what was written"),
        (Path.unlink, "none.npy", "a file is missing"),
        (Path.unlink, "info.json", "a file is missing"),
        (cut, "info.json", "info.json is not whole"),
        (lambda path: path.write_bytes(b""), "info.json", "info.json is not whole"),
        (lambda path: path.write_bytes(path.read_bytes().replace(b"abc", b"abd")), "info.json", "not what was written"),
    ],
)
def test_a_broken_folder_is_named_in_one_line_removed_and_built_anew(
    folder: Path, caplog: pytest.LogCaptureFixture, damage, file: str, said: str
) -> None:
    damage(folder / file)
    with caplog.at_level(logging.WARNING, logger="microvol.cache"):
        assert open_columns(folder) is None
    assert len(caplog.messages) == 1
    assert str(folder) in caplog.messages[0]
    assert said in caplog.messages[0]
    assert names(folder.parent) == []
    columns, _ = kept(folder, COLUMNS, INFO)
    assert np.array_equal(columns["ticks"], COLUMNS["ticks"])


def test_a_file_cut_after_its_contents_were_checked_is_still_noticed(folder: Path) -> None:
    assert open_columns(folder) is not None
    cut(folder / "ticks.npy")
    assert open_columns(folder) is None


def test_a_writer_killed_half_way_leaves_nothing_that_counts(tmp_path: Path) -> None:
    child = start(BUILD, tmp_path, 10_000)
    assert child.stdout is not None
    assert child.stdin is not None
    assert child.stdout.readline() == "ready\n"
    child.stdin.write("go\n")
    child.stdin.flush()
    deadline = time.monotonic() + 60
    while not (tmp_path / "3").is_dir():
        assert time.monotonic() < deadline
    child.send_signal(signal.SIGKILL)
    child.communicate()
    whole = [path for path in tmp_path.iterdir() if not path.name.startswith(".")]
    assert len(whole) >= 4
    assert all(open_columns(path) is not None for path in whole)


def test_two_processes_that_build_at_once_both_end_with_whole_folders(tmp_path: Path) -> None:
    both = [start(BUILD, tmp_path, 40) for _ in range(2)]
    for child in both:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in both:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    assert [child.communicate(timeout=60)[1] for child in both] == ["", ""]
    assert [child.returncode for child in both] == [0, 0]
    assert names(tmp_path) == sorted(str(turn) for turn in range(40))


def test_a_full_disk_leaves_no_half_folder_says_so_in_one_line_and_the_work_goes_on(tmp_path: Path) -> None:
    child = start(FILL_DISK, tmp_path)
    _, said = child.communicate(timeout=60)
    assert child.returncode == 0, said
    assert said.count("\n") == 1
    assert f"{tmp_path / 'full'} cannot be kept, it takes 800,000 bytes: " in said
    assert names(tmp_path) == []


def test_the_folders_unused_for_longest_go_first_when_room_runs_out(tmp_path: Path) -> None:
    for age, name in enumerate(("new", "middle", "old")):
        keep(tmp_path / name, COLUMNS, INFO)
        os.utime(tmp_path / name / "info.json", (1e9 - age, 1e9 - age))
    size = sum(path.stat().st_size for path in (tmp_path / "old").iterdir())
    make_room(tmp_path, 3 * size, tmp_path / "old")
    assert names(tmp_path) == ["middle", "new", "old"]
    make_room(tmp_path, 3 * size - 1, tmp_path / "old")
    assert names(tmp_path) == ["new", "old"]
    make_room(tmp_path, 0, tmp_path / "old")
    assert names(tmp_path) == ["old"]


def test_opening_a_folder_keeps_it_from_going_first(tmp_path: Path) -> None:
    for age, name in enumerate(("first", "second")):
        keep(tmp_path / name, COLUMNS, INFO)
        os.utime(tmp_path / name / "info.json", (1e9 + age, 1e9 + age))
    assert open_columns(tmp_path / "first") is not None
    keep(tmp_path / "third", COLUMNS, INFO)
    size = sum(path.stat().st_size for path in (tmp_path / "first").iterdir())
    make_room(tmp_path, 2 * size, tmp_path / "third")
    assert names(tmp_path) == ["first", "third"]


def test_a_removed_folder_stays_readable_for_who_has_it_open(folder: Path) -> None:
    found = open_columns(folder)
    make_room(folder.parent, 0, folder.parent / "another")
    assert names(folder.parent) == []
    assert found is not None
    assert np.array_equal(found[0]["ticks"], COLUMNS["ticks"])


def test_a_draft_without_a_writer_goes_and_a_young_one_stays(tmp_path: Path) -> None:
    for name, age_s in ((".draft-dead", 7_200), (".draft-alive", 10)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - age_s,) * 2)
    make_room(tmp_path, 10**9, tmp_path / "any")
    assert names(tmp_path) == [".draft-alive"]

"""Pid records: only the process we started is ever ended."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows import processes
from strategy.errors import Failed
from strategy.policies.document import write_atomically

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
    "print('ready', flush=True); time.sleep(60)",
]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    for name in processes.records(tmp_path):
        processes.stop(tmp_path, name, grace_s=0.1)


def test_a_started_process_is_remembered_and_stopped_once(home: Path) -> None:
    record = processes.start(home, "one", SLEEP, {})
    assert processes.running(home, "one") == record
    assert processes.stop(home, "one") is True
    assert processes.stop(home, "one") is False
    assert processes.running(home, "one") is None


def test_a_reused_pid_is_not_ours_and_lives_on(home: Path) -> None:
    with subprocess.Popen(SLEEP) as other:
        folder = processes.run_folder(home)
        write_atomically(folder / "old.json", b'{"pid": %d, "created": 1.0}' % other.pid)
        assert processes.running(home, "old") is None
        assert processes.stop(home, "old") is False
        assert other.poll() is None
        other.kill()


def test_one_that_ignores_sigterm_is_killed_with_its_children(home: Path) -> None:
    record = processes.start(home, "stubborn", STUBBORN, {})
    log = processes.run_folder(home) / "stubborn.log"
    process = record.process()
    assert process is not None
    while not log.read_text():
        assert process.is_running()
    children = process.children()
    assert processes.stop(home, "stubborn", grace_s=0.2) is True
    assert [child for child in children if child.is_running() and child.status() != "zombie"] == []


def test_a_held_name_refuses_a_second_holder_and_frees_itself(home: Path) -> None:
    with processes.held(home, "quote-paper", "quoting"):
        assert processes.records(home)["quote-paper"].pid == os.getpid()
        with (
            pytest.raises(Failed, match=rf"quoting already runs \(pid {os.getpid()}\)"),
            processes.held(home, "quote-paper", "quoting"),
        ):
            pass
    with processes.held(home, "quote-paper", "quoting"):
        pass
    assert "quote-paper" not in processes.records(home)

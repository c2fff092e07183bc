"""The demo, shortened: it goes all the way around, and it leaves no process behind however it ends."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from flows import demo, demo_market
from strategy.errors import BadInput
from strategy.kernel.sources import POLICY_PATH

pytestmark = pytest.mark.timeout(600)
SHORT = ["--hours", "0.3", "--record-seconds", "10", "--quote-seconds", "15", "--trials", "6"]


def command(home: Path) -> list[str]:
    return [sys.executable, "-m", "flows", "demo", "--home", str(home), *SHORT]


def left_behind(home: Path) -> list[str]:
    """Return the command lines of living processes that name the home, in arguments or environment."""
    found = []
    for process in psutil.process_iter():
        try:
            words = [*process.cmdline(), *process.environ().values()]
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        if process.pid != os.getpid() and any(str(home) in word for word in words):
            found.append(" ".join(process.cmdline()))
    return found


def artifacts(home: Path) -> list[str]:
    """Return the keys of what flow runs showed on their pages."""
    with closing(sqlite3.connect(f"file:{home}/prefect/prefect.db?mode=ro", uri=True)) as server:
        return [key for (key,) in server.execute("select key from artifact where type = 'markdown'")]


@pytest.mark.slow
def test_the_whole_loop_exits_0_and_leaves_nothing_running(tmp_path: Path) -> None:
    home = tmp_path / "demo"
    done = subprocess.run(command(home), capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert "promotion while quoting" in done.stdout
    assert list((home / "report").rglob("*.html"))
    assert "report-paper-btc-fdusd" in artifacts(home)
    assert left_behind(home) == []


@pytest.mark.slow
def test_an_interrupted_demo_cleans_up_and_exits_1(tmp_path: Path) -> None:
    home = tmp_path / "demo"
    with subprocess.Popen(command(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        deadline = time.monotonic() + 60
        while not (home / "run" / "prefect.json").exists():
            assert time.monotonic() < deadline
            assert child.poll() is None
            time.sleep(0.1)
        child.send_signal(signal.SIGTERM)
        _, errors = child.communicate(timeout=120)
    assert child.returncode == 1
    assert "microvol: the demo was interrupted" in errors
    assert left_behind(home) == []


def test_a_folder_that_is_no_demo_is_not_wiped(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(BadInput, match="not wiped"):
        demo.prepare(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_a_demo_takes_its_own_settings_and_the_policies_of_whoever_starts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "microvol.toml"
    file.write_text('symbol = "ETH/FDUSD"\n')
    monkeypatch.setenv("MICROVOL_SYMBOL", "SOL/FDUSD")
    monkeypatch.setenv(POLICY_PATH, str(tmp_path))
    assert demo_market.own_settings(file).symbol == "ETH/FDUSD"
    assert os.environ[POLICY_PATH] == str(tmp_path)

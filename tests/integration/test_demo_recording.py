"""The commands on a real recording: import, replay, calibrate, Ctrl-C, resume, promote, roll back."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

RECORDING = Path(__file__).resolve().parents[3] / "shared" / "data" / "binance-spot-20240808"
PLACE = ["--venue", "binance", "--symbol", "BTC/USDT"]
ALL_THE_SAME = ("--override", "a short recording", *PLACE)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not RECORDING.is_dir(), reason=f"no recording at {RECORDING}"),
]


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    ports = {f"MICROVOL_PORTS__{name}": "9" for name in ("PREFECT", "MLFLOW")}
    home = str(tmp_path_factory.mktemp("home"))
    # Dozens of replays of a recording take hours without the compiler.
    own = {"MICROVOL_HOME": home, "MICROVOL_PREFECT_API_URL": "http://127.0.0.1:9/api", "NUMBA_DISABLE_JIT": "0"}
    return {**os.environ, **ports, **own}


def microvol(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flows", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=280, check=False)


@pytest.fixture(scope="module")
def imported(env: dict[str, str]) -> dict[str, str]:
    done = microvol(env, "import", *map(str, sorted(RECORDING.glob("btcusdt_*.gz"))), *PLACE)
    assert done.returncode == 0, done.stderr
    assert re.search(r"added │ +6495 │ +19904 │ +73174 ", done.stdout), done.stdout
    return env


def test_a_second_import_adds_nothing(imported: dict[str, str]) -> None:
    done = microvol(imported, "import", *map(str, sorted(RECORDING.glob("btcusdt_*.gz"))), *PLACE)
    assert done.returncode == 0
    assert re.search(r"added │ +0 │ +0 │ +0 ", done.stdout), done.stdout


def test_one_replay_takes_less_than_half_a_second(imported: dict[str, str]) -> None:
    done = microvol(imported, "replay", *PLACE)
    assert done.returncode == 0, done.stderr
    took = re.search(r"defaults on binance BTC/USDT, ([0-9.]+) s", done.stdout)
    assert took is not None, done.stdout
    assert float(took[1]) < 0.5


def test_a_calibration_survives_ctrl_c_and_ends_in_a_version(imported: dict[str, str]) -> None:
    command = [sys.executable, "-m", "flows", "calibrate", "--trials", "50", *PLACE]
    with subprocess.Popen(command, env=imported, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        journals = Path(imported["MICROVOL_HOME"]) / "study"
        deadline = time.monotonic() + 120
        while sum(path.read_text().count('"values":[') for path in journals.glob("*.journal")) < 3:
            assert child.poll() is None, child.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.05)
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate(timeout=60)
    assert child.returncode == 1
    kept = re.search(r"microvol: interrupted: (\d+) of 50 trials are kept; go on with microvol (calibrate .*)", errors)
    assert kept is not None, errors
    assert int(kept[1]) >= 1
    done = microvol(imported, *kept[2].split(), *PLACE)
    assert done.returncode == 0, done.stderr
    assert re.search(r"trials +│ +50", done.stdout), done.stdout
    shown = microvol(imported, "versions", *PLACE)
    assert "challenger" in shown.stdout


def test_promotion_and_rollback_without_a_quoting_process(imported: dict[str, str]) -> None:
    held = len(re.findall(r"^│ +\d+ │", microvol(imported, "versions", *PLACE).stdout, re.MULTILINE))
    for seed in ("7", "8")[held:]:
        assert microvol(imported, "calibrate", "--trials", "5", "--seed", seed, *PLACE).returncode == 0
    first = microvol(imported, "promote", "--version", "1", "--reason", "first", *ALL_THE_SAME)
    assert "promote: version none -> 1" in first.stdout, first.stderr
    assert "version 1 -> 2" in microvol(imported, "promote", "--version", "2", "--reason", "next", *ALL_THE_SAME).stdout
    assert "version 2 -> 1" in microvol(imported, "rollback", "--reason", "back", *PLACE).stdout
    again = microvol(imported, "promote", "--version", "1", "--reason", "again", *ALL_THE_SAME)
    assert again.returncode == 0
    assert "already champion" in again.stdout
    unknown = microvol(imported, "promote", "--version", "99", "--reason", "no", *PLACE)
    assert unknown.returncode == 2
    assert "microvol: binance BTC/USDT has no version 99\n" in unknown.stderr

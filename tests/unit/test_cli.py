"""The command line without servers: exit codes, one-line errors, nothing heavy for `--help`."""

import subprocess
import sys
from pathlib import Path

import pytest

from flows.cli import run


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MICROVOL_HOME", str(tmp_path))
    monkeypatch.setenv("MICROVOL_CONFIG", "")
    for name in ("PREFECT", "MLFLOW", "PAPER"):
        monkeypatch.setenv(f"MICROVOL_PORTS__{name}", "9")  # discard: nobody answers there
    return tmp_path


def test_help_imports_neither_prefect_nor_any_heavy_room() -> None:
    heavy = ["prefect", "mlflow", "duckdb", "optuna", "numba", "polars", "ccxt", "matplotlib"]
    code = (
        "import sys\nfrom flows.cli import run\ncode = run(['--help'])\n"
        f"assert code == 0 and not set(sys.modules) & set({heavy!r}), set(sys.modules) & set({heavy!r})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "calibrate" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["status", "--venue", "nowhere"], "venue 'nowhere' is unknown"),
        (["status", "--symbol", "btcusdt"], "symbol was 'btcusdt'"),
        (["replay", "--params", "/does/not/exist.json"], "/does/not/exist.json does not exist"),
        (["replay", "--start", "yesterday"], "--start was 'yesterday'"),
        (["report", "--day", "2026-02-31"], "--day was '2026-02-31'"),
        (["parity"], "nothing has been quoted yet"),
        (["import", "/does/not/exist.gz"], "/does/not/exist.gz is not a file"),
        (["doctor", "--symbol", "x"], "symbol was 'x'"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("microvol: ")]
    assert len(lines) == 1
    assert said in lines[0]


@pytest.mark.parametrize("arguments", [["unknown"], ["promote"], ["calibrate", "--trials", "many"], []])
def test_bad_usage_exits_2(arguments: list[str]) -> None:
    assert run(arguments) == 2


def test_a_wrong_setting_is_one_line_and_exit_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MICROVOL_CALIBRATE__TRIALS", "0")
    assert run(["status"]) == 2
    assert capsys.readouterr().err == (
        "microvol: settings: calibrate.trials was '0': input should be greater than or equal to 1\n"
    )


def test_output_in_a_pipe_has_no_colour_and_no_cut_words(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status"]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "http://127.0.0.1:9/api" in shown

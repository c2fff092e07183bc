"""The command line without servers: exit codes, one-line errors, nothing heavy for `--help`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.cli import run
from flows.parameters import read_parameters
from flows.status_quoting import Line
from strategy.kernel.sources import POLICY_PATH
from strategy.policies.registry import KINDS, policies


@pytest.fixture(autouse=True)
def home(command_home: Path) -> Path:
    return command_home


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
        (["replay", "--from", "yesterday"], "--from was 'yesterday'"),
        (["replay", "--start", "2026-13-01"], "--from was '2026-13-01'"),
        (["replay", "--from", "2026-02-01", "--to", "2026-02-01T00:00"], "--from was 2026-02-01, it must be before"),
        (["replay", "--params", "7"], "paper BTC/FDUSD has no version 7"),
        (["replay", "--params", "challenger"], "paper BTC/FDUSD has no challenger: none is set"),
        (["replay", "--params", "micro_vol", "--version", "3"], "--version was 3 and --params micro_vol: one of them"),
        (["replay", "--params", "micro_vol", "--out", __file__], "which is a file: name a folder"),
        (["report", "--day", "2026-02-31"], "--day was '2026-02-31'"),
        (["parity"], "nothing has been quoted yet"),
        (["import", "/does/not/exist.gz"], "/does/not/exist.gz is not a file"),
        (["doctor", "--symbol", "x"], "symbol was 'x'"),
        (["policies", "glfd"], "policy 'glfd' is unknown, known are "),
        (["policies", "--kind", "spread"], "--kind was 'spread', kinds are volatility, spreads, inventory, signals"),
        (["--policy-path", "/does/not/exist", "policies"], "--policy-path was /does/not/exist, which does not exist"),
        (["parameters", "micro"], "parameter file micro does not exist, and the presets are micro_vol, volatility_pmm"),
        (
            ["parameters", "micro_vol", "--set", "quoting.cooldown_time=-1"],
            "quoting.cooldown_time was -1: input should",
        ),
        (["replay", "--params", "micro_vol", "--set", "spread.k=1"], "spread.k was 1: it is unknown"),
        (["replay", "--set", "cooldown"], "'cooldown' sets nothing: write group.field=value"),
        (["calibrate", "--base", "micro"], "parameter file micro does not exist"),
        (["calibrate", "--base", "micro_vol", "--spread", "cubic"], "spreads policy 'cubic' is unknown"),
        (
            ["calibrate", "--base", "micro_vol", "--spread", "glft"],
            "glft needs volatility.vol_sampling_interval over 0",
        ),
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


@pytest.mark.slow
def test_a_status_imports_neither_the_registry_nor_the_compiler_and_makes_nothing(home: Path) -> None:
    code = "import sys; from flows.cli import run; run(['status']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    loaded = done.stdout.splitlines()[-1].split()
    assert {"mlflow", "prefect", "optuna", "matplotlib", "numba", "ccxt"}.isdisjoint(loaded)
    assert "champion" in done.stdout
    assert not (home / "mlflow").exists()


def test_a_watch_without_a_terminal_is_one_plain_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("flows.status.status", lambda settings: [Line("quoting", "down", settings.symbol)])
    assert run(["status", "--watch"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert rows.count(["│", "quoting", "│", "down", "│", "BTC/FDUSD", "│"]) == 1


def test_every_policy_is_listed_and_shows_its_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    names = {name for kind in KINDS for name in policies(kind)}
    assert run(["policies"]) == 0
    assert names <= set(capsys.readouterr().out.split())
    assert run(["policies", "balanced"]) == 0
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("max_skew", "0.3", "> 0, <= 1", "volatility_pmm", "0 to 0.5"))


def test_kind_narrows_the_list_and_sections_are_shown_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["policies", "--kind", "signals"]) == 0
    shown = capsys.readouterr().out
    assert "trend" in shown
    assert "rolling_std" not in shown
    assert run(["policies", "quoting"]) == 0
    assert "behind or drop" in capsys.readouterr().out


def test_parameters_prints_what_replay_and_calibrate_take(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["parameters", "volatility_pmm", "--set", "quoting.cooldown_time=2"]) == 0
    printed = capsys.readouterr().out
    file = tmp_path / "mine.json"
    assert run(["parameters", "volatility_pmm", "--set", "quoting.cooldown_time=2", "--out", str(file)]) == 0
    assert file.read_text() == printed
    assert run(["parameters", str(file)]) == 0
    assert capsys.readouterr().out == printed
    assert read_parameters(str(file)).quoting.cooldown_time == 2.0


def test_presets_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["presets"]) == 0
    shown = capsys.readouterr().out
    assert "micro_vol" in shown
    assert "volatility_pmm" in shown


def test_the_policy_path_reaches_this_process_and_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(POLICY_PATH, "")
    other = tmp_path / "other"
    other.mkdir()
    assert run(["--policy-path", str(tmp_path), "--policy-path", str(other), "presets"]) == 0
    assert os.environ[POLICY_PATH].split(os.pathsep) == [str(tmp_path), str(other)]


def test_a_policy_of_yours_is_shown_like_any_other() -> None:
    folder = Path(__file__).resolve().parents[1] / "plugin" / "files"
    command = [sys.executable, "-m", "flows", "--policy-path", str(folder), "policies", "constant"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "width_bps" in done.stdout


def test_a_plan_of_an_older_build_cannot_go_on(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = home / "study" / "old.json"
    plan.parent.mkdir()
    plan.write_text('{"venue": "paper", "symbol": "BTC/FDUSD", "spread": "linear"}')
    assert run(["calibrate", "--resume", "old"]) == 2
    assert "study old cannot go on: old.json says start_ns is missing" in capsys.readouterr().err

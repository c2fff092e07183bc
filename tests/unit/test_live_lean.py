import subprocess
import sys

import pytest

HEAVY = ("prefect", "mlflow", "duckdb", "optuna", "matplotlib", "polars", "pyarrow", "sqlalchemy")


@pytest.mark.parametrize("module", ["quote", "supervisor"])
def test_a_live_process_imports_nothing_heavy(module: str) -> None:
    code = f"import sys, strategy.live.{module}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


def test_bad_input_is_one_line_and_exit_2(tmp_path) -> None:
    command = [sys.executable, "-m", "strategy.live.quote", "--home", str(tmp_path), "--venue", "paper"]
    broken = subprocess.run([*command, "--symbol", "nonsense"], capture_output=True, text=True, check=False)
    assert broken.returncode == 2
    assert broken.stderr.startswith("microvol: venue: symbol was 'nonsense'")
    assert broken.stderr.count("\n") == 1

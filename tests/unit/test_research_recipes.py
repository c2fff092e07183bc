"""Every block of docs/research.md runs, in its order, on a small lake, and finds something."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from analytics.ingest.importer import import_files
from analytics.lake.store import Lake, LakeSettings
from analytics.research import Research
from flows.cli import run
from tests.unit import market_lines as lines
from tests.unit.recipe_runner import BLOCK
from tests.unit.research_samples import SYMBOL, VENUE, recording

pytestmark = pytest.mark.slow

PAGE = Path(__file__).resolve().parents[2] / "docs" / "research.md"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MICROVOL_HOME", str(tmp_path))
    monkeypatch.setenv("MICROVOL_CONFIG", "")
    with Lake.open(LakeSettings.under(tmp_path / "lake")) as lake:
        import_files(lake, [lines.write(tmp_path / "raw.log", recording(2).lines)], VENUE, SYMBOL)
    return tmp_path


@pytest.mark.slow
def test_every_block_runs_and_finds_something(home: Path) -> None:
    assert {kind for kind, _ in BLOCK.findall(PAGE.read_text())} == {"python", "sh"}
    # a process of its own, because it does without the compiler: the replay in it would compile for a minute
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(PAGE.parents[1])}
    command = [sys.executable, "-W", "error", "-m", "tests.unit.recipe_runner", str(PAGE)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stderr.splitlines()[-1])
    assert len(found) > 15
    assert [name for name, rows in found.items() if rows == 0] == []
    assert VENUE in done.stdout


def test_the_page_lists_every_call_and_the_columns_that_it_returns(home: Path) -> None:
    rows = dict(re.findall(r"^\| `(\w+)\([^`]*` \| (.*) \|$", PAGE.read_text(), re.MULTILINE))
    calls = {name for name in vars(Research) if not name.startswith("_")} - {"close"}
    assert set(rows) == calls
    with Research() as r:
        for name in calls - {"tape", "parameters"}:
            given = [] if name == "coverage" else [VENUE, SYMBOL]
            given += ["2023-11-14T22:13:27"] if name == "book_at" else []
            for column in getattr(r, name)(*given).columns[:5]:
                assert f"`{column}`" in rows[name], (name, column)


def test_the_page_lists_every_file_and_column_of_an_export(home: Path) -> None:
    text = PAGE.read_text()
    assert run(["export", "--to", "parquet", "--venue", VENUE, "--symbol", SYMBOL, "--out", "day"]) == 0
    for file in Path("day").glob("*.parquet"):
        row = next(line for line in text.splitlines() if line.startswith(f"| `{file.name}`"))
        columns = pl.read_parquet_schema(file)
        shared = {f"{side}_{what}" for side in ("bid", "ask") for what in ("prices", "quantities")}
        for column in columns.keys() - (shared if "the same four lists" in row else set()):
            assert f"`{column}`" in row, (file.name, column)

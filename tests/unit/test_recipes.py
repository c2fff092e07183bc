"""Every block of docs/recipes.md runs, in its order, on minutes of a simulated market, and finds something."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from analytics.ingest.importer import import_files
from analytics.lake.store import Lake, LakeSettings
from strategy.venues.paper.config import PaperConfig
from strategy.venues.paper.history import write_history

pytestmark = pytest.mark.slow

PAGE = Path(__file__).resolve().parents[2] / "docs" / "recipes.md"
START_NS = 1_700_000_000_000_000_000
LENGTH_NS = 120_000_000_000


@pytest.fixture
def home(tmp_path: Path) -> Path:
    with (tmp_path / "raw.log").open("wb") as file:
        config = PaperConfig(seed=4, regime="busy")
        write_history(lambda at, line: file.write(b"%d %b\n" % (at, line)), config, START_NS, START_NS + LENGTH_NS)
    with Lake.open(LakeSettings.under(tmp_path / "lake")) as lake:
        import_files(lake, [tmp_path / "raw.log"], "paper", config.symbol)
    return tmp_path


def test_every_block_runs_and_finds_something(home: Path) -> None:
    own = {"MICROVOL_HOME": str(home), "MICROVOL_CONFIG": "", "PYTHONPATH": str(PAGE.parents[1])}
    # a process of its own, because it does without the compiler, which would take longer than all of it
    environment = os.environ | own | {"NUMBA_DISABLE_JIT": "1", "MPLBACKEND": "agg"}
    command = [sys.executable, "-W", "error", "-m", "tests.unit.recipe_runner", str(PAGE)]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stderr.splitlines()[-1])
    assert rows.keys() >= {"compared", "trials", "fold_scores", "spread", "quotes", "fills"}
    assert all(rows.values())
    assert (home / "quotes.png").read_bytes().startswith(b"\x89PNG")

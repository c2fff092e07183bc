"""Care as people meet it: the command with a real registry, and beside an ingest."""

import datetime as dt
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from analytics.care.upkeep import CareSettings, care
from analytics.ingest.ingest import ingest
from analytics.lake.store import Lake, LakeSettings, run_checks
from flows.cli import run
from strategy.live.layout import Layout
from tests.unit import market_lines as lines

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROOT = Path(__file__).resolve().parents[2]
INGEST = """
import sys
from pathlib import Path
import analytics.ingest.market_rows
import analytics.ingest.intake as intake
from analytics.ingest.ingest import ingest
from analytics.lake.store import Lake, LakeSettings
from strategy.live.layout import Layout
intake.FLUSH_WEIGHT = 200
home = Path(sys.argv[1])
with Lake.open(LakeSettings.under(home / "lake")) as lake:
    ingest(lake, Layout(home))
"""
CARE = """
import datetime as dt, sys
from pathlib import Path
from analytics.care.upkeep import CareSettings, care
from analytics.lake.store import Lake, LakeSettings
with Lake.open(LakeSettings.under(Path(sys.argv[1]) / "lake")) as lake:
    print("ready", flush=True)
    while True:
        care(lake, CareSettings(1, 1), {int(sys.argv[2])}, dt.datetime.now(dt.UTC) + dt.timedelta(days=4))
        print("cared", flush=True)
"""

DAY = dt.datetime.fromtimestamp(lines.START_NS / 1e9, dt.UTC).date()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MICROVOL_HOME", str(tmp_path))
    monkeypatch.setenv("MICROVOL_CONFIG", "")
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    for name in ("PREFECT", "MLFLOW", "PAPER"):
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            monkeypatch.setenv(f"MICROVOL_PORTS__{name}", str(one.getsockname()[1]))
    return tmp_path


def cells(shown: str) -> dict[str, list[str]]:
    """Return the first row of each name in printed tables, without the name."""
    rows: dict[str, list[str]] = {}
    for line in shown.splitlines():
        name, *rest = [cell.strip() for cell in line.split("│")[1:-1]] or [""]
        rows.setdefault(name, rest)
    return rows


def test_care_prints_what_it_did_and_a_dry_run_what_it_would(home, monkeypatch, capsys):
    for number in range(2):
        second = 60.0 * number
        lines.write(
            Layout(home).segments("paper", "BTC/USDT") / f"{number:04}.log",
            lines.session(second, 20, 100 + 100 * number, 1 + 30 * number),
        )
        assert run(["ingest"]) == 0
    monkeypatch.setenv("MICROVOL_LAKE__KEEP_DAYS__TRADE", "30")
    capsys.readouterr()
    assert run(["care", "--dry-run"]) == 0
    foretold = capsys.readouterr().out
    assert run(["care"]) == 0
    done = capsys.readouterr().out
    for shown in (foretold, done):
        assert cells(shown)["rows_dropped"] == ["40"]
        assert cells(shown)["trade"][:3] == ["2", "1" if shown is foretold else "0", cells(done)["trade"][2]]
        assert str(DAY) in shown
    assert cells(done)["depth_update"][:2] == ["2", "1"]
    with Lake.open(LakeSettings.under(home / "lake"), read_only=True) as lake:
        assert lake.query("queries/coverage").row(0, named=True)["trades"] == 0


def test_care_of_no_lake_in_a_dry_run_says_so(capsys):
    assert run(["care", "--dry-run"]) == 1
    assert "microvol: there is no lake at" in capsys.readouterr().err


@contextmanager
def started(script: Path, code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Run code as a script of its own: DuckDB draws progress over the output of a `python -c`."""
    script.write_text(code)
    command = [sys.executable, str(script), *map(str, arguments)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_care_beside_ingest_and_killed_at_any_moment_loses_and_doubles_nothing(home):
    """Care that keeps no snapshot but the named one, again and again, while ingest writes many small commits."""
    rng, updates = random.Random(7), 800
    folder = Layout(home).segments("paper", "BTC/USDT")
    whole = lines.session(updates=updates)
    lines.write(folder / "0001.log", whole[:300])
    settings = LakeSettings.under(home / "lake")
    with Lake.open(settings) as lake:
        ingest(lake, Layout(home))
        named = lake.snapshot_id()
    lines.write(folder / "0001.log", whole)
    with started(home / "ingest.py", INGEST, home) as writer:
        for _ in range(3):
            with started(home / "care.py", CARE, home, named) as carer:
                assert carer.stdout is not None
                assert carer.stdout.readline() == "ready\n"
                time.sleep(rng.uniform(0.02, 0.8))
        assert writer.wait(timeout=120) == 0
    with Lake.open(settings) as lake:
        care(lake, CareSettings(1, 1), {named}, dt.datetime.now(dt.UTC) + dt.timedelta(days=4))
        window = {"venue": "paper", "symbol": "BTC/USDT", "start_ns": 0, "end_ns": 2**62}
        ids = lake.query("queries/depth_updates", **window)["final_update_id"].to_list()
        assert ids == [100, *range(102, 102 + 2 * updates, 2)]
        assert lake.query("queries/trades", **window)["trade_id"].to_list() == list(range(1, updates + 1))
        assert run_checks(lake) == []
        assert lake.query("care/snapshots")["snapshot_id"].to_list() == [named, lake.snapshot_id()]
        then = lake._connection.execute(f"select count(*) from depth_update at (version => {named})").fetchone()
        assert then == (149,)

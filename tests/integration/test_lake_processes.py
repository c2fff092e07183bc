"""Several real processes on one lake, and processes killed in the middle of their work."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from analytics.ingest.ingest import ingest
from analytics.lake.store import Lake, LakeSettings, migrations, run_checks
from strategy.live.layout import Layout
from tests.unit import market_lines as lines

ROOT = Path(__file__).resolve().parents[2]
OPEN = """
import sys, time
from pathlib import Path
from analytics.lake.store import Lake, LakeSettings
print("ready", flush=True)
sys.stdin.readline()
with Lake.open(LakeSettings.under(Path(sys.argv[1]))) as lake:
    print(len(lake.query("queries/schema_migrations")))
"""
APPEND = """
import datetime as dt, sys
from pathlib import Path
import polars as pl
from analytics.lake.store import Lake, LakeSettings
with Lake.open(LakeSettings.under(Path(sys.argv[1]))) as lake:
    for i in range(int(sys.argv[3])):
        lake.append("daily_metric", pl.DataFrame([{
            "venue": sys.argv[2], "symbol": "BTC/USDT", "day": dt.date(2024, 8, 8), "version": i, "source": "live",
            "metric": "pnl", "regime": "all", "value": 1.0}]))
"""
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
    print("ready", flush=True)
    ingest(lake, Layout(home))
"""


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str], text: str = "") -> str:
    out, _ = process.communicate(text, timeout=120)
    assert process.returncode == 0
    return out


def test_two_processes_that_start_together_apply_each_migration_once(tmp_path):
    both = [start(OPEN, tmp_path) for _ in range(2)]
    for process in both:
        assert process.stdout is not None
        process.stdout.readline()
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [int(finish(process)) for process in both] == [len(migrations())] * 2
    with Lake.open(LakeSettings.under(tmp_path)) as lake:
        assert lake.query("queries/schema_migrations")["number"].to_list() == [number for number, _ in migrations()]


@pytest.mark.slow
def test_two_writers_and_a_reader_lose_nothing(tmp_path):
    settings = LakeSettings.under(tmp_path)
    with Lake.open(settings):
        pass
    writers = [start(APPEND, tmp_path, name, 6) for name in ("a", "b")]
    with Lake.open(settings, read_only=True) as lake:
        while any(writer.poll() is None for writer in writers):
            assert lake.query("queries/coverage").is_empty()
        for writer in writers:
            finish(writer)
        for name in ("a", "b"):
            days = {"first_day": "2024-08-08", "last_day": "2024-08-08"}
            held = lake.query("queries/daily_metrics", venue=name, symbol="BTC/USDT", **days)
            assert held["version"].to_list() == list(range(6))


@pytest.mark.slow
def test_ingest_killed_at_any_moment_loses_and_doubles_nothing(tmp_path):
    rng = random.Random(7)
    updates = 2000
    lines.write(Layout(tmp_path).segments("paper", "BTC/USDT") / "0001.log", lines.session(updates=updates))
    for _ in range(5):
        process = start(INGEST, tmp_path)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        deadline = time.monotonic() + rng.uniform(0.02, 0.6)
        while time.monotonic() < deadline and process.poll() is None:
            pass
        process.kill()
        process.communicate()
    with Lake.open(LakeSettings.under(tmp_path / "lake")) as lake:
        ingest(lake, Layout(tmp_path))
        window = {"venue": "paper", "symbol": "BTC/USDT", "start_ns": 0, "end_ns": 2**62}
        ids = lake.query("queries/depth_updates", **window)["final_update_id"].to_list()
        assert ids == [100, *range(102, 102 + 2 * updates, 2)]
        assert lake.query("queries/trades", **window)["trade_id"].to_list() == list(range(1, updates + 1))
        assert lake.query("queries/gaps", **window).is_empty()
        assert run_checks(lake) == []

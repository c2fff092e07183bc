"""What any lake must stand, wherever its catalogue and files are: real processes that share it, and are killed.

Processes learn where the lake is as a user's do: from the environment.
"""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import polars as pl

from analytics.ingest.ingest import ingest
from analytics.lake.settings import LakeSettings
from analytics.lake.store import Lake, migrations, run_checks
from strategy.live.layout import Layout
from tests.rigs.objects import ObjectStore
from tests.rigs.postgres import Database
from tests.unit import market_lines as lines

ROOT = Path(__file__).resolve().parents[2]
OPEN = """
import sys
from analytics.lake.place import LakePlace
from analytics.lake.store import Lake
print("ready", flush=True)
sys.stdin.readline()
with Lake.open(LakePlace.of().lake) as lake:
    print(len(lake.query("queries/schema_migrations")))
"""
APPEND = """
import datetime as dt, sys
import polars as pl
from analytics.lake.place import LakePlace
from analytics.lake.store import Lake
with Lake.open(LakePlace.of().lake) as lake:
    for i in range(int(sys.argv[2])):
        lake.append("daily_metric", pl.DataFrame([{
            "venue": sys.argv[1], "symbol": "BTC/USDT", "day": dt.date(2024, 8, 8), "version": i, "source": "live",
            "metric": "pnl", "regime": "all", "value": 1.0}]))
"""
INGEST = """
import sys
from pathlib import Path
import analytics.ingest.market_rows
import analytics.ingest.intake as intake
from analytics.ingest.ingest import ingest
from analytics.lake.place import LakePlace
from analytics.lake.store import Lake
from strategy.live.layout import Layout
intake.FLUSH_WEIGHT = 200
with Lake.open(LakePlace.of().lake) as lake:
    print("ready", flush=True)
    ingest(lake, Layout(Path(sys.argv[1])))
"""


@dataclass(frozen=True)
class Place:
    """A lake and the variables that lead a process to it."""

    home: Path
    settings: LakeSettings
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def on_disk(cls, home: Path) -> Self:
        """Return the default: everything under home."""
        return cls(home, LakeSettings.under(home / "lake"))

    @classmethod
    def beyond(cls, home: Path, database: Database, store: ObjectStore | None = None) -> Self:
        """Return a lake with its catalogue in PostgreSQL and its files in an object store, or under home without."""
        catalog, keys = f"postgres:{database.without_password}", {"PGPASSWORD": database.password}
        place = {"data_path": str(home / "files")}
        if store is not None:
            place, keys = {"data_path": store.folder(), "endpoint": store.endpoint}, keys | store.environment()
        named = {f"MICROVOL_LAKE_{name.removesuffix('_path').upper()}": value for name, value in place.items()}
        return cls(home, LakeSettings(catalog=catalog, **place), {"MICROVOL_CATALOG": catalog, **named, **keys})

    def variables(self) -> dict[str, str]:
        """Return a whole environment for a process."""
        return {**os.environ, "MICROVOL_HOME": str(self.home), "MICROVOL_CONFIG": "", **self.environment}

    @contextmanager
    def started(self, code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
        """Run Python code as a process on this lake; it is killed when it outlives the block."""
        command = [sys.executable, "-c", code, *map(str, arguments)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen(command, cwd=ROOT, env=self.variables(), text=True, **pipes) as process:
            try:
                yield process
            finally:
                process.kill()

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a `microvol` command on this lake."""
        command = [sys.executable, "-m", "flows", *arguments]
        return subprocess.run(command, cwd=ROOT, env=self.variables(), capture_output=True, text=True, check=False)


def line_of(process: subprocess.Popen[str]) -> str:
    """Return the next line that a process prints."""
    assert process.stdout is not None
    return process.stdout.readline()


def finish(process: subprocess.Popen[str], text: str = "") -> str:
    """Wait for a process's good end and return what it printed."""
    out, _ = process.communicate(text, timeout=120)
    assert process.returncode == 0
    return out


def processes_that_start_together_apply_each_migration_once(place: Place) -> None:
    """Let two processes make the same lake at the same moment."""
    with place.started(OPEN) as one, place.started(OPEN) as two:
        for process in (one, two):
            assert line_of(process) == "ready\n"
        for process in (one, two):
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        assert [int(finish(process)) for process in (one, two)] == [len(migrations())] * 2
    with Lake.open(place.settings) as lake:
        assert lake.query("queries/schema_migrations")["number"].to_list() == [number for number, _ in migrations()]


def two_writers_and_a_reader_lose_nothing(place: Place, rows: int = 6) -> None:
    """Let two processes write while this one reads, then count."""
    with Lake.open(place.settings):
        pass
    with (
        place.started(APPEND, "a", rows) as one,
        place.started(APPEND, "b", rows) as two,
        Lake.open(place.settings, read_only=True) as lake,
    ):
        writers = (one, two)
        while any(writer.poll() is None for writer in writers):
            assert lake.query("queries/coverage").is_empty()
        for writer in writers:
            finish(writer)
        for name in ("a", "b"):
            assert written(lake, name)["version"].to_list() == list(range(rows))


def written(lake: Lake, name: str) -> pl.DataFrame:
    """Return the rows of one of the writers."""
    days = {"first_day": "2024-08-08", "last_day": "2024-08-08"}
    return lake.query("queries/daily_metrics", venue=name, symbol="BTC/USDT", **days)


def ingest_killed_at_any_moment_loses_and_doubles_nothing(place: Place, kills: int = 5) -> None:
    """Kill ingest over and over in the middle of small commits, and compare the lake with what was recorded."""
    rng, updates = random.Random(7), 2000
    lines.write(Layout(place.home).segments("paper", "BTC/USDT") / "0001.log", lines.session(updates=updates))
    for _ in range(kills):
        with place.started(INGEST, place.home) as process:
            assert line_of(process) == "ready\n"
            time.sleep(rng.uniform(0.02, 0.6))
    with Lake.open(place.settings) as lake:
        ingest(lake, Layout(place.home))
        window = {"venue": "paper", "symbol": "BTC/USDT", "start_ns": 0, "end_ns": 2**62}
        ids = lake.query("queries/depth_updates", **window)["final_update_id"].to_list()
        assert ids == [100, *range(102, 102 + 2 * updates, 2)]
        assert lake.query("queries/trades", **window)["trade_id"].to_list() == list(range(1, updates + 1))
        assert lake.query("queries/gaps", **window).is_empty()
        assert run_checks(lake) == []

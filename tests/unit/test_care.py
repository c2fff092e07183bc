"""Care on a real lake: what it merges, drops, forgets and deletes, and what must stay readable."""

import datetime as dt
import os
import shutil
import time
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from analytics.care.upkeep import CareSettings, care, foretell
from analytics.ingest.ingest import ingest
from analytics.lake.store import Lake, LakeSettings, run_checks
from analytics.tape.tape import load_tape
from strategy.live.layout import Layout
from tests.unit import market_lines as lines

pytestmark = pytest.mark.slow

PLACE = {"venue": "paper", "symbol": "BTC/USDT"}
WINDOW = {**PLACE, "start_ns": 0, "end_ns": 2**62}
DAY_S = 86_400
NOW = dt.datetime.fromtimestamp(lines.START_NS / 1e9, dt.UTC) + dt.timedelta(days=5)
NEVER = CareSettings(snapshot_days=36_500, file_days=36_500)


@pytest.fixture
def lake(tmp_path):
    with Lake.open(LakeSettings.under(tmp_path / "lake")) as lake:
        yield lake


def record(lake: Lake, tmp_path: Path, number: int, second: float, raw: list[bytes] | None = None) -> None:
    """Take in one more connection of the symbol, as a file and a snapshot of the lake of its own."""
    first = {"first_id": 100 + 1_000 * number, "first_trade": 1 + 100 * number}
    raw = raw or lines.session(start=second, updates=20, **first)
    lines.write(Layout(tmp_path).segments("paper", "BTC/USDT") / f"{number:04}.log", raw)
    ingest(lake, Layout(tmp_path))


def files(tmp_path: Path) -> int:
    return len(list((tmp_path / "lake" / "data").rglob("*.parquet")))


def market(lake: Lake) -> list[pl.DataFrame]:
    names = ("depth_updates", "depth_snapshots", "trades", "gaps")
    return [lake.query(f"queries/{name}", **WINDOW) for name in names]


def at(lake: Lake, snapshot: int) -> list[int]:
    rows = lake._connection.execute(f"select trade_id from trade at (version => {snapshot}) order by 1")
    return [row[0] for row in rows.fetchall()]


def days(lake: Lake, table: str) -> list[dt.date]:
    return sorted(row[0] for row in lake._connection.execute(f"select distinct day from {table}").fetchall())


def test_small_files_become_one_a_partition_and_every_row_and_snapshot_stays(lake, tmp_path):
    for number in range(4):
        record(lake, tmp_path, number, 60.0 * number)
    before, kept = market(lake), {snapshot: at(lake, snapshot) for snapshot in range(4, lake.snapshot_id() + 1)}
    report = care(lake, NEVER, (), NOW)
    sizes = {each.table: each for each in report.tables}
    assert (sizes["trade"].files_before, sizes["trade"].files_after) == (4, 1)
    assert (sizes["depth_update"].files_before, sizes["depth_update"].files_after) == (4, 1)
    assert sizes["trade"].bytes_after < sizes["trade"].bytes_before
    assert report.rows_moved > 0
    assert all(now.equals(then) for now, then in zip(market(lake), before, strict=True))
    assert {snapshot: at(lake, snapshot) for snapshot in kept} == kept
    assert run_checks(lake) == []


def test_a_second_care_finds_nothing_to_do(lake, tmp_path):
    record(lake, tmp_path, 0, 0.0)
    record(lake, tmp_path, 1, 60.0)
    care(lake, NEVER, (), NOW)
    snapshot = lake.snapshot_id()
    again = care(lake, NEVER, (), NOW)
    assert lake.snapshot_id() == snapshot
    assert (again.rows_moved, again.snapshots_expired, again.files_deleted, again.dropped.height) == (0, 0, 0, 0)
    assert all(each.files_before == each.files_after for each in again.tables)


def test_old_snapshots_go_but_never_the_latest_nor_one_that_a_version_names(lake, tmp_path):
    for number in range(3):
        record(lake, tmp_path, number, 60.0 * number)
    named = lake.snapshot_id()
    kept = at(lake, named)
    record(lake, tmp_path, 3, 180.0)
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(days=4)
    report = care(lake, CareSettings(snapshot_days=1, file_days=1), {named, 10**9}, soon)
    left = lake.query("care/snapshots")["snapshot_id"].to_list()
    assert named in left
    assert lake.snapshot_id() in left
    assert len(left) == report.snapshots_left == 2
    assert report.snapshots_named == 1
    assert report.files_deleted > 0
    assert at(lake, named) == kept
    assert len(at(lake, lake.snapshot_id())) == 80


@pytest.mark.parametrize("ahead", [dt.timedelta(0), dt.timedelta(days=1)])
def test_young_snapshots_and_files_just_replaced_stay(lake, tmp_path, ahead):
    record(lake, tmp_path, 0, 0.0)
    record(lake, tmp_path, 1, 60.0)
    before = files(tmp_path)
    report = care(lake, CareSettings(snapshot_days=2, file_days=1), (), dt.datetime.now(dt.UTC) + ahead)
    assert (report.snapshots_expired, report.files_deleted) == (0, 0)
    assert files(tmp_path) > before


def test_files_that_no_snapshot_needs_are_deleted_and_the_rest_is_whole(lake, tmp_path):
    for number in range(4):
        record(lake, tmp_path, number, 60.0 * number)
    before = market(lake)
    now = dt.datetime.now(dt.UTC) + dt.timedelta(days=4)
    report = care(lake, CareSettings(snapshot_days=1, file_days=1), (), now)
    assert report.files_deleted >= 8
    assert files(tmp_path) == sum(each.files_after for each in report.tables)
    assert all(now.equals(then) for now, then in zip(market(lake), before, strict=True))


@pytest.mark.slow
def test_days_past_their_keeping_are_dropped_for_that_table_alone(lake, tmp_path):
    for number in range(5):
        record(lake, tmp_path, number, DAY_S * number)
    every = days(lake, "trade")
    report = care(lake, CareSettings(36_500, 36_500, {"trade": 2}), (), NOW)
    assert days(lake, "trade") == every[3:]
    assert days(lake, "depth_update") == every
    assert report.dropped.select("stored_in", "venue", "symbol", "day", "dropped").rows() == [
        ("trade", "paper", "BTC/USDT", day, 20) for day in every[:3]
    ]
    assert run_checks(lake) == []


def test_a_dropped_day_stays_readable_where_a_version_names_a_snapshot_that_has_it(lake, tmp_path):
    record(lake, tmp_path, 0, 0.0)
    named = lake.snapshot_id()
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=4)
    care(lake, CareSettings(1, 1, {"trade": 1}), {named}, later)
    assert days(lake, "trade") == []
    assert at(lake, named) == list(range(1, 21))


def test_depth_is_kept_from_the_snapshot_that_the_kept_days_go_on_from(lake, tmp_path):
    """One connection over three days has one REST snapshot, on its first: without it no later book could be built."""
    record(lake, tmp_path, 0, 0.0)
    steps = [lines.diff(DAY_S + i * DAY_S / 2, 1_103 + 2 * i, 1_104 + 2 * i, [("100.00", "1.000")]) for i in range(7)]
    record(lake, tmp_path, 1, DAY_S, [*lines.session(start=DAY_S - 600, updates=1, first_id=1_100), *steps])
    held = days(lake, "depth_update")
    assert len(held) == 5
    care(lake, CareSettings(36_500, 36_500, {"depth": 2}), (), NOW)
    assert held[0] not in days(lake, "depth_update") or days(lake, "depth_snapshot")[0] == held[0]
    snapshots = lake.query("queries/depth_snapshots", **WINDOW)["local_ts"].to_list()
    assert len(snapshots) == 1
    assert lake.query("queries/depth_updates", **WINDOW)["local_ts"][0] <= snapshots[0]


@pytest.mark.slow
def test_depth_before_a_fresh_snapshot_is_dropped_up_to_the_first_kept_day(lake, tmp_path):
    for number in range(5):
        record(lake, tmp_path, number, DAY_S * number)
    every = days(lake, "depth_update")
    care(lake, CareSettings(36_500, 36_500, {"depth": 2}), (), NOW)
    assert days(lake, "depth_update") == days(lake, "depth_snapshot") == every[3:]


@pytest.mark.slow
def test_a_dry_run_says_the_same_and_changes_nothing(lake, tmp_path):
    for number in range(5):
        record(lake, tmp_path, number, DAY_S * number)
    record(lake, tmp_path, 5, DAY_S * 4 + 60)
    settings, now = CareSettings(1, 1, {"trade": 2}), dt.datetime.now(dt.UTC) + dt.timedelta(days=4)
    snapshot, before = lake.snapshot_id(), files(tmp_path)
    with Lake.open(lake.settings, read_only=True) as reader:
        said = foretell(reader, settings, {4}, now)
    assert (lake.snapshot_id(), files(tmp_path)) == (snapshot, before)
    done = care(lake, settings, {4}, now)
    assert said.dropped.equals(done.dropped)
    left = lake.query("care/snapshots")["snapshot_id"].to_list()
    assert (said.snapshots_expired, said.snapshots_named, done.snapshots_named) == (snapshot - 1, 1, 1)
    assert [each for each in left if each < snapshot] == [4]
    foretold = {each.table: each for each in said.tables}
    assert foretold["depth_update"].files_after == 5
    assert {each.table: each.files_after for each in done.tables}["depth_update"] == 5


def codecs(tmp_path: Path) -> set[str]:
    files = (tmp_path / "lake" / "data").rglob("*.parquet")
    return {pq.ParquetFile(path).metadata.row_group(0).column(0).compression for path in files}


def test_files_are_zstd_those_of_ingest_and_those_of_care(lake, tmp_path):
    record(lake, tmp_path, 0, 0.0)
    assert codecs(tmp_path) == {"ZSTD"}
    record(lake, tmp_path, 1, 60.0)
    care(lake, NEVER, (), NOW)
    assert codecs(tmp_path) == {"ZSTD"}


def test_a_file_that_a_killed_writer_left_goes_once_it_is_old(lake, tmp_path):
    record(lake, tmp_path, 0, 0.0)
    (held,) = (tmp_path / "lake" / "data").rglob("trade/**/*.parquet")
    left = [held.with_name(f"ducklake-01a1ffd2-8d12-7958-8dcc-fa60480bd03{i}.parquet") for i in range(2)]
    for path in left:
        shutil.copy(held, path)
    old = time.time() - 4 * DAY_S
    for path in (held, left[0]):
        os.utime(path, (old, old))
    settings, now = CareSettings(36_500, 1), dt.datetime.now(dt.UTC)
    assert foretell(lake, settings, (), now).orphans_deleted is None
    assert care(lake, settings, (), now).orphans_deleted == 1
    assert [path.exists() for path in (held, *left)] == [True, False, True]
    assert len(market(lake)[2]) == 20


@pytest.mark.slow
def test_a_cached_tape_is_not_taken_for_what_is_left_after_days_were_dropped(lake, tmp_path):
    for number in range(5):
        record(lake, tmp_path, number, DAY_S * number)
    cache = tmp_path / "tape"
    whole, _ = load_tape(lake, "paper", "BTC/USDT", cache=cache)
    care(lake, NEVER, (), NOW)
    assert len(load_tape(lake, "paper", "BTC/USDT", cache=cache)[0].update_local) == len(whole.update_local)
    care(lake, CareSettings(36_500, 36_500, {"depth": 2, "trade": 2}), (), NOW)
    left, _ = load_tape(lake, "paper", "BTC/USDT", cache=cache)
    assert (len(whole.trade_local), len(left.trade_local)) == (100, 40)
    assert left.update_local[0] > whole.update_local[0]

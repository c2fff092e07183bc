"""Care for the lake: days past their keeping dropped, small files merged, snapshots expired, dead files deleted.

Every step takes its turn among the writers, so that ingest goes on between two of them, and each can be repeated: a
care that was killed is finished by the next.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import PurePosixPath
from typing import Final

import polars as pl

from analytics.lake.store import Lake
from analytics.lake.writer import sole_writer

KEPT: Final = ("depth", "trade", "book_ticker", "decision")  # what a number of days may be set for
_MERGED_BYTES: Final = 512 * 2**20  # DuckLake's own target: files of this size are left alone
_SCHEMA: Final = pl.Schema(
    {"stored_in": pl.String, "venue": pl.String, "symbol": pl.String, "day": pl.Date, "dropped": pl.Int64}
)


@dataclass(frozen=True, slots=True)
class CareSettings:
    """How long things are kept; a table of `keep_days` that is missing or 0 is kept for good."""

    snapshot_days: float
    file_days: int
    keep_days: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TableFiles:
    """Files and bytes of one table's current rows, before and after; a dry run foretells `files_after` alone."""

    table: str
    files_before: int
    files_after: int
    bytes_before: int
    bytes_after: int | None


@dataclass(slots=True)
class CareReport:
    """What a care did, or would do."""

    tables: list[TableFiles] = field(default_factory=list)
    dropped: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_SCHEMA))
    rows_moved: int = 0
    snapshots_expired: int = 0
    snapshots_named: int = 0
    snapshots_left: int = 0
    files_deleted: int = 0
    orphans_deleted: int | None = None  # left by a writer that was killed; DuckLake does not foretell them read-only


def care(
    lake: Lake, settings: CareSettings, named: Collection[int], now: datetime, say: Callable[[str], None] | None = None
) -> CareReport:
    """Do all that is due; snapshots whose ids are in `named` stay readable, however old.

    A dropped row is gone for new readers at once, and from the disk when no readable snapshot needs its file.
    """
    tell = say or (lambda line: None)
    report, before = CareReport(dropped=old_days(lake, settings, now)), _files(lake)
    with sole_writer(lake):
        _drop(lake, report.dropped)
    tell(f"dropped {report.dropped['dropped'].sum():,} rows of {len(report.dropped)} days")
    with sole_writer(lake):
        report.rows_moved = int(lake.query("care/flush_inlined")["moved"].sum())
        lake.query("care/rewrite_files")
    for table in before:
        with sole_writer(lake):
            merged = lake.query("care/merge_files", table=table)
        if not merged.is_empty():
            tell(f"{table}: {merged['files_processed'].sum()} files merged into {merged['files_created'].sum()}")
    with sole_writer(lake):
        _expire(lake, _expiry(lake, settings, named, now, report))
        report.files_deleted = len(lake.query("care/delete_files", older_than=_dead(settings, now)))
        report.orphans_deleted = len(lake.query("care/delete_orphans", older_than=_dead(settings, now)))
    after = _files(lake)
    report.tables = [TableFiles(name, *_pairs(before[name], after[name])) for name in before]
    return report


def foretell(lake: Lake, settings: CareSettings, named: Collection[int], now: datetime) -> CareReport:
    """Return what a care would do, changing nothing; files that its own merging frees are only deleted by a later one.

    `files_after` counts the merging of what is there, not days dropped or rows moved out of the catalogue.
    """
    report = CareReport(dropped=old_days(lake, settings, now))
    _expiry(lake, settings, named, now, report)
    report.files_deleted = len(lake.query("care/unneeded_files", older_than=_dead(settings, now)))
    for name, (files, size) in _files(lake).items():
        report.tables.append(TableFiles(name, files, files - _spare(lake, name), size, None))
    return report


def old_days(lake: Lake, settings: CareSettings, now: datetime) -> pl.DataFrame:
    """Return table, venue, symbol, day and rows of every day past its keeping.

    Depth is dropped only up to the snapshot that the books of the kept days go on from.
    """
    found = [pl.DataFrame(schema=_SCHEMA)]
    for name in KEPT:
        days = settings.keep_days.get(name, 0)
        if days > 0:
            found.append(lake.query(f"care/old_days_{name}", first_day=_first_day(now, days)).cast(_SCHEMA))
    return pl.concat(found)


def _first_day(now: datetime, days: int) -> date:
    """Return the first of the last `days` whole days before today."""
    return now.date() - timedelta(days=days)


def _drop(lake: Lake, old: pl.DataFrame) -> None:
    """Delete the days found old, all in one transaction, so that no reader sees half of it."""
    last = old.group_by("stored_in", "venue", "symbol").agg(pl.col("day").max().alias("last_day"))

    def delete(open_lake: Lake) -> None:
        for row in last.iter_rows(named=True):
            open_lake.execute(f"care/drop_{row.pop('stored_in')}", **row)

    if not last.is_empty():
        lake.atomically(delete)


def _expiry(lake: Lake, settings: CareSettings, named: Collection[int], now: datetime, report: CareReport) -> list[int]:
    """Return the snapshots to forget: old, neither the latest nor named; count them in the report."""
    held = lake.query("care/snapshots")
    limit_ns = int((now - timedelta(days=settings.snapshot_days)).timestamp() * 1e9)
    old = held[:-1].filter(pl.col("at_ns") < limit_ns)["snapshot_id"].to_list()
    expired = sorted(set(old) - set(named))
    report.snapshots_expired, report.snapshots_named = len(expired), len(old) - len(expired)
    report.snapshots_left = len(held) - len(expired)
    return expired


def _expire(lake: Lake, versions: list[int]) -> None:
    if versions:
        lake.query("care/expire_snapshots", versions=versions)


def _dead(settings: CareSettings, now: datetime) -> datetime:
    """Return the moment before which a file must have been given up: a midnight.

    On a SQLite catalogue DuckLake (1.5.5) compares these stamps as text, so that everything given up on the day of the
    moment counts as before it. One day more makes that a whole day that is over.
    """
    return datetime.combine(now.date() - timedelta(days=settings.file_days + 1), datetime.min.time(), UTC)


def _files(lake: Lake) -> dict[str, tuple[int, int]]:
    """Return files and bytes by table."""
    return {name: (files, size) for name, files, size in lake.query("care/table_files").iter_rows()}


def _pairs(before: tuple[int, int], after: tuple[int, int]) -> tuple[int, int, int, int]:
    return before[0], after[0], before[1], after[1]


def _spare(lake: Lake, table: str) -> int:
    """Return how many files fewer a table would have with one file a partition."""
    small = lake.query("care/table_paths", table=table).filter(pl.col("bytes") < _MERGED_BYTES)["data_file"]
    return len(small) - len({PurePosixPath(path).parent for path in small})

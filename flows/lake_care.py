"""Flow: the daily care of the lake."""

from dataclasses import astuple
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from prefect import flow

from flows import log, rooms
from flows.runner import step
from flows.settings import Settings, load_settings

if TYPE_CHECKING:
    from analytics.care.upkeep import CareReport, CareSettings


@flow
def lake_care(dry_run: bool = False) -> dict[str, Any]:
    """Merge small files, expire snapshots that no version names, drop days past their keeping, delete dead files."""
    return look_after(dry_run)


@step
def look_after(dry_run: bool) -> dict[str, Any]:
    """Care for the lake, or say what that would do; without the registry nothing is touched."""
    from analytics.care.named_snapshots import named_snapshots
    from analytics.care.upkeep import care, foretell

    settings, now = load_settings(), datetime.now(UTC)
    named = named_snapshots(rooms.registry(settings))
    with rooms.lake(settings, read_only=dry_run) as lake:
        if dry_run:
            report = foretell(lake, kept(settings), named, now)
        else:
            report = care(lake, kept(settings), named, now, say=log.say)
    facts = summary(report) | {"dry_run": dry_run}
    log.say("lake cared for", **facts)
    return facts | {"tables": [astuple(each) for each in report.tables], "dropped": spans(report)}


def kept(settings: Settings) -> "CareSettings":
    """Return how long things are kept."""
    from analytics.care.upkeep import CareSettings

    lake = settings.lake
    return CareSettings(lake.snapshot_days, lake.file_days, lake.keep_days.model_dump())


def summary(report: "CareReport") -> dict[str, Any]:
    """Return the report's sums; bytes after are unknown in a dry run."""
    tables = report.tables
    after = [each.bytes_after for each in tables if each.bytes_after is not None]
    return {
        "files_before": sum(each.files_before for each in tables),
        "files_after": sum(each.files_after for each in tables),
        "bytes_before": sum(each.bytes_before for each in tables),
        "bytes_after": sum(after) if len(after) == len(tables) else None,
        "rows_moved": report.rows_moved,
        "rows_dropped": int(report.dropped["dropped"].sum()),
        "snapshots_expired": report.snapshots_expired,
        "snapshots_named": report.snapshots_named,
        "snapshots_left": report.snapshots_left,
        "files_deleted": report.files_deleted,
        "orphans_deleted": report.orphans_deleted,
    }


def spans(report: "CareReport") -> list[tuple[Any, ...]]:
    """Return table, venue, symbol, first and last day, days and rows of what was dropped."""
    import polars as pl

    day, names = pl.col("day"), ("stored_in", "venue", "symbol")
    first, last = day.min().cast(pl.String).alias("first"), day.max().cast(pl.String).alias("last")
    grouped = report.dropped.group_by(*names, maintain_order=True)
    return grouped.agg(first, last, pl.len().cast(pl.Int64).alias("days"), pl.col("dropped").sum()).rows()

"""What the checks under sql/checks say of what an ingest took in."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import polars as pl

from analytics.lake.store import Lake, run_checks


@dataclass(frozen=True, slots=True)
class Failure:
    """One check that found rows of one symbol; `first` is the first of them, in words."""

    check: str
    venue: str
    symbol: str
    rows: int
    first: str


def lake_clock(lake: Lake) -> datetime:
    """Return the lake's moment, in the clock that stamps what is taken in."""
    moment: datetime = lake.query("queries/clock").item()
    return moment


def failures_since(lake: Lake, since: datetime) -> list[Failure]:
    """Check every day that was touched since a moment of the lake's clock, and today."""
    return failures(lake, first_touched_day(lake, since))


def first_touched_day(lake: Lake, since: datetime) -> date:
    """Return the first day to look at: one before the earliest line, for two copies may lie on both sides of midnight.

    Days are UTC. Where nothing was taken in, it is yesterday.
    """
    earliest, today = lake.query("queries/earliest_taken_in", since=since).item(), datetime.now(UTC).date()
    touched = today if earliest is None else datetime.fromtimestamp(earliest / 1e9, UTC).date()
    return min(today, touched) - timedelta(days=1)


def failures(lake: Lake, first_day: date = date.min) -> list[Failure]:
    """Return a line for every check and symbol with failures on or after a day."""
    return [failure for name, rows in run_checks(lake, first_day) for failure in _by_symbol(name, rows)]


def _by_symbol(check: str, rows: pl.DataFrame) -> list[Failure]:
    groups = rows.partition_by("venue", "symbol", maintain_order=True)
    return [_failure(check, group) for group in groups]


def _failure(check: str, rows: pl.DataFrame) -> Failure:
    facts = rows.row(0, named=True)
    place = facts.pop("venue"), facts.pop("symbol")
    return Failure(check, *place, len(rows), ", ".join(f"{name} {value}" for name, value in facts.items()))

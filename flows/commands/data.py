"""Commands around the data: ingest, data, coverage, care."""

from datetime import date
from pathlib import Path
from typing import Annotated, Final

import typer

from flows import checks, console, rooms
from flows.commands import options
from flows.runner import run
from strategy.errors import BadInput

INGEST_HELP = """Take everything that was recorded or journalled since the last time into the lake, and check it.

Exit codes: 0 all is well; 1 failed; 2 bad usage; 3 everything was taken in, and a check under sql/checks found
failures, a line each.
"""
CHECK_FAILED: Final = 3


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command(help=INGEST_HELP)(ingest)
    for command in (data, coverage, care):
        app.command()(command)


def ingest() -> None:
    """Take in what is new and show what the checks found."""
    done = run(options.settings_for(), "ingest")
    failures = done.pop("failures")
    console.facts("ingested", done)
    checks.show(failures)
    if failures:
        raise typer.Exit(CHECK_FAILED)


def care(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, change nothing.")] = False,
) -> None:
    """Merge the lake's small files, expire old snapshots, drop days past their keeping, delete dead files."""
    done = run(options.settings_for(), "lake_care", dry_run=dry_run)
    columns = ("table", "files", "after", "bytes", "after")
    console.table("lake care, dry run" if dry_run else "lake care", columns, done.pop("tables"))
    dropped = done.pop("dropped")
    if dropped:
        console.table("days dropped", ("table", "venue", "symbol", "first", "last", "days", "rows"), dropped)
    console.facts("in all", done)


def data(
    venue: Annotated[str | None, typer.Option("--venue", help="Default every venue in the lake.")] = None,
    symbol: Annotated[str | None, typer.Option("--symbol", help="Default every symbol in the lake.")] = None,
    start: Annotated[str | None, typer.Option("--from", help="First UTC day, like 2026-01-31.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="UTC day, exclusive.")] = None,
    books: Annotated[bool, typer.Option("--books", help="Rebuild every book to find crossed ones; slow.")] = False,
    html: Annotated[Path | None, typer.Option("--html", help="Write tables and a heat-map to this file.")] = None,
) -> None:
    """Show how good the data in the lake are: coverage, gaps, holes, rates, a line a symbol and day."""
    import polars as pl

    from analytics.care.quality import Selection, quality, with_books

    settings, days = options.settings_for(venue, symbol), _days(start, end)
    if html is not None and not html.parent.is_dir():
        raise BadInput(f"--html was {html}: there is no folder {html.parent}")
    with rooms.lake(settings, read_only=True) as lake, console.waiting("measuring"):
        found = quality(lake, Selection(venue, symbol, **days))
        if books:
            found = with_books(lake, found, console.complain)
    console.frame("data", found.days.with_columns(pl.col(pl.Float64).round_sig_figs(4)))
    if html is not None:
        from analytics.care.quality_page import write_page

        console.line(f"written to {write_page(found, html)}")


def _days(start: str | None, end: str | None) -> dict[str, date]:
    """Read both ends of a half-open range of days; an end that was not given is left out."""
    given = {"first_day": options.day(start, "--from"), "end_day": options.day(end, "--to")}
    days = {name: date.fromisoformat(text) for name, text in given.items() if text is not None}
    if len(days) == 2 and days["first_day"] >= days["end_day"]:
        raise BadInput(f"--from was {start}, it must be before --to {end}")
    return days


def coverage() -> None:
    """Show what the lake holds, a line a symbol."""
    from analytics.care.coverage import coverage as held

    with rooms.lake(options.settings_for(), read_only=True) as lake:
        console.frame("lake", held(lake))

"""Commands around the data: ingest, care, coverage."""

from typing import Annotated, Final

import typer

from flows import console, rooms
from flows.commands import options
from flows.runner import run

INGEST_HELP = """Take everything that was recorded or journalled since the last time into the lake, and check it.

Exit codes: 0 all is well; 1 failed; 2 bad usage; 3 everything was taken in, and a check under sql/checks found
failures, a line each.
"""
CHECK_FAILED: Final = 3


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command(help=INGEST_HELP)(ingest)
    for command in (care, coverage):
        app.command()(command)


def ingest() -> None:
    """Take in what is new and show what the checks found."""
    done = run(options.settings_for(), "ingest")
    failures = done.pop("failures")
    console.facts("ingested", done)
    if failures:
        console.table("checks that failed", tuple(failures[0]), [tuple(failure.values()) for failure in failures])
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


def coverage() -> None:
    """Show what the lake holds, a line a symbol."""
    from analytics.coverage import coverage as held

    with rooms.lake(options.settings_for(), read_only=True) as lake:
        console.frame("lake", held(lake))

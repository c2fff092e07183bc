"""Commands around the data: import, ingest, coverage."""

from dataclasses import astuple, fields
from pathlib import Path
from typing import Annotated

import typer

from flows import console, rooms
from flows.commands import options
from flows.runner import run

IMPORT_HELP = """Take collector files (.gz, .zst or plain) and other recordings into the lake; the good part is kept.

Exit codes: 0 all in the lake; 2 nothing usable or bad usage; 3 a compressed file is truncated; 4 a line is not JSON;
5 depth updates that no snapshot bridges; 6 a file without a snapshot and nothing to continue from. With several
faults the lowest code.
"""


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("import", help=IMPORT_HELP)(import_paths)
    for command in (ingest, coverage):
        app.command()(command)


def import_paths(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH…", help="Files of one symbol, in any order.")],
    venue: options.Venue = None,
    symbol: options.Symbol = None,
    tick_size: Annotated[str | None, typer.Option("--tick-size", help="Default: from the file or the lake.")] = None,
    lot_size: Annotated[str | None, typer.Option("--lot-size", help="Default: from the file or the lake.")] = None,
) -> None:
    """Import files."""
    from analytics.importer import import_files

    settings = options.settings_for(venue, symbol)
    with console.progress(f"import {settings.symbol}, %") as bar, rooms.lake(settings) as lake:
        done = import_files(
            lake,
            paths,
            settings.venue,
            settings.symbol,
            tick_size,
            lot_size,
            report=console.complain,
            progress=lambda share: bar(100 * share, 100, ""),
        )
    rows = [(name, *astuple(counts)) for name, counts in (("read", done.read), ("added", done.added))]
    names = [field.name for field in fields(done.read)]
    console.table(f"{settings.venue} {settings.symbol}", ("", *names), rows)
    raise typer.Exit(done.exit_code)


def ingest() -> None:
    """Take everything that was recorded or journalled since the last time into the lake."""
    console.facts("ingested", run(options.settings_for(), "ingest"))


def coverage() -> None:
    """Show what the lake holds, a line a symbol."""
    from analytics.coverage import coverage as held

    with rooms.lake(options.settings_for(), read_only=True) as lake:
        console.frame("lake", held(lake))

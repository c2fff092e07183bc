"""The command that exports."""

from pathlib import Path
from typing import Annotated

import typer

from flows import console
from flows.commands import options
from strategy.errors import BadInput

HELP = """Write a window of the lake for other tools: hftbacktest's events (.npz) or Parquet tables (a folder).

Example: microvol export --to parquet --from 2026-01-31 --to 2026-02-01 --out /tmp/day
"""


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("export", help=HELP)(export)


def export(
    out: Annotated[Path, typer.Option("--out", help="A file ending in .npz, or a folder for Parquet.")],
    kind: Annotated[str | None, typer.Option("--format", help="hftbacktest or parquet; --to takes it too.")] = None,
    start: Annotated[
        str | None, typer.Option("--from", "--start", help="UTC, like 2026-01-31 or 2026-01-31T12:00.")
    ] = None,
    to: Annotated[
        list[str] | None, typer.Option("--to", "--end", help="UTC, exclusive; or the format, given beside it.")
    ] = None,
    venue: options.Venue = None,
    symbol: options.Symbol = None,
) -> None:
    """Export."""
    from flows.export import Request, export_window

    wanted, end = _wanted(kind, to or [])
    settings = options.settings_for(venue, symbol)
    window = options.window(start, end, ("--from", "--to"))
    with console.progress(f"export {settings.symbol}, %") as bar:
        done = export_window(settings, Request(wanted, window, out), lambda share: bar(round(100 * share, 1), 100, ""))
    rows = [(str(path), count) for path, count in done.rows.items()]
    console.table(f"{settings.venue} {settings.symbol} as {wanted}", ("file", "rows"), rows)
    console.line(f"what they are of: {done.metadata}")


def _wanted(kind: str | None, to: list[str]) -> tuple[str, str | None]:
    """Return the format and the window's end: `--to` takes either, each once."""
    from analytics.export.common import FORMATS

    kinds = [each for each in to if each in FORMATS] + ([kind] if kind is not None else [])
    ends = [each for each in to if each not in FORMATS]
    known = " or ".join(FORMATS)
    if len(kinds) != 1 or kinds[0] not in FORMATS:
        raise BadInput(f"--format was {' and '.join(kinds) or 'not given'}, it must be {known}")
    if len(ends) > 1:
        raise BadInput(f"--to was {' and '.join(ends)}: write one moment, and {known}")
    return kinds[0], ends[0] if ends else None

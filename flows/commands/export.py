"""The command that exports."""

from pathlib import Path
from typing import Annotated

import typer

from flows import console
from flows.commands import options
from flows.settings import Settings
from strategy.errors import BadInput

HELP = """Write a window of the lake (hftbacktest's events or Parquet tables), or a version as a Hummingbot controller.

Examples: microvol export parquet --from 2026-01-31 --to 2026-02-01 --out /tmp/day;
microvol export hummingbot --version 3 --out ~/hummingbot
"""
CONTROLLER = "hummingbot"


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("export", help=HELP)(export)


def export(
    out: Annotated[Path, typer.Option("--out", help="A file ending in .npz, a folder for Parquet, or Hummingbot's.")],
    what: Annotated[
        str | None, typer.Argument(metavar="FORMAT", help="hftbacktest, parquet or hummingbot.", show_default=False)
    ] = None,
    kind: Annotated[str | None, typer.Option("--format", help="hftbacktest or parquet; --to takes it too.")] = None,
    start: Annotated[
        str | None, typer.Option("--from", "--start", help="UTC, like 2026-01-31 or 2026-01-31T12:00.")
    ] = None,
    to: Annotated[
        list[str] | None, typer.Option("--to", "--end", help="UTC, exclusive; or the format, given beside it.")
    ] = None,
    version: Annotated[
        int | None, typer.Option("--version", min=1, help="hummingbot: a registered version; default the champion.")
    ] = None,
    params: Annotated[
        Path | None, typer.Option("--params", help="hummingbot: a parameter document, JSON, in place of a version.")
    ] = None,
    connector: Annotated[str, typer.Option("--connector", help="hummingbot: its name for the venue.")] = "binance",
    venue: options.Venue = None,
    symbol: options.Symbol = None,
) -> None:
    """Export."""
    if what == CONTROLLER:
        _refuse({"--format": kind, "--from": start, "--to": to}, f"{CONTROLLER} exports a version, not a window")
        _controller(options.settings_for(venue, symbol), version, params, connector, out)
        return
    _refuse({"--version": version, "--params": params}, f"only {CONTROLLER} exports a version")
    _window(what, kind, start, to or [], options.settings_for(venue, symbol), out)


def _refuse(given: dict[str, object], why: str) -> None:
    """Refuse options that the wanted format has no use for."""
    for name, value in given.items():
        if value is not None:
            raise BadInput(f"{name} was {value}: {why}")


def _controller(settings: Settings, version: int | None, params: Path | None, connector: str, out: Path) -> None:
    from flows.export import export_controller

    done = export_controller(settings, version, params, connector, out)
    console.table(f"{done.title} for Hummingbot", ("file",), [(str(path),) for path in done.files])
    for note in done.notes:
        console.line(f"note: {note}")


def _window(
    what: str | None, kind: str | None, start: str | None, to: list[str], settings: Settings, out: Path
) -> None:
    from flows.export import Request, export_window

    wanted, end = _wanted([each for each in (what, kind) if each is not None], to)
    window = options.window(start, end, ("--from", "--to"))
    with console.progress(f"export {settings.symbol}, %") as bar:
        done = export_window(settings, Request(wanted, window, out), lambda share: bar(round(100 * share, 1), 100, ""))
    rows = [(str(path), count) for path, count in done.rows.items()]
    console.table(f"{settings.venue} {settings.symbol} as {wanted}", ("file", "rows"), rows)
    console.line(f"what they are of: {done.metadata}")


def _wanted(named: list[str], to: list[str]) -> tuple[str, str | None]:
    """Return the format and the window's end: `--to` takes either, each once."""
    from analytics.export.common import FORMATS

    kinds = [each for each in to if each in FORMATS] + named
    ends = [each for each in to if each not in FORMATS]
    known = " or ".join(FORMATS)
    if len(kinds) != 1 or kinds[0] not in FORMATS:
        raise BadInput(f"--format was {' and '.join(kinds) or 'not given'}, it must be {known}")
    if len(ends) > 1:
        raise BadInput(f"--to was {' and '.join(ends)}: write one moment, and {known}")
    return kinds[0], ends[0] if ends else None

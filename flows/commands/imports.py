"""The command that takes recordings of others into the lake."""

from collections.abc import Mapping
from dataclasses import asdict, astuple, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from flows import checks, console, rooms
from flows.commands import options
from strategy.errors import BadInput

if TYPE_CHECKING:
    from analytics.ingest.importer import ImportReport
    from analytics.ingest.readers.seam import Reader
    from analytics.lake.store import Lake

IMPORT_HELP = """Take recordings of others into the lake: collector files (.gz, .zst or plain), Tardis CSV, hftbacktest
arrays, LOBSTER pairs, or tables whose columns a mapping names. The good part is kept; a second run adds nothing.

Exit codes: 0 all in the lake; 2 nothing usable or bad usage; 3 a compressed file is truncated; 4 a line is wrong;
5 depth updates that no snapshot bridges; 6 a file without a snapshot and nothing to continue from; 7 all in the lake,
and a check under sql/checks found failures. With several faults the lowest code.
"""

Format = Literal["collector", "tardis", "hftbacktest", "lobster", "generic"]
_OPTIONS: Final = {
    "collector": (),
    "tardis": ("source_symbol",),
    "hftbacktest": (),
    "lobster": ("date", "timezone"),
    "generic": ("mapping",),
}


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("import", help=IMPORT_HELP)(import_paths)


def import_paths(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH…", help="Files of one symbol, in any order.")],
    form: Annotated[Format, typer.Option("--format", help="What wrote the files.")] = "collector",
    mapping: Annotated[Path | None, typer.Option("--mapping", help="generic: TOML that names the columns.")] = None,
    source_symbol: Annotated[
        str | None, typer.Option("--source-symbol", help="tardis: the symbol's name in files that may hold others too.")
    ] = None,
    date: Annotated[str | None, typer.Option("--date", help="lobster: the day; default from the names.")] = None,
    timezone: Annotated[
        str | None, typer.Option("--timezone", help="lobster: whose midnight; default America/New_York.")
    ] = None,
    venue: options.Venue = None,
    symbol: options.Symbol = None,
    tick_size: Annotated[str | None, typer.Option("--tick-size", help="Default: from the file or the lake.")] = None,
    lot_size: Annotated[str | None, typer.Option("--lot-size", help="Default: from the file or the lake.")] = None,
) -> None:
    """Import files, and check the days that they touched."""
    from analytics.care.checked import failures_since, lake_clock
    from analytics.ingest.importer import CHECK_FAILED, GOOD

    own = {"mapping": mapping, "source_symbol": source_symbol, "date": date, "timezone": timezone}
    _check(form, own)
    settings = options.settings_for(venue, symbol)
    reader = None if form == "collector" else _reader(form, settings.symbol, own)
    with console.progress(f"import {settings.symbol}, %") as bar, rooms.lake(settings) as lake:
        since = lake_clock(lake)
        done = _take(lake, (settings.venue, settings.symbol), paths, (tick_size, lot_size), reader, bar)
        failing = failures_since(lake, since)
    rows = [(name, *astuple(counts)) for name, counts in (("read", done.read), ("added", done.added))]
    names = [field.name for field in fields(done.read)]
    console.table(f"{settings.venue} {settings.symbol}", ("", *names), rows)
    checks.tell(settings, failing)
    checks.show([asdict(failure) for failure in failing])
    raise typer.Exit(done.exit_code or (CHECK_FAILED if failing else GOOD))


def _check(form: Format, own: Mapping[str, Any]) -> None:
    """Refuse an option that another format has, and a generic import without its mapping."""
    for name, value in own.items():
        if value is not None and name not in _OPTIONS[form]:
            raise BadInput(f"--{name.replace('_', '-')} was {value}, --format {form} has no such option")
    if form == "generic" and own["mapping"] is None:
        raise BadInput("--format generic needs --mapping FILE.toml, which names the columns (docs/imports.md)")


def _reader(form: Format, symbol: str, own: Mapping[str, Any]) -> "Reader":
    from analytics.ingest.market_rows import wire_symbol
    from analytics.ingest.readers.generic import GenericReader
    from analytics.ingest.readers.hftbacktest import HftbacktestReader
    from analytics.ingest.readers.lobster import NEW_YORK, LobsterReader
    from analytics.ingest.readers.mapping import read_mapping
    from analytics.ingest.readers.tardis import TardisReader

    if form == "tardis":
        return TardisReader(wire_symbol(symbol), own["source_symbol"])
    if form == "lobster":
        return LobsterReader(symbol.partition("/")[0], options.day(own["date"], "--date"), own["timezone"] or NEW_YORK)
    return GenericReader(read_mapping(own["mapping"])) if form == "generic" else HftbacktestReader()


def _take(
    lake: "Lake",
    place: tuple[str, str],
    paths: list[Path],
    sizes: tuple[str | None, str | None],
    reader: "Reader | None",
    bar: console.Advance,
) -> "ImportReport":
    from analytics.ingest.importer import import_files
    from analytics.ingest.readers.landing import import_recordings

    def progress(share: float) -> None:
        bar(round(100 * share, 1), 100, "")

    if reader is None:
        return import_files(lake, paths, *place, *sizes, report=console.complain, progress=progress)
    return import_recordings(lake, reader, paths, place, sizes, report=console.complain, progress=progress)

"""A window of the lake as files for other tools, and a version as a controller for Hummingbot."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flows import rooms
from flows.replay import load
from flows.settings import Settings
from strategy.errors import BadInput
from strategy.policies.document import ParameterDocument, read_document

if TYPE_CHECKING:
    from analytics.export.common import Exported

Window = tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class Request:
    """What to write where: a format of `analytics.export.common`, a window of receive time (ns, half-open), a place."""

    format: str
    window: Window
    out: Path


@dataclass(frozen=True, slots=True)
class Controller:
    """What was written for Hummingbot, of which version, and what a person should know of it."""

    title: str
    files: list[Path]
    notes: list[str]


def export_controller(
    settings: Settings, version: int | None, params: Path | None, connector: str, out: Path
) -> Controller:
    """Write a registered version (default the champion), or a parameter document's file, as a Hummingbot controller."""
    from analytics.export.hummingbot.fields import notes_on
    from analytics.export.hummingbot.files import export_hummingbot

    if version is not None and params is not None:
        raise BadInput(f"--params was {params} and --version {version}: name one of them")
    document = _document(settings, version) if params is None else read_document(params)
    files = export_hummingbot(document, connector, out)
    return Controller(f"version {document.version} of {document.instrument.symbol}", files, notes_on(document))


def _document(settings: Settings, version: int | None) -> ParameterDocument:
    registry, place = rooms.registry(settings), (settings.venue, settings.symbol)
    if version is not None:
        return registry.document(*place, version)
    champion = registry.champion(*place)
    if champion is None:
        raise BadInput(f"{settings.venue} {settings.symbol} has no champion: name a --version or a --params file")
    return champion


def export_window(settings: Settings, request: Request, progress: Callable[[float], None]) -> "Exported":
    """Write the window in the wanted format."""
    if request.format == "hftbacktest":
        return _events(settings, request, progress)
    return _tables(settings, request, progress)


def _events(settings: Settings, request: Request, progress: Callable[[float], None]) -> "Exported":
    from analytics.export.common import check_file
    from analytics.export.hftbacktest import export_hftbacktest

    check_file(request.out, ".npz")
    tape, info = load(settings, request.window)
    return export_hftbacktest(tape, info, request.out, progress)


def _tables(settings: Settings, request: Request, progress: Callable[[float], None]) -> "Exported":
    from analytics.export.common import check_folder
    from analytics.export.parquet import Window, export_parquet
    from analytics.lake.market_columns import MarketColumns, sizes_of
    from analytics.tape.book_series import Market

    check_folder(request.out)
    venue, symbol = settings.venue, settings.symbol
    with rooms.lake(settings, read_only=True) as lake:
        sizes = sizes_of(lake, venue, symbol)
        market = Market(lake, venue, symbol, lake.snapshot_id())
        start, end = request.window
        bounds = {"start_ns": start or 0, "end_ns": 2**62 if end is None else end - 1}
        first, last = lake.query("queries/market_span", venue=venue, symbol=symbol, **bounds).row(0)
        if first is None:
            raise BadInput(f"{symbol} on {venue} has no data in the window")
        columns = MarketColumns(sizes.tick_size, sizes.lot_size, exact=True)
        return export_parquet(market, columns, Window(first, last), request.out, progress)

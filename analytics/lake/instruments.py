"""A symbol's sizes: what the lake stores prices and quantities in, and where it learns them."""

from collections.abc import Callable, Iterable
from pathlib import Path

import polars as pl

from analytics.ingest.market_rows import wire_symbol
from analytics.lake.store import Lake
from strategy.errors import BadData, BadInput
from strategy.policies.document import Instrument
from strategy.venues.collector import CollectorFile, Line
from strategy.venues.events import BookTicker, DepthDiff, DepthSnapshot, InstrumentInfo, MarketEvent, Trade
from strategy.venues.units import common_step
from strategy.venues.wire import parse


def instrument(lake: Lake, venue: str, symbol: str) -> Instrument | None:
    """Return what the lake knows of a symbol, None when it knows nothing."""
    rows = lake.query("queries/instrument", venue=venue, symbol=symbol).drop("source").to_dicts()
    return Instrument(**rows[0]) if rows else None


def settle(lake: Lake, wanted: Instrument, source: str) -> Instrument:
    """Return the sizes to store in: the lake's when it has some, else `wanted`, which is then written.

    Rows are stored in the sizes they came with, so these never change; the venue's own minimums replace what was
    inferred or given as an option.
    """
    held = instrument(lake, wanted.venue, wanted.symbol)
    if held is not None and (source != "exchange_info" or held == wanted):
        return held
    settled = wanted
    if held is not None:
        settled = wanted.model_copy(update={"tick_size": held.tick_size, "lot_size": held.lot_size})
    row = pl.DataFrame([{**settled.model_dump(), "source": source}])

    def replace(open_lake: Lake) -> None:
        open_lake.execute("staging/remove_instrument", venue=settled.venue, symbol=settled.symbol)
        open_lake.append("instrument", row)

    lake.atomically(replace)
    return settled


def from_info(info: InstrumentInfo, venue: str, symbol: str) -> Instrument:
    """Return the venue's own statement of a symbol's sizes, without trailing zeros."""
    sizes = {name: _plain(getattr(info, name)) for name in ("tick_size", "lot_size", "min_qty", "min_notional")}
    return Instrument(venue=venue, symbol=symbol, **sizes)


def from_options(venue: str, symbol: str, tick_size: str | None, lot_size: str | None) -> Instrument | None:
    """Return the sizes that a person gave, None when neither was given."""
    if tick_size is None and lot_size is None:
        return None
    if tick_size is None or lot_size is None:
        raise BadInput("tick size and lot size must be given together")
    return Instrument(venue=venue, symbol=symbol, tick_size=tick_size, lot_size=lot_size)


def learn(lake: Lake, paths: Iterable[Path], venue: str, symbol: str) -> Instrument:
    """Settle a symbol's sizes from its files' exchangeInfo, else from the lake, else from their decimal strings."""
    files = list(paths)
    stated = [found for path in files if (found := learn_stated(lake, path, venue, symbol)) is not None]
    if stated:
        return stated[0]
    held = instrument(lake, venue, symbol)
    return held or settle(lake, _inferred(files, venue, symbol), "inferred")


def learn_stated(lake: Lake, path: Path, venue: str, symbol: str) -> Instrument | None:
    """Settle a symbol's sizes from a file's first exchangeInfo, None when it holds none."""
    info = _info(path, symbol)
    return settle(lake, from_info(info, venue, symbol), "exchange_info") if info is not None else None


def _info(path: Path, symbol: str) -> InstrumentInfo | None:
    for line in CollectorFile(path):
        if b'"symbols"' in line.payload:
            for event in parsed(line):
                if isinstance(event, InstrumentInfo) and event.symbol == wire_symbol(symbol):
                    return event
    return None


def _inferred(paths: list[Path], venue: str, symbol: str) -> Instrument:
    prices: set[str] = set()
    sizes: set[str] = set()
    for path in paths:
        for line in CollectorFile(path):
            for event in parsed(line):
                if getattr(event, "symbol", wire_symbol(symbol)) == wire_symbol(symbol):
                    _collect(event, prices.add, sizes.add)
    return Instrument(
        venue=venue,
        symbol=symbol,
        tick_size=common_step(prices, "tick_size"),
        lot_size=common_step(sizes, "lot_size"),
    )


def _collect(event: MarketEvent, price: Callable[[str], None], size: Callable[[str], None]) -> None:
    if isinstance(event, Trade):
        price(event.price)
        size(event.qty)
    elif isinstance(event, BookTicker):
        price(event.bid)
        price(event.ask)
    elif isinstance(event, DepthDiff | DepthSnapshot):
        for level_price, level_size in event.bids + event.asks:
            price(level_price)
            size(level_size)


def parsed(line: Line) -> tuple[MarketEvent, ...]:
    """Parse a line that another pass will judge: here a bad one says nothing."""
    try:
        return parse(line.local_ns, line.payload)
    except BadData:
        return ()


def _plain(size: str) -> str:
    return (size.rstrip("0").rstrip(".") or "0") if "." in size else size

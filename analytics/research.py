"""The lake for a notebook: `r = Research()`, then one call a question and one polars frame an answer.

Reading only, each answer of one snapshot of the lake, while recording and ingest go on. Moments are UTC texts, ns or
datetimes; windows are half-open, of receive time on our clock. Times come back as UTC to the ns, prices in quote
currency, quantities in base units, as the nearest floats or, with `exact=True`, as decimals. docs/research.md lists the
columns.
"""

import logging
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Self

import numpy as np
import polars as pl

from analytics.care.coverage import coverage
from analytics.lake.market_columns import MarketColumns, side_name, sizes_of, times
from analytics.lake.moments import Moment, duration_ns, nanoseconds, utc_text
from analytics.lake.place import LakePlace
from analytics.lake.store import Lake
from analytics.metrics import occupancy
from analytics.registry.parameter_choice import Choice, chosen_set
from analytics.tape import book_series
from analytics.tape.book_series import Market, Messages, TopSeries
from analytics.tape.tape import load_tape
from strategy.errors import BadInput, Failed
from strategy.policies.parameters import ParameterSet
from strategy.policies.quantiles import provisional
from strategy.replay.sigma import sigma_series
from strategy.replay.tape import Tape, TapeInfo

log = logging.getLogger("microvol.research")

_FIRST_NS: Final = 0
_LAST_NS: Final = 2**62
_MOST_MOMENTS: Final = 50_000_000


class Research:
    """One read-only connection to a lake; close it, or use it as a context, where another process needs the memory."""

    def __init__(self, home: str | Path | None = None, exact: bool = False) -> None:
        """Open the lake of a home folder (`var`, as the commands' settings say, when none is named)."""
        self._place = LakePlace.of(home)
        self._exact = exact
        self._open = ExitStack()
        self._lake: Lake = self._open.enter_context(Lake.open(self._place.lake, read_only=True))

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._open.close()

    def coverage(self) -> pl.DataFrame:
        """Return venue, symbol, first and last receive time, and counts of updates, trades and gaps."""
        found = coverage(self._lake)
        return found.with_columns(times("first_ns", "last_ns")).rename({"first_ns": "first_ts", "last_ns": "last_ts"})

    def book_at(self, venue: str, symbol: str, t: Moment) -> pl.DataFrame:
        """Return side, level, price and quantity of the whole book at a moment, bids first, the best first.

        The book holds every message received up to then. Where it is unknown (before the first snapshot, after a gap)
        the frame is empty and a warning says why.
        """
        at_ns = nanoseconds(t, "t")
        market, columns = self._market(venue, symbol)
        found = book_series.book_at(market, at_ns)
        if found is None:
            log.warning("%s %s has no book at %s: %s", venue, symbol, utc_text(at_ns), self._why(market, at_ns))
            found = pl.DataFrame(schema=dict.fromkeys(("side", "nth", "ticks", "lots"), pl.Int64))
        side = pl.when(pl.col("side") == 1).then(pl.lit("bid")).otherwise(pl.lit("ask")).alias("side")
        shown = (columns.price("ticks").alias("price"), columns.quantity("lots").alias("quantity"))
        return found.select(side, pl.col("nth").alias("level"), *shown)

    def top(
        self,
        venue: str,
        symbol: str,
        start: Moment | None = None,
        end: Moment | None = None,
        levels: int = 5,
        every: str | int | None = "1s",
    ) -> pl.DataFrame:
        """Return ts and bid_price_1, bid_quantity_1, ask_price_1, ask_quantity_1, … of the best levels over time.

        A row at every multiple of `every` in [start, end), each book holding all messages received up to then; with
        None a row after every update, and one at every moment the book becomes unknown. Null where there is no level.
        """
        if levels < 1:
            raise BadInput(f"levels was {levels}, it must be 1 or more")
        market, columns = self._market(venue, symbol)
        first, last = self._window(market, start, end)
        step = None if every is None else duration_ns(every, "every")
        moments = None if step is None else _grid(first, last, step)
        messages = Messages.of(market, first, last)
        found = (
            book_series.top_by_update(messages, levels)
            if moments is None
            else book_series.top_at(messages, moments, levels)
        )
        return _top_frame(found, columns)

    def trades(self, venue: str, symbol: str, start: Moment | None = None, end: Moment | None = None) -> pl.DataFrame:
        """Return local_ts, exch_ts, trade_id, side (the aggressor's), price and quantity, in the venue's order."""
        columns = self._columns(venue, symbol)
        first, last = _bounds(start, end)
        found = self._lake.query("queries/trades", venue=venue, symbol=symbol, start_ns=first, end_ns=last)
        shown = (columns.price("price_ticks").alias("price"), columns.quantity("qty_lots").alias("quantity"))
        return found.select(*times("local_ts", "exch_ts"), "trade_id", side_name(), *shown)

    def gaps(self, venue: str, symbol: str, start: Moment | None = None, end: Moment | None = None) -> pl.DataFrame:
        """Return stream, local_ts, expected_id, got_id and reason of every hole in a stream."""
        first, last = _bounds(start, end)
        found = self._lake.query("queries/gaps", venue=venue, symbol=symbol, start_ns=first, end_ns=last)
        return found.with_columns(times("local_ts"))

    def parameters(self, venue: str, symbol: str, choice: Choice) -> ParameterSet:
        """Return the parameter set that is meant: a preset, a version or alias of the symbol, or a document's file."""
        return chosen_set(choice, venue, symbol, self._place.tracking_uri)

    def sigma(
        self,
        venue: str,
        symbol: str,
        start: Moment | None = None,
        end: Moment | None = None,
        parameters: Choice = None,
    ) -> pl.DataFrame:
        """Return ts, mid, sigma and regime after every update that the strategy accepts, exactly as it sees them.

        `parameters` is a set, a preset, a version or alias, or a document's file. Sigma is null while the window warms
        up; its unit is the policy's (a fraction, or quote currency). Open quantiles are resolved on this window.
        """
        chosen = self.parameters(venue, symbol, parameters)
        tape, info = self.tape(venue, symbol, start, end)
        ts, mid_ticks, sigma = sigma_series(tape, info, provisional(chosen))
        columns = MarketColumns(info.tick_size, info.lot_size, exact=False)
        found = pl.DataFrame({"ts": ts + info.clock_offset_ns, "halves": np.round(2 * mid_ticks).astype(np.int64)})
        return found.select(
            *times("ts"),
            (columns.price("halves") / 2).alias("mid"),
            pl.Series("sigma", sigma).fill_nan(None),
            occupancy.regime_names(chosen, sigma),
        )

    def regimes(
        self,
        venue: str,
        symbol: str,
        start: Moment | None = None,
        end: Moment | None = None,
        parameters: Choice = None,
    ) -> pl.DataFrame:
        """Return regime, updates, seconds and share of the time that each regime of a parameter set was in force.

        From the first accepted update to the last; a sigma stands until the next one, or until the book is unknown.
        """
        chosen = self.parameters(venue, symbol, parameters)
        tape, info = self.tape(venue, symbol, start, end)
        ts, _, sigma = sigma_series(tape, info, provisional(chosen))
        stale_ns = round((chosen.risk.stale_after_seconds or 0.0) * 1e9)
        lasting = occupancy.lasting_ns(ts, tape, stale_ns)
        return occupancy.occupancy(occupancy.regime_names(chosen, sigma), ts, lasting)

    def tape(
        self, venue: str, symbol: str, start: Moment | None = None, end: Moment | None = None
    ) -> tuple[Tape, TapeInfo]:
        """Return a window as the columns that replays walk (`strategy.replay.tape`), kept in the tape cache."""
        first, last = _bounds(start, end)
        sizes_of(self._lake, venue, symbol)
        bounds = (None if start is None else first, None if end is None else last)
        return load_tape(self._lake, venue, symbol, *bounds, cache=self._place.tapes)

    def _market(self, venue: str, symbol: str) -> tuple[Market, MarketColumns]:
        columns = self._columns(venue, symbol)
        return Market(self._lake, venue, symbol, self._lake.snapshot_id()), columns

    def _columns(self, venue: str, symbol: str) -> MarketColumns:
        sizes = sizes_of(self._lake, venue, symbol)
        return MarketColumns(sizes.tick_size, sizes.lot_size, self._exact)

    def _window(self, market: Market, start: Moment | None, end: Moment | None) -> tuple[int, int]:
        """Return both ends, inclusive, as far as the lake goes where one is not given."""
        first, last = _bounds(start, end)
        place = {"venue": market.venue, "symbol": market.symbol}
        held = self._lake.query("queries/market_span", **place, start_ns=first, end_ns=last).row(0)
        if held[0] is None:
            raise Failed(f"the lake holds nothing of {market.venue} {market.symbol} in the window")
        return (held[0] if start is None else first), (held[1] if end is None else last)

    def _why(self, market: Market, at_ns: int) -> str:
        place = {"venue": market.venue, "symbol": market.symbol, "start_ns": 0, "end_ns": at_ns}
        holes = self._lake.query("queries/gaps", **place).filter(stream="depth")
        if holes.is_empty():
            return "no snapshot that its updates continue was received before"
        hole = holes.row(-1, named=True)
        ids = f"update {hole['got_id']} came where {hole['expected_id']} was due"
        return f"{ids} at {utc_text(hole['local_ts'])} ({hole['reason']}), and no snapshot continues since"


def _bounds(start: Moment | None, end: Moment | None) -> tuple[int, int]:
    """Return both ends in ns, inclusive."""
    first = _FIRST_NS if start is None else nanoseconds(start, "start")
    last = _LAST_NS if end is None else nanoseconds(end, "end") - 1
    if first > last:
        raise BadInput(f"start was {start}, it must be before end {end}")
    return first, last


def _grid(first: int, last: int, step: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the multiples of a step in a window, both ends inclusive."""
    begin = -(-first // step) * step
    if (last - begin) // step >= _MOST_MOMENTS:
        raise BadInput(f"every was {step} ns, over {_MOST_MOMENTS:,} rows in the window: take longer steps")
    return np.arange(begin, last + 1, step, dtype=np.int64)


def _top_frame(found: TopSeries, columns: MarketColumns) -> pl.DataFrame:
    names = [("bid_price", 0), ("bid_quantity", 1), ("ask_price", 2), ("ask_quantity", 3)]
    raw = {f"{name}_{n + 1}": found.levels[:, n, at] for n in range(found.levels.shape[1]) for name, at in names}
    frame = pl.DataFrame({"ts": found.ts, **raw})
    shown = []
    for n in range(1, found.levels.shape[1] + 1):
        for side in ("bid", "ask"):
            there = pl.col(f"{side}_quantity_{n}") > 0
            for name, convert in (("price", columns.price), ("quantity", columns.quantity)):
                column = f"{side}_{name}_{n}"
                shown.append(convert(pl.when(there).then(pl.col(column))).alias(column))
    return frame.select(*times("ts"), *shown)

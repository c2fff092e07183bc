"""Typed events to lake rows: batches of one symbol, with the holes found on the way."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, Final, Self

import polars as pl

from analytics.ingest.holes import Span, close_holes, seams
from analytics.ingest.level_lists import LevelLists
from analytics.lake.store import Lake
from strategy.errors import BadData
from strategy.venues.events import (
    BookTicker,
    ClockOffset,
    DepthDiff,
    DepthSnapshot,
    Epoch,
    Gap,
    MarketEvent,
    Trade,
)
from strategy.venues.sequence import ANEW, BookSequence, Continuity
from strategy.venues.units import Units

FLUSH_WEIGHT: Final = 400_000  # rows and book levels held before they are written; about 100 MB


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows of each kind."""

    depth_updates: int = 0
    trades: int = 0
    book_tickers: int = 0
    snapshots: int = 0
    gaps: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        """Return the sums."""
        return Counts(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(Counts)))

    @property
    def total(self) -> int:
        """Return the number of rows of market data."""
        return self.depth_updates + self.trades + self.book_tickers + self.snapshots


@dataclass(slots=True)
class StreamState:
    """What must be remembered of a symbol's streams from one batch to the next."""

    depth: Continuity = field(default_factory=Continuity)
    book: BookSequence = field(default_factory=BookSequence)
    trade_id: int | None = None
    trade_exch_ts: int = 0
    epoch: str = ""
    local_ts: int = 0  # of the last event: what is older does not continue here

    @classmethod
    def before(cls, lake: Lake, venue: str, symbol: str, local_ts: int) -> Self:
        """Return the state that the lake's rows before a moment leave behind."""
        row = lake.query("queries/stream_state", venue=venue, symbol=symbol, before_ns=local_ts).row(0, named=True)
        state = cls(trade_id=row["trade_id"], trade_exch_ts=row["trade_exch_ts"] or 0)
        if row["final_update_id"] is not None:
            state.depth = Continuity(row["final_update_id"], row["depth_exch_ts"])
            state.book = BookSequence(row["final_update_id"] if row["snapshots"] else None, row["depth_exch_ts"])
        return state


class MarketRows:
    """Collect events of one symbol and write them as one batch."""

    def __init__(self, venue: str, symbol: str, units: Units, state: StreamState) -> None:
        """Collect for a symbol whose sizes are known."""
        self._venue, self._symbol, self._units, self.state = venue, symbol, units, state
        self._wire_symbol = wire_symbol(symbol)
        self.counted_trades = True  # trade ids count one by one, so that a jump is a hole
        self._clear()

    def _clear(self) -> None:
        self._depth: list[tuple[Any, ...]] = []
        self._depth_levels = LevelLists(self._units)
        self._snapshots: list[tuple[Any, ...]] = []
        self._snapshot_levels = LevelLists(self._units)
        self._trades: list[tuple[Any, ...]] = []
        self._tickers: list[tuple[Any, ...]] = []
        self._gaps: list[tuple[Any, ...]] = []
        self._clocks: list[tuple[Any, ...]] = []
        self.weight = 0

    def add(self, event: MarketEvent) -> None:
        """Take one event; BadData when a value is off the grid or the symbol is another one."""
        symbol = getattr(event, "symbol", self._wire_symbol)
        if symbol != self._wire_symbol:
            raise BadData(f"is of {symbol}, not of {self._wire_symbol}")
        self.state.local_ts = event.local_ts
        taker = _TAKERS.get(type(event))
        if taker is not None:
            taker(self, event)

    def _add_depth(self, diff: DepthDiff) -> None:
        self._depth_levels.add(diff.bids, diff.asks)
        self._depth.append((diff.local_ts, diff.exch_ts, diff.first_id, diff.final_id, diff.prev_id))
        self.weight += 1 + len(diff.bids) + len(diff.asks)
        hole = self.state.depth.check(diff)
        lost = self.state.book.on_diff(diff).gap
        if hole or lost:
            self._hole("depth", hole or lost)

    def _add_snapshot(self, snapshot: DepthSnapshot) -> None:
        self._snapshot_levels.add(snapshot.bids, snapshot.asks)
        self._snapshots.append((snapshot.local_ts, snapshot.last_id))
        self.weight += 1 + len(snapshot.bids) + len(snapshot.asks)
        self.state.book.on_snapshot(snapshot)

    def _add_trade(self, trade: Trade) -> None:
        ticks, lots = self._units.ticks(trade.price), self._units.lots(trade.qty)
        self._trades.append((trade.local_ts, trade.exch_ts, trade.trade_id, trade.side, ticks, lots))
        self.weight += 1
        if self.counted_trades:
            self._check_trade(trade)

    def _check_trade(self, trade: Trade) -> None:
        last, reason = self.state.trade_id, self.state.epoch or "sequence"
        old = last is not None and trade.trade_id <= last
        if old and trade.exch_ts <= self.state.trade_exch_ts:
            return
        if last is not None and (old or trade.trade_id > last + 1):
            self._hole("trade", Gap(trade.local_ts, last + 1, trade.trade_id, f"{reason}, {ANEW}" if old else reason))
        self.state.trade_id, self.state.trade_exch_ts, self.state.epoch = trade.trade_id, trade.exch_ts, ""

    def _add_ticker(self, ticker: BookTicker) -> None:
        bid = (self._units.ticks(ticker.bid), self._units.lots(ticker.bid_qty))
        ask = (self._units.ticks(ticker.ask), self._units.lots(ticker.ask_qty))
        self._tickers.append((ticker.local_ts, ticker.update_id, *bid, *ask))
        self.weight += 1

    def _add_clock(self, clock: ClockOffset) -> None:
        self._clocks.append((clock.local_ts, clock.offset_ns, clock.rtt_ns, clock.samples))

    def _add_epoch(self, mark: Epoch) -> None:
        self.state.depth.epoch(mark)
        self.state.epoch = mark.reason

    def _hole(self, stream: str, gap: Gap | None) -> None:
        if gap is not None:
            self._gaps.append((stream, gap.local_ts, gap.expected_id, gap.got_first_id, gap.reason))

    @property
    def counts(self) -> Counts:
        """Return what is held and not written yet."""
        held = (self._depth, self._trades, self._tickers, self._snapshots, self._gaps)
        return Counts(*(len(rows) for rows in held))

    def flush(self, lake: Lake, beside: Callable[[Lake], None]) -> Counts:
        """Write the batch and what `beside` writes in one transaction; return the rows that were new."""
        self._close_seams(lake)
        frames = {
            "depth_update": self._placed(self._depth_frame(), ("first_update_id", "final_update_id", "exch_ts")),
            "trade": self._placed(_frame(_TRADE, self._trades), ("trade_id", "exch_ts")),
            "book_ticker": self._placed(_frame(_TICKER, self._tickers), tuple(_TICKER)[1:]),
            "depth_snapshot": self._placed(self._snapshot_frame(), ("last_update_id", "local_ts")),
            "gap": self._placed(_frame(_GAP, self._gaps), ("stream", "expected_id", "got_id")),
        }
        clocks = self._placed(_frame(_CLOCK, self._clocks), ("local_ts",))

        def write(open_lake: Lake) -> Counts:
            added = Counts(*(self._merge(open_lake, table, frame) for table, frame in frames.items()))
            open_lake.merge("staging/add_clock_offset", clocks, **self._place)
            beside(open_lake)
            return added

        added = lake.atomically(write)
        self._clear()
        return added

    @property
    def _place(self) -> dict[str, Any]:
        return {"venue": self._venue, "symbol": self._symbol}

    def _spans(self) -> dict[str, Span]:
        """Return the lowest and highest ids held, by stream."""
        spans = {}
        if self._depth:
            spans["depth"] = (min(row[2] for row in self._depth), max(row[3] for row in self._depth))
        if self._trades and self.counted_trades:
            spans["trade"] = (min(row[2] for row in self._trades), max(row[2] for row in self._trades))
        return spans

    def _close_seams(self, lake: Lake) -> None:
        """Find the holes between this batch and later rows that the lake holds already."""
        ends = {stream: high for stream, (_, high) in self._spans().items()}
        if ends:
            end_ns = max(row[0] for row in (*self._depth, *self._trades))
            for stream, gap in seams(lake, self._place, end_ns, ends.get("depth"), ends.get("trade")).items():
                self._hole(stream, gap)

    def _depth_frame(self) -> pl.DataFrame:
        return _frame(_DEPTH, self._depth).with_columns(self._depth_levels.columns())

    def _snapshot_frame(self) -> pl.DataFrame:
        return _frame(_SNAPSHOT, self._snapshots).with_columns(self._snapshot_levels.columns())

    def _placed(self, frame: pl.DataFrame, key: tuple[str, ...]) -> pl.DataFrame:
        """Return the rows that differ in their key, with the columns that say where they belong."""
        return frame.unique(subset=key, keep="first", maintain_order=True).with_columns(
            pl.lit(self._venue).alias("venue"),
            pl.lit(self._symbol).alias("symbol"),
            pl.from_epoch("local_ts", "ns").dt.date().alias("day"),
        )

    def _merge(self, lake: Lake, table: str, frame: pl.DataFrame) -> int:
        place = self._place
        if table == "gap":
            return lake.merge("staging/add_gap", frame, **place) + close_holes(lake, place, self._spans())
        if frame.is_empty():
            return 0
        ids = frame[_IDS[table]]
        return lake.merge(f"staging/add_{table}", frame, low=ids.min(), high=ids.max(), **place)


def _frame(schema: dict[str, pl.DataType], rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema, orient="row")


def wire_symbol(symbol: str) -> str:
    """Return the symbol as the venue's messages spell it.

    `BTC/USDT` and `BTC/USDT:USDT` -> `BTCUSDT`; what settles in its base is a coin-margined perpetual: `BTC/USD:BTC`
    -> `BTCUSD_PERP`.
    """
    pair, _, settled_in = symbol.partition(":")
    base, _, quote = pair.partition("/")
    return f"{base}{quote}_PERP" if settled_in == base else f"{base}{quote}"


_TAKERS: Final[dict[type, Callable[[MarketRows, Any], None]]] = {
    DepthDiff: MarketRows._add_depth,
    DepthSnapshot: MarketRows._add_snapshot,
    Trade: MarketRows._add_trade,
    BookTicker: MarketRows._add_ticker,
    Epoch: MarketRows._add_epoch,
    ClockOffset: MarketRows._add_clock,
}
_INT: Final[pl.DataType] = pl.Int64()
_BEST: Final = ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots")
_DEPTH: Final = dict.fromkeys(("local_ts", "exch_ts", "first_update_id", "final_update_id", "prev_update_id"), _INT)
_SNAPSHOT: Final = dict.fromkeys(("local_ts", "last_update_id"), _INT)
_TRADE: Final = dict.fromkeys(("local_ts", "exch_ts", "trade_id", "side", "price_ticks", "qty_lots"), _INT)
_TICKER: Final = dict.fromkeys(("local_ts", "update_id", *_BEST), _INT)
_CLOCK: Final = dict.fromkeys(("local_ts", "offset_ns", "rtt_ns", "samples"), _INT)
_GAP: Final[dict[str, pl.DataType]] = {
    "stream": pl.String(),
    "local_ts": _INT,
    "expected_id": _INT,
    "got_id": _INT,
    "reason": pl.String(),
}
_IDS: Final = {
    "depth_update": "final_update_id",
    "trade": "trade_id",
    "book_ticker": "update_id",
    "depth_snapshot": "last_update_id",
}

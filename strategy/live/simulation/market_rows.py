"""Frames as they come to rows of a tape: the columns that a tape of the same frames from the lake has.

Only what the replay has not walked yet is kept. Rows hold our raw clock; the offset comes in when they become a tape.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import structlog
from numpy.typing import NDArray

from strategy.errors import BadData
from strategy.kernel.book import band_limit
from strategy.kernel.records import BUY, SELL
from strategy.policies.document import Instrument
from strategy.replay.depth import Depth, no_depth
from strategy.replay.tape import Tape, prepared
from strategy.venues.book import LiveBook
from strategy.venues.events import DepthDiff, DepthSnapshot, Epoch, MarketEvent, Trade
from strategy.venues.sequence import BookSequence, Progress
from strategy.venues.units import Units
from strategy.venues.wire import parse

log = structlog.get_logger("simulation")

I64 = NDArray[np.int64]
_TICKER: Final = b'@bookTicker"'
_NEVER: Final = -(2**62)


@dataclass(slots=True)
class _Updates:
    exch: list[int] = field(default_factory=list)  # 0 = the venue had told no time yet
    local: list[int] = field(default_factory=list)
    fresh: list[int] = field(default_factory=list)
    best: list[tuple[int, int, int, int]] = field(default_factory=list)
    depth: list[tuple[int, int]] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)  # of the levels below
    levels: list[tuple[int, int, int]] = field(default_factory=list)  # side, ticks, lots


@dataclass(slots=True)
class _Floors:
    """Times of the last rows that were dropped: no later one steps back behind them."""

    update_exch: int = _NEVER
    update_local: int = _NEVER
    trade_exch: int = _NEVER
    trade_local: int = _NEVER
    gap_exch: int = _NEVER
    gap_local: int = _NEVER


class MarketRows:
    """One symbol's market from its frames on. A lost connection and bad data lose the book, as they do live."""

    def __init__(self, instrument: Instrument, depth_band_bps: float | None = None) -> None:
        """Begin with an unknown book; with a band, updates carry the depth so far around mid."""
        self._units = Units(instrument.tick_size, instrument.lot_size)
        self._wire_symbol = instrument.symbol.partition(":")[0].replace("/", "")
        self._band_bps = depth_band_bps
        self._sequence, self._book = BookSequence(), LiveBook(self._units)
        self._seen_exch, self._hears_depth = 0, False
        self._updates, self._floors = _Updates(), _Floors()
        self._trades: list[tuple[int, int, int, int, int]] = []  # exch, local, side, ticks, lots
        self._gaps: list[tuple[int, int]] = []  # exch, local
        self.differences: list[int] = []  # local - exch of messages since `differences` was last emptied

    @property
    def needs_snapshot(self) -> bool:
        """Say whether the book is unknown while updates come that a snapshot could be continued by."""
        return self._hears_depth and not self._sequence.known

    def first_ns(self, offset_ns: int) -> int | None:
        """Return the venue's time of the first row that has not been dropped, None without any."""
        kept = self._updates
        rows = [(kept.exch[0], kept.local[0])] if kept.exch else []
        rows += [(row[0], row[1]) for row in (*self._trades[:1], *self._gaps[:1])]
        return min((exch or local - offset_ns for exch, local in rows), default=None)

    def frame(self, local_ns: int, payload: bytes) -> None:
        """Take one frame; one that cannot be read loses the book."""
        if _TICKER in payload:
            return
        try:
            for message in parse(local_ns, payload):
                self._take(message)
        except BadData as error:
            log.warning("bad market data", error=str(error))
            self._lose(local_ns)

    def _take(self, message: MarketEvent) -> None:
        if isinstance(message, Epoch):
            self._lose(message.local_ts)
        elif isinstance(message, DepthSnapshot):
            self._progress(message.local_ts, self._sequence.on_snapshot(message))
        elif isinstance(message, DepthDiff) and message.symbol == self._wire_symbol:
            self._seen_exch, self._hears_depth = message.exch_ts, True
            self.differences.append(message.local_ts - message.exch_ts)
            self._progress(message.local_ts, self._sequence.on_diff(message))
        elif isinstance(message, Trade) and message.symbol == self._wire_symbol:
            self.differences.append(message.local_ts - message.exch_ts)
            size = (self._units.ticks(message.price), self._units.lots(message.qty))
            self._trades.append((message.exch_ts, message.local_ts, message.side, *size))

    def _lose(self, local_ns: int) -> None:
        """Forget the book; that a connection was lost is known when we hear of it."""
        if self._sequence.known:
            self._gaps.append((0, local_ns))
        self._sequence, self._hears_depth = BookSequence(), False

    def _progress(self, local_ns: int, progress: Progress) -> None:
        if progress.gap is not None:
            self._gaps.append((self._seen_exch, local_ns))
        if progress.snapshot is None and not progress.diffs:
            return
        rows: list[tuple[int, int, int]] = []
        if progress.snapshot is not None:
            rows += [(side, ticks, 0) for side, ticks in self._book.prices()]
            self._book.replace((), ())
        for change in (progress.snapshot, *progress.diffs):
            if change is not None:
                self._book.change(change.bids, change.asks)
                rows += self._rows(BUY, change.bids) + self._rows(SELL, change.asks)
        self._append(local_ns, progress.snapshot is not None, rows)

    def _rows(self, side: int, levels: tuple[tuple[str, str], ...]) -> list[tuple[int, int, int]]:
        return [(side, self._units.ticks(price), self._units.lots(qty)) for price, qty in levels]

    def _append(self, local_ns: int, fresh: bool, rows: list[tuple[int, int, int]]) -> None:
        best, kept = self._book.best(), self._updates
        kept.exch.append(self._seen_exch)
        kept.local.append(local_ns)
        kept.fresh.append(int(fresh))
        kept.best.append(best)
        kept.counts.append(len(rows))
        kept.levels += rows
        depth = (0, 0)
        if self._band_bps is not None and 0 < best.bid_ticks < best.ask_ticks:
            mid = (best.bid_ticks + best.ask_ticks) / 2
            depth = self._book.depth(*(band_limit(mid, self._band_bps, side) for side in (BUY, SELL)))
        kept.depth.append(depth)

    def tape(self, offset_ns: int) -> tuple[Tape, Depth]:
        """Return the rows at hand; `offset_ns` is taken from every receive time (analytics.tape.tape)."""
        kept, floors = self._updates, self._floors
        local = _rising(np.array(kept.local, np.int64) - offset_ns, floors.update_local)
        stamp = np.array(kept.exch, np.int64)
        exch = _rising(np.where(stamp > 0, stamp, local), floors.update_exch)
        best, levels = _table(kept.best, 4), _table(kept.levels, 3)
        columns: dict[str, Any] = {
            "update_exch": exch,
            "update_local": np.maximum(local, exch),
            "fresh": np.array(kept.fresh, np.int8),
            **{name: best[:, i].copy() for i, name in enumerate(("bid_ticks", "bid_lots", "ask_ticks", "ask_lots"))},
            "level_start": np.cumsum([0, *kept.counts], dtype=np.int64),
            "level_side": levels[:, 0].astype(np.int8),
            "level_ticks": levels[:, 1].copy(),
            "level_lots": levels[:, 2].copy(),
        }
        tape = prepared(Tape(**columns, **self._trade_columns(offset_ns), **self._gap_columns(offset_ns)))
        if self._band_bps is None:
            return tape, no_depth()
        depth = _table(kept.depth, 2)
        return tape, Depth(depth[:, 0].copy(), depth[:, 1].copy())

    def _trade_columns(self, offset_ns: int) -> dict[str, Any]:
        rows = _table(self._trades, 5)
        return {
            "trade_exch": _rising(rows[:, 0], self._floors.trade_exch),
            "trade_local": _rising(np.maximum(rows[:, 1] - offset_ns, rows[:, 0]), self._floors.trade_local),
            "trade_side": rows[:, 2].astype(np.int8),
            "trade_ticks": rows[:, 3].copy(),
            "trade_lots": rows[:, 4].copy(),
        }

    def _gap_columns(self, offset_ns: int) -> dict[str, Any]:
        rows = _table(self._gaps, 2)
        exch = np.where(rows[:, 0] > 0, rows[:, 0], rows[:, 1] - offset_ns)
        return {
            "gap_exch": _rising(exch, self._floors.gap_exch),
            "gap_local": _rising(np.maximum(rows[:, 1] - offset_ns, exch), self._floors.gap_local),
        }

    def drop(self, tape: Tape, updates: int, trades: int, gaps: int) -> None:
        """Forget the first so many rows of each kind; `tape` is what they were."""
        kept, floors = self._updates, self._floors
        del kept.levels[: int(tape.level_start[updates])]
        for column in (kept.exch, kept.local, kept.fresh, kept.best, kept.depth, kept.counts):
            del column[:updates]
        del self._trades[:trades], self._gaps[:gaps]
        for kind, count in (("update", updates), ("trade", trades), ("gap", gaps)):
            for clock in ("exch", "local"):
                name = f"{kind}_{clock}"
                if count:
                    setattr(floors, name, int(getattr(tape, name)[count - 1]))


def _rising(times: I64, floor: int) -> I64:
    return np.maximum.accumulate(np.maximum(times, floor)) if len(times) else times


def _table(rows: list[Any], columns: int) -> I64:
    return np.array(rows, np.int64).reshape(-1, columns)

"""A tape from a mid path and the trades against it: one level a side, no feed latency, no hole.

The book shows a size so small, or stands so far away, that what fills our quotes is the trades alone.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from strategy.kernel.records import BUY, SELL
from strategy.replay.synthetic import synthetic_info
from strategy.replay.tape import Tape, TapeInfo

I64 = NDArray[np.int64]

SECOND_NS: Final = 1_000_000_000
START_NS: Final = 1_699_999_200 * SECOND_NS  # a full hour


@dataclass(frozen=True, slots=True)
class Trades:
    """Trades in the order of their times (ns): the aggressor's side, price in ticks, size in lots."""

    ts: I64
    side: I64
    ticks: I64
    lots: I64


def tape_of(ts: I64, bid: I64, ask: I64, lots: int, trades: Trades) -> Tape:
    """Return the tape of a book with one level of `lots` a side; ts (ns), bid, ask (ticks): a row an update."""
    rows = len(ts)
    fresh = np.zeros(rows, np.int8)
    fresh[0] = 1
    sizes, none = np.full(rows, lots, np.int64), np.zeros(0, np.int64)
    return Tape(
        update_exch=ts, update_local=ts, fresh=fresh, bid_ticks=bid, bid_lots=sizes, ask_ticks=ask, ask_lots=sizes,
        **_levels(bid, ask, lots), trade_exch=trades.ts, trade_local=trades.ts, trade_side=trades.side.astype(np.int8),
        trade_ticks=trades.ticks, trade_lots=trades.lots, gap_exch=none, gap_local=none,
    )  # fmt: skip


def named(tape: Tape, tick_size: str, lot_size: str) -> TapeInfo:
    """Return what a venue without minima beyond a lot says of a tape."""
    filters = {"tick_size": tick_size, "lot_size": lot_size, "min_qty": lot_size, "min_notional": "0"}
    return synthetic_info(tape)._replace(**filters)


def _levels(bid: I64, ask: I64, lots: int) -> dict[str, Any]:
    """Return the level columns: where a side's price moves, the old level goes and the new one comes."""
    rows = len(bid)
    ticks = np.stack([np.roll(bid, 1), bid, np.roll(ask, 1), ask], axis=1)
    sizes = np.tile(np.array([0, lots, 0, lots], np.int64), (rows, 1))
    sides = np.tile(np.array([BUY, BUY, SELL, SELL], np.int8), (rows, 1))
    told = np.ones((rows, 4), bool)
    told[1:, 0] = told[1:, 1] = bid[1:] != bid[:-1]
    told[1:, 2] = told[1:, 3] = ask[1:] != ask[:-1]
    told[0] = (False, True, False, True)
    starts = np.concatenate([[0], np.cumsum(told.sum(axis=1))]).astype(np.int64)
    return {"level_start": starts, "level_side": sides[told], "level_ticks": ticks[told], "level_lots": sizes[told]}

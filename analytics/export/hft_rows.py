"""What hftbacktest reads: the rows of its event array, their flags, and the order in which it wants them.

It serves a row to its exchange at exch_ts (EXCH_EVENT) and to its strategy at local_ts (LOCAL_EVENT); the rows of each
flag must be in the order of their clock.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from strategy.kernel.records import BUY

DEPTH_EVENT: Final = 1
TRADE_EVENT: Final = 2
DEPTH_CLEAR_EVENT: Final = 3  # without a flag for a side it empties both
DEPTH_SNAPSHOT_EVENT: Final = 4
EXCH_EVENT: Final = 1 << 31
LOCAL_EVENT: Final = 1 << 30
BUY_EVENT: Final = 1 << 29
SELL_EVENT: Final = 1 << 28

EVENT_ROW: Final = np.dtype(
    [
        ("ev", "u8"),
        ("exch_ts", "i8"),
        ("local_ts", "i8"),
        ("px", "f8"),
        ("qty", "f8"),
        ("order_id", "u8"),
        ("ival", "i8"),
        ("fval", "f8"),
    ],
    align=True,
)

I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]


def side_flags(sides: NDArray[np.int8], kind: int) -> U64:
    """Return the flags of rows of one kind whose sides are 1 and -1."""
    return np.where(sides == BUY, BUY_EVENT, SELL_EVENT).astype(np.uint64) | np.uint64(kind)


@dataclass(frozen=True, slots=True)
class Order:
    """Events in the order of the file: the number of each, and the flags of the clocks that it stands there for."""

    event: I64
    clocks: U64


def ordered(exch: I64, local: I64) -> Order:
    """Order events (N,) by both clocks at once; events of equal times keep the order in which they are given.

    The file is cut wherever both clocks have served the same events. A piece of one event is one row for both; in a
    longer one every event stands twice, first all of them as the exchange has them, then as the strategy does.
    """
    count = len(exch)
    by_exch, by_local = np.argsort(exch, kind="stable"), np.argsort(local, kind="stable")
    heard = np.empty(count, np.int64)
    heard[by_local] = np.arange(count)
    ends = np.flatnonzero(np.maximum.accumulate(heard[by_exch]) == np.arange(count))
    size = np.diff(ends, prepend=-1)
    rows = np.where(size > 1, 2 * size, size)
    piece = np.repeat(np.arange(len(ends)), size)
    place = (np.cumsum(rows) - rows)[piece] + np.arange(count) - (ends - size + 1)[piece]
    twice = size[piece] > 1
    event, clocks = np.zeros(int(rows.sum()), np.int64), np.zeros(int(rows.sum()), np.uint64)
    event[place], clocks[place] = by_exch, np.where(twice, EXCH_EVENT, EXCH_EVENT | LOCAL_EVENT)
    again = (place + size[piece])[twice]
    event[again], clocks[again] = by_local[twice], LOCAL_EVENT
    return Order(event, clocks)


def spread(start: I64, size: I64) -> I64:
    """Return the places of ranges laid end to end: `start[i]`, …, `start[i] + size[i] - 1` for every i."""
    first = np.cumsum(size) - size
    places: I64 = np.arange(int(size.sum())) + np.repeat(start - first, size)
    return places

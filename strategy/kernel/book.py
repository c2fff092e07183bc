"""The L2 book: per side one sorted array of (ticks, lots) with the best at its end.

Exact over any price range, and cheap: nearly all changes happen near the best, so few rows move. A side that has no
room left says so, and the caller, who owns the memory, continues with `grown(book)`.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from strategy.kernel.jit import jit, jit_entry
from strategy.kernel.quotes import BPS, grid_ceil, grid_floor
from strategy.kernel.records import BUY


class Book(NamedTuple):
    """Rows [0, counts[side]) of each side are in use: bids ascend, asks descend. `counts` is (bids, asks)."""

    bids: NDArray[np.int64]  # (capacity, 2): ticks, lots
    asks: NDArray[np.int64]
    counts: NDArray[np.int64]


def new_book(capacity: int = 4096) -> Book:
    """Return an empty book with room for `capacity` levels a side."""
    return Book(np.zeros((capacity, 2), np.int64), np.zeros((capacity, 2), np.int64), np.zeros(2, np.int64))


def grown(book: Book) -> Book:
    """Return a copy with twice the room."""
    larger = new_book(2 * len(book.bids))
    larger.bids[: len(book.bids)] = book.bids
    larger.asks[: len(book.asks)] = book.asks
    larger.counts[:] = book.counts
    return larger


@jit
def _place_of(rows: NDArray[np.int64], count: int, side: int, ticks: int) -> int:
    """Return the first row that is not worse than `ticks`; `count` when every row is worse."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if side * rows[middle, 0] < side * ticks:
            low = middle + 1
        else:
            high = middle
    return low


@jit
def set_level(book: Book, side: int, ticks: int, lots: int) -> bool:
    """Set the size at a price, 0 = gone; return False, with nothing changed, when the side is full."""
    rows = book.bids if side == BUY else book.asks
    which = 0 if side == BUY else 1
    count = book.counts[which]
    place = _place_of(rows, count, side, ticks)
    if place < count and rows[place, 0] == ticks:
        if lots > 0:
            rows[place, 1] = lots
            return True
        for row in range(place, count - 1):
            rows[row, 0] = rows[row + 1, 0]
            rows[row, 1] = rows[row + 1, 1]
        book.counts[which] = count - 1
        return True
    if lots <= 0:
        return True
    if count == len(rows):
        return False
    for row in range(count, place, -1):
        rows[row, 0] = rows[row - 1, 0]
        rows[row, 1] = rows[row - 1, 1]
    rows[place, 0] = ticks
    rows[place, 1] = lots
    book.counts[which] = count + 1
    return True


@jit
def size_at(book: Book, side: int, ticks: int) -> int:
    """Return the lots displayed at a price, 0 where there are none."""
    rows = book.bids if side == BUY else book.asks
    count = book.counts[0 if side == BUY else 1]
    place = _place_of(rows, count, side, ticks)
    if place < count and rows[place, 0] == ticks:
        return int(rows[place, 1])
    return 0


@jit
def best(book: Book, side: int) -> tuple[int, int]:
    """Return (ticks, lots) of the best level, (0, 0) when the side is empty."""
    rows = book.bids if side == BUY else book.asks
    count = book.counts[0 if side == BUY else 1]
    if count == 0:
        return 0, 0
    return int(rows[count - 1, 0]), int(rows[count - 1, 1])


@jit_entry
def band_limit(mid_ticks: float, band_bps: float, side: int) -> int:
    """Return the last price (ticks) of a side that lies within `band_bps` of mid, the band's edge included."""
    reach = mid_ticks * band_bps * BPS
    return grid_ceil(mid_ticks - reach) if side == BUY else grid_floor(mid_ticks + reach)


@jit
def depth_within(book: Book, side: int, limit_ticks: int) -> int:
    """Return the lots displayed on a side at `limit_ticks` and better (strategy.md 1.4)."""
    rows = book.bids if side == BUY else book.asks
    lots = 0
    for row in range(book.counts[0 if side == BUY else 1] - 1, -1, -1):
        if side * rows[row, 0] < side * limit_ticks:
            break
        lots += rows[row, 1]
    return int(lots)


@jit
def clear(book: Book) -> None:
    """Empty both sides."""
    book.counts[0] = 0
    book.counts[1] = 0


@jit
def replace(book: Book, side: int, ticks: NDArray[np.int64], lots: NDArray[np.int64]) -> bool:
    """Make a side equal to the given levels, in any order; return False when they do not all fit."""
    book.counts[0 if side == BUY else 1] = 0
    fits = True
    for i in range(len(ticks)):
        fits = fits and set_level(book, side, ticks[i], lots[i])
    return fits

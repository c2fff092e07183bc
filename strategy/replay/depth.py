"""The depth within a band around mid along a tape (strategy.md 1.4), computed once for each tape and band."""

import functools
import weakref
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from strategy.kernel.book import Book, band_limit, depth_within, grown, new_book, set_level
from strategy.kernel.jit import jit_entry
from strategy.kernel.records import BUY, SELL
from strategy.replay.tape import Tape, prepared


class Depth(NamedTuple):
    """Lots within the band on each side after every update (U,), 0 where the book is crossed or a side is empty.

    Both columns are empty where nobody asks for depth.
    """

    bid_lots: NDArray[np.int64]
    ask_lots: NDArray[np.int64]


_KNOWN: Final[dict[tuple[int, float], Depth]] = {}  # by identity of a tape's level column and by band


@functools.cache
def no_depth() -> Depth:
    """Return the columns of a replay that does not look at depth."""
    return Depth(np.zeros(0, np.int64), np.zeros(0, np.int64))


def depth_along(tape: Tape, band_bps: float) -> Depth:
    """Return the depth within `band_bps` of each update's own mid.

    A tape's level columns never change, so the answer is kept for as long as they live: a study asks for the same one
    in every trial. So give the tape itself, not a copy.
    """
    key = (id(tape.level_lots), band_bps)
    if key not in _KNOWN:
        _KNOWN[key] = _walked(tape, band_bps)
        weakref.finalize(tape.level_lots, _KNOWN.pop, key, None)
    return _KNOWN[key]


def _walked(tape: Tape, band_bps: float) -> Depth:
    rows = len(tape.update_local)
    depth = Depth(np.zeros(rows, np.int64), np.zeros(rows, np.int64))
    columns = prepared(tape)
    widest = int(np.diff(tape.level_start).max(initial=0))
    book, done = new_book(), 0
    while done < rows:
        done = walk(columns, book, band_bps, widest, done, depth)
        book = grown(book)
    return depth


@jit_entry
def walk(tape: Any, book: Book, band_bps: float, widest: int, first: int, depth: Any) -> int:
    """Apply updates from `first` on and write the depth after each; return the first one the book has no room for."""
    for i in range(first, len(tape.update_local)):
        if max(book.counts[0], book.counts[1]) + widest > len(book.bids):
            return i
        for row in range(tape.level_start[i], tape.level_start[i + 1]):
            set_level(book, tape.level_side[row], tape.level_ticks[row], tape.level_lots[row])
        bid, ask = tape.bid_ticks[i], tape.ask_ticks[i]
        if 0 < bid < ask:
            mid = 0.5 * float(bid + ask)
            depth.bid_lots[i] = depth_within(book, BUY, band_limit(mid, band_bps, BUY))
            depth.ask_lots[i] = depth_within(book, SELL, band_limit(mid, band_bps, SELL))
    return len(tape.update_local)

"""Rebuild the book along a tape: best prices after each update and the levels that each one changed.

The book itself is the kernel's; here its states become the columns of a tape.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from strategy.kernel.book import Book, best, clear, new_book, set_level
from strategy.kernel.jit import jit, jit_entry
from strategy.kernel.records import BUY, SELL

I64 = NDArray[np.int64]
I8 = NDArray[np.int8]
_SPAN: Final = 1 << 26  # ticks between the lowest and the highest price up to which a place each is cheap


class Levels(NamedTuple):
    """Levels of many messages: message i has rows `start[i]:start[i + 1]`."""

    start: I64
    side: I8
    ticks: I64
    lots: I64


class Steps(NamedTuple):
    """What makes up each update: update u has steps `start[u]:start[u + 1]`.

    A step is a snapshot or a diff (`is_snapshot`) and the number of its message. The first update after a start, a gap
    or a new snapshot is `fresh`: its levels are the differences that make the old book equal to the new one.
    """

    start: I64
    fresh: I8
    is_snapshot: I8
    message: I64


@jit
def _wider(array: Any, room: int) -> Any:
    """Return an array of at least `room` places that begins with `array`."""
    if len(array) >= room:
        return array
    wide = np.zeros(max(room, 2 * len(array)), array.dtype)
    wide[: len(array)] = array
    return wide


@jit
def _differences(side: int, old: I64, new: I64, out: Levels, at: int) -> int:
    """Write the levels that turn the rows of one side into others (best last) from row `at` on; return the end."""
    i = j = 0
    while i < len(old) or j < len(new):
        if j == len(new) or (i < len(old) and side * old[i, 0] < side * new[j, 0]):
            out.side[at], out.ticks[at], out.lots[at] = side, old[i, 0], 0
            at += 1
            i += 1
            continue
        same = i < len(old) and old[i, 0] == new[j, 0]
        if not same or old[i, 1] != new[j, 1]:
            out.side[at], out.ticks[at], out.lots[at] = side, new[j, 0], new[j, 1]
            at += 1
        i += same
        j += 1
    return at


@jit
def apply_message(book: Book, levels: Levels, message: int) -> None:
    """Apply one message's levels in their order; `book` has room for every price that occurs."""
    for row in range(levels.start[message], levels.start[message + 1]):
        set_level(book, levels.side[row], levels.ticks[row], levels.lots[row])


@jit_entry
def _walk(steps: Steps, snapshots: Levels, diffs: Levels, book: Book) -> tuple[I64, Levels]:
    updates = len(steps.fresh)
    prices = np.zeros((updates, 4), np.int64)
    start = np.zeros(updates + 1, np.int64)
    room = len(diffs.ticks) + 1
    out = Levels(start, np.zeros(room, np.int8), np.zeros(room, np.int64), np.zeros(room, np.int64))
    end = 0
    for update in range(updates):
        fresh = steps.fresh[update] == 1
        old_bids = book.bids[: book.counts[0] if fresh else 0].copy()
        old_asks = book.asks[: book.counts[1] if fresh else 0].copy()
        for step in range(steps.start[update], steps.start[update + 1]):
            if steps.is_snapshot[step] == 1:
                clear(book)
            apply_message(book, snapshots if steps.is_snapshot[step] == 1 else diffs, steps.message[step])
        bids, asks = book.bids[: book.counts[0]], book.asks[: book.counts[1]]
        message = steps.message[steps.start[update]]
        changes = diffs.start[message + 1] - diffs.start[message] if not fresh else 0
        room = end + changes + len(old_bids) + len(old_asks) + (len(bids) + len(asks) if fresh else 0)
        out = Levels(start, _wider(out.side, room), _wider(out.ticks, room), _wider(out.lots, room))
        if fresh:
            end = _differences(BUY, old_bids, bids, out, end)
            end = _differences(SELL, old_asks, asks, out, end)
        else:
            first = diffs.start[message]
            out.side[end : end + changes] = diffs.side[first : first + changes]
            out.ticks[end : end + changes] = diffs.ticks[first : first + changes]
            out.lots[end : end + changes] = diffs.lots[first : first + changes]
            end += changes
        start[update + 1] = end
        prices[update, 0], prices[update, 1] = best(book, BUY)
        prices[update, 2], prices[update, 3] = best(book, SELL)
    return prices, Levels(start, out.side[:end], out.ticks[:end], out.lots[:end])


def rebuild(steps: Steps, snapshots: Levels, diffs: Levels) -> tuple[I64, Levels]:
    """Return the best prices after each update and the levels that each update changed.

    The first is int64 (updates, 4): bid ticks, bid lots, ask ticks, ask lots; 0 where a side is empty. An update that
    is not fresh has one step, a diff, and keeps that message's levels as they came.
    """
    return _walk(steps, snapshots, diffs, new_book(max(1, _distinct(snapshots.ticks, diffs.ticks))))


def _distinct(*ticks: I64) -> int:
    """Return at most how many prices there are: counted where they lie close together, else one a level."""
    known = [each for each in ticks if len(each)]
    if not known:
        return 0
    low, high = min(int(each.min()) for each in known), max(int(each.max()) for each in known)
    levels = sum(len(each) for each in known)
    if high - low >= _SPAN:
        return min(levels, len(np.unique(np.concatenate(known))))
    seen = np.zeros(high - low + 1, bool)
    for each in known:
        seen[each - low] = True
    return int(np.count_nonzero(seen))


def interleave(bids: tuple[I64, I64, I64], asks: tuple[I64, I64, I64]) -> Levels:
    """Put bids before asks message by message; each side is (rows a message, ticks, lots)."""
    counts = bids[0] + asks[0]
    start = np.concatenate((np.zeros(1, np.int64), np.cumsum(counts)))
    side = np.repeat(np.tile(np.array([BUY, SELL], np.int8), len(counts)), np.column_stack((bids[0], asks[0])).ravel())
    ticks, lots = np.empty(len(side), np.int64), np.empty(len(side), np.int64)
    for which, (_, side_ticks, side_lots) in ((BUY, bids), (SELL, asks)):
        ticks[side == which], lots[side == which] = side_ticks, side_lots
    return Levels(start, side, ticks, lots)

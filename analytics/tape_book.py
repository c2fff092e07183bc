"""Rebuild the book along a tape: best prices after each update and the levels that each one changed.

A side is two arrays, keys (side times ticks, ascending) and sizes, so that the best of either side stands last: changes
happen near the best, where little has to move.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from strategy.kernel.jit import jit
from strategy.kernel.records import BUY, SELL

I64 = NDArray[np.int64]
I8 = NDArray[np.int8]


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
def set_level(keys: I64, sizes: I64, count: int, key: int, lots: int) -> int:
    """Set one level of a side with `count` levels (there must be room for one more); return the new count."""
    place = np.searchsorted(keys[:count], key)
    held = place < count and keys[place] == key
    if lots == 0:
        if not held:
            return count
        for i in range(place, count - 1):
            keys[i] = keys[i + 1]
            sizes[i] = sizes[i + 1]
        return count - 1
    if held:
        sizes[place] = lots
        return count
    for i in range(count, place, -1):
        keys[i] = keys[i - 1]
        sizes[i] = sizes[i - 1]
    keys[place] = key
    sizes[place] = lots
    return count + 1


@jit
def _wider(array: I64, room: int) -> I64:
    """Return an array of at least `room` places that begins with `array`."""
    if len(array) >= room:
        return array
    wide = np.zeros(max(room, 2 * len(array)), array.dtype)
    wide[: len(array)] = array
    return wide


@jit
def _differences(old: tuple[I64, I64, int], new: tuple[I64, I64, int], out: tuple[I64, I64], at: int) -> int:
    """Write keys and sizes that turn one side into another from `out[at]` on; return the end."""
    old_keys, old_sizes, old_count = old
    new_keys, new_sizes, new_count = new
    i = j = 0
    while i < old_count or j < new_count:
        gone = j == new_count or (i < old_count and old_keys[i] < new_keys[j])
        if gone:
            out[0][at], out[1][at] = old_keys[i], 0
            at += 1
            i += 1
            continue
        same = i < old_count and old_keys[i] == new_keys[j]
        if not same or old_sizes[i] != new_sizes[j]:
            out[0][at], out[1][at] = new_keys[j], new_sizes[j]
            at += 1
        i += same
        j += 1
    return at


@jit
def _apply(side: int, keys: I64, sizes: I64, count: int, levels: Levels, message: int) -> tuple[I64, I64, int]:
    """Apply one message to one side; return the side's arrays, wider where there was no room, and its count."""
    first, last = levels.start[message], levels.start[message + 1]
    keys, sizes = _wider(keys, count + last - first), _wider(sizes, count + last - first)
    for row in range(first, last):
        if levels.side[row] == side:
            count = set_level(keys, sizes, count, side * levels.ticks[row], levels.lots[row])
    return keys, sizes, count


@jit
def _side(side: int, steps: Steps, snapshots: Levels, diffs: Levels) -> Any:
    """Return (best key, best size, row start, keys, sizes) of one side along all updates."""
    updates = len(steps.fresh)
    best = np.zeros((updates, 2), np.int64)
    start = np.zeros(updates + 1, np.int64)
    out_keys, out_sizes = np.zeros(len(diffs.ticks) + 1, np.int64), np.zeros(len(diffs.ticks) + 1, np.int64)
    keys, sizes, count = np.zeros(1024, np.int64), np.zeros(1024, np.int64), 0
    end = 0
    for update in range(updates):
        fresh = steps.fresh[update] == 1
        old_count = count if fresh else 0
        old_keys, old_sizes = keys[:old_count].copy(), sizes[:old_count].copy()
        for step in range(steps.start[update], steps.start[update + 1]):
            message = steps.message[step]
            if steps.is_snapshot[step] == 1:
                keys, sizes, count = _apply(side, keys, sizes, 0, snapshots, message)
                continue
            keys, sizes, count = _apply(side, keys, sizes, count, diffs, message)
            for row in range(diffs.start[message], 0 if fresh else diffs.start[message + 1]):
                if diffs.side[row] == side:
                    out_keys, out_sizes = _wider(out_keys, end + 1), _wider(out_sizes, end + 1)
                    out_keys[end], out_sizes[end] = side * diffs.ticks[row], diffs.lots[row]
                    end += 1
        if fresh:
            room = end + old_count + count
            out_keys, out_sizes = _wider(out_keys, room), _wider(out_sizes, room)
            end = _differences((old_keys, old_sizes, old_count), (keys, sizes, count), (out_keys, out_sizes), end)
        start[update + 1] = end
        if count > 0:
            best[update, 0], best[update, 1] = keys[count - 1], sizes[count - 1]
    return best, start, out_keys[:end], out_sizes[:end]


def rebuild(steps: Steps, snapshots: Levels, diffs: Levels) -> tuple[I64, Levels]:
    """Return the best prices after each update and the levels that each update changed.

    The first is int64 (updates, 4): bid ticks, bid lots, ask ticks, ask lots; 0 where a side is empty.
    """
    bid, bid_start, bid_keys, bid_sizes = _side(BUY, steps, snapshots, diffs)
    ask, ask_start, ask_keys, ask_sizes = _side(SELL, steps, snapshots, diffs)
    best = np.column_stack((bid[:, 0], bid[:, 1], -ask[:, 0], ask[:, 1]))
    return best, interleave((np.diff(bid_start), bid_keys, bid_sizes), (np.diff(ask_start), -ask_keys, ask_sizes))


def interleave(bids: tuple[I64, I64, I64], asks: tuple[I64, I64, I64]) -> Levels:
    """Put bids before asks message by message; each side is (rows a message, ticks, lots)."""
    counts = bids[0] + asks[0]
    start = np.concatenate((np.zeros(1, np.int64), np.cumsum(counts)))
    side = np.repeat(np.tile(np.array([BUY, SELL], np.int8), len(counts)), np.column_stack((bids[0], asks[0])).ravel())
    ticks, lots = np.empty(len(side), np.int64), np.empty(len(side), np.int64)
    for which, (_, side_ticks, side_lots) in ((BUY, bids), (SELL, asks)):
        ticks[side == which], lots[side == which] = side_ticks, side_lots
    return Levels(start, side, ticks, lots)

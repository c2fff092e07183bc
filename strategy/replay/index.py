"""The tape's index: what the skip driver asks instead of walking the tape.

Bin j holds the trades in (t[j-1], t[j]] of exchange time and then update j; one more bin holds what comes after the
last update. `low[j]` is the least of the prices at which sells print in the bin and of the best ask after its update: a
resting bid is touched in a bin only if its price is at or over `low[j]`. `high[j]` is the same for asks. Extremes of 16
and of 256 bins let a resting quote's whole life be looked at in a few steps.

Sizes are kept per (side, price) as the rows of the tape that set them, so that a queue is read only when a trade prints
at our very price. All columns take 8 bytes a row and grow with updates and level changes alone.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from strategy.kernel.jit import jit, jit_apart, jit_entry
from strategy.kernel.records import BUY
from strategy.replay.tape import I64, Tape, prepared

BLOCK: Final = 16
SPAN: Final = 256  # bins in a block of blocks
NEVER: Final = 9_223_372_036_854_775_807
APART: Final = 4  # rows a cell of a clock, about
NEAR: Final = 8  # rows that are looked at one by one, or all at once, before more are searched
FAR: Final = 4_611_686_018_427_387_904  # a price beyond every price
DENSE: Final = 1 << 27  # prices times sides that a table of counts may hold


class Clock(NamedTuple):
    """Times that never step back, and a coarse table of them: a place is looked for where it should be.

    `cells[c]` is the first row at or after `scale[0] + (c << scale[1])` ns; the last cell is the number of rows.
    """

    times: I64
    cells: I64
    scale: I64


class Extremes(NamedTuple):
    """The least and the greatest of a column by row, by 16 and by 256 rows."""

    low: I64
    high: I64
    low_16: I64
    high_16: I64
    low_256: I64
    high_256: I64


class History(NamedTuple):
    """Sizes displayed at each (side, price): rows `starts[k]:starts[k + 1]` belong to `keys[k]`, in the tape's order.

    A key is twice the ticks, plus 1 for an ask. `updates` are the updates that set `lots`.
    """

    keys: I64
    starts: I64
    updates: I64
    lots: I64


class Index(NamedTuple):
    """Everything about one tape that does not depend on parameters."""

    touches: Extremes  # (U + 1) bins
    bin_trade: I64  # (U + 2,) first trade of each bin
    mid_row: I64  # (U,) the last update so far whose book is neither crossed nor empty, -1 = none
    fresh: I64  # the fresh updates
    history: History
    mids: Extremes  # (U,) bid + ask ticks of such books in local order; low over high where there is none
    lasts: Extremes  # (U,) price of the last trade received by each update's receipt, 0 = none
    exch_updates: Clock
    local_updates: Clock
    local_trades: Clock


def build_index(tape: Tape, history: bool = True) -> Index:
    """Return a tape's index, made in one pass over each of its columns.

    Without a `history`, which is most of the work, sizes are looked for in the tape: for one set, that is quicker.
    """
    columns = prepared(tape)
    rows = len(columns.update_exch)
    bin_trade, low, high = np.zeros(rows + 2, np.int64), np.zeros(rows + 1, np.int64), np.zeros(rows + 1, np.int64)
    fill_bins(columns, bin_trade, low, high)
    mid_row, mid_low, mid_high, last = (np.zeros(rows, np.int64) for _ in range(4))
    fill_rows(columns, mid_row, mid_low, mid_high, last)
    return Index(
        touches=extremes(low, high),
        bin_trade=bin_trade,
        mid_row=mid_row,
        fresh=np.flatnonzero(columns.fresh).astype(np.int64),
        history=history_of(columns) if history else no_history(),
        mids=extremes(mid_low, mid_high),
        lasts=extremes(last, last),
        exch_updates=clock_of(columns.update_exch),
        local_updates=clock_of(columns.update_local),
        local_trades=clock_of(columns.trade_local),
    )


def clock_of(times: I64) -> Clock:
    """Return the clock of times that never step back: a cell for each APART rows, however long the span."""
    if len(times) == 0:
        return Clock(times, np.zeros(2, np.int64), np.zeros(2, np.int64))
    origin, span, shift = int(times[0]), int(times[-1] - times[0]), 0
    while (span >> shift) * APART > len(times):
        shift += 1
    starts = origin + (np.arange((span >> shift) + 2) << shift)
    return Clock(times, np.searchsorted(times, starts).astype(np.int64), np.array([origin, shift], np.int64))


@jit
def first_at(clock: Any, ns: int) -> int:
    """Return the first row at or after a time, the number of rows when there is none.

    In a cell of few rows those before the time are counted: there is nothing for the processor to guess wrong.
    """
    cell, times, cells = (ns - clock.scale[0]) >> clock.scale[1], clock.times, clock.cells
    if cell < 0:
        return 0
    if cell + 1 >= len(cells):
        return len(times)
    low, high = cells[cell], cells[cell + 1]
    if high - low > NEAR or low + NEAR > len(times):
        return place_of(times, low, high, ns)
    first, row = np.uint64(low), low  # of a signed place it is asked whether it counts from the end
    for i in range(NEAR):
        row += 1 if times[first + np.uint64(i)] < ns else 0
    return int(row)


@jit
def first_from(clock: Any, row: int, ns: int) -> int:
    """Return the first row at or after a time, quickly where it is `row` or a little after."""
    if row > 0 and clock.times[row - 1] >= ns:
        return first_at(clock, ns)
    for _ in range(NEAR):
        if row == len(clock.times) or clock.times[row] >= ns:
            return row
        row += 1
    return first_at(clock, ns)


@jit_entry
def fill_bins(tape: Any, bin_trade: Any, low: Any, high: Any) -> None:
    """Write each bin's first trade and what can touch a quote in it."""
    rows, trades, trade = len(tape.update_exch), len(tape.trade_exch), 0
    for j in range(rows + 1):
        bin_trade[j] = trade
        least, most = FAR, -FAR
        while trade < trades and (j == rows or tape.trade_exch[trade] <= tape.update_exch[j]):
            ticks = tape.trade_ticks[trade]
            if tape.trade_side[trade] == BUY:
                most = max(most, ticks)
            else:
                least = min(least, ticks)
            trade += 1
        if j < rows:
            if tape.ask_ticks[j] > 0:
                least = min(least, tape.ask_ticks[j])
            most = max(most, tape.bid_ticks[j])
        low[j] = least
        high[j] = most
    bin_trade[rows + 1] = trade


@jit_entry
def fill_rows(tape: Any, mid_row: Any, mid_low: Any, mid_high: Any, last: Any) -> None:
    """Write by update the last good book, its bid + ask, and the last trade received."""
    trade, trades, good, ticks = 0, len(tape.trade_local), -1, 0
    for i in range(len(tape.update_local)):
        while trade < trades and tape.trade_local[trade] <= tape.update_local[i]:
            ticks = tape.trade_ticks[trade]
            trade += 1
        last[i] = ticks
        bid, ask = tape.bid_ticks[i], tape.ask_ticks[i]
        mid_low[i] = FAR
        mid_high[i] = -FAR
        if 0 < bid < ask:
            good = i
            mid_low[i] = bid + ask
            mid_high[i] = bid + ask
        mid_row[i] = good


def extremes(low: Any, high: Any) -> Extremes:
    """Return a pair of columns with their extremes by block."""
    low_16, high_16 = _blocks(low, high, BLOCK)
    low_256, high_256 = _blocks(low_16, high_16, SPAN // BLOCK)
    return Extremes(low, high, low_16, high_16, low_256, high_256)


def _blocks(low: Any, high: Any, size: int) -> tuple[Any, Any]:
    if len(low) == 0:
        return low, high
    starts = np.arange(0, len(low), size)
    return np.minimum.reduceat(low, starts), np.maximum.reduceat(high, starts)


def history_of(tape: Tape) -> History:
    """Return the sizes by side and price; a stable sort of the level rows by counting."""
    if len(tape.level_ticks) == 0:
        return no_history()
    least, most = int(tape.level_ticks.min()), int(tape.level_ticks.max())
    updates, lots = np.zeros(len(tape.level_ticks), np.int64), np.zeros(len(tape.level_ticks), np.int64)
    if 2 * (most - least + 1) <= DENSE:
        keys, starts = _counted(tape, least, most)
        places = np.zeros(2 * (most - least + 1), np.int64)
        places[keys - 2 * least] = starts[:-1]
        scatter(tape, 2 * least, places, updates, lots)
        return History(keys, starts, updates, lots)
    all_keys = 2 * tape.level_ticks + (tape.level_side != BUY)
    order = np.argsort(all_keys, kind="stable")
    keys, counts = np.unique(all_keys, return_counts=True)
    owners = np.repeat(np.arange(len(tape.update_exch)), np.diff(tape.level_start))
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return History(keys, starts, owners[order].astype(np.int64), tape.level_lots[order])


def no_history() -> History:
    """Return a history that says nothing."""
    empty = np.zeros(0, np.int64)
    return History(empty, np.zeros(1, np.int64), empty, empty)


def _counted(tape: Tape, least: int, most: int) -> tuple[I64, I64]:
    counts = np.zeros(2 * (most - least + 1), np.int64)
    count_keys(tape, 2 * least, counts)
    used = np.flatnonzero(counts)
    starts = np.concatenate([[0], np.cumsum(counts[used])]).astype(np.int64)
    return (used + 2 * least).astype(np.int64), starts


@jit
def key_of(side: int, ticks: int) -> int:
    """Return the key of a side and price."""
    return 2 * ticks if side == BUY else 2 * ticks + 1


@jit_entry
def count_keys(tape: Any, origin: int, counts: Any) -> None:
    """Count the level rows of each key."""
    for row in range(len(tape.level_ticks)):
        counts[key_of(tape.level_side[row], tape.level_ticks[row]) - origin] += 1


@jit_entry
def scatter(tape: Any, origin: int, places: Any, updates: Any, lots: Any) -> None:
    """Put each level row behind the earlier ones of its key."""
    for i in range(len(tape.update_exch)):
        for row in range(tape.level_start[i], tape.level_start[i + 1]):
            cell = key_of(tape.level_side[row], tape.level_ticks[row]) - origin
            place = places[cell]
            places[cell] = place + 1
            updates[place] = i
            lots[place] = tape.level_lots[row]


@jit_apart
def entries(history: Any, side: int, ticks: int, update: int) -> tuple[int, int, int]:
    """Return (first, entry, end): a price's rows, and the first of them that a later update than `update` set."""
    keys, key = history.keys, key_of(side, ticks)
    place = place_of(keys, 0, len(keys), key)
    if place == len(keys) or keys[place] != key:
        return 0, 0, 0
    first, end = history.starts[place], history.starts[place + 1]
    return int(first), place_of(history.updates, first, end, update + 1), int(end)


@jit
def place_of(numbers: Any, low: int, high: int, number: int) -> int:
    """Return the first place in [low, high) of sorted numbers that holds `number` or more, `high` without one."""
    while low < high:
        middle = (low + high) // 2
        if numbers[middle] < number:
            low = middle + 1
        else:
            high = middle
    return int(low)


@jit
def shown_at(history: Any, side: int, ticks: int, update: int) -> tuple[int, int, int]:
    """Return (lots, entry, end): what a price displays after `update`, and its rows still to come."""
    first, entry, end = entries(history, side, ticks, update)
    return (int(max(history.lots[entry - 1], 0)) if entry > first else 0), entry, end

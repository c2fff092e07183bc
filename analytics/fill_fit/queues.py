"""What happened in the queues in which our orders stood: falls and rises of the display, and trades, in order.

A display is told at the moments of depth updates, trades between them. What a display fell by that trades do not
explain is spread evenly over the time from the update before, so that a trade meets the part that came ahead of it. Our
own order is in the recorded display from the moment it joined, and is taken out of it.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.fill_fit.own_orders import OwnOrder
from strategy.replay.tape import Tape, prepared

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
I8 = NDArray[np.int8]
Step = tuple[int, int, float, float, float]  # when, and a step's four columns

FALL: Final = 0  # kinds of steps: others cancelled `lots`,
RISE: Final = 1  # others joined with `lots`,
PASSED: Final = 2  # a trade of `lots` at our price that was not ours,
FILLED: Final = 3  # a trade of `lots` of which `own_lots` were ours and `spare_lots` of our order stayed open


class Queues(NamedTuple):
    """Orders (N) with their steps (S): order i has steps start[i]:start[i + 1] behind `ahead_lots[i]` at first."""

    start: I64  # N + 1
    ahead_lots: F64
    kind: I8
    lots: F64
    own_lots: F64
    spare_lots: F64

    def __len__(self) -> int:
        """Return the number of orders."""
        return len(self.ahead_lots)


class Told(NamedTuple):
    """What orders tell: their queues, and how many told nothing or ended otherwise than by a print."""

    queues: Queues
    silent: int  # in an unknown book, in front of an empty queue, or without any trade at their price
    unmatched: int  # had a fill that the trades do not show; observed up to it


class _History(NamedTuple):
    """One (side, price): rows of the display and trades against it, in time order."""

    row_from: I64  # the moment of the update before
    row_ns: I64
    shown: I64
    trade_ns: I64
    trade_lots: I64

    def row_at(self, ns: int) -> int:
        """Return the last row of the display up to a moment, -1 before the first."""
        return int(np.searchsorted(self.row_ns, ns, side="right")) - 1


def observe(tape: Tape, orders: Iterable[OwnOrder]) -> Told:
    """Follow each order's queue along the tape."""
    columns, kept = prepared(tape), list(orders)
    histories = _histories(columns, {(order.side, order.price_ticks) for order in kept})
    found, unmatched = [], 0
    for order in kept:
        end = _until(columns, order)
        if end is None:
            continue
        prints, last = _prints(histories[order.side, order.price_ticks], order, end)
        unmatched += last < end
        ahead, steps = _follow(histories[order.side, order.price_ticks], order, prints, last)
        if ahead >= 1.0 and any(step[1] >= PASSED for step in steps):
            found.append((ahead, steps))
    return Told(_queues(found), len(kept) - len(found), unmatched)


def _queues(found: list[tuple[float, list[Step]]]) -> Queues:
    steps = np.array([step[1:] for _, each in found for step in each], np.float64).reshape(-1, 4)
    return Queues(
        start=np.cumsum([0, *(len(each) for _, each in found)]).astype(np.int64),
        ahead_lots=np.array([ahead for ahead, _ in found], np.float64),
        kind=steps[:, 0].astype(np.int8),
        lots=steps[:, 1].copy(),
        own_lots=steps[:, 2].copy(),
        spare_lots=steps[:, 3].copy(),
    )


def _until(tape: Tape, order: OwnOrder) -> int | None:
    """Return how long an order can be followed: to its end or the next gap; None where it joined an unknown book."""
    seen = int(np.searchsorted(tape.update_exch, order.joined_ns, side="right"))
    fresh = np.flatnonzero(tape.fresh[:seen])
    gap = int(np.searchsorted(tape.gap_exch, order.joined_ns, side="right"))
    if len(fresh) == 0 or (gap > 0 and tape.update_exch[fresh[-1]] < tape.gap_exch[gap - 1]):
        return None
    if order.joined_ns > tape.update_exch[-1]:
        return None
    return min([order.ended_ns, *(int(ns) for ns in tape.gap_exch[gap : gap + 1])])


def _histories(tape: Tape, places: set[tuple[int, int]]) -> dict[tuple[int, int], _History]:
    """Cut the tape's rows and trades by (side, price), for the given places only."""
    wanted = np.array(sorted(ticks for _, ticks in places), np.int64)
    rows = np.flatnonzero(np.isin(tape.level_ticks, wanted))
    update = np.searchsorted(tape.level_start, rows, side="right") - 1
    trades = np.flatnonzero(np.isin(tape.trade_ticks, wanted))
    row_key, trade_key = (
        2 * ticks + (side > 0)
        for ticks, side in (
            (tape.level_ticks[rows], tape.level_side[rows]),
            (tape.trade_ticks[trades], -tape.trade_side[trades]),
        )
    )
    by_row, by_trade = np.argsort(row_key, kind="stable"), np.argsort(trade_key, kind="stable")
    before = tape.update_exch[np.maximum(update - 1, 0)]
    found = {}
    for side, ticks in places:
        mine = by_row[_run(row_key[by_row], 2 * ticks + (side > 0))]
        theirs = trades[by_trade[_run(trade_key[by_trade], 2 * ticks + (side > 0))]]
        found[side, ticks] = _History(
            row_from=before[mine],
            row_ns=tape.update_exch[update[mine]],
            shown=tape.level_lots[rows[mine]],
            trade_ns=tape.trade_exch[theirs],
            trade_lots=tape.trade_lots[theirs],
        )
    return found


def _run(keys: I64, key: int) -> slice:
    return slice(*np.searchsorted(keys, [key, key + 1]).tolist())


def _prints(history: _History, order: OwnOrder, end: int) -> tuple[list[Step], int]:
    """Return the trades at an order's price up to the display after its end, its own fills among them, and how long it
    can be followed.

    A fill belongs to the trade of its moment that is as large, else to one that is larger. One without is no trade at
    the order's price (or was not recorded): what stood ahead then is not known, so the order is followed up to it.
    """
    row = history.row_at(order.joined_ns)
    since = int(history.row_ns[row]) if row >= 0 else 0
    told = int(np.searchsorted(history.row_ns, end))
    until = int(history.row_ns[told]) if told < len(history.row_ns) else end
    begin, joined, last = np.searchsorted(history.trade_ns, [since, order.joined_ns, until], side="right").tolist()
    trades = zip(history.trade_ns[begin:last].tolist(), history.trade_lots[begin:last].tolist(), strict=True)
    steps: list[Step] = [(ns, PASSED, float(lots), 0.0, 0.0) for ns, lots in trades]
    leaves = order.qty_lots
    for ns, lots in zip(order.fill_ns.tolist(), order.fill_lots.tolist(), strict=True):
        leaves -= lots
        free = (i for i in range(max(joined - begin, 0), len(steps)) if steps[i][1] == PASSED)
        same = [i for i in free if steps[i][0] == ns and steps[i][2] >= lots]
        if not same:
            return steps, min(end, ns - 1)
        hit = min(same, key=lambda i: steps[i][2])
        steps[hit] = (ns, FILLED, steps[hit][2], float(lots), float(max(leaves, 0)))
    return steps, end


def _follow(history: _History, order: OwnOrder, prints: list[Step], end: int) -> tuple[float, list[Step]]:
    """Return what stood ahead of an order when it joined, and its steps up to the first fill."""
    row = history.row_at(order.joined_ns)
    others = float(history.shown[row]) if row >= 0 else 0.0
    since = int(history.row_ns[row]) if row >= 0 else 0
    ahead, steps, row = others, [], row + 1
    while since < end:
        due = row < len(history.row_ns)
        until, begun = (int(history.row_ns[row]), int(history.row_from[row])) if due else (end, end)
        inside = [each for each in prints if since < each[0] <= until]
        left = others - sum(each[2] - each[3] for each in inside)
        others = max(float(history.shown[row]) - _own(order, until), 0.0) if due else left
        for step in _spread(inside, others - left, max(begun, since), until, order.joined_ns):
            if step[0] <= order.joined_ns:
                ahead += step[2] if step[1] == RISE else -step[2]
            elif step[0] <= end:
                steps.append(step)
                if step[1] == FILLED:
                    return ahead, steps
        since, row = until, row + 1
    return ahead, steps


def _own(order: OwnOrder, ns: int) -> float:
    """Return what the display at a moment holds of an order."""
    if not order.joined_ns <= ns < order.ended_ns:
        return 0.0
    return float(order.qty_lots - order.fill_lots[order.fill_ns <= ns].sum())


def _spread(prints: list[Step], change: float, begun: int, until: int, joined: int) -> list[Step]:
    """Return trades between two displays with the change that they do not explain, spread over (begun, until]."""
    cuts = sorted({begun, until, *(ns for ns in (joined, *(each[0] for each in prints)) if begun < ns < until)})
    kind, whole = (RISE if change > 0 else FALL), max(until - begun, 1)
    pieces: list[Step] = [
        (right, kind, abs(change) * (right - left) / whole, 0.0, 0.0) for left, right in pairwise(cuts) if change != 0
    ]
    return sorted([*pieces, *prints], key=lambda step: step[0])

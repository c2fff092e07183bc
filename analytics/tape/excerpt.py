"""A window of a tape as a tape of its own, so that a replay of it does not walk everything before it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.study.folds import Window
from strategy.kernel.jit import jit_entry
from strategy.replay.tape import Tape


def excerpt(tape: Tape, window: Window) -> Tape:
    """Return the rows that a replay of `window` depends on; it gives the same result as on the whole tape.

    The last update before the window is replaced by the whole book as it then stood. Rows after the window stay as
    far as the venue's clock, which runs ahead of ours, can still see them, and one more to mark where the tape goes on.
    """
    before = int(np.searchsorted(tape.update_local, window.start_ns, side="left")) - 1
    if before < 0:
        return tape
    last = min(int(np.searchsorted(tape.update_exch, window.end_ns, side="left")) + 1, len(tape.update_exch))
    book = _book_after(tape, before)
    rest = slice(int(tape.level_start[before + 1]), int(tape.level_start[last]))
    levels: dict[str, Any] = {
        name: np.concatenate([getattr(tape, name)[book], getattr(tape, name)[rest]]) for name in LEVELS
    }
    starts = tape.level_start[before + 1 : last + 1] - tape.level_start[before + 1] + len(book)
    fresh = tape.fresh[before:last].copy()
    fresh[0] = 1
    return Tape(
        **{name: getattr(tape, name)[before:last] for name in UPDATES},
        **levels,
        **_trades(tape, before, window),
        **_gaps(tape, before),
        fresh=fresh,
        level_start=np.concatenate([[0], starts]),
    )


UPDATES = ("update_exch", "update_local", "bid_ticks", "bid_lots", "ask_ticks", "ask_lots")
LEVELS = ("level_side", "level_ticks", "level_lots")
TRADES = ("trade_exch", "trade_local", "trade_side", "trade_ticks", "trade_lots")


def _book_after(tape: Tape, update: int) -> NDArray[np.int64]:
    """Return the level rows that stand after an update, ascending: the last word on each price, where it is not 0."""
    end = int(tape.level_start[update + 1])
    side, ticks, lots = (np.asarray(getattr(tape, name)[:end]) for name in LEVELS)
    rows = np.empty(end, np.int64)
    return rows[last_words(side, ticks, lots, rows) :].copy()


@jit_entry
def last_words(side: Any, ticks: Any, lots: Any, rows: Any) -> int:
    """Write the rows that are the last of their price and not 0 into the end of `rows`; return the first in use.

    From the end on, so that a price is settled when it is first met: no row is sorted.
    """
    first = len(rows)
    settled = {np.int64(0)}
    settled.clear()
    for row in range(len(rows) - 1, -1, -1):
        key = np.int64(2 * ticks[row] + (1 if side[row] > 0 else 0))
        if key in settled:
            continue
        settled.add(key)
        if lots[row] > 0:
            first -= 1
            rows[first] = row
    return first


def _trades(tape: Tape, before: int, window: Window) -> dict[str, Any]:
    at_venue = int(np.searchsorted(tape.trade_exch, tape.update_exch[before], side="left"))
    first = min(at_venue, int(np.searchsorted(tape.trade_local, window.start_ns, side="left")))
    last = int(np.searchsorted(tape.trade_exch, window.end_ns, side="left")) + 1
    return {name: getattr(tape, name)[first:last] for name in TRADES}


def _gaps(tape: Tape, before: int) -> dict[str, Any]:
    later = tape.gap_exch > tape.update_exch[before]
    return {"gap_exch": tape.gap_exch[later], "gap_local": tape.gap_local[later]}

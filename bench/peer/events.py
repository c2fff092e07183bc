"""A tape as hftbacktest's event array, in whole ticks and lots.

With a tick size and a lot size of 1 every price and quantity of that engine is a whole number, so that none of its
comparisons depends on how 0.1 or 0.00001 rounds in binary.

hftbacktest serves a row to its exchange at exch_ts and to its strategy at local_ts. Where both are equal all along a
tape, one row does both; else every event stands twice, once for each clock, since each clock's rows must be in order.
At equal times a trade comes before an update, as in strategy.replay.loop.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analytics.export.hft_rows import (
    BUY_EVENT,
    DEPTH_EVENT,
    EVENT_ROW,
    EXCH_EVENT,
    LOCAL_EVENT,
    TRADE_EVENT,
    side_flags,
)
from strategy.replay.tape import Tape, prepared

AFTER_NS: Final = 1_000_000_000  # a last row this long after the tape lets that engine see the tape's own last event

I64 = NDArray[np.int64]


def untied(tape: Tape) -> Tape:
    """Return a tape whose updates, on either clock, all have a time of their own.

    The strategy of one engine acts after each update, the other's after each moment: they may differ only where two
    updates share one. The first keeps its time, those after it follow a nanosecond apart.
    """
    ready = prepared(tape)
    exch = _apart(ready.update_exch)
    local = _apart(ready.update_local)
    return ready._replace(update_exch=exch, update_local=local)


def _apart(times: I64) -> I64:
    order = np.arange(len(times))
    return np.maximum.accumulate(times - order) + order


def event_rows(tape: Tape) -> NDArray[np.void]:
    """Return the tape as rows of that engine's dtype, in the order in which each clock has them."""
    if len(tape.gap_exch):
        raise ValueError(f"the tape has {len(tape.gap_exch)} gaps, hftbacktest knows none")
    one_clock = np.array_equal(tape.update_exch, tape.update_local)
    one_clock = one_clock and np.array_equal(tape.trade_exch, tape.trade_local)
    if one_clock:
        return _with_end(_merged(tape, tape.update_exch, tape.trade_exch, EXCH_EVENT | LOCAL_EVENT), tape)
    exch = _merged(tape, tape.update_exch, tape.trade_exch, EXCH_EVENT)
    local = _merged(tape, tape.update_local, tape.trade_local, LOCAL_EVENT)
    at = np.concatenate([exch["exch_ts"], local["local_ts"]])
    return _with_end(np.concatenate([exch, local])[np.argsort(at, kind="stable")], tape)


def _merged(tape: Tape, updates: I64, trades: I64, clocks: int) -> NDArray[np.void]:
    """Return trades and level changes in the order of one clock, `clocks` being the flags of whom they are for."""
    update = np.repeat(np.arange(len(updates)), np.diff(tape.level_start))
    at = np.concatenate([trades, updates[update]])
    order = np.argsort(at, kind="stable")
    rows = np.zeros(len(at), EVENT_ROW)
    columns: dict[str, tuple[Any, Any]] = {
        "exch_ts": (tape.trade_exch, tape.update_exch[update]),
        "local_ts": (tape.trade_local, tape.update_local[update]),
        "px": (tape.trade_ticks, tape.level_ticks),
        "qty": (tape.trade_lots, tape.level_lots),
        "ev": (side_flags(tape.trade_side, TRADE_EVENT | clocks), side_flags(tape.level_side, DEPTH_EVENT | clocks)),
    }
    for name, parts in columns.items():
        rows[name] = np.concatenate(parts)[order]
    return rows


def _with_end(rows: NDArray[np.void], tape: Tape) -> NDArray[np.void]:
    """Append a bid of one lot at the lowest price of all, long after everything else."""
    end = np.zeros(1, EVENT_ROW)
    last = max(int(rows["exch_ts"].max()), int(rows["local_ts"].max())) + AFTER_NS
    end["ev"] = DEPTH_EVENT | EXCH_EVENT | LOCAL_EVENT | BUY_EVENT
    end["exch_ts"] = end["local_ts"] = last
    end["px"] = int(tape.level_ticks.min())
    end["qty"] = 1.0
    return np.concatenate([rows, end])

"""The recorded market as columns: what `analytics.tape.tape` builds from the lake and the drivers walk.

Two clocks stand on one axis: `*_exch` is the venue's time, `*_local` is our receive time after the estimated clock
offset has been taken out, so that local - exch is the feed latency and is never negative.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]
I8 = NDArray[np.int8]


class Tape(NamedTuple):
    """One symbol over one window.

    Updates (U rows): one depth message each, or a snapshot turned into the differences that make the book equal to
    it. `fresh` 1 = first update after a start, a gap or a new snapshot. Best prices are after the whole update, 0 where
    a side is empty. Levels (L rows): update i changes rows `level_start[i]:level_start[i + 1]`; `level_lots` is the new
    size. Trades (T rows) in exchange order. `gap_exch`/`gap_local`: moments from which the book is unknown until the
    next fresh update.
    """

    update_exch: I64
    update_local: I64
    fresh: I8
    bid_ticks: I64
    bid_lots: I64
    ask_ticks: I64
    ask_lots: I64
    level_start: I64  # U + 1
    level_side: I8
    level_ticks: I64
    level_lots: I64
    trade_exch: I64
    trade_local: I64
    trade_side: I8  # aggressor
    trade_ticks: I64
    trade_lots: I64
    gap_exch: I64
    gap_local: I64


class TapeInfo(NamedTuple):
    """What the tape is of; `clock_offset_ns` was subtracted from every local time."""

    venue: str
    symbol: str
    tick_size: str
    lot_size: str
    min_qty: str
    min_notional: str
    start_ns: int
    end_ns: int
    clock_offset_ns: int
    lake_snapshot: int
    fingerprint: str  # SHA-256 over all columns and sizes


def empty_tape(**columns: Any) -> Tape:
    """Return a tape with the given columns and empty arrays for the rest."""
    small = {"fresh", "level_side", "trade_side"}
    blank = {name: np.zeros(0, np.int8 if name in small else np.int64) for name in Tape._fields}
    blank["level_start"] = np.zeros(1, np.int64)
    return Tape(**(blank | columns))


def prepared(tape: Tape) -> Tape:
    """Return a tape as compiled loops want it: one memory layout, and times that never step back."""
    columns = {name: _read_only(column) for name, column in tape._asdict().items()}
    for name in columns:
        if name.endswith(("_exch", "_local")):
            columns[name] = _read_only(sorted_times(columns[name]))
    return Tape(**columns)


def _read_only(column: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return a plain read-only view, so that memory-mapped and ordinary columns share one compiled loop."""
    view = np.ascontiguousarray(np.asarray(column)).view()
    view.setflags(write=False)
    return view


def sorted_times(times: I64) -> I64:
    """Return times that never step back: a venue's stamps may, its stream's order does not."""
    return times if np.all(times[:-1] <= times[1:]) else np.maximum.accumulate(times)

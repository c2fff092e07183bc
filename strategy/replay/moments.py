"""Columns that are read together, side by side in memory.

A parameter set asks the same few things of one moment of the tape: when, how the book stood, what traded. In columns of
their own each answer is a read from memory, and memory is what the skip driver mostly waits for; in records an update's
answers lie on one line of the cache and a trade's on another. The columns stay what they are, as views of the records.
"""

from typing import Any, Final

import numpy as np

from strategy.kernel.jit import jit_entry
from strategy.kernel.state import Records
from strategy.replay.index import Index
from strategy.replay.tape import I64, Tape

OF_UPDATES: Final = ("update_local", "update_exch", "bid_ticks", "ask_ticks", "bid_lots", "ask_lots")
OF_INDEX: Final = ("bin_trade", "mid_row")
OF_TRADES: Final = ("trade_local", "trade_exch", "trade_ticks", "trade_lots", "trade_side")

MOMENT = np.dtype([(name, "i8") for name in OF_UPDATES + OF_INDEX])  # 64 bytes
TRADE = np.dtype([(name, "i8") for name in OF_TRADES])


@jit_entry
def bring_near(lines: Any, first: int, end: int) -> int:
    """Read one byte of each line in [first, end), in order, so that what is asked for at random then is near."""
    total = 0
    for i in range(first, end, 64):
        total += lines[i]
    return total


def side_by_side(tape: Tape, index: Index) -> tuple[Tape, Index, Records, Records]:
    """Return tape and index whose columns are fields of records, and the records: an update's and a trade's."""
    moments, trades = aligned(len(index.bin_trade), MOMENT), aligned(len(tape.trade_local), TRADE)
    lay_out(tape, index.bin_trade, index.mid_row, moments, trades)
    views: dict[str, Any] = {name: _view(moments, name, len(tape.update_local)) for name in OF_UPDATES}
    views |= {name: _view(trades, name, len(tape.trade_local)) for name in OF_TRADES}
    found: dict[str, Any] = {name: _view(moments, name, len(getattr(index, name))) for name in OF_INDEX}
    return tape._replace(**views), index._replace(**found), moments, trades


@jit_entry
def lay_out(tape: Any, bin_trade: Any, mid_row: Any, moments: Any, trades: Any) -> None:
    """Write the columns into the fields of the records, in one pass over each of the two."""
    for i in range(len(tape.update_local)):
        moment = moments[i]
        moment["bin_trade"] = bin_trade[i]
        moment["update_local"] = tape.update_local[i]
        moment["update_exch"] = tape.update_exch[i]
        moment["bid_ticks"] = tape.bid_ticks[i]
        moment["ask_ticks"] = tape.ask_ticks[i]
        moment["bid_lots"] = tape.bid_lots[i]
        moment["ask_lots"] = tape.ask_lots[i]
        moment["mid_row"] = mid_row[i]
    for i in range(len(tape.update_local), len(bin_trade)):
        moments[i]["bin_trade"] = bin_trade[i]
    for k in range(len(tape.trade_local)):
        trade = trades[k]
        trade["trade_local"] = tape.trade_local[k]
        trade["trade_exch"] = tape.trade_exch[k]
        trade["trade_ticks"] = tape.trade_ticks[k]
        trade["trade_lots"] = tape.trade_lots[k]
        trade["trade_side"] = tape.trade_side[k]


def aligned(rows: int, dtype: np.dtype[np.void], line: int = 64) -> Records:
    """Return empty records that begin on a line of the cache."""
    room = np.zeros(rows * dtype.itemsize + line, np.uint8)
    first = -room.ctypes.data % line
    return room[first : first + rows * dtype.itemsize].view(dtype)


def _view(records: Records, name: str, rows: int) -> I64:
    """Return the read-only view of a field's first rows."""
    view: I64 = records[name][:rows]
    view.setflags(write=False)
    return view

"""What the signals are shown: every trade and accepted update, however much of the market is passed over."""

from typing import Any

from strategy.kernel.contract import signals_observe
from strategy.kernel.jit import jit, jit_apart
from strategy.replay.feed import fetch_trade, write_book
from strategy.replay.skip_samples import mid_of
from strategy.replay.skip_state import BLANK, SEEN


@jit_apart
def observe(tape: Any, track: Any, depth: Any, state: Any, params: Any, skip: Any, rows: int, trades: int) -> None:
    """Show the signals every trade and accepted update that they have not seen, in their order."""
    place = skip.place[0]
    row, trade = place["observed_row"], place["observed_trade"]
    while row < rows or trade < trades:
        if trade < trades and (row >= rows or tape.trade_local[trade] <= tape.update_local[row]):
            blank(skip, tape.trade_local[trade])
            fetch_trade(tape, trade, skip.event[SEEN])
            mid = mid_of(tape, track.accepted[row - 1] if row > place["first_row"] else -1)
            signals_observe(state.signals, params.signals, skip.event[SEEN], mid)
            trade += 1
        else:
            if track.accepted[row] == row:
                observe_update(tape, depth, state, params, skip, row)
            row += 1
    place["observed_row"] = row
    place["observed_trade"] = trade


@jit
def observe_update(tape: Any, depth: Any, state: Any, params: Any, skip: Any, row: int) -> None:
    """Show the signals one update, with its own mid or, of a crossed book, the last one."""
    core, event = state.core[0], skip.event[SEEN]
    blank(skip, tape.update_local[row])
    write_book(tape, core, row, event)
    if len(depth.bid_lots) > 0:
        event["bid_depth_lots"] = depth.bid_lots[row]
        event["ask_depth_lots"] = depth.ask_lots[row]
    good = 0 < event["bid_ticks"] < event["ask_ticks"]
    signals_observe(state.signals, params.signals, event, mid_of(tape, row) if good else core["mid_ticks"])


@jit
def blank(skip: Any, ns: int) -> None:
    """Make the signals' event an empty one of a moment."""
    skip.event[SEEN] = skip.event[BLANK]
    skip.event[SEEN]["local_ts"] = ns
    skip.event[SEEN]["exch_ts"] = ns

"""Rows of a tape as the strategy's events.

A strategy that has forgotten the book after a silence (strategy.md 7, stale data) waits for a fresh one. A live process
fetches a snapshot then; a tape's book is never out of step, so its next update counts as fresh.
"""

from typing import Any

from strategy.kernel.jit import jit
from strategy.kernel.records import BOOK, FRESH, TRADE


@jit
def fetch_trade(tape: Any, i: int, event: Any) -> None:
    """Fill in trade `i`."""
    event["kind"] = TRADE
    event["exch_ts"] = tape.trade_exch[i]
    event["side"] = tape.trade_side[i]
    event["price_ticks"] = tape.trade_ticks[i]
    event["qty_lots"] = tape.trade_lots[i]


@jit
def fetch_book(tape: Any, depth: Any, core: Any, c: Any, event: Any) -> bool:
    """Fill in the next update; the first one of a window that starts on a known book, or after a silence, is fresh."""
    i = c["local_update"]
    c["local_update"] += 1
    write_book(tape, core, i, event)
    if len(depth.bid_lots) > 0:
        event["bid_depth_lots"] = depth.bid_lots[i]
        event["ask_depth_lots"] = depth.ask_lots[i]
    if c["started"] == 0:
        if tape.fresh[i] == 0 and c["known"] == 0:
            return False
        event["flag"] = FRESH
        c["started"] = 1
        c["start_mid_ticks"] = c["mid_ticks"]
    return True


@jit
def write_book(tape: Any, core: Any, i: int, event: Any) -> None:
    """Fill in update `i` but for its local time and depth."""
    event["kind"] = BOOK
    event["flag"] = FRESH if tape.fresh[i] == 1 or core["stale"] == 1 else 0
    event["exch_ts"] = tape.update_exch[i]
    event["bid_ticks"] = tape.bid_ticks[i]
    event["bid_lots"] = tape.bid_lots[i]
    event["ask_ticks"] = tape.ask_ticks[i]
    event["ask_lots"] = tape.ask_lots[i]

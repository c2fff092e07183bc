"""The simulated venue between the moments that matter: where the market stands, and when it next touches our orders.

Same conditions as strategy.replay.fill_model, whose functions decide every fill here too. What differs is that no book
is kept. A queue is brought up to date from the history of its price only when a trade prints there, and an order that
takes reads the sizes it meets from the same history.
"""

from typing import Any

import numpy as np

from strategy.kernel.jit import jit, jit_apart
from strategy.kernel.records import ACK, BUY, PLACE, REJECT_OTHER, SELL, TAKE
from strategy.replay.answers import book_fill, end_unfilled, refuse, respond
from strategy.replay.fill_model import admitted, cancel, fill_reached, on_gap, on_trade
from strategy.replay.index import BLOCK, FAR, NEVER, SPAN, first_at, key_of, place_of, shown_at
from strategy.replay.loop import EXCH_TRADE, EXCH_UPDATE
from strategy.replay.queue_models import join, resize


@jit
def stand_at(tape: Any, index: Any, venue: Any, updates: int, trades: int) -> None:
    """Let the venue's market stand after its first `updates` updates and `trades` trades."""
    c = venue.cursor[0]
    c["exch_trade"] = trades
    if updates <= c["exch_update"]:
        return
    c["exch_update"] = updates
    row = updates - 1
    c["bid_ticks"] = tape.bid_ticks[row]
    c["ask_ticks"] = tape.ask_ticks[row]
    good = index.mid_row[row]
    if good >= 0:
        c["mid_ticks"] = 0.5 * float(tape.bid_ticks[good] + tape.ask_ticks[good])
    while c["next_fresh"] < len(index.fresh) and index.fresh[c["next_fresh"]] < updates:
        c["known"] = 1
        c["next_fresh"] += 1


@jit
def stand_through(tape: Any, index: Any, venue: Any, ns: int) -> None:
    """Let the venue have seen all of the market up to a moment, that moment included."""
    c = venue.cursor[0]
    updates = max(first_at(index.exch_updates, ns + 1), c["exch_update"])
    trade, trades = max(c["exch_trade"], index.bin_trade[updates]), len(tape.trade_exch)
    while trade < trades and tape.trade_exch[trade] <= ns:
        trade += 1
    stand_at(tape, index, venue, updates, trade)


@jit
def own_best(venue: Any) -> tuple[int, int]:
    """Return our highest resting bid and lowest resting ask, prices beyond every price where there is none."""
    bid, ask = -FAR, FAR
    for i in range(venue.cursor[0]["live"]):
        order = venue.live[i]
        if order["side"] == BUY:
            bid = max(bid, order["price_ticks"])
        else:
            ask = min(ask, order["price_ticks"])
    return bid, ask


@jit
def next_touch(tape: Any, index: Any, venue: Any, bound_ns: int) -> tuple[int, int, int]:
    """Return (time, source, row) of the next trade or update up to `bound_ns` that touches an order of ours.

    NEVER without one. `clear_bin` remembers how far the tape is known not to touch the orders that rest now.
    """
    c = venue.cursor[0]
    if c["live"] == 0:
        return NEVER, EXCH_TRADE, 0
    bid, ask = own_best(venue)
    last = first_at(index.exch_updates, bound_ns + 1)
    j = next_bin(index.touches, max(c["exch_update"], c["clear_bin"]), last, bid, ask)
    while j <= last:
        ns, source, row = touch_in(tape, index, c, j, bid, ask)
        if ns < NEVER:
            c["clear_bin"] = j
            return (ns, source, row) if ns <= bound_ns else (NEVER, EXCH_TRADE, 0)
        j = next_bin(index.touches, j + 1, last, bid, ask)
    c["clear_bin"] = j
    return NEVER, EXCH_TRADE, 0


@jit
def next_bin(touches: Any, j: int, last: int, bid: int, ask: int) -> int:
    """Return the first bin in [j, last] with a price that touches a bid or an ask of ours, one after `last` without.

    Blocks are looked at whole, the part before `j` or after `last` as well. Their sizes are powers of two.
    """
    size = SPAN
    while j <= last:
        start = j & -size
        if size == SPAN:
            clear = touches.low_256[j // SPAN] > bid and touches.high_256[j // SPAN] < ask
        elif size == BLOCK:
            clear = touches.low_16[j // BLOCK] > bid and touches.high_16[j // BLOCK] < ask
        else:
            clear = touches.low[j] > bid and touches.high[j] < ask
        if clear:
            j = start + size
            size = SPAN if j % SPAN == 0 else (BLOCK if j % BLOCK == 0 else 1)
        elif size == 1:
            return j
        else:
            size = BLOCK if size == SPAN else 1
    return j


@jit
def stays_clear(touches: Any, j: int, last: int, bid: int, ask: int) -> bool:
    """Return whether no bin in [j, last] touches a bid or an ask of ours.

    A few blocks are looked at all at once first; of unsigned places it is not asked whether they count from the end.
    """
    if last - j < 2 * SPAN:
        low, high, first = FAR, -FAR, np.uint64(j // BLOCK)
        for block in range(last // BLOCK - j // BLOCK + 1):
            low = min(low, touches.low_16[first + np.uint64(block)])
            high = max(high, touches.high_16[first + np.uint64(block)])
        if low > bid and high < ask:
            return True
    return bool(next_bin(touches, j, last, bid, ask) > last)


@jit
def touch_in(tape: Any, index: Any, c: Any, j: int, bid: int, ask: int) -> tuple[int, int, int]:
    """Return (time, source, row) of the first event of a bin, not yet seen, that touches a bid or an ask of ours."""
    for k in range(max(c["exch_trade"], index.bin_trade[j]), index.bin_trade[j + 1]):
        ticks = tape.trade_ticks[k]
        if (tape.trade_side[k] == SELL and ticks <= bid) or (tape.trade_side[k] == BUY and ticks >= ask):
            return tape.trade_exch[k], EXCH_TRADE, k
    if j < len(tape.update_exch) and (0 < tape.ask_ticks[j] <= bid or tape.bid_ticks[j] >= max(ask, 1)):
        return tape.update_exch[j], EXCH_UPDATE, j
    return NEVER, EXCH_TRADE, 0


@jit_apart
def serve_trade(tape: Any, index: Any, venue: Any, logs: Any, k: int) -> None:
    """Match trade `k`, which lies in the bin last looked at, against our resting orders."""
    c = venue.cursor[0]
    updates = c["clear_bin"]
    stand_at(tape, index, venue, updates, k)
    side, ticks = tape.trade_side[k], tape.trade_ticks[k]
    for i in range(c["live"]):
        order = venue.live[i]
        if order["price_ticks"] == ticks and order["side"] != side:
            catch_up(tape, index.history, c, order, updates)
    on_trade(venue, logs, side, ticks, tape.trade_lots[k])
    c["exch_trade"] = k + 1


@jit
def catch_up(tape: Any, history: Any, c: Any, order: Any, updates: int) -> None:
    """Tell a resting order what its price has displayed since it arrived, up to the first `updates` updates."""
    if len(history.keys) == 0:
        follow(tape, c, order, updates)
        return
    if order["joined"] == 0:
        shown, entry, end = shown_at(history, order["side"], order["price_ticks"], order["since"] - 1)
        join(c, order, shown)
        order["entry"] = entry
        order["end"] = end
        order["joined"] = 1
    entry = order["entry"]
    while entry < order["end"] and history.updates[entry] < updates:
        resize(c, order, history.lots[entry])
        entry += 1
    order["entry"] = entry


@jit_apart
def follow(tape: Any, c: Any, order: Any, updates: int) -> None:
    """Do the same from the rows of the tape, where no history has been made."""
    side, ticks, row = order["side"], order["price_ticks"], order["entry"]
    if order["joined"] == 0:
        row = tape.level_start[order["since"]]
        join(c, order, last_shown(tape, side, ticks, row))
        order["joined"] = 1
    while row < tape.level_start[updates]:
        if tape.level_ticks[row] == ticks and tape.level_side[row] == side:
            resize(c, order, tape.level_lots[row])
        row += 1
    order["entry"] = row


@jit
def last_shown(tape: Any, side: int, ticks: int, row: int) -> int:
    """Return the lots that a price displays before a row of levels: the last row of that price says it."""
    while row > 0:
        row -= 1
        if tape.level_ticks[row] == ticks and tape.level_side[row] == side:
            return int(max(tape.level_lots[row], 0))
    return 0


@jit_apart
def serve_update(tape: Any, index: Any, venue: Any, logs: Any, i: int) -> None:
    """Fill what the opposite best of update `i` has reached."""
    stand_at(tape, index, venue, i + 1, index.bin_trade[i + 1])
    fill_reached(venue, logs)


@jit_apart
def serve_gap(tape: Any, index: Any, venue: Any, logs: Any) -> None:
    """Lose the book: trades of the same moment come before, updates after."""
    c = venue.cursor[0]
    ns = tape.gap_exch[c["exch_gap"]]
    updates = max(first_at(index.exch_updates, ns), c["exch_update"])
    trade, trades = max(c["exch_trade"], index.bin_trade[updates]), len(tape.trade_exch)
    while trade < trades and tape.trade_exch[trade] <= ns:
        trade += 1
    stand_at(tape, index, venue, updates, trade)
    on_gap(venue, logs)
    c["exch_gap"] += 1


@jit
def serve_request(index: Any, venue: Any, logs: Any, action: Any) -> bool:
    """Take an order or a cancel that has arrived; False when the logs first need room for what it may take."""
    if action["kind"] == PLACE:
        rest(venue, logs, action)
    elif action["kind"] == TAKE:
        levels = take(index, venue, logs, action, False)
        if levels > venue.book.counts[0]:  # the loop keeps room for as many fills as the book has levels
            venue.book.counts[0] = levels
            return False
        take(index, venue, logs, action, True)
    else:
        cancel(venue, logs, action["order_id"])
    return True


@jit
def rest(venue: Any, logs: Any, action: Any) -> None:
    """Refuse an order, or let it rest and say so."""
    if stays(venue, logs, action):
        respond(venue, logs, ACK, action["order_id"], 0)


@jit
def stays(venue: Any, logs: Any, action: Any) -> bool:
    """Refuse an order, or let it rest; what it stands behind is read when somebody asks."""
    if not admitted(venue, logs, action):
        return False
    c = venue.cursor[0]
    order = venue.live[c["live"]]
    order["since"] = c["exch_update"]
    order["joined"] = 0
    c["live"] += 1
    c["clear_bin"] = c["exch_update"]
    return True


@jit_apart
def take(index: Any, venue: Any, logs: Any, action: Any, for_real: bool) -> int:
    """Fill an order from the opposite side's levels, best first, up to its price; return how many levels it meets.

    What is left is cancelled. Nothing happens unless it is `for_real`.
    """
    c, order_id, side = venue.cursor[0], action["order_id"], int(action["side"])
    if c["known"] == 0:
        if for_real:
            refuse(venue, logs, order_id, REJECT_OTHER)
        return 0
    history, left, met = index.history, action["qty_lots"], 0
    best = c["ask_ticks"] if side == BUY else c["bid_ticks"]
    k = place_of(history.keys, 0, len(history.keys), key_of(-side, best))
    while best > 0 and left > 0 and 0 <= k < len(history.keys):
        ticks = history.keys[k] >> 1
        if side * (ticks - action["price_ticks"]) > 0:
            break
        if history.keys[k] == key_of(-side, ticks):
            shown, _, _ = shown_at(history, -side, ticks, c["exch_update"] - 1)
            lots = min(left, shown)
            left -= lots
            met += 1
            if for_real and lots > 0:
                book_fill(venue, logs, order_id, side, ticks, lots, left, 0)
        k += side
    if for_real and left > 0:
        end_unfilled(venue, logs, order_id)
    return met

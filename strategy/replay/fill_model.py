"""When an order of ours fills, as conditions on the recorded market. Written for a bid; asks mirror it.

A post-only order on arrival, in exchange time (sent + entry latency):
- book unknown (before the first snapshot, after a gap): refused;
- price at or over the best ask: refused (post-only);
- else it rests behind `queue_ahead` = the size displayed at its price at that moment.

While it rests:
- a sell prints under its price: filled in full;
- a sell prints at its price: the trade first uses up queue_ahead; what exceeds it fills the order, partially if need
  be. Several orders of ours at one price share a trade in the order of their arrival;
- a row of an update says what is displayed at its price now: queue_ahead never exceeds that; what else a fall of the
  display does to it is the queue model's (`strategy.replay.queue_models`: risk_averse, power, log);
- the best ask reaches its price: filled in full.

An order that takes (IOC) on arrival:
- book unknown: refused;
- else it walks the displayed asks from the best one up to its price. Each level fills it at that level's price, by no
  more than is displayed there; one fill a level;
- what is left after the last level within its price is cancelled at once: all of it when no level is within.

A cancel arrives after its own entry latency. When the order has gone by then, the venue says nothing more than it has
already said. A gap in the market data ends every resting order as cancelled: what happened to it cannot be known.
Fees are charged in quote: notional x maker fee, or x taker fee for an order that takes; a negative fee is a rebate.
News of all this reaches the strategy after the response latency. Both latencies may differ from message to message;
neither line lets a message overtake another (`strategy.replay.latency`).

What this cannot model: our own orders do not move the market or the queue of others; what we take stays in the
recorded book, so that a second taker finds the same depth again, and nobody reacts to either; our own resting orders
are no part of the depth that we take from; hidden orders; a fill in full when the market trades through us is not
limited by the size that traded; trades that the recording has but its depth stream shows only later (a queue may
shrink twice, never under 0).
"""

from typing import Any

from strategy.kernel.book import set_level, size_at
from strategy.kernel.jit import jit, jit_apart
from strategy.kernel.records import ACK, BUY, PLACE, REJECT_OTHER, REJECT_POST_ONLY, TAKE
from strategy.replay.answers import book_fill, end_unfilled, refuse, respond
from strategy.replay.queue_models import join, resize, trade_at


@jit
def remove(venue: Any, place: int) -> None:
    """Take one resting order out; the others keep their order."""
    cursor = venue.cursor[0]
    for i in range(place, cursor["live"] - 1):
        venue.live[i] = venue.live[i + 1]
    cursor["live"] -= 1


@jit
def fill(venue: Any, logs: Any, place: int, lots: int) -> None:
    """Fill a resting order by `lots` at its own price, and remove it when that was all."""
    order = venue.live[place]
    order["leaves_lots"] -= lots
    left = order["leaves_lots"]
    book_fill(venue, logs, order["order_id"], order["side"], order["price_ticks"], lots, left, 1)
    if left == 0:
        remove(venue, place)


@jit
def on_trade(venue: Any, logs: Any, side: int, ticks: int, lots: int) -> None:
    """Match a printed trade (`side` is its aggressor's) against our resting orders."""
    cursor = venue.cursor[0]
    left, i = lots, 0
    while i < cursor["live"]:
        order, live = venue.live[i], cursor["live"]
        better = order["side"] * (order["price_ticks"] - ticks)
        if order["side"] == side or better < 0:
            i += 1
            continue
        if better > 0:
            fill(venue, logs, i, order["leaves_lots"])
        else:
            left = consume(venue, logs, i, left)
        if cursor["live"] == live:
            i += 1


@jit
def consume(venue: Any, logs: Any, place: int, lots: int) -> int:
    """Let a trade at the order's price use up the queue, then the order; return what is left for our next order there.

    The queue ahead is of displayed sizes for each of our orders, so only what ours took is gone for the next.
    """
    order = venue.live[place]
    excess = trade_at(venue.cursor[0], order, lots)
    if excess == 0:
        return lots
    taken = min(excess, order["leaves_lots"])
    fill(venue, logs, place, taken)
    return int(lots - taken)


@jit
def on_update(venue: Any, logs: Any, tape: Any, i: int) -> None:
    """Apply update `i` to the venue's book, advance the queues, and fill what the opposite best has reached."""
    cursor = venue.cursor[0]
    apply_rows(venue, tape, i)
    bid, ask = tape.bid_ticks[i], tape.ask_ticks[i]
    cursor["bid_ticks"] = bid
    cursor["ask_ticks"] = ask
    if bid > 0 and ask > bid:
        cursor["mid_ticks"] = 0.5 * float(bid + ask)
    if tape.fresh[i] == 1:
        cursor["known"] = 1
    fill_reached(venue, logs)


@jit
def fill_reached(venue: Any, logs: Any) -> None:
    """Fill every resting order that the opposite best has reached."""
    cursor, k = venue.cursor[0], 0
    while k < cursor["live"]:
        order = venue.live[k]
        if reached(cursor, order["side"], order["price_ticks"]):
            fill(venue, logs, k, order["leaves_lots"])
        else:
            k += 1


@jit
def apply_rows(venue: Any, tape: Any, i: int) -> None:
    """Set the levels of update `i` row by row; each row at the price of a resting order is news of its queue."""
    low, high = live_range(venue)
    for row in range(tape.level_start[i], tape.level_start[i + 1]):
        side, ticks, lots = tape.level_side[row], tape.level_ticks[row], tape.level_lots[row]
        set_level(venue.book, side, ticks, lots)
        if low <= ticks <= high:
            resize_at(venue, side, ticks, lots)


@jit
def live_range(venue: Any) -> tuple[int, int]:
    """Return the lowest and the highest price of our resting orders; (1, 0) without any."""
    if venue.cursor[0]["live"] == 0:
        return 1, 0
    low = high = int(venue.live[0]["price_ticks"])
    for k in range(1, venue.cursor[0]["live"]):
        low = min(low, int(venue.live[k]["price_ticks"]))
        high = max(high, int(venue.live[k]["price_ticks"]))
    return low, high


@jit
def resize_at(venue: Any, side: int, ticks: int, lots: int) -> None:
    """Tell every resting order at a price what is displayed there now."""
    for k in range(venue.cursor[0]["live"]):
        order = venue.live[k]
        if order["price_ticks"] == ticks and order["side"] == side:
            resize(venue.cursor[0], order, lots)


@jit
def reached(cursor: Any, side: int, price_ticks: int) -> bool:
    """Return whether the opposite best stands at or beyond a price."""
    if side == BUY:
        return bool(cursor["ask_ticks"] > 0 and cursor["ask_ticks"] <= price_ticks)
    return bool(cursor["bid_ticks"] > 0 and cursor["bid_ticks"] >= price_ticks)


@jit
def on_gap(venue: Any, logs: Any) -> None:
    """Lose the book: every resting order ends as cancelled."""
    cursor = venue.cursor[0]
    cursor["known"] = 0
    for i in range(cursor["live"]):
        end_unfilled(venue, logs, venue.live[i]["order_id"])
    cursor["live"] = 0


@jit
def on_request(venue: Any, logs: Any, action: Any) -> None:
    """Take an order or a cancel that has arrived."""
    if action["kind"] == PLACE:
        rest(venue, logs, action)
    elif action["kind"] == TAKE:
        take(venue, logs, action)
    else:
        cancel(venue, logs, action["order_id"])


@jit
def cancel(venue: Any, logs: Any, order_id: int) -> None:
    """End a resting order; one that has gone is no news."""
    for i in range(venue.cursor[0]["live"]):
        if venue.live[i]["order_id"] == order_id:
            remove(venue, i)
            end_unfilled(venue, logs, order_id)
            return


@jit
def rest(venue: Any, logs: Any, action: Any) -> None:
    """Refuse an order or put it behind the size displayed at its price."""
    if not admitted(venue, logs, action):
        return
    cursor = venue.cursor[0]
    order = venue.live[cursor["live"]]
    join(cursor, order, size_at(venue.book, action["side"], action["price_ticks"]))
    cursor["live"] += 1
    respond(venue, logs, ACK, action["order_id"], 0)


@jit
def admitted(venue: Any, logs: Any, action: Any) -> bool:
    """Refuse an order, or write it into the first free place; what it stands behind is for the caller to say."""
    cursor = venue.cursor[0]
    if cursor["known"] == 0:
        refuse(venue, logs, action["order_id"], REJECT_OTHER)
        return False
    if reached(cursor, action["side"], action["price_ticks"]):
        refuse(venue, logs, action["order_id"], REJECT_POST_ONLY)
        return False
    order = venue.live[cursor["live"]]
    order["order_id"] = action["order_id"]
    order["side"] = action["side"]
    order["price_ticks"] = action["price_ticks"]
    order["leaves_lots"] = action["qty_lots"]
    return True


@jit_apart
def take(venue: Any, logs: Any, action: Any) -> None:
    """Fill an order from the opposite side's levels, best first, up to its price; cancel what is left."""
    order_id, side = action["order_id"], action["side"]
    if venue.cursor[0]["known"] == 0:
        refuse(venue, logs, order_id, REJECT_OTHER)
        return
    levels = venue.book.asks if side == BUY else venue.book.bids
    row = venue.book.counts[1 if side == BUY else 0] - 1
    left = action["qty_lots"]
    while left > 0 and row >= 0 and side * (levels[row, 0] - action["price_ticks"]) <= 0:
        lots = min(left, levels[row, 1])
        left -= lots
        book_fill(venue, logs, order_id, side, levels[row, 0], lots, left, 0)
        row -= 1
    if left > 0:
        end_unfilled(venue, logs, order_id)

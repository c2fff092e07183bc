"""When a resting order of ours fills, as conditions on the recorded market. Written for a bid; asks mirror it.

On arrival, in exchange time (sent + entry latency):
- book unknown (before the first snapshot, after a gap): refused;
- price at or over the best ask: refused (post-only);
- else it rests behind `queue_ahead` = the size displayed at its price at that moment.

While it rests:
- a sell prints under its price: filled in full;
- a sell prints at its price: the trade first uses up queue_ahead; what exceeds it fills the order, partially if need
  be. Several orders of ours at one price share a trade in the order of their arrival;
- an update leaves less displayed at its price than queue_ahead: queue_ahead falls to that size (`risk_averse`: cancels
  are taken to come from behind us, until the display proves otherwise);
- the best ask reaches its price: filled in full.

A cancel arrives after its own entry latency. When the order has gone by then, the venue says nothing more than it has
already said. A gap in the market data ends every resting order as cancelled: what happened to it cannot be known.
Fees are charged in quote: notional x maker fee. News of all this reaches the strategy after the response latency.

What this cannot model: our own orders do not move the market or the queue of others; hidden orders; a fill in full
when the market trades through us is not limited by the size that traded; trades that the recording has but its
depth stream shows only later (a queue may shrink twice, never under 0).
"""

from typing import Any

from strategy.kernel.book import set_level, size_at
from strategy.kernel.jit import jit
from strategy.kernel.records import (
    ACK,
    BUY,
    CANCELLED,
    FILL,
    PLACE,
    REJECT,
    REJECT_OTHER,
    REJECT_POST_ONLY,
)
from strategy.replay import rows


@jit
def respond(venue: Any, logs: Any, kind: int, order_id: int, code: int) -> Any:
    """Append the venue's answer to the line back and return its record."""
    cursor = venue.cursor[0]
    event = logs.responses[cursor["last_response"]]
    event["kind"] = kind
    event["side"] = 0
    event["exch_ts"] = cursor["now"]
    event["local_ts"] = cursor["now"] + cursor["response_ns"]
    event["price_ticks"] = 0
    event["qty_lots"] = 0
    event["order_id"] = order_id
    event["leaves_lots"] = 0
    event["code"] = code
    event["fee_quote_atoms"] = 0.0
    cursor["last_response"] += 1
    return event


@jit
def end_row(venue: Any, logs: Any, order_id: int, outcome: int) -> None:
    """Write down how an order ended."""
    row = logs.orders[order_id - 1]
    row["outcome"] = outcome
    row["ended_ns"] = venue.cursor[0]["now"]


@jit
def remove(venue: Any, place: int) -> None:
    """Take one resting order out; the others keep their order."""
    cursor = venue.cursor[0]
    for i in range(place, cursor["live"] - 1):
        venue.live[i] = venue.live[i + 1]
    cursor["live"] -= 1


@jit
def fill(venue: Any, logs: Any, place: int, lots: int) -> None:
    """Fill a resting order by `lots` at its own price: book it, write it down, say so, and remove what is done."""
    cursor, order = venue.cursor[0], venue.live[place]
    side, price, order_id = order["side"], order["price_ticks"], order["order_id"]
    order["leaves_lots"] -= lots
    atoms = float(price) * float(lots)
    fee = atoms * cursor["maker_fee"]
    cursor["base_lots"] += side * float(lots)
    cursor["quote_atoms"] -= side * atoms + fee
    cursor["trade_id"] += 1
    event = respond(venue, logs, FILL, order_id, cursor["trade_id"])
    event["side"] = side
    event["price_ticks"] = price
    event["qty_lots"] = lots
    event["leaves_lots"] = order["leaves_lots"]
    event["fee_quote_atoms"] = fee
    write_fill(venue, logs, order, lots, fee)
    logs.orders[order_id - 1]["filled_lots"] += lots
    if order["leaves_lots"] == 0:
        end_row(venue, logs, order_id, rows.FILLED)
        remove(venue, place)


@jit
def write_fill(venue: Any, logs: Any, order: Any, lots: int, fee: float) -> None:
    """Append a row of fills."""
    cursor, placed = venue.cursor[0], logs.orders[order["order_id"] - 1]
    row = logs.fills[cursor["fills"]]
    row["local_ts"] = cursor["now"] + cursor["response_ns"]
    row["exch_ts"] = cursor["now"]
    row["order_id"] = order["order_id"]
    row["version"] = placed["version"]
    row["trade_id"] = cursor["trade_id"]
    row["side"] = order["side"]
    row["level"] = order["level"]
    row["price_ticks"] = order["price_ticks"]
    row["qty_lots"] = lots
    row["fee_base_lots"] = 0.0
    row["fee_quote_atoms"] = fee
    row["mid_ticks"] = cursor["mid_ticks"]
    row["quoted_mid_ticks"] = placed["mid_ticks"]
    row["quoted_regime"] = placed["regime"]
    cursor["fills"] += 1


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

    The queue ahead is the same displayed size for each of our orders, so only what ours took is gone for the next.
    """
    order = venue.live[place]
    excess = lots - order["queue_ahead"]
    order["queue_ahead"] = max(order["queue_ahead"] - lots, 0)
    if excess <= 0:
        return lots
    taken = min(excess, order["leaves_lots"])
    fill(venue, logs, place, taken)
    return int(lots - taken)


@jit
def on_update(venue: Any, logs: Any, tape: Any, i: int) -> None:
    """Apply update `i` to the venue's book, advance the queues, and fill what the opposite best has reached."""
    cursor = venue.cursor[0]
    for row in range(tape.level_start[i], tape.level_start[i + 1]):
        set_level(venue.book, tape.level_side[row], tape.level_ticks[row], tape.level_lots[row])
    bid, ask = tape.bid_ticks[i], tape.ask_ticks[i]
    cursor["bid_ticks"] = bid
    cursor["ask_ticks"] = ask
    if bid > 0 and ask > bid:
        cursor["mid_ticks"] = 0.5 * float(bid + ask)
    if tape.fresh[i] == 1:
        cursor["known"] = 1
    k = 0
    while k < cursor["live"]:
        order = venue.live[k]
        if reached(cursor, order["side"], order["price_ticks"]):
            fill(venue, logs, k, order["leaves_lots"])
            continue
        order["queue_ahead"] = min(order["queue_ahead"], size_at(venue.book, order["side"], order["price_ticks"]))
        k += 1


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
        end_row(venue, logs, venue.live[i]["order_id"], rows.CANCELLED)
        respond(venue, logs, CANCELLED, venue.live[i]["order_id"], 0)
    cursor["live"] = 0


@jit
def on_request(venue: Any, logs: Any, action: Any) -> None:
    """Take an order or a cancel that has arrived."""
    if action["kind"] == PLACE:
        rest(venue, logs, action)
        return
    cursor = venue.cursor[0]
    for i in range(cursor["live"]):
        if venue.live[i]["order_id"] == action["order_id"]:
            remove(venue, i)
            end_row(venue, logs, action["order_id"], rows.CANCELLED)
            respond(venue, logs, CANCELLED, action["order_id"], 0)
            return


@jit
def rest(venue: Any, logs: Any, action: Any) -> None:
    """Refuse an order or put it behind the size displayed at its price."""
    cursor = venue.cursor[0]
    crossing = reached(cursor, action["side"], action["price_ticks"])
    if cursor["known"] == 0 or crossing:
        end_row(venue, logs, action["order_id"], rows.REJECTED)
        code = REJECT_POST_ONLY if cursor["known"] == 1 else REJECT_OTHER
        respond(venue, logs, REJECT, action["order_id"], code)
        return
    order = venue.live[cursor["live"]]
    order["order_id"] = action["order_id"]
    order["side"] = action["side"]
    order["level"] = action["level"]
    order["price_ticks"] = action["price_ticks"]
    order["leaves_lots"] = action["qty_lots"]
    order["queue_ahead"] = size_at(venue.book, action["side"], action["price_ticks"])
    cursor["live"] += 1
    respond(venue, logs, ACK, action["order_id"], 0)

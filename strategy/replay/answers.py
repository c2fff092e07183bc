"""What the simulated venue says of our orders and writes down: answers, fills, how an order ended."""

from typing import Any

from strategy.kernel.jit import jit
from strategy.kernel.records import CANCELLED, FILL, REJECT
from strategy.replay import rows
from strategy.replay.latency import reach
from strategy.replay.orders import end_row, fill_order, row_of


@jit
def respond(venue: Any, logs: Any, kind: int, order_id: int, code: int) -> Any:
    """Append the venue's answer to the line back and return its record."""
    return answer(venue, logs, kind, order_id, code, venue.cursor[0]["now"], reach(venue))


@jit
def answer(venue: Any, logs: Any, kind: int, order_id: int, code: int, exch_ns: int, local_ns: int) -> Any:
    """Append an answer that has its times already."""
    cursor = venue.cursor[0]
    event = logs.responses[cursor["last_response"]]
    event["kind"] = kind
    event["side"] = 0
    event["exch_ts"] = exch_ns
    event["local_ts"] = local_ns
    event["price_ticks"] = 0
    event["qty_lots"] = 0
    event["order_id"] = order_id
    event["leaves_lots"] = 0
    event["code"] = code
    event["fee_quote_atoms"] = 0.0
    cursor["last_response"] += 1
    return event


@jit
def refuse(venue: Any, logs: Any, order_id: int, code: int) -> None:
    """End an order that never rested nor traded."""
    end_row(venue.cursor[0], logs, order_id, rows.REJECTED)
    respond(venue, logs, REJECT, order_id, code)


@jit
def end_unfilled(venue: Any, logs: Any, order_id: int) -> None:
    """End an order with something left of it."""
    end_row(venue.cursor[0], logs, order_id, rows.CANCELLED)
    respond(venue, logs, CANCELLED, order_id, 0)


@jit
def book_fill(
    venue: Any, logs: Any, order_id: int, side: int, price_ticks: int, lots: int, leaves_lots: int, maker: int
) -> None:
    """Settle an execution of ours with the fee of its kind, say so, and end the order when nothing is left of it."""
    cursor = venue.cursor[0]
    atoms = float(price_ticks) * float(lots)
    fee = atoms * (cursor["maker_fee"] if maker == 1 else cursor["taker_fee"])
    cursor["base_lots"] += side * float(lots)
    cursor["quote_atoms"] -= side * atoms + fee
    cursor["trade_id"] += 1
    event = respond(venue, logs, FILL, order_id, cursor["trade_id"])
    event["side"] = side
    event["price_ticks"] = price_ticks
    event["qty_lots"] = lots
    event["leaves_lots"] = leaves_lots
    event["fee_quote_atoms"] = fee
    write_fill(venue, logs, event, maker)
    fill_order(cursor, logs, order_id, lots, leaves_lots)


@jit
def write_fill(venue: Any, logs: Any, event: Any, maker: int) -> None:
    """Append a row of fills for the news of one."""
    cursor, placed = venue.cursor[0], row_of(venue.cursor[0], logs, event["order_id"])
    row = logs.fills[cursor["fills"]]
    row["local_ts"] = event["local_ts"]
    row["exch_ts"] = event["exch_ts"]
    row["order_id"] = event["order_id"]
    row["version"] = placed["version"]
    row["trade_id"] = event["code"]
    row["side"] = event["side"]
    row["level"] = placed["level"]
    row["purpose"] = placed["purpose"]
    row["maker"] = maker
    row["price_ticks"] = event["price_ticks"]
    row["qty_lots"] = event["qty_lots"]
    row["fee_base_lots"] = 0.0
    row["fee_quote_atoms"] = event["fee_quote_atoms"]
    row["mid_ticks"] = cursor["mid_ticks"]
    row["quoted_mid_ticks"] = placed["mid_ticks"]
    row["quoted_regime"] = placed["regime"]
    cursor["fills"] += 1

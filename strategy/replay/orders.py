"""What is kept of our orders: a row of each, or, where nobody reads them, only of those that live.

Without a record of orders each slot has one row, which its next order takes over: by then the venue is through with the
last one (strategy.kernel.slots). How many orders there were of what kind is counted either way.
"""

from typing import Any, Final

from strategy.kernel.jit import jit
from strategy.kernel.quotes import entry_at, first_of
from strategy.kernel.records import ENTRY, REBALANCE, REGIME_NAMES, TAKE_PROFIT
from strategy.kernel.state import ENTRIES, EXITS, SLOTS
from strategy.replay import rows

# Columns of the counts (REGIMES, KINDS) of orders by the regime in which they were sent; the first three are of orders
# that rest: neither refused nor taking, refused ones, and those of which something was filled.
SENT: Final = 0
REFUSED: Final = 1
FILLED: Final = 2
TAKING: Final = 3
KINDS: Final = 4
REGIMES: Final = len(REGIME_NAMES)


@jit
def rests(purpose: int) -> bool:
    """Return whether an order is one that waits to be filled; all others take."""
    return bool(purpose in (ENTRY, TAKE_PROFIT))


@jit
def row_of_slot(order: Any) -> int:
    """Return the slot of an order, and so its row where orders are not recorded."""
    if order["purpose"] == ENTRY:
        return int(first_of(order["side"]) + order["level"])
    if order["purpose"] == REBALANCE:
        return EXITS
    return int(ENTRIES + first_of(-order["side"]) + order["level"])


@jit
def row_of(c: Any, logs: Any, order_id: int) -> Any:
    """Return the row of an order that the venue is not through with."""
    if c["record_orders"] == 1:
        return logs.orders[order_id - 1]
    row = 0
    while row < SLOTS - 1 and logs.orders[row]["order_id"] != order_id:
        row += 1
    return logs.orders[row]


@jit
def write_order(core: Any, c: Any, logs: Any, action: Any, now: int) -> None:
    """Write and count the row of an order that is sent now."""
    place = c["orders"] if c["record_orders"] == 1 else row_of_slot(action)
    c["orders"] += c["record_orders"]
    fill_row(core, logs.orders[place], action, action["qty_lots"], now)
    logs.orders[place]["mid_ticks"] = core["mid_ticks"]
    logs.counts[core["regime"], SENT if rests(action["purpose"]) else TAKING] += 1


@jit
def renew_row(core: Any, c: Any, logs: Any, slot: Any, i: int, ended_id: int, ended_ns: int) -> None:
    """End the row of an order and write that of the one that slot `i` holds instead, as far as it has to be now."""
    if c["record_orders"] == 0:
        logs.orders[i]["mid_ticks"] = core["mid_ticks"]  # the rest follows by `settle_rows`
        return
    ended, row = logs.orders[ended_id - 1], logs.orders[c["orders"]]
    ended["outcome"] = rows.CANCELLED
    ended["ended_ns"] = ended_ns
    c["orders"] += 1
    fill_row(core, row, slot, slot["leaves_lots"], slot["placed_ns"])
    row["mid_ticks"] = core["mid_ticks"]


@jit
def settle_rows(core: Any, c: Any, logs: Any, slots: Any, first_id: int) -> None:
    """Complete the rows of the quotes renewed from order `first_id` on, and count all that were."""
    logs.counts[core["regime"], SENT] += core["next_order_id"] - first_id
    if c["record_orders"] == 1:
        return
    for n in range(2 * core["reach"]):
        i = entry_at(n, core["reach"])
        if slots[i]["order_id"] >= first_id:
            fill_row(core, logs.orders[i], slots[i], slots[i]["leaves_lots"], slots[i]["placed_ns"])


@jit
def fill_row(core: Any, row: Any, order: Any, lots: int, sent_ns: int) -> None:
    """Write all of an order's row but for the mid at which it was decided."""
    row["order_id"] = order["order_id"]
    row["version"] = core["version"]
    row["side"] = order["side"]
    row["level"] = order["level"]
    row["purpose"] = order["purpose"]
    row["price_ticks"] = order["price_ticks"]
    row["qty_lots"] = lots
    row["placed_ns"] = sent_ns
    row["regime"] = core["regime"]
    row["filled_lots"] = 0
    row["ended_ns"] = 0
    row["outcome"] = rows.OPEN


@jit
def end_row(c: Any, logs: Any, order_id: int, outcome: int) -> None:
    """Write down how an order ended."""
    row = row_of(c, logs, order_id)
    row["outcome"] = outcome
    row["ended_ns"] = c["now"]
    if outcome == rows.REJECTED and rests(row["purpose"]):
        logs.counts[row["regime"], SENT] -= 1
        logs.counts[row["regime"], REFUSED] += 1


@jit
def fill_order(c: Any, logs: Any, order_id: int, lots: int, leaves_lots: int) -> None:
    """Take a fill into an order's row, and end it when nothing is left of the order."""
    row = row_of(c, logs, order_id)
    if row["filled_lots"] == 0 and rests(row["purpose"]):
        logs.counts[row["regime"], FILLED] += 1
    row["filled_lots"] += lots
    if leaves_lots == 0:
        row["outcome"] = rows.FILLED
        row["ended_ns"] = c["now"]

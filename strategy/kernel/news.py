"""What the venue says of our orders, in whatever order it comes (strategy.md 6).

A fill may come before its acknowledgement, a cancel may have lost against a fill, a fill may follow the confirmed
cancel. A slot keeps the id of its last order, so that late news finds it.
"""

from typing import Any, Final

from strategy.kernel.holdings import add_holding, end_order, take_off_holding
from strategy.kernel.jit import jit
from strategy.kernel.quotes import entry_at, is_open
from strategy.kernel.records import (
    ACK,
    CANCELLED,
    FILL,
    PENDING,
    QUOTED,
    R_REJECTED,
    REJECT,
    REJECT_POST_ONLY,
)
from strategy.kernel.slots import takes
from strategy.kernel.state import ENTRIES, EXITS

REJECT_PAUSE_NS: Final = 1_000_000_000  # at least this long after a refusal that asking again at once will not cure
RETRY_PAUSE_NS: Final = 1_000_000  # at least this long after one that it may: the market has to move first


@jit
def find_slot(desk: Any, order_id: int) -> int:
    """Return the slot whose last order this is, -1 when none."""
    core, slots = desk.core[0], desk.slots
    for n in range(2 * core["reach"]):
        i = entry_at(n, core["reach"])
        if slots[i]["order_id"] == order_id:
            return i
        if core["exits_used"] == 1 and slots[ENTRIES + i]["order_id"] == order_id:
            return ENTRIES + i
    return EXITS if core["exits_used"] == 1 and slots[EXITS]["order_id"] == order_id else -1


@jit
def take_order_news(desk: Any, rules: Any, event: Any) -> int:
    """Apply an ACK, REJECT, FILL or CANCELLED; return the reasons it adds to the decision."""
    kind = event["kind"]
    if kind == FILL:
        take_fill(desk, rules, event)
        return 0
    i = find_slot(desk, event["order_id"])
    if i < 0:
        return 0
    slot = desk.slots[i]
    if kind == ACK:
        if slot["state"] == PENDING:
            slot["state"] = QUOTED
        return 0
    if not is_open(slot):
        return 0
    if kind == CANCELLED:
        end_order(desk, i, event["local_ts"], cancelled_pause(rules.quoting[0], slot, i))
        return 0
    if kind == REJECT:
        desk.core[0]["rejects"] += 1
        end_order(desk, i, event["local_ts"], reject_pause(rules.quoting[0], event["code"]))
        return R_REJECTED
    return 0


@jit
def cancelled_pause(quoting: Any, slot: Any, i: int) -> int:
    """Return how long (ns) a slot stays out after its order is gone.

    The remainder of a quote that was filled in part starts its cooldown; an order that found nothing to take is sent
    again with a next update, not into the same book at once.
    """
    if i < ENTRIES:
        return int(quoting["cooldown_ns"]) if slot["filled"] == 1 else 0
    if takes(slot) and slot["filled"] == 0:
        return int(max(quoting["min_update_ns"], RETRY_PAUSE_NS))
    return 0


@jit
def reject_pause(quoting: Any, code: int) -> int:
    """Return how long (ns) a slot stays out after a refusal.

    A post-only refusal means that the book has moved on: try again with the next update. Anything else would be
    refused again.
    """
    if code == REJECT_POST_ONLY:
        return int(max(quoting["min_update_ns"], RETRY_PAUSE_NS))
    return int(max(quoting["cooldown_ns"], REJECT_PAUSE_NS))


@jit
def take_fill(desk: Any, rules: Any, event: Any) -> None:
    """Book a fill, whatever its slot thinks, and move the slot on."""
    core = desk.core[0]
    lots, paid = float(event["qty_lots"]), float(event["price_ticks"]) * float(event["qty_lots"])
    core["base_lots"] += event["side"] * lots - event["fee_base_lots"]
    core["quote_atoms"] -= event["side"] * paid + event["fee_quote_atoms"]
    core["fills"] += 1
    i = find_slot(desk, event["order_id"])
    if i < 0:
        core["late_fills"] += 1
        return
    note_holding(desk, rules, i, event)
    slot = desk.slots[i]
    pause_ns = rules.quoting[0]["cooldown_ns"] if i < ENTRIES else 0
    slot["filled"] = 1
    if not is_open(slot):
        core["late_fills"] += 1
        if i < ENTRIES:
            end_order(desk, i, event["local_ts"], pause_ns)
        return
    # Two partial fills may arrive swapped: the later one's count includes the earlier one's.
    slot["leaves_lots"] = min(slot["leaves_lots"], event["leaves_lots"])
    if slot["leaves_lots"] == 0:
        end_order(desk, i, event["local_ts"], pause_ns)
    elif slot["state"] == PENDING:
        slot["state"] = QUOTED


@jit
def note_holding(desk: Any, rules: Any, i: int, event: Any) -> None:
    """Keep what a filled slot holds while barriers are set: an entry's fill adds, a closing order's takes off."""
    if i < ENTRIES:
        if rules.barriers[0]["enabled"] == 1:
            add_holding(desk.core[0], desk.held[i], event)
    elif i < EXITS:
        take_off_holding(desk, rules, i - ENTRIES, event)

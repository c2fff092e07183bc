"""The life of the orders (strategy.md 6): IDLE, PENDING, QUOTED, CANCELLING, COOLDOWN, one slot a side and level.

News of orders may come in any order: a fill before its acknowledgement, a cancel that lost against a fill, a fill
after the cancel was confirmed. A slot keeps the id of its last order, so that late news finds it. Only an
acknowledged order is cancelled: a cancel that overtakes its order would leave it resting.
"""

from typing import Any, Final

from strategy.kernel.jit import jit
from strategy.kernel.quotes import cost_of, held, is_open
from strategy.kernel.records import (
    ACK,
    BUY,
    CANCEL,
    CANCELLED,
    CANCELLING,
    COOLDOWN,
    FILL,
    IDLE,
    MAX_LEVELS,
    PENDING,
    PLACE,
    QUOTED,
    R_HOLDINGS,
    R_REFRESH,
    R_REJECTED,
    REJECT,
    REJECT_POST_ONLY,
)

REJECT_PAUSE_NS: Final = 1_000_000_000  # at least this long after a refusal that asking again at once will not cure
TOLERANCE: Final = 1e-6  # lots, or relative for atoms: fees are not whole atoms


@jit
def find_slot(slots: Any, order_id: int) -> int:
    """Return the slot whose last order this is, -1 when none."""
    for i in range(len(slots)):
        if slots[i]["order_id"] == order_id:
            return i
    return -1


@jit
def take_order_news(state: Any, params: Any, event: Any) -> int:
    """Apply an ACK, REJECT, FILL or CANCELLED; return the reasons it adds to the decision."""
    kind = event["kind"]
    if kind == FILL:
        take_fill(state, params, event)
        return 0
    i = find_slot(state.slots, event["order_id"])
    if i < 0:
        return 0
    slot = state.slots[i]
    if kind == ACK:
        if slot["state"] == PENDING:
            slot["state"] = QUOTED
        return 0
    if not is_open(slot):
        return 0
    if kind == CANCELLED:
        end_order(slot, event["local_ts"], params.quoting[0]["cooldown_ns"] if slot["filled"] == 1 else 0)
        return 0
    if kind == REJECT:
        state.core[0]["rejects"] += 1
        end_order(slot, event["local_ts"], reject_pause(params.quoting[0], event["code"]))
        return R_REJECTED
    return 0


@jit
def reject_pause(quoting: Any, code: int) -> int:
    """Return how long (ns) a slot stays out after a refusal.

    A post-only refusal means that the book has moved on: try again with the next update. Anything else would be
    refused again.
    """
    if code == REJECT_POST_ONLY:
        return int(quoting["min_update_ns"])
    return int(max(quoting["cooldown_ns"], REJECT_PAUSE_NS))


@jit
def take_fill(state: Any, params: Any, event: Any) -> None:
    """Book a fill, whatever its slot thinks, and move the slot on."""
    core = state.core[0]
    lots, paid = float(event["qty_lots"]), float(event["price_ticks"]) * float(event["qty_lots"])
    core["base_lots"] += event["side"] * lots - event["fee_base_lots"]
    core["quote_atoms"] -= event["side"] * paid + event["fee_quote_atoms"]
    core["fills"] += 1
    i = find_slot(state.slots, event["order_id"])
    if i < 0:
        core["late_fills"] += 1
        return
    slot = state.slots[i]
    slot["filled"] = 1
    if not is_open(slot):
        core["late_fills"] += 1
        end_order(slot, event["local_ts"], params.quoting[0]["cooldown_ns"])
        return
    # Two partial fills may arrive swapped: the later one's count includes the earlier one's.
    slot["leaves_lots"] = min(slot["leaves_lots"], event["leaves_lots"])
    if slot["leaves_lots"] == 0:
        end_order(slot, event["local_ts"], params.quoting[0]["cooldown_ns"])
    elif slot["state"] == PENDING:
        slot["state"] = QUOTED


@jit
def end_order(slot: Any, now: int, pause_ns: int) -> None:
    """Free a slot whose order is gone, after a pause (ns)."""
    slot["state"] = COOLDOWN if pause_ns > 0 else IDLE
    slot["cooldown_until_ns"] = now + pause_ns
    slot["leaves_lots"] = 0


@jit
def end_cooldowns(slots: Any, now: int) -> None:
    """Free the slots whose pause is over."""
    for slot in slots:
        if slot["state"] == COOLDOWN and now >= slot["cooldown_until_ns"]:
            slot["state"] = IDLE


@jit
def cancel_slots(state: Any, params: Any, now: int, out: Any) -> int:
    """Cancel what may not or no longer rest; return the reasons.

    A side that is disabled (blocked, halted, by the inventory policy) rests nothing; a level beyond the parameter
    set's levels goes; what the holdings no longer cover goes, outer levels first; the rest goes at its refresh.
    """
    core, quoting = state.core[0], params.quoting[0]
    reasons = 0
    covered = 0.0
    for i in range(len(state.slots)):
        slot = state.slots[i]
        if slot["level"] == 0:
            covered = held(core, slot["side"]) * (1.0 + 1e-12) + TOLERANCE
        if is_open(slot):
            covered -= cost_of(slot["side"], slot["price_ticks"], slot["leaves_lots"])
        if slot["state"] != QUOTED:
            continue
        enabled = core["bid_enabled"] if slot["side"] == BUY else core["ask_enabled"]
        levels = quoting["buy_levels"] if slot["side"] == BUY else quoting["sell_levels"]
        if enabled == 0 or slot["level"] >= levels:
            add_cancel(state, slot, out)
        elif now - slot["placed_ns"] >= quoting["refresh_ns"]:
            reasons |= R_REFRESH
            add_cancel(state, slot, out)
        elif covered < 0.0:
            reasons |= R_HOLDINGS
            add_cancel(state, slot, out)
    return reasons


@jit
def add_cancel(state: Any, slot: Any, out: Any) -> None:
    """Emit a cancel; the slot waits for what became of it."""
    slot["state"] = CANCELLING
    state.core[0]["cancels"] += 1
    add_action(out, CANCEL, slot)


@jit
def place_slots(state: Any, now: int, out: Any) -> None:
    """Place the wanted quote of every free slot."""
    decision = out.decision[0]
    for i in range(len(state.slots)):
        slot = state.slots[i]
        level = slot["level"]
        if slot["side"] == BUY:
            ticks, lots = decision["want_bid_ticks"][level], decision["want_bid_lots"][level]
        else:
            ticks, lots = decision["want_ask_ticks"][level], decision["want_ask_lots"][level]
        if slot["state"] == IDLE and lots > 0:
            add_place(state, slot, ticks, lots, now)
            add_action(out, PLACE, slot)


@jit
def add_place(state: Any, slot: Any, ticks: int, lots: int, now: int) -> None:
    """Turn a free slot into a sent order."""
    core = state.core[0]
    slot["state"] = PENDING
    slot["filled"] = 0
    slot["order_id"] = core["next_order_id"]
    slot["price_ticks"] = ticks
    slot["leaves_lots"] = lots
    slot["placed_ns"] = now
    core["next_order_id"] += 1
    core["placed"] += 1


@jit
def add_action(out: Any, kind: int, slot: Any) -> None:
    """Append one action; `out.used[0]` is how many there are."""
    action = out.actions[out.used[0]]
    action["kind"] = kind
    action["side"] = slot["side"]
    action["level"] = slot["level"]
    action["order_id"] = slot["order_id"]
    action["price_ticks"] = slot["price_ticks"]
    action["qty_lots"] = slot["leaves_lots"]
    out.used[0] += 1


@jit
def next_wake(slots: Any, refresh_ns: int) -> int:
    """Return the earliest moment at which time alone moves a slot, 0 when none does."""
    wake = 0
    for slot in slots:
        due = 0
        if slot["state"] == QUOTED:
            due = slot["placed_ns"] + refresh_ns
        elif slot["state"] == COOLDOWN:
            due = slot["cooldown_until_ns"]
        if due != 0 and (wake == 0 or due < wake):
            wake = due
    return wake


@jit
def write_resting(slots: Any, decision: Any) -> None:
    """Copy what may rest at the venue into a decision."""
    for level in range(MAX_LEVELS):
        bid, ask = slots[level], slots[MAX_LEVELS + level]
        bid_open, ask_open = is_open(bid), is_open(ask)
        decision["rest_bid_ticks"][level] = bid["price_ticks"] if bid_open else 0
        decision["rest_bid_lots"][level] = bid["leaves_lots"] if bid_open else 0
        decision["rest_ask_ticks"][level] = ask["price_ticks"] if ask_open else 0
        decision["rest_ask_lots"][level] = ask["leaves_lots"] if ask_open else 0

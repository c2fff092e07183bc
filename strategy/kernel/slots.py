"""The life of the orders (strategy.md 6): IDLE, PENDING, QUOTED, CANCELLING, POSITION, COOLDOWN.

One slot a side and level, one more for each that closes what it holds, and one for the position rebalance.

Only an acknowledged order is cancelled: a cancel that overtakes its order would leave it resting.
"""

from typing import Any

from strategy.kernel.jit import jit
from strategy.kernel.quotes import BPS, GRID, cost_of, enough, entry_at, first_of, held, is_open, locked_by_exits
from strategy.kernel.records import (
    BUY,
    CANCEL,
    CANCELLING,
    COOLDOWN,
    ENTRY,
    IDLE,
    MAX_LEVELS,
    PENDING,
    PLACE,
    QUOTED,
    R_HOLDINGS,
    R_MAX_BUYS,
    R_RATE,
    R_REFRESH,
    R_REQUOTE,
    SELL,
    TAKE_PROFIT,
)
from strategy.kernel.risk import is_locked, may_send, note_sent
from strategy.kernel.state import ENTRIES, EXITS


@jit
def end_cooldowns(desk: Any, now: int) -> None:
    """Free the slots whose pause is over."""
    core, slots = desk.core[0], desk.slots
    for n in range(2 * core["reach"]):
        i = entry_at(n, core["reach"])
        end_cooldown(slots[i], now)
        if core["exits_used"] == 1:
            end_cooldown(slots[ENTRIES + i], now)
    if core["exits_used"] == 1:
        end_cooldown(slots[EXITS], now)


@jit
def end_cooldown(slot: Any, now: int) -> None:
    """Free a slot whose pause is over."""
    if slot["state"] == COOLDOWN and now >= slot["cooldown_until_ns"]:
        slot["state"] = IDLE


@jit
def cancel_side(desk: Any, rules: Any, side: int, now: int, out: Any) -> int:
    """Cancel a side's quotes that may not or no longer rest; return the reasons.

    A side that is disabled (blocked, halted, by the inventory policy) rests nothing; a level beyond the parameter
    set's levels goes, and a bid beyond max_concurrent_buys; what the holdings no longer cover goes, outer levels
    first; the rest goes at its refresh, or when its price is no longer wanted, unless quote updates are locked out.
    """
    core, quoting = desk.core[0], rules.quoting[0]
    enabled = core["bid_enabled"] if side == BUY else core["ask_enabled"]
    levels = quoting["buy_levels"] if side == BUY else quoting["sell_levels"]
    most = quoting["max_concurrent_buys"] if side == BUY else MAX_LEVELS
    covered, count, reasons = spendable(desk, side), 0, 0
    for level in range(core["reach"]):
        slot = desk.slots[first_of(side) + level]
        if not is_open(slot):
            continue
        covered -= cost_of(side, slot["price_ticks"], slot["leaves_lots"])
        count += 1
        if slot["state"] != QUOTED:
            continue
        why = 0
        if enabled == 0 or level >= levels:
            add_cancel(desk, slot, out)
        elif count > most:
            why = R_MAX_BUYS
        elif covered < 0.0:
            why = R_HOLDINGS
        elif not is_locked(core, now):
            why = outdated(core, quoting, slot, out.decision[0], now)
        if why != 0:
            reasons |= why
            add_cancel(desk, slot, out)
    return reasons


@jit
def spendable(desk: Any, side: int) -> float:
    """Return what a side's quotes may lock: what is held less what closing orders lock."""
    return float(enough(held(desk.core[0], side)) - locked_by_exits(desk, side))


@jit
def outdated(core: Any, quoting: Any, slot: Any, decision: Any, now: int) -> int:
    """Return why a resting quote is to be replaced, 0 when it is not: its refresh, or a wanted price too far away."""
    if now - slot["placed_ns"] >= quoting["refresh_ns"]:
        return R_REFRESH
    level = slot["level"]
    wanted = decision["want_bid_ticks"][level] if slot["side"] == BUY else decision["want_ask_ticks"][level]
    moved = float(abs(wanted - slot["price_ticks"]))
    if wanted > 0 and moved > quoting["requote_tolerance_bps"] * BPS * core["mid_ticks"] + GRID:
        core["requotes"] += 1
        return R_REQUOTE
    return 0


@jit
def add_cancel(desk: Any, slot: Any, out: Any) -> None:
    """Emit a cancel; the slot waits for what became of it."""
    slot["state"] = CANCELLING
    desk.core[0]["cancels"] += 1
    add_action(out, CANCEL, slot)


@jit
def place_slots(desk: Any, rules: Any, now: int, out: Any) -> int:
    """Place the wanted quote of every free slot within the rates, bids first; return the reasons why not."""
    if is_locked(desk.core[0], now):
        return 0
    decision = out.decision[0]
    bids = place_side(desk, rules, BUY, decision["want_bid_ticks"], decision["want_bid_lots"], now, out)
    if bids != 0:
        return bids
    return place_side(desk, rules, SELL, decision["want_ask_ticks"], decision["want_ask_lots"], now, out)


@jit
def place_side(desk: Any, rules: Any, side: int, ticks: Any, lots: Any, now: int, out: Any) -> int:
    """Place a side's wanted quotes (ticks and lots a level) up to the first that the rates refuse."""
    core = desk.core[0]
    for level in range(core["reach"]):
        slot = desk.slots[first_of(side) + level]
        if slot["state"] != IDLE or lots[level] <= 0:
            continue
        if not may_send(core, desk.sent, rules.risk[0], now):
            core["rate_limited"] += 1
            return R_RATE
        core["placed"] += 1
        send(desk, slot, PLACE, ENTRY, ticks[level], lots[level], now, out)
    return 0


@jit
def send(desk: Any, slot: Any, kind: int, purpose: int, ticks: int, lots: int, now: int, out: Any) -> None:
    """Turn a free slot into a sent order, and say so in an action."""
    occupy(desk, slot, purpose, ticks, lots, now)
    add_action(out, kind, slot)


@jit
def occupy(desk: Any, slot: Any, purpose: int, ticks: int, lots: int, now: int) -> None:
    """Turn a free slot into a sent order."""
    core = desk.core[0]
    slot["state"] = PENDING
    slot["filled"] = 0
    slot["purpose"] = purpose
    slot["order_id"] = core["next_order_id"]
    slot["price_ticks"] = ticks
    slot["leaves_lots"] = lots
    slot["placed_ns"] = now
    core["next_order_id"] += 1
    if purpose != ENTRY:
        core["exits_used"] = 1
    note_sent(core, desk.sent, now)


@jit
def add_action(out: Any, kind: int, slot: Any) -> None:
    """Append one action; `out.used[0]` is how many there are."""
    action = out.actions[out.used[0]]
    action["kind"] = kind
    action["side"] = slot["side"]
    action["level"] = slot["level"]
    action["purpose"] = slot["purpose"]
    action["order_id"] = slot["order_id"]
    action["price_ticks"] = slot["price_ticks"]
    action["qty_lots"] = slot["leaves_lots"]
    out.used[0] += 1


@jit
def takes(slot: Any) -> bool:
    """Return whether a slot's order is one that takes."""
    return bool(slot["purpose"] != ENTRY and slot["purpose"] != TAKE_PROFIT)


@jit
def sooner(wake: int, due: int, now: int) -> int:
    """Return the earlier of two moments after `now`; 0 = none. What is due already waits for something else."""
    if due > now and (wake == 0 or due < wake):
        return due
    return wake


@jit
def note_wakes(desk: Any, rules: Any, now: int) -> None:
    """Remember the earliest moment at which time alone changes something, with and without the watch for silence."""
    core, risk = desk.core[0], rules.risk[0]
    due = slots_due(desk, rules.quoting[0]["refresh_ns"], now)
    due = sooner(due, core["lockout_until_ns"], now)
    due = sooner(due, core["rate_free_ns"], now)
    if core["panicking"] == 1 and risk["panic_kill_ns"] > 0:
        due = sooner(due, core["panic_ns"] + risk["panic_kill_ns"], now)
    if core["positions"] > 0 and rules.barriers[0]["time_limit_ns"] > 0:
        for n in range(2 * core["reach"]):
            holding = desk.held[entry_at(n, core["reach"])]
            if holding["lots"] > 0:
                due = sooner(due, holding["opened_ns"] + rules.barriers[0]["time_limit_ns"], now)
    core["next_due_ns"] = due
    if core["have_book"] == 1 and risk["stale_ns"] > 0:
        due = sooner(due, core["accepted_ns"] + risk["stale_ns"], now)
    core["next_wake_ns"] = due


@jit
def slots_due(desk: Any, refresh_ns: int, now: int) -> int:
    """Return when the first quote is to be refreshed or the first pause ends, 0 when none does."""
    core, slots = desk.core[0], desk.slots
    due = 0
    for n in range(2 * core["reach"]):
        i = entry_at(n, core["reach"])
        if slots[i]["state"] == QUOTED:
            due = sooner(due, slots[i]["placed_ns"] + refresh_ns, now)
        else:
            due = pause_due(slots[i], due, now)
        if core["exits_used"] == 1:
            due = pause_due(slots[ENTRIES + i], due, now)
    return pause_due(slots[EXITS], due, now)


@jit
def pause_due(slot: Any, due: int, now: int) -> int:
    """Return `due`, or the end of a slot's pause when that comes sooner."""
    return sooner(due, slot["cooldown_until_ns"], now) if slot["state"] == COOLDOWN else due


@jit
def write_resting(slots: Any, decision: Any) -> None:
    """Copy the quotes that may rest at the venue into a decision."""
    for level in range(MAX_LEVELS):
        bid, ask = slots[level], slots[MAX_LEVELS + level]
        bid_open, ask_open = is_open(bid), is_open(ask)
        decision["rest_bid_ticks"][level] = bid["price_ticks"] if bid_open else 0
        decision["rest_bid_lots"][level] = bid["leaves_lots"] if bid_open else 0
        decision["rest_ask_ticks"][level] = ask["price_ticks"] if ask_open else 0
        decision["rest_ask_lots"][level] = ask["leaves_lots"] if ask_open else 0

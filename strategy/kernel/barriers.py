"""The triple barrier of filled slots, the position rebalance, and the orders that take (strategy.md 6).

An order that takes goes out alone: quotes stand aside until the venue has confirmed that none of ours rests, so that
it can never meet our own quote and finds the holdings free. While it is wanted or under way, `clearing` is set.
"""

import math
from typing import Any, Final

from strategy.kernel.jit import jit, jit_apart
from strategy.kernel.quotes import (
    BPS,
    GRID,
    affordable,
    grid_ceil,
    grid_floor,
    held,
    is_open,
    level_lots,
    opposite_best,
    reserved,
    under_minimum,
)
from strategy.kernel.records import (
    BUY,
    IDLE,
    PLACE,
    QUOTED,
    R_BARRIER,
    R_CLEARING,
    R_CROSSED,
    R_DUST,
    R_HALTED,
    R_HOLDINGS,
    R_KILLED,
    R_NO_BOOK,
    R_RATE,
    R_REBALANCE,
    R_STALE,
    REBALANCE,
    SELL,
    STOP_LOSS,
    TAKE,
    TAKE_PROFIT,
    TIME_LIMIT,
    TRAILING_STOP,
)
from strategy.kernel.risk import is_locked, may_send
from strategy.kernel.slots import add_cancel, drop_holding, send, takes
from strategy.kernel.state import ENTRIES, EXITS

UNKNOWN: Final = R_NO_BOOK | R_CROSSED | R_STALE  # the market cannot be seen
NO_TAKING: Final = UNKNOWN | R_HALTED | R_KILLED  # a stop is taken through a panic, a lockout and a thin book
TAKE_REACH_BPS: Final = 500.0  # how far beyond mid an order may take where no collar is set


@jit_apart
def close_positions(desk: Any, rules: Any, now: int, reasons: int, blocked: bool, out: Any) -> int:
    """Watch the barriers of what filled slots hold and close what reached one; return the reasons.

    `reasons` are the decision's so far, `blocked` says whether anything may rest.
    """
    core = desk.core[0]
    found = 0
    for i in range(ENTRIES):
        holding = desk.held[i]
        if holding["lots"] > 0 and holding["hit"] == 0:
            holding["hit"] = barrier_hit(rules.barriers[0], holding, int(desk.slots[i]["side"]), core, now, reasons)
            core["barriers"] += 1 if holding["hit"] != 0 else 0
        if holding["hit"] != 0:
            found |= R_DUST if dust_dropped(desk, rules, i, now, reasons) else R_BARRIER
    others_clear = core["clearing"]
    core["clearing"] = 1 if others_clear == 1 or any_hit(desk.held) else 0
    for i in range(ENTRIES):
        if desk.held[i]["lots"] > 0:
            found |= close_position(desk, rules, i, now, reasons, blocked, out)
    core["clearing"] = 1 if others_clear == 1 or any_hit(desk.held) else 0
    return found


@jit
def any_hit(held_by_slots: Any) -> bool:
    """Return whether a holding that reached a barrier is still there."""
    found = False
    for holding in held_by_slots:
        found = found or holding["hit"] != 0
    return found


@jit
def dust_dropped(desk: Any, rules: Any, i: int, now: int, reasons: int) -> bool:
    """Let go of a holding under the venue's minima before any quote stands aside for it; return whether it is gone."""
    core, slot = desk.core[0], desk.slots[ENTRIES + i]
    if reasons & NO_TAKING != 0 or slot["state"] != IDLE or is_open(desk.slots[i]):
        return False
    if under_minimum(rules, take_limit(core, rules.risk[0], int(slot["side"])), desk.held[i]["lots"]) == 0:
        return False
    drop_holding(desk, i, now, rules.quoting[0]["cooldown_ns"])
    core["dust"] += 1
    return True


@jit
def barrier_hit(barriers: Any, holding: Any, side: int, core: Any, now: int, reasons: int) -> int:
    """Return the barrier that a holding reached, 0 when none; remembers the best mid so far."""
    if barriers["time_limit_ns"] > 0 and now - holding["opened_ns"] >= barriers["time_limit_ns"]:
        return TIME_LIMIT
    if reasons & UNKNOWN != 0:
        return 0
    mid, entry = core["mid_ticks"], holding["atoms"] / float(holding["lots"])
    if side * (mid - holding["extreme_ticks"]) > 0:
        holding["extreme_ticks"] = mid
    if side * (entry - mid) >= barriers["stop_loss"] * entry - GRID:
        return STOP_LOSS
    best = holding["extreme_ticks"]
    armed = side * (best - entry) >= barriers["trailing_activation"] * entry - GRID
    if armed and side * (best - mid) >= barriers["trailing_delta"] * best - GRID:
        return TRAILING_STOP
    return 0


@jit
def close_position(desk: Any, rules: Any, i: int, now: int, reasons: int, blocked: bool, out: Any) -> int:
    """Do what one holding needs now: its profit taken at a limit, or, after a barrier, out as a taker."""
    core, holding, slot = desk.core[0], desk.held[i], desk.slots[ENTRIES + i]
    if rules.barriers[0]["enabled"] == 0:
        return release(desk, i, now, out)
    if slot["state"] == QUOTED and slot["purpose"] == TAKE_PROFIT and (blocked or core["clearing"] == 1):
        add_cancel(desk, slot, out)
        return 0
    if slot["state"] != IDLE or is_open(desk.slots[i]):
        return 0
    if holding["hit"] != 0:
        if reasons & NO_TAKING != 0:
            return 0
        return take(desk, rules, ENTRIES + i, holding["lots"], holding["hit"], now, out)
    if blocked or core["clearing"] == 1 or is_locked(core, now):
        return 0
    return place_take_profit(desk, rules, i, now, out)


@jit
def release(desk: Any, i: int, now: int, out: Any) -> int:
    """Let go of a holding whose barriers a new version no longer sets; its closing order is cancelled first."""
    slot = desk.slots[ENTRIES + i]
    if slot["state"] == QUOTED and not takes(slot):
        add_cancel(desk, slot, out)
    elif not is_open(slot):
        drop_holding(desk, i, now, 0)
    return 0


@jit
def place_take_profit(desk: Any, rules: Any, i: int, now: int, out: Any) -> int:
    """Rest the order that takes the profit at entry x (1 +- take_profit), never as a taker."""
    core, holding, slot = desk.core[0], desk.held[i], desk.slots[ENTRIES + i]
    side, share = int(slot["side"]), rules.barriers[0]["take_profit"]
    if share == math.inf:
        return 0
    entry = holding["atoms"] / float(holding["lots"])
    price = grid_floor(entry * (1.0 - share)) if side == BUY else grid_ceil(entry * (1.0 + share))
    limit = opposite_best(core, desk.slots, side)
    if side * price >= side * limit:
        price = limit - side
    free = held(core, side) - reserved(desk.slots, side)
    lots = min(holding["lots"], affordable(side, max(price, 1), free))
    return send_close(desk, rules, ENTRIES + i, PLACE, TAKE_PROFIT, price, lots, now, out)


@jit
def take(desk: Any, rules: Any, i: int, lots: int, purpose: int, now: int, out: Any) -> int:
    """Send slot `i`'s order that takes up to `lots` once no quote of ours rests; return the reasons."""
    core, slot = desk.core[0], desk.slots[i]
    core["clearing"] = 1
    if any_resting(desk.slots):
        return R_CLEARING
    side = int(slot["side"])
    price = take_limit(core, rules.risk[0], side)
    free = held(core, side) - reserved(desk.slots, side)
    lots = min(lots, affordable(side, price, free))
    return send_close(desk, rules, i, TAKE, purpose, price, lots, now, out)


@jit
def send_close(
    desk: Any, rules: Any, i: int, kind: int, purpose: int, price: int, lots: int, now: int, out: Any
) -> int:
    """Send an order that closes, unless it is under the venue's minima (then its holding is let go) or the rates."""
    core = desk.core[0]
    if under_minimum(rules, price, lots) != 0:
        return give_up(desk, rules, i, kind, price, now)
    if not may_send(core, desk.sent, rules.risk[0], now):
        core["rate_limited"] += 1
        return R_RATE
    send(desk, desk.slots[i], kind, purpose, price, lots, now, out)
    if kind == TAKE:
        core["takes"] += 1
        return R_CLEARING
    core["placed"] += 1
    return 0


@jit
def give_up(desk: Any, rules: Any, i: int, kind: int, price: int, now: int) -> int:
    """Let go of dust, and of what the account no longer has; a holding that only waits for free funds is kept.

    With no quote of ours resting nothing is locked: what an order that takes then lacks is gone, sold by a quote of
    another slot or taken out of the account, and waiting for it would keep all quotes aside for ever.
    """
    core = desk.core[0]
    if i == EXITS:
        return R_HOLDINGS
    whole = under_minimum(rules, price, desk.held[i - ENTRIES]["lots"]) == 0
    if whole and (kind == PLACE or funds_may_come(desk, rules, int(desk.slots[i]["side"]))):
        return R_HOLDINGS
    drop_holding(desk, i - ENTRIES, now, rules.quoting[0]["cooldown_ns"])
    core["dust"] += 1
    return R_DUST | R_HOLDINGS if whole else R_DUST


@jit
def funds_may_come(desk: Any, rules: Any, side: int) -> bool:
    """Return whether an order that takes is under way, or due on the other side and paid for."""
    if taking(desk.slots):
        return True
    price = take_limit(desk.core[0], rules.risk[0], -side)
    most = affordable(-side, price, held(desk.core[0], -side))
    found = False
    for i in range(ENTRIES):
        if desk.held[i]["hit"] != 0 and desk.slots[ENTRIES + i]["side"] == -side:
            found = found or under_minimum(rules, price, min(desk.held[i]["lots"], most)) == 0
    return found


@jit
def any_resting(slots: Any) -> bool:
    """Return whether a quote of ours, or an order that takes a profit, may rest."""
    found = False
    for slot in slots:
        found = found or (is_open(slot) and not takes(slot))
    return found


@jit
def taking(slots: Any) -> bool:
    """Return whether an order that takes is under way."""
    found = False
    for i in range(ENTRIES, len(slots)):
        found = found or (is_open(slots[i]) and takes(slots[i]))
    return found


@jit
def take_limit(core: Any, risk: Any, side: int) -> int:
    """Return the worst price (ticks) that a taker accepts: the collar's reach beyond mid."""
    reach = min(risk["collar_bps"], 10_000.0) * BPS if risk["collar_bps"] != math.inf else TAKE_REACH_BPS * BPS
    if side == BUY:
        return grid_floor(core["mid_ticks"] * (1.0 + reach))
    return max(grid_ceil(core["mid_ticks"] * (1.0 - reach)), 1)


@jit
def asks_need(core: Any, quoting: Any) -> int:
    """Return the lots that all ask levels offer together."""
    return int(quoting["sell_levels"] * level_lots(core, quoting, SELL))


@jit_apart
def rebalance(desk: Any, rules: Any, now: int, out: Any) -> int:
    """Close a breach of the rebalance threshold with one order that takes; return the reasons.

    A breach is |need - base| > threshold x need, where need is what the active asks offer. It ends when base is back
    inside; until then it has had its one order, whatever became of that. One that the venue's minima or the account
    do not allow disturbs nothing and waits.
    """
    core, quoting = desk.core[0], rules.quoting[0]
    need = float(asks_need(core, quoting))
    if core["ask_enabled"] == 0 or need == 0.0:
        return 0
    missing = need - core["base_lots"]
    if abs(missing) <= quoting["rebalance_threshold"] * need + GRID:
        core["rebalanced"] = 0
        return 0
    if core["rebalanced"] == 1:
        return 0
    slot = desk.slots[EXITS]
    if slot["state"] != IDLE:
        return 0
    side = BUY if missing > 0 else SELL
    price = take_limit(core, rules.risk[0], side)
    lots = min(grid_floor(abs(missing)), affordable(side, price, held(core, side)))
    if under_minimum(rules, price, lots) != 0:
        return R_REBALANCE | R_DUST
    slot["side"] = side
    before = core["takes"]
    why = take(desk, rules, EXITS, lots, REBALANCE, now, out)
    if core["takes"] > before:
        core["rebalanced"] = 1
        core["rebalances"] += 1
    return R_REBALANCE | why

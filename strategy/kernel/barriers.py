"""The triple barrier of filled slots: profit, stop, time limit and trailing stop (strategy.md 6)."""

import math
from typing import Any, Final

from strategy.kernel.holdings import drop_holding
from strategy.kernel.jit import jit, jit_apart
from strategy.kernel.quotes import (
    GRID,
    affordable,
    entry_at,
    grid_ceil,
    grid_floor,
    held,
    is_open,
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
    R_CROSSED,
    R_DUST,
    R_HALTED,
    R_KILLED,
    R_NO_BOOK,
    R_STALE,
    STOP_LOSS,
    TAKE_PROFIT,
    TIME_LIMIT,
    TRAILING_STOP,
)
from strategy.kernel.risk import is_locked
from strategy.kernel.slots import add_cancel, takes
from strategy.kernel.state import ENTRIES
from strategy.kernel.takers import send_close, take, take_limit

UNKNOWN: Final = R_NO_BOOK | R_CROSSED | R_STALE  # the market cannot be seen
NO_TAKING: Final = UNKNOWN | R_HALTED | R_KILLED  # a stop is taken through a panic, a lockout and a thin book


@jit_apart
def close_positions(desk: Any, rules: Any, now: int, reasons: int, blocked: bool, out: Any) -> int:
    """Watch the barriers of what filled slots hold and close what reached one; return the reasons.

    `reasons` are the decision's so far, `blocked` says whether anything may rest.
    """
    core = desk.core[0]
    found = 0
    for n in range(2 * core["reach"]):
        i = entry_at(n, core["reach"])
        holding = desk.held[i]
        if holding["lots"] > 0 and holding["hit"] == 0:
            holding["hit"] = barrier_hit(rules.barriers[0], holding, int(desk.slots[i]["side"]), core, now, reasons)
            core["barriers"] += 1 if holding["hit"] != 0 else 0
        if holding["hit"] != 0:
            found |= R_DUST if dust_dropped(desk, rules, i, now, reasons) else R_BARRIER
    others_clear = core["clearing"]
    core["clearing"] = 1 if others_clear == 1 or any_hit(desk) else 0
    for n in range(2 * core["reach"]):
        i = entry_at(n, core["reach"])
        if desk.held[i]["lots"] > 0:
            found |= close_position(desk, rules, i, now, reasons, blocked, out)
    core["clearing"] = 1 if others_clear == 1 or any_hit(desk) else 0
    return found


@jit
def any_hit(desk: Any) -> bool:
    """Return whether a holding that reached a barrier is still there."""
    reach, found = desk.core[0]["reach"], False
    for n in range(2 * reach):
        found = found or desk.held[entry_at(n, reach)]["hit"] != 0
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
    limit = opposite_best(desk, side)
    if side * price >= side * limit:
        price = limit - side
    free = held(core, side) - reserved(desk, side)
    lots = min(holding["lots"], affordable(side, max(price, 1), free))
    return send_close(desk, rules, ENTRIES + i, PLACE, TAKE_PROFIT, price, lots, now, out)

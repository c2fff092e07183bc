"""From what is decided to what is done: the way cleared, quotes wanted, cancelled and placed, and the decision told.

Nothing here depends on the policies, so it is compiled once for all of them.
"""

import math
from typing import Any, Final

from strategy.kernel.barriers import close_positions
from strategy.kernel.jit import jit, jit_apart
from strategy.kernel.quotes import want_side
from strategy.kernel.rebalance import rebalance
from strategy.kernel.records import (
    BUY,
    MAX_LEVELS,
    R_BARRIER,
    R_CLEARING,
    R_COLLAR,
    R_CROSS_ADJUSTED,
    R_CROSS_DROPPED,
    R_DUST,
    R_HOLDINGS,
    R_MIN_NOTIONAL,
    R_MIN_QTY,
    R_PARAMETERS,
    R_RATE,
    R_REFRESH,
    R_REJECTED,
    R_REQUOTE,
    R_THIN_BOOK,
    SELL,
)
from strategy.kernel.risk import BLOCKING, is_locked
from strategy.kernel.slots import cancel_side, end_cooldowns, note_wakes, place_slots, write_resting
from strategy.kernel.takers import taking

# Reasons that describe a moment and not a condition: their end is no news.
PASSING: Final = (
    R_REFRESH | R_PARAMETERS | R_REJECTED | R_CROSS_ADJUSTED | R_REQUOTE | R_RATE | R_DUST | R_BARRIER | R_CLEARING
)


@jit_apart
def act(desk: Any, rules: Any, event: Any, out: Any, reasons: int) -> int:
    """Bring the slots to what is decided; return the number of actions."""
    core, quoting = desk.core[0], rules.quoting[0]
    now = event["local_ts"]
    core["reach"] = max(core["reach"], quoting["buy_levels"], quoting["sell_levels"])
    end_cooldowns(desk, now)
    reasons |= clear_the_way(desk, rules, now, reasons, out)
    reasons |= write_wants(desk, rules, out)
    reasons |= cancel_side(desk, rules, BUY, now, out)
    reasons |= cancel_side(desk, rules, SELL, now, out)
    reasons |= place_slots(desk, rules, now, out)
    note_wakes(desk, rules, now)
    if out.used[0] > 0 or is_news(core, reasons):
        note_decision(desk, event, reasons, out)
    return int(out.used[0])


@jit
def clear_the_way(desk: Any, rules: Any, now: int, reasons: int, out: Any) -> int:
    """Let orders that take go first: close what reached a barrier, rebalance; quotes stand aside meanwhile."""
    core = desk.core[0]
    core["clearing"] = 1 if taking(desk) else 0
    blocked = reasons & BLOCKING != 0
    found = 0
    if rules.quoting[0]["rebalance_threshold"] != math.inf and not blocked and not is_locked(core, now):
        found |= rebalance(desk, rules, now, out)
    if core["positions"] > 0:
        found |= close_positions(desk, rules, now, reasons, blocked, out)
    if core["clearing"] == 1:
        core["bid_enabled"] = 0
        core["ask_enabled"] = 0
        found |= R_CLEARING
    return found


@jit
def write_wants(desk: Any, rules: Any, out: Any) -> int:
    """Write the wanted quotes of both sides into the decision; return why free slots go without.

    What open levels want is written for a reader of decisions, and for the tolerance that they may be off by.
    """
    core, decision = desk.core[0], out.decision[0]
    clear_wants(decision, MAX_LEVELS if out.recording[0] == 1 else core["reach"])
    every = out.recording[0] == 1 or rules.quoting[0]["requote_tolerance_bps"] != math.inf
    reasons = 0
    if core["bid_enabled"] == 1:
        reasons |= want_side(desk, rules, BUY, every, decision["want_bid_ticks"], decision["want_bid_lots"])
    if core["ask_enabled"] == 1:
        reasons |= want_side(desk, rules, SELL, every, decision["want_ask_ticks"], decision["want_ask_lots"])
    return reasons


@jit
def clear_wants(decision: Any, levels: int) -> None:
    """Want nothing at so many levels a side."""
    for level in range(levels):
        decision["want_bid_ticks"][level] = 0
        decision["want_bid_lots"][level] = 0
        decision["want_ask_ticks"][level] = 0
        decision["want_ask_lots"][level] = 0


@jit
def count_reasons(core: Any, reasons: int) -> None:
    """Count the decision under why free levels were not quoted as wanted."""
    if reasons & (R_MIN_QTY | R_MIN_NOTIONAL | R_CROSS_ADJUSTED | R_CROSS_DROPPED | R_HOLDINGS) != 0:
        core["min_qty"] += 1 if reasons & R_MIN_QTY != 0 else 0
        core["min_notional"] += 1 if reasons & R_MIN_NOTIONAL != 0 else 0
        core["cross_adjusted"] += 1 if reasons & R_CROSS_ADJUSTED != 0 else 0
        core["cross_dropped"] += 1 if reasons & R_CROSS_DROPPED != 0 else 0
        core["holdings"] += 1 if reasons & R_HOLDINGS != 0 else 0
    if reasons & R_COLLAR != 0:
        core["collared"] += 1
    if reasons & R_THIN_BOOK != 0:
        core["thin_books"] += 1


@jit
def is_news(core: Any, reasons: int) -> bool:
    """Return whether a decision without actions differs from the last one in what a reader would ask about."""
    if reasons & (R_PARAMETERS | R_REJECTED) != 0 or reasons & ~PASSING != core["told_reasons"]:
        return True
    sides = core["bid_enabled"] == core["told_bid_enabled"] and core["ask_enabled"] == core["told_ask_enabled"]
    return not (sides and core["regime"] == core["told_regime"])


@jit
def note_decision(desk: Any, event: Any, reasons: int, out: Any) -> None:
    """Count a decision, remember what was told and, for a reader, write it down."""
    core = desk.core[0]
    if out.recording[0] == 1:
        write_decision(desk, event, reasons, out)
    count_reasons(core, reasons)
    core["told_reasons"] = reasons & ~PASSING
    core["told_regime"] = core["regime"]
    core["told_bid_enabled"] = core["bid_enabled"]
    core["told_ask_enabled"] = core["ask_enabled"]
    core["decisions"] += 1
    out.decided[0] = 1


@jit
def write_decision(desk: Any, event: Any, reasons: int, out: Any) -> None:
    """Complete the decision record."""
    core, decision = desk.core[0], out.decision[0]
    decision["seq"] = event["seq"]
    decision["local_ts"] = event["local_ts"]
    decision["version"] = core["version"]
    decision["mid_ticks"] = core["mid_ticks"]
    decision["reference_ticks"] = core["reference_ticks"]
    decision["sigma"] = core["sigma"]
    decision["regime"] = core["regime"]
    decision["bid_enabled"] = core["bid_enabled"]
    decision["ask_enabled"] = core["ask_enabled"]
    decision["kill"] = core["kill"]
    decision["positions"] = core["positions"]
    decision["reasons"] = reasons
    decision["bid_bps"] = core["bid_bps"]
    decision["ask_bps"] = core["ask_bps"]
    decision["base_lots"] = core["base_lots"]
    decision["quote_atoms"] = core["quote_atoms"]
    decision["n_actions"] = out.used[0]
    write_resting(desk.slots, decision)

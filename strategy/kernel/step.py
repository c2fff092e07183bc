"""One event in, actions out: book → sigma → width → wanted quotes → actions.

The same function runs inside the replay loop and, event by event, in the live process. It allocates nothing, reads no
clock and has no memory but `state`. The names imported from the contract are bound to the chosen policies when
`strategy.policies.composition` loads this module once more.
"""

import math
from typing import Any, Final

from strategy.kernel.contract import inventory_decide, spread_decide, volatility_update
from strategy.kernel.jit import jit
from strategy.kernel.quotes import want_side
from strategy.kernel.records import (
    BALANCE,
    BOOK,
    BUY,
    FRESH,
    GAP,
    HALT,
    HIGH,
    LOW,
    MAX_LEVELS,
    MEDIUM,
    PARAMETERS,
    QUIET,
    R_CROSS_ADJUSTED,
    R_CROSS_DROPPED,
    R_CROSSED,
    R_HALTED,
    R_HOLDINGS,
    R_MIN_NOTIONAL,
    R_MIN_QTY,
    R_NO_BOOK,
    R_PARAMETERS,
    R_REFRESH,
    R_REJECTED,
    R_SIDE_DISABLED,
    R_WARMUP,
    SELL,
    TIMER,
    TRADE,
    WARMUP,
)
from strategy.kernel.slots import cancel_slots, end_cooldowns, next_wake, place_slots, take_order_news, write_resting

BLOCKING: Final = R_NO_BOOK | R_CROSSED | R_HALTED
# Reasons that describe a moment and not a condition: their end is no news.
PASSING: Final = R_REFRESH | R_PARAMETERS | R_REJECTED | R_CROSS_ADJUSTED


@jit
def step(state: Any, params: Any, event: Any, out: Any) -> int:
    """Take one event and return the number of actions in `out.actions`; `out.decided[0]` is 1 with a new decision.

    Market data, timers and news of our own orders all come this way, in the order in which they reach the strategy.
    """
    out.used[0] = 0
    out.decided[0] = 0
    kind = event["kind"]
    if kind == TRADE:
        state.core[0]["trades"] += 1
        return 0
    reasons = 0
    if kind == BOOK:
        if not take_book(state, params, event):
            return 0
    elif kind == TIMER:
        state.core[0]["timers"] += 1
    elif kind == GAP:
        take_gap(state)
    elif kind == HALT:
        state.core[0]["halted"] = 1 if event["flag"] == 1 else 0
    elif kind == BALANCE:
        state.core[0]["base_lots"] = event["base_lots"]
        state.core[0]["quote_atoms"] = event["quote_atoms"]
    elif kind == PARAMETERS:
        state.core[0]["version"] = event["code"]
        reasons = R_PARAMETERS
    else:
        reasons = take_order_news(state, params, event)
    return respond(state, params, event, out, reasons)


@jit
def take_book(state: Any, params: Any, event: Any) -> bool:
    """Apply a book update; return whether anything may follow from it (strategy.md 1)."""
    core = state.core[0]
    core["books"] += 1
    fresh = event["flag"] == FRESH
    if core["need_fresh"] == 1 and not fresh:
        core["stale_books"] += 1
        return False
    if fresh:
        core["need_fresh"] = 0
        core["no_difference"] = 1
    bid, ask, now = event["bid_ticks"], event["ask_ticks"], event["local_ts"]
    if bid <= 0 or ask <= bid:
        core["crossed_books"] += 1
        core["crossed"] = 1
        return True
    unchanged = core["crossed"] == 0 and core["have_book"] == 1 and not fresh
    unchanged = unchanged and bid == core["bid_ticks"] and ask == core["ask_ticks"]
    if unchanged and now - core["accepted_ns"] < params.quoting[0]["min_update_ns"]:
        core["debounced"] += 1
        return False
    sample(state, params, bid, ask, now)
    return True


@jit
def sample(state: Any, params: Any, bid: int, ask: int, now: int) -> None:
    """Accept a book as the current one and let the volatility engine see its mid."""
    core = state.core[0]
    core["accepted"] += 1
    core["crossed"] = 0
    core["have_book"] = 1
    core["bid_ticks"] = bid
    core["ask_ticks"] = ask
    core["accepted_ns"] = now
    core["mid_ticks"] = 0.5 * float(bid + ask)
    core["sigma"] = volatility_update(
        state.volatility[0],
        params.volatility[0],
        state.ring,
        core["mid_ticks"],
        params.instrument[0]["tick_size"],
        now,
        core["no_difference"] == 1,
    )
    core["no_difference"] = 0


@jit
def take_gap(state: Any) -> None:
    """Forget the book until a fresh one comes; no difference is taken across the gap."""
    core = state.core[0]
    core["gaps"] += 1
    core["have_book"] = 0
    core["need_fresh"] = 1
    core["no_difference"] = 1
    core["crossed"] = 0


@jit
def respond(state: Any, params: Any, event: Any, out: Any, reasons: int) -> int:
    """Decide anew, move the slots, and say so when anything changed; return the number of actions."""
    core = state.core[0]
    now = event["local_ts"]
    reasons |= decide(state, params)
    end_cooldowns(state.slots, now)
    reasons |= cancel_slots(state, params, now, out)
    reasons |= write_wants(state, params, out.decision[0])
    count_reasons(core, reasons)
    place_slots(state, now, out)
    core["next_wake_ns"] = next_wake(state.slots, params.quoting[0]["refresh_ns"])
    if out.used[0] > 0 or is_news(core, reasons):
        write_decision(state, event, reasons, out)
    return int(out.used[0])


@jit
def regime_of(regimes: Any, sigma: float) -> int:
    """Return the label of a sigma; a boundary belongs to the upper regime (strategy.md 3)."""
    if math.isnan(sigma):
        return WARMUP
    if sigma < regimes["low_threshold"]:
        return QUIET
    if sigma < regimes["medium_threshold"]:
        return LOW
    if sigma < regimes["high_threshold"]:
        return MEDIUM
    return HIGH


@jit
def decide(state: Any, params: Any) -> int:
    """Set regime, widths, sizes and enabled sides from book, sigma and inventory; return the reasons."""
    core = state.core[0]
    core["regime"] = regime_of(params.regimes[0], core["sigma"])
    reasons = R_WARMUP if core["regime"] == WARMUP else 0
    if core["halted"] == 1:
        reasons |= R_HALTED
    if core["crossed"] == 1:
        reasons |= R_CROSSED
    elif core["have_book"] == 0:
        reasons |= R_NO_BOOK
    if reasons & BLOCKING != 0:
        core["bid_enabled"] = 0
        core["ask_enabled"] = 0
        core["bid_bps"] = 0.0
        core["ask_bps"] = 0.0
        return reasons
    return reasons | decide_sides(state, params)


@jit
def width_bps(params: Any, sigma: float) -> float:
    """Return the half-spread before inventory: the policy's, or the fallback while sigma is unknown, in its limits."""
    quoting = params.quoting[0]
    if math.isnan(sigma):
        width = quoting["fallback_spread_bps"]
    else:
        width = spread_decide(params.spread[0], params.regimes[0], sigma)
    return float(min(max(width, quoting["spread_floor_bps"]), quoting["spread_cap_bps"]))


@jit
def decide_sides(state: Any, params: Any) -> int:
    """Let the inventory policy bias the width: times its factor, plus its shift, never under the floor."""
    core, inventory = state.core[0], state.inventory[0]
    floor = params.quoting[0]["spread_floor_bps"]
    width = width_bps(params, core["sigma"])
    inventory_decide(
        params.inventory[0],
        core["base_lots"],
        core["quote_atoms"],
        core["mid_ticks"],
        params.instrument[0]["lot_size"],
        inventory,
    )
    core["bid_enabled"] = inventory["bid_enabled"]
    core["ask_enabled"] = inventory["ask_enabled"]
    core["bid_bps"] = max(width * inventory["bid_factor"] + inventory["bid_shift_bps"], floor)
    core["ask_bps"] = max(width * inventory["ask_factor"] + inventory["ask_shift_bps"], floor)
    core["bid_size"] = inventory["bid_size"]
    core["ask_size"] = inventory["ask_size"]
    return 0 if core["bid_enabled"] == 1 and core["ask_enabled"] == 1 else R_SIDE_DISABLED


@jit
def write_wants(state: Any, params: Any, decision: Any) -> int:
    """Write the wanted quotes of both sides into a decision; return the reasons."""
    core = state.core[0]
    for level in range(MAX_LEVELS):
        decision["want_bid_ticks"][level] = 0
        decision["want_bid_lots"][level] = 0
        decision["want_ask_ticks"][level] = 0
        decision["want_ask_lots"][level] = 0
    reasons = 0
    if core["bid_enabled"] == 1:
        reasons |= want_side(state, params, BUY, decision["want_bid_ticks"], decision["want_bid_lots"])
    if core["ask_enabled"] == 1:
        reasons |= want_side(state, params, SELL, decision["want_ask_ticks"], decision["want_ask_lots"])
    return reasons


@jit
def count_reasons(core: Any, reasons: int) -> None:
    """Count why levels were not quoted as wanted."""
    if reasons & R_MIN_QTY != 0:
        core["min_qty"] += 1
    if reasons & R_MIN_NOTIONAL != 0:
        core["min_notional"] += 1
    if reasons & R_CROSS_ADJUSTED != 0:
        core["cross_adjusted"] += 1
    if reasons & R_CROSS_DROPPED != 0:
        core["cross_dropped"] += 1
    if reasons & R_HOLDINGS != 0:
        core["holdings"] += 1


@jit
def is_news(core: Any, reasons: int) -> bool:
    """Return whether a decision without actions differs from the last one in what a reader would ask about."""
    if reasons & (R_PARAMETERS | R_REJECTED) != 0 or reasons & ~PASSING != core["told_reasons"]:
        return True
    sides = core["bid_enabled"] == core["told_bid_enabled"] and core["ask_enabled"] == core["told_ask_enabled"]
    return not (sides and core["regime"] == core["told_regime"])


@jit
def write_decision(state: Any, event: Any, reasons: int, out: Any) -> None:
    """Complete the decision record and remember what was told."""
    core, decision = state.core[0], out.decision[0]
    decision["seq"] = event["seq"]
    decision["local_ts"] = event["local_ts"]
    decision["version"] = core["version"]
    decision["mid_ticks"] = core["mid_ticks"]
    decision["sigma"] = core["sigma"]
    decision["regime"] = core["regime"]
    decision["bid_enabled"] = core["bid_enabled"]
    decision["ask_enabled"] = core["ask_enabled"]
    decision["reasons"] = reasons
    decision["bid_bps"] = core["bid_bps"]
    decision["ask_bps"] = core["ask_bps"]
    decision["base_lots"] = core["base_lots"]
    decision["quote_atoms"] = core["quote_atoms"]
    decision["n_actions"] = out.used[0]
    write_resting(state.slots, decision)
    core["told_reasons"] = reasons & ~PASSING
    core["told_regime"] = core["regime"]
    core["told_bid_enabled"] = core["bid_enabled"]
    core["told_ask_enabled"] = core["ask_enabled"]
    core["decisions"] += 1
    out.decided[0] = 1

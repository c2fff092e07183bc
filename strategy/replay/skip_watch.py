"""What has to stay as it is after a decision, and whether a range of the market leaves it so.

Nothing here depends on the policies, so it is compiled once for all of them.
"""

import math
from typing import Any, Final

from strategy.kernel.jit import jit
from strategy.kernel.quotes import GRID, is_open
from strategy.kernel.records import (
    BUY,
    HIGH,
    IDLE,
    LOW,
    MAX_LEVELS,
    MEDIUM,
    NOT_KILLED,
    QUIET,
    QUOTED,
    R_LOCKOUT,
    R_THIN_BOOK,
    WARMUP,
)
from strategy.kernel.risk import BLOCKING, DAY_NS, is_locked
from strategy.kernel.state import ENTRIES
from strategy.replay.index import NEVER, first_at

MARGIN_TICKS: Final = 1e-6  # far above what rounding does to a threshold, far below a tick


@jit
def set_watch(index: Any, desk: Any, rules: Any, skip: Any, signals: bool) -> None:
    """Say what has to stay as it is after a decision."""
    core, watch, risk = desk.core[0], skip.watch[0], rules.risk[0]
    watch["set"] = 1
    watch["walk"] = max(core["clearing"], skip.place[0]["unsettled"])
    watch["prices"] = 0
    watch["sides"] = 0
    watch["trailing"] = 0
    watch["drawdown"] = 0
    watch["mid_low"] = -math.inf
    watch["mid_high"] = math.inf
    watch["stop_row"] = NEVER
    watch_sigma(rules.regimes[0], core["regime"], watch)
    reasons = skip.place[0]["reasons"]
    watch["thin"] = 0
    if risk["min_depth_lots"] > 0:
        watch["thin"] = 2 if reasons & R_THIN_BOOK != 0 else 1
    if core["kill"] == NOT_KILLED and (risk["max_daily_loss_atoms"] != math.inf or risk["max_drawdown"] < 1.0):
        watch_equity(index, core, risk, watch)
    if core["positions"] > 0:
        watch_positions(desk, rules.barriers[0], watch)
    if reasons & BLOCKING != 0 or (reasons & R_LOCKOUT != 0 and risk["lockout_cancels"] == 1):
        return
    skip.core[0] = core
    watch["sides"] = 1
    watch["prices"] = 1 if prices_matter(desk, rules.quoting[0], skip.place[0]["decided_ns"]) else 0
    if signals and watch["prices"] == 1:
        watch["walk"] = 1


@jit
def watch_sigma(regimes: Any, regime: int, watch: Any) -> None:
    """Keep sigma within its regime, or unknown."""
    watch["warm"] = 0 if regime == WARMUP else 1
    watch["sigma_low"] = -math.inf
    watch["sigma_high"] = math.inf
    if regime == QUIET:
        watch["sigma_high"] = regimes["low_threshold"]
    elif regime == LOW:
        watch["sigma_low"] = regimes["low_threshold"]
        watch["sigma_high"] = regimes["medium_threshold"]
    elif regime == MEDIUM:
        watch["sigma_low"] = regimes["medium_threshold"]
        watch["sigma_high"] = regimes["high_threshold"]
    elif regime == HIGH:
        watch["sigma_low"] = regimes["high_threshold"]


@jit
def watch_equity(index: Any, core: Any, risk: Any, watch: Any) -> None:
    """Keep the day's loss under its limit, watch the drawdown, and look again when the day ends."""
    watch["stop_row"] = first_at(index.local_updates, (core["day"] + 1) * DAY_NS)
    watch["drawdown"] = 1 if risk["max_drawdown"] < 1.0 else 0
    if risk["max_daily_loss_atoms"] == math.inf or core["base_lots"] == 0.0:
        return
    least = (core["day_equity"] - risk["max_daily_loss_atoms"] - core["quote_atoms"]) / core["base_lots"]
    margin = MARGIN_TICKS + 1e-12 * abs(core["day_equity"]) / abs(core["base_lots"]) + 1e-12 * abs(least)
    if core["base_lots"] > 0.0:
        watch["mid_low"] = max(watch["mid_low"], least + margin)
    else:
        watch["mid_high"] = min(watch["mid_high"], least - margin)


@jit
def watch_positions(desk: Any, barriers: Any, watch: Any) -> None:
    """Keep mid off every stop; what is about to be closed, or to have its profit taken, is looked at all the time."""
    watch["trailing"] = 1 if barriers["trailing_delta"] != math.inf else 0
    for i in range(ENTRIES):
        holding, side = desk.held[i], int(desk.slots[i]["side"])
        if holding["lots"] == 0:
            continue
        waits = desk.slots[ENTRIES + i]["state"] == IDLE and not is_open(desk.slots[i])
        if holding["hit"] != 0 or (waits and barriers["take_profit"] != math.inf):
            watch["walk"] = 1
        if barriers["stop_loss"] == math.inf:
            continue
        entry = holding["atoms"] / float(holding["lots"])
        stop = entry - side * (barriers["stop_loss"] * entry - GRID)
        if side == BUY:
            watch["mid_low"] = max(watch["mid_low"], stop + MARGIN_TICKS)
        else:
            watch["mid_high"] = min(watch["mid_high"], stop - MARGIN_TICKS)


@jit
def prices_matter(desk: Any, quoting: Any, now: int) -> bool:
    """Return whether wanted prices have to be watched: a free slot waits, or a tolerance or a rebalance is set."""
    core = desk.core[0]
    tolerant = quoting["requote_tolerance_bps"] != math.inf and not is_locked(core, now)
    found = quoting["rebalance_threshold"] != math.inf
    for level in range(core["reach"]):
        bid, ask = desk.slots[level]["state"], desk.slots[MAX_LEVELS + level]["state"]
        if level < quoting["buy_levels"] and core["bid_enabled"] == 1:
            found = found or bid == IDLE or (tolerant and bid == QUOTED)
        if level < quoting["sell_levels"] and core["ask_enabled"] == 1:
            found = found or ask == IDLE or (tolerant and ask == QUOTED)
    return bool(found)


@jit
def keeps(watch: Any, risk: Any, sigma: Any, mid: Any, depth: Any) -> bool:
    """Return whether ranges (pairs of low, high) of sigma, mid and depth keep within the watch."""
    if watch["warm"] == 1:
        if not watch["sigma_low"] <= sigma[0] <= sigma[1] < watch["sigma_high"]:
            return False
    elif sigma[0] <= sigma[1]:
        return False
    if not (watch["mid_low"] < mid[0] <= mid[1] < watch["mid_high"]):
        return False
    least = risk["min_depth_lots"]
    too_thin = watch["thin"] == 1 and float(depth[0]) < least
    return not (too_thin or (watch["thin"] == 2 and float(depth[1]) >= least))


@jit
def remember(desk: Any, watch: Any, mid: Any) -> None:
    """Let the highest equity, and the best mid of what slots hold, have seen a range of mids."""
    core = desk.core[0]
    if watch["drawdown"] == 1:
        core["peak_equity"] = max(core["peak_equity"], best_equity(core, mid))
    if watch["trailing"] == 1:
        for i in range(ENTRIES):
            holding = desk.held[i]
            if holding["lots"] > 0:
                holding["extreme_ticks"] = best_mid(holding, desk.slots[i]["side"], mid)


@jit
def best_equity(core: Any, mid: Any) -> float:
    """Return the highest equity (atoms) in a range of mids."""
    return float(core["quote_atoms"] + core["base_lots"] * (mid[1] if core["base_lots"] >= 0.0 else mid[0]))


@jit
def best_mid(holding: Any, side: int, mid: Any) -> float:
    """Return the best mid for a holding that it and a range of mids have seen."""
    return float(max(holding["extreme_ticks"], mid[1]) if side == BUY else min(holding["extreme_ticks"], mid[0]))


@jit
def equity_holds(core: Any, risk: Any, mid: Any) -> bool:
    """Return whether no drawdown within a range of mids reaches its limit."""
    worst = mid[0] if core["base_lots"] >= 0.0 else mid[1]
    peak = max(core["peak_equity"], best_equity(core, mid))
    fall = peak - (core["quote_atoms"] + core["base_lots"] * worst)
    return bool(not fall > risk["max_drawdown"] * peak - MARGIN_TICKS)


@jit
def stops_hold(desk: Any, barriers: Any, mid: Any) -> bool:
    """Return whether no trailing stop is reached within a range of mids."""
    for i in range(ENTRIES):
        holding, side = desk.held[i], int(desk.slots[i]["side"])
        if holding["lots"] == 0:
            continue
        entry, best = holding["atoms"] / float(holding["lots"]), best_mid(holding, side, mid)
        worst = mid[0] if side == BUY else mid[1]
        armed = side * (best - entry) >= barriers["trailing_activation"] * entry - GRID - MARGIN_TICKS
        if armed and side * (best - worst) >= barriers["trailing_delta"] * best - GRID - MARGIN_TICKS:
            return False
    return True

"""How far along the tape nothing changes: updates that would cause no action and no news are not looked at.

After each decision a *watch* is set: what has to stay as it is. Extremes of 256, 16 and single updates are held
against it. A block that keeps within changes nothing; one that does not is looked at in parts, and a single update that
does not is handed to the strategy. The watch may be stricter than need be, never looser: an update handed over for
nothing costs time, one passed over that would have mattered is an error.

Wanted prices and sizes over a range of sigma and mid are taken between their values at the range's corners, which holds
for policies that say so (`Policy.skips`).
"""

import math
from typing import Any, Final

from strategy.kernel.contract import SIDES_FOLLOW_MID
from strategy.kernel.jit import jit, jit_apart
from strategy.kernel.quotes import (
    BPS,
    GRID,
    affordable,
    count_open,
    first_of,
    grid_floor,
    held,
    is_open,
    level_price,
    nearest_in,
    reserved,
    under_minimum,
)
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
    SELL,
    WARMUP,
)
from strategy.kernel.risk import BLOCKING, DAY_NS, is_locked
from strategy.kernel.state import ENTRIES, EXITS, State
from strategy.kernel.step import decide_sides, desk_of, rules_of
from strategy.replay.index import BLOCK, FAR, NEVER, SPAN, first_at

MARGIN_TICKS: Final = 1e-6  # far above what rounding does to a threshold, far below a tick
NEAR: Final = 0.02  # how far mid may go before sides that follow it are asked again


@jit
def first_change(index: Any, track: Any, state: Any, params: Any, skip: Any, row: int, end: int) -> int:
    """Return the first update in [row, end) that may change something, `end` when none may."""
    core = state.core[0]
    if row >= end or core["have_book"] == 0 or core["crossed"] == 1:
        return end
    watch = skip.watch[0]
    if watch["set"] == 0:
        set_watch(index, state, params, skip)
    last, largest = min(end, watch["stop_row"]) if watch["walk"] == 0 else row, SPAN
    while row < end:
        size = block_at(row, last, largest)
        if size == 1 and track.accepted[row] != row:
            row += 1
            continue
        if row >= last and (watch["walk"] == 1 or row >= watch["stop_row"]):
            return row
        sigma, mid, traded, depth = ranges(index, track, skip, row, size)
        if holds(state, params, skip, sigma, mid, traded, depth):
            row += size
            largest = SPAN
        elif size == 1:
            return row
        else:
            largest = size // BLOCK
    return end


@jit
def block_at(row: int, last: int, largest: int) -> int:
    """Return how many updates to look at together: 256, 16 or 1, at most `largest`, none from `last` on."""
    if largest == SPAN and row % SPAN == 0 and row + SPAN <= last:
        return SPAN
    if largest >= BLOCK and row % BLOCK == 0 and row + BLOCK <= last:
        return BLOCK
    return 1


@jit
def ranges(index: Any, track: Any, skip: Any, row: int, size: int) -> Any:
    """Return pairs (low, high) of sigma, bid + ask, last trade and depth over some updates."""
    sigmas, mids, lasts, thin = track.sigmas, index.mids, index.lasts, skip.thin
    watched = skip.watch[0]["thin"] > 0
    if size == SPAN:
        i = row // SPAN
        depth = (thin.low_256[i], thin.high_256[i]) if watched else (0, 0)
        mid, last = (mids.low_256[i], mids.high_256[i]), (lasts.low_256[i], lasts.high_256[i])
        return (sigmas.low_256[i], sigmas.high_256[i]), mid, last, depth
    if size == BLOCK:
        i = row // BLOCK
        depth = (thin.low_16[i], thin.high_16[i]) if watched else (0, 0)
        mid, last = (mids.low_16[i], mids.high_16[i]), (lasts.low_16[i], lasts.high_16[i])
        return (sigmas.low_16[i], sigmas.high_16[i]), mid, last, depth
    depth = (thin.low[row], thin.high[row]) if watched else (0, 0)
    mid, last = (mids.low[row], mids.high[row]), (lasts.low[row], lasts.high[row])
    return (sigmas.low[row], sigmas.high[row]), mid, last, depth


@jit
def holds(state: Any, params: Any, skip: Any, sigma: Any, double_mid: Any, last: Any, depth: Any) -> bool:
    """Return whether a range of the market (pairs of low, high) keeps within the watch; remember it if so."""
    watch = skip.watch[0]
    if watch["warm"] == 1:
        if not watch["sigma_low"] <= sigma[0] <= sigma[1] < watch["sigma_high"]:
            return False
    elif sigma[0] <= sigma[1]:
        return False
    if double_mid[0] > double_mid[1]:
        return False
    mid = (0.5 * float(double_mid[0]), 0.5 * float(double_mid[1]))
    if not (watch["mid_low"] < mid[0] and mid[1] < watch["mid_high"]):
        return False
    least = params.risk[0]["min_depth_lots"]
    if (watch["thin"] == 1 and float(depth[0]) < least) or (watch["thin"] == 2 and float(depth[1]) >= least):
        return False
    if watch["prices"] == 1 and not prices_hold(state, params, skip, sigma, mid, last):
        return False
    if watch["drawdown"] == 1 and not equity_holds(state.core[0], params.risk[0], mid):
        return False
    if watch["trailing"] == 1 and not stops_hold(state, params.barriers[0], mid):
        return False
    remember(state, watch, mid)
    return True


@jit
def remember(state: Any, watch: Any, mid: Any) -> None:
    """Let the highest equity, and the best mid of what slots hold, have seen a range of mids."""
    core = state.core[0]
    if watch["drawdown"] == 1:
        core["peak_equity"] = max(core["peak_equity"], best_equity(core, mid))
    if watch["trailing"] == 1:
        for i in range(ENTRIES):
            holding = state.held[i]
            if holding["lots"] > 0:
                holding["extreme_ticks"] = best_mid(holding, state.slots[i]["side"], mid)


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
def stops_hold(state: Any, barriers: Any, mid: Any) -> bool:
    """Return whether no trailing stop is reached within a range of mids."""
    for i in range(ENTRIES):
        holding, side = state.held[i], int(state.slots[i]["side"])
        if holding["lots"] == 0:
            continue
        entry, best = holding["atoms"] / float(holding["lots"]), best_mid(holding, side, mid)
        worst = mid[0] if side == BUY else mid[1]
        armed = side * (best - entry) >= barriers["trailing_activation"] * entry - GRID - MARGIN_TICKS
        if armed and side * (best - worst) >= barriers["trailing_delta"] * best - GRID - MARGIN_TICKS:
            return False
    return True


@jit
def set_watch(index: Any, state: Any, params: Any, skip: Any) -> None:
    """Say what has to stay as it is after a decision."""
    core, watch, risk = state.core[0], skip.watch[0], params.risk[0]
    watch["set"] = 1
    watch["walk"] = max(core["clearing"], skip.place[0]["unsettled"])
    watch["prices"] = 0
    watch["trailing"] = 0
    watch["drawdown"] = 0
    watch["mid_low"] = -math.inf
    watch["mid_high"] = math.inf
    watch["stop_row"] = NEVER
    watch_sigma(params.regimes[0], core["regime"], watch)
    reasons = skip.place[0]["reasons"]
    watch["thin"] = 0
    if risk["min_depth_lots"] > 0:
        watch["thin"] = 2 if reasons & R_THIN_BOOK != 0 else 1
    if core["kill"] == NOT_KILLED and (risk["max_daily_loss_atoms"] != math.inf or risk["max_drawdown"] < 1.0):
        watch_equity(index, core, risk, watch)
    if core["positions"] > 0:
        watch_positions(state, params.barriers[0], watch)
    if reasons & BLOCKING != 0 or (reasons & R_LOCKOUT != 0 and risk["lockout_cancels"] == 1):
        return
    skip.core[0] = core
    if not watch_prices(state, params, skip) and SIDES_FOLLOW_MID and not sides_follow(state, params, skip):
        watch["prices"] = 1
        watch["walk"] = max(watch["walk"], 1 if len(state.signals) > 0 else 0)


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
def watch_positions(state: Any, barriers: Any, watch: Any) -> None:
    """Keep mid off every stop; what is about to be closed, or to have its profit taken, is looked at all the time."""
    watch["trailing"] = 1 if barriers["trailing_delta"] != math.inf else 0
    for i in range(ENTRIES):
        holding, side = state.held[i], int(state.slots[i]["side"])
        if holding["lots"] == 0:
            continue
        waits = state.slots[ENTRIES + i]["state"] == IDLE and not is_open(state.slots[i])
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
def watch_prices(state: Any, params: Any, skip: Any) -> bool:
    """Watch wanted prices where a free slot waits or a tolerance is set; return whether they have to be."""
    core, quoting, watch = state.core[0], params.quoting[0], skip.watch[0]
    tolerant = quoting["requote_tolerance_bps"] != math.inf and not is_locked(core, skip.place[0]["decided_ns"])
    found = quoting["rebalance_threshold"] != math.inf
    for level in range(MAX_LEVELS):
        bid, ask = state.slots[level]["state"], state.slots[MAX_LEVELS + level]["state"]
        if level < quoting["buy_levels"] and core["bid_enabled"] == 1:
            found = found or bid == IDLE or (tolerant and bid == QUOTED)
        if level < quoting["sell_levels"] and core["ask_enabled"] == 1:
            found = found or ask == IDLE or (tolerant and ask == QUOTED)
    if not found:
        return False
    watch["prices"] = 1
    if len(state.signals) > 0:
        watch["walk"] = 1
    return True


@jit_apart
def sides_follow(state: Any, params: Any, skip: Any) -> bool:
    """Keep mid where the sides that follow it stay as they are; return whether there is such a range."""
    core, watch = state.core[0], skip.watch[0]
    for sign in (-1.0, 1.0):
        if not sides_at(state, params, skip, core["sigma"], core["mid_ticks"] * (1.0 + sign * NEAR)):
            return False
    watch["mid_low"] = max(watch["mid_low"], core["mid_ticks"] * (1.0 - NEAR))
    watch["mid_high"] = min(watch["mid_high"], core["mid_ticks"] * (1.0 + NEAR))
    return True


@jit
def elsewhere(state: Any, params: Any, skip: Any, sigma: float, mid: float) -> None:
    """Decide both sides as if the market stood elsewhere, into the scratch core."""
    there = skip.core[0]
    there["sigma"] = sigma
    there["mid_ticks"] = mid
    stand_in = State(
        skip.core,
        state.slots,
        state.held,
        state.sent,
        skip.context,
        skip.signal,
        skip.spread,
        skip.inventory,
        state.volatility,
        state.ring,
        state.signals,
    )
    decide_sides(stand_in, params, skip.place[0]["decided_ns"])


@jit
def sides_at(state: Any, params: Any, skip: Any, sigma: float, mid: float) -> bool:
    """Return whether the same sides would be enabled with the market elsewhere."""
    core, there = state.core[0], skip.core[0]
    elsewhere(state, params, skip, sigma, mid)
    return bool(there["bid_enabled"] == core["bid_enabled"] and there["ask_enabled"] == core["ask_enabled"])


@jit_apart
def prices_hold(state: Any, params: Any, skip: Any, sigma: Any, mid: Any, last: Any) -> bool:
    """Return whether free slots stay without a quote for the same reasons, and quotes near what is wanted."""
    there = skip.core[0]
    reference, vol = (math.inf, -math.inf), (math.inf, -math.inf)
    bid, ask, bid_size, ask_size = reference, reference, reference, reference
    for corner in range(4):
        high_sigma, high_mid = corner & 1, corner >> 1
        if (high_sigma == 1 and not sigma[0] < sigma[1]) or (high_mid == 1 and mid[0] == mid[1]):
            continue
        at = math.nan if sigma[0] > sigma[1] else sigma[high_sigma]
        if not sides_at(state, params, skip, at, mid[high_mid]):
            return False
        reference = widened(reference, there["reference_ticks"])
        bid = widened(bid, there["bid_bps"])
        ask = widened(ask, there["ask_bps"])
        bid_size = widened(bid_size, there["bid_size"])
        ask_size = widened(ask_size, there["ask_size"])
        vol = widened(vol, there["vol_size"])
    order = params.quoting[0]["order_lots"]
    bids = (grid_floor(order * bid_size[0] * vol[0]), grid_floor(order * bid_size[1] * vol[1]))
    asks = (grid_floor(order * ask_size[0] * vol[0]), grid_floor(order * ask_size[1] * vol[1]))
    if params.quoting[0]["rebalance_threshold"] != math.inf and not rebalance_holds(state, params, asks):
        return False
    if not side_holds(state, params, skip, BUY, reference, bid, bids, mid, last):
        return False
    return side_holds(state, params, skip, SELL, reference, ask, asks, mid, last)


@jit
def widened(pair: Any, value: float) -> tuple[float, float]:
    """Return a range with one more value in it."""
    return min(pair[0], float(value)), max(pair[1], float(value))


@jit
def rebalance_holds(state: Any, params: Any, lots: Any) -> bool:
    """Return whether a rebalance stays done, or out of the question, with asks of a range of sizes."""
    core, quoting = state.core[0], params.quoting[0]
    if core["ask_enabled"] == 0 or core["rebalanced"] == 1:
        return bool(lots[0] == lots[1])
    need = float(quoting["sell_levels"] * lots[0])
    breach = abs(need - core["base_lots"]) > quoting["rebalance_threshold"] * need + GRID
    return bool(lots[0] == lots[1] and not (need > 0.0 and breach))


@jit
def side_holds(
    state: Any, params: Any, skip: Any, side: int, reference: Any, bps: Any, lots: Any, mid: Any, last: Any
) -> bool:
    """Return whether a side's free slots stay free and its quotes stay near, over ranges of what they depend on."""
    core, quoting = state.core[0], params.quoting[0]
    if (core["bid_enabled"] if side == BUY else core["ask_enabled"]) == 0:
        return True
    levels = quoting["buy_levels"] if side == BUY else quoting["sell_levels"]
    limit = own_limit(state, side)
    for level in range(levels):
        multiple = quoting["buy_spreads"][level] if side == BUY else quoting["sell_spreads"][level]
        near, far = (bps[0], bps[1]) if side == BUY else (bps[1], bps[0])
        low = level_price(side, reference[0], far * multiple)
        high = level_price(side, reference[1], near * multiple)
        low, high, crosses = moved_behind(side, low, high, limit, mid)
        slot = state.slots[first_of(side) + level]
        if slot["state"] == QUOTED:
            away = float(max(abs(high - slot["price_ticks"]), abs(slot["price_ticks"] - low)))
            if away > quoting["requote_tolerance_bps"] * BPS * mid[0] + GRID:
                return False
        elif slot["state"] == IDLE and not free_holds(state, params, side, (low, high), lots, mid, last, crosses):
            return False
    return True


@jit
def own_limit(state: Any, side: int) -> int:
    """Return the price of our own nearest opposite order, a price beyond all prices without one."""
    core = state.core[0]
    limit = nearest_in(state.slots, side, first_of(-side), core["reach"], side * FAR)
    if core["exits_used"] == 1:
        limit = nearest_in(state.slots, side, ENTRIES + first_of(side), core["reach"], limit)
        limit = nearest_in(state.slots, side, EXITS, 1, limit)
    return int(limit)


@jit
def moved_behind(side: int, low: int, high: int, limit: int, mid: Any) -> tuple[int, int, bool]:
    """Return a range of prices with what a move behind the opposite best may make of it, and whether it may move.

    The best ask is above mid and the best bid below it, so one tick behind the best ask is at least floor(mid).
    """
    if side == BUY:
        behind = min(math.floor(mid[0]), limit - 1)
        return (min(low, behind), high, True) if high > behind else (low, high, False)
    behind = max(math.ceil(mid[1]), limit + 1)
    return (low, max(high, behind), True) if low < behind else (low, high, False)


@jit
def free_holds(state: Any, params: Any, side: int, price: Any, lots: Any, mid: Any, last: Any, crosses: bool) -> bool:
    """Return whether a free slot's level stays unquoted for one and the same reason over ranges of price and size."""
    quoting, rules = params.quoting[0], rules_of(params)
    if crosses and quoting["drop_on_cross"] == 1:
        return False
    if not within_collar(state.core[0], params.risk[0], side, price, mid, last):
        return False
    why = under_minimum(rules, price[0], lots[0])
    if why != under_minimum(rules, price[1], lots[1]):
        return False
    if why != 0:
        return True
    if side == BUY and quoting["max_concurrent_buys"] < MAX_LEVELS:
        if any_paused(state, params, side):
            return False
        if quoting["max_concurrent_buys"] <= count_open(state.slots, first_of(BUY), state.core[0]["reach"]):
            return True
    free = held(state.core[0], side) - reserved(desk_of(state), side)
    most = affordable(side, max(price[0], 1), free)
    return bool(lots[0] > most and under_minimum(rules, price[1], most) != 0)


@jit
def within_collar(core: Any, risk: Any, side: int, price: Any, mid: Any, last: Any) -> bool:
    """Return whether no price of a range is outside the collar around mid and the last trade."""
    if risk["collar_bps"] == math.inf:
        return True
    reach = risk["collar_bps"] * BPS
    nearest = price[1] if side == BUY else price[0]
    around = mid[0] if side == BUY else mid[1]
    traded = last[0] if side == BUY else last[1]
    if core["last_trade_ticks"] == 0 or last[0] == 0:
        return False
    if side * (nearest - around) > reach * around + GRID - MARGIN_TICKS:
        return False
    return bool(side * (nearest - traded) <= reach * traded + GRID - MARGIN_TICKS)


@jit
def any_paused(state: Any, params: Any, side: int) -> bool:
    """Return whether a level of a side is neither free nor open: it takes its share of what the others may have."""
    levels = params.quoting[0]["buy_levels"] if side == BUY else params.quoting[0]["sell_levels"]
    found = False
    for level in range(levels):
        slot = state.slots[first_of(side) + level]
        found = found or not (slot["state"] == IDLE or is_open(slot))
    return found

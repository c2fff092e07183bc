"""Whether free slots stay without a quote for the same reasons, and quotes near what is wanted, over a range.

A range is a box of the market: between its corners wanted prices and sizes are taken to lie (`Policy.skips`). Nothing
here depends on the policies, so it is compiled once for all of them.
"""

import math
from typing import Any, Final

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
    IDLE,
    MAX_LEVELS,
    QUOTED,
    R_COLLAR,
    R_CROSS_DROPPED,
    R_HOLDINGS,
    R_MAX_BUYS,
    R_MIN_NOTIONAL,
    R_MIN_QTY,
    R_REBALANCE,
    SELL,
)
from strategy.kernel.state import ENTRIES, EXITS
from strategy.replay.index import FAR
from strategy.replay.skip_watch import MARGIN_TICKS

OF_LEVELS: Final = R_MIN_QTY | R_MIN_NOTIONAL | R_CROSS_DROPPED | R_HOLDINGS | R_COLLAR | R_MAX_BUYS
VARIES: Final = -1


@jit_apart
def prices_within(desk: Any, rules: Any, box: Any, mid: Any, last: Any) -> bool:
    """Return whether nothing is placed, replaced, rebalanced or told anew anywhere in a box (dtype BOX).

    `mid` and `last` are the ranges of mid and of the last trade's price.
    """
    order = rules.quoting[0]["order_lots"]
    bids = (
        grid_floor(order * box["bid_size_low"] * box["vol_low"]),
        grid_floor(order * box["bid_size_high"] * box["vol_high"]),
    )
    asks = (
        grid_floor(order * box["ask_size_low"] * box["vol_low"]),
        grid_floor(order * box["ask_size_high"] * box["vol_high"]),
    )
    if rules.quoting[0]["rebalance_threshold"] != math.inf and not rebalance_holds(desk, rules.quoting[0], asks):
        return False
    told = desk.core[0]["told_reasons"] & OF_LEVELS
    for side in (BUY, SELL):
        bps = (box["bid_low"], box["bid_high"]) if side == BUY else (box["ask_low"], box["ask_high"])
        found = side_reasons(desk, rules, side, box, bps, bids if side == BUY else asks, mid, last)
        if found == VARIES:
            return False
        told &= ~found
        if found & ~desk.core[0]["told_reasons"] != 0:
            return False
    return bool(told == 0)


@jit
def rebalance_holds(desk: Any, quoting: Any, lots: Any) -> bool:
    """Return whether a breach of the rebalance threshold stays, or stays away, with asks of a range of sizes."""
    core = desk.core[0]
    if core["told_reasons"] & R_REBALANCE != 0:  # the end of a breach that may not be closed is news
        return False
    if core["ask_enabled"] == 0:
        return True
    need = float(quoting["sell_levels"] * lots[0])
    breach = abs(need - core["base_lots"]) > quoting["rebalance_threshold"] * need + GRID
    return bool(lots[0] == lots[1] and (need == 0.0 or breach == (core["rebalanced"] == 1)))


@jit
def side_reasons(desk: Any, rules: Any, side: int, box: Any, bps: Any, lots: Any, mid: Any, last: Any) -> int:
    """Return why a side's free slots stay free over a box while its quotes stay near; VARIES when they may not."""
    core, quoting = desk.core[0], rules.quoting[0]
    if (core["bid_enabled"] if side == BUY else core["ask_enabled"]) == 0:
        return 0
    levels = quoting["buy_levels"] if side == BUY else quoting["sell_levels"]
    limit, reasons = own_limit(desk, side), 0
    near, far = (bps[0], bps[1]) if side == BUY else (bps[1], bps[0])
    for level in range(levels):
        multiple = quoting["buy_spreads"][level] if side == BUY else quoting["sell_spreads"][level]
        low = level_price(side, box["reference_low"], far * multiple)
        high = level_price(side, box["reference_high"], near * multiple)
        low, high, crosses = moved_behind(side, low, high, limit, mid)
        slot = desk.slots[first_of(side) + level]
        if slot["state"] == QUOTED:
            away = float(max(abs(high - slot["price_ticks"]), abs(slot["price_ticks"] - low)))
            if away > quoting["requote_tolerance_bps"] * BPS * mid[0] + GRID:
                return VARIES
        elif slot["state"] == IDLE:
            why = free_reason(desk, rules, side, (low, high), lots, mid, last, crosses)
            if why == VARIES:
                return VARIES
            reasons |= why
    return reasons


@jit
def own_limit(desk: Any, side: int) -> int:
    """Return the price of our own nearest opposite order, a price beyond all prices without one."""
    return int(nearest_in(desk.slots, side, first_of(-side), desk.core[0]["reach"], exits_limit(desk, side)))


@jit
def exits_limit(desk: Any, side: int) -> int:
    """Return the price of our own nearest opposite order among those that close positions."""
    core, limit = desk.core[0], side * FAR
    if core["exits_used"] == 1:
        limit = nearest_in(desk.slots, side, ENTRIES + first_of(side), core["reach"], limit)
        limit = nearest_in(desk.slots, side, EXITS, 1, limit)
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
def free_reason(desk: Any, rules: Any, side: int, price: Any, lots: Any, mid: Any, last: Any, crosses: bool) -> int:
    """Return the one reason why a free slot's level stays unquoted over ranges of price and size, else VARIES."""
    core, quoting = desk.core[0], rules.quoting[0]
    if crosses and quoting["drop_on_cross"] == 1:
        return VARIES
    if not within_collar(core, rules.risk[0], side, price, mid, last):
        return VARIES
    why = under_minimum(rules, price[0], lots[0])
    if why != under_minimum(rules, price[1], lots[1]):
        return VARIES
    if why != 0:
        return why
    if side == BUY and quoting["max_concurrent_buys"] < MAX_LEVELS:
        if any_paused(desk, quoting, side):
            return VARIES
        if quoting["max_concurrent_buys"] <= count_open(desk.slots, first_of(BUY), core["reach"]):
            return R_MAX_BUYS
    free = held(core, side) - reserved(desk, side)
    most = affordable(side, max(price[0], 1), free)
    return R_HOLDINGS if lots[0] > most and under_minimum(rules, price[1], most) != 0 else VARIES


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
def any_paused(desk: Any, quoting: Any, side: int) -> bool:
    """Return whether a level of a side is neither free nor open: it takes its share of what the others may have."""
    levels = quoting["buy_levels"] if side == BUY else quoting["sell_levels"]
    found = False
    for level in range(levels):
        slot = desk.slots[first_of(side) + level]
        found = found or not (slot["state"] == IDLE or is_open(slot))
    return found


@jit
def waits(core: Any, quoting: Any, slots: Any) -> bool:
    """Return whether the next event may be news of what was just done: a free slot waits, or a reason has gone."""
    if core["told_reasons"] & (OF_LEVELS | R_REBALANCE) != 0:
        return True
    for level in range(core["reach"]):
        if level < quoting["buy_levels"] and core["bid_enabled"] == 1 and slots[level]["state"] == IDLE:
            return True
        if level < quoting["sell_levels"] and core["ask_enabled"] == 1 and slots[MAX_LEVELS + level]["state"] == IDLE:
            return True
    return False

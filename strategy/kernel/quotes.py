"""Prices and sizes that are wanted now: rounding, the venue's minima, crossing, holdings (strategy.md 0 and 4)."""

import math
from typing import Any, Final

from strategy.kernel.jit import jit, jit_entry
from strategy.kernel.records import (
    BUY,
    CANCELLING,
    IDLE,
    MAX_LEVELS,
    PENDING,
    QUOTED,
    R_COLLAR,
    R_CROSS_ADJUSTED,
    R_CROSS_DROPPED,
    R_HOLDINGS,
    R_MAX_BUYS,
    R_MIN_NOTIONAL,
    R_MIN_QTY,
)
from strategy.kernel.state import ENTRIES, EXITS

BPS: Final = 1e-4

# A float within 1e-6 of a tick or lot is that tick or lot: 0.001 / 0.00001 is 99.99999999999999 in binary, and
# flooring that would quote one lot less than was asked for. 1e-6 is far above the rounding error of a product of
# doubles (1e-9 ticks at a price of 1e7 ticks) and far below anything a venue can tell apart.
GRID: Final = 1e-6
TOLERANCE: Final = 1e-6  # lots, or atoms, that holdings may lack: fees are not whole atoms


@jit
def grid_floor(value: float) -> int:
    """Return the whole number at or under `value`, taking a value within GRID of the next one as on it."""
    return math.floor(value + GRID)


@jit
def grid_ceil(value: float) -> int:
    """Return the whole number at or over `value`, taking a value within GRID of the one before as on it."""
    return math.ceil(value - GRID)


@jit
def level_price(side: int, reference_ticks: float, bps: float) -> int:
    """Return the price `bps` away from the reference price: a bid rounds down, an ask up, none stands on it.

    The last rule keeps bid < ask with a width of 0.
    """
    if side == BUY:
        return min(grid_floor(reference_ticks * (1.0 - bps / 10_000.0)), math.ceil(reference_ticks) - 1)
    return max(grid_ceil(reference_ticks * (1.0 + bps / 10_000.0)), math.floor(reference_ticks) + 1)


@jit
def beyond_collar(core: Any, risk: Any, side: int, price_ticks: int) -> bool:
    """Return whether a price is too far on the wrong side of mid or of the last trade: a bid above, an ask below."""
    reach = risk["collar_bps"] * BPS
    if side * (price_ticks - core["mid_ticks"]) > reach * core["mid_ticks"] + GRID:
        return True
    last = core["last_trade_ticks"]
    return bool(last > 0 and side * (price_ticks - last) > reach * last + GRID)


@jit
def vol_size(quoting: Any, sigma: float) -> float:
    """Return the factor by which sigma shrinks every size: clip(vol_size_ref / sigma, vol_size_min, 1)."""
    if quoting["vol_size_ref"] == math.inf:
        return 1.0
    if math.isnan(sigma):
        return float(quoting["vol_size_min"])
    if sigma <= quoting["vol_size_ref"]:
        return 1.0
    return float(max(quoting["vol_size_ref"] / sigma, quoting["vol_size_min"]))


@jit
def first_of(side: int) -> int:
    """Return a side's first entry slot."""
    return 0 if side == BUY else MAX_LEVELS


@jit
def entry_at(n: int, reach: int) -> int:
    """Return the `n`-th of the 2 x `reach` entry slots that may be in use: bids first, then asks."""
    return n if n < reach else MAX_LEVELS + n - reach


@jit_entry
def is_open(slot: Any) -> bool:
    """Return whether the slot's order may rest at the venue."""
    return bool(slot["state"] == PENDING or slot["state"] == QUOTED or slot["state"] == CANCELLING)


@jit
def cost_of(side: int, price_ticks: int, lots: int) -> float:
    """Return what an order locks: quote atoms for a bid, base lots for an ask."""
    if side == BUY:
        return float(price_ticks) * float(lots)
    return float(lots)


@jit
def held(core: Any, side: int) -> float:
    """Return what a side can spend: quote atoms for bids, base lots for asks."""
    if side == BUY:
        return float(core["quote_atoms"])
    return float(core["base_lots"])


@jit
def locked_in(slots: Any, side: int, first: int, count: int) -> float:
    """Return what a side's orders that may rest lock in `count` slots from `first` on."""
    total = 0.0
    for i in range(first, first + count):
        slot = slots[i]
        if slot["side"] == side and is_open(slot):
            total += cost_of(side, slot["price_ticks"], slot["leaves_lots"])
    return total


@jit
def locked_by_exits(desk: Any, side: int) -> float:
    """Return what a side's closing orders that may rest lock, and the rebalance's."""
    core = desk.core[0]
    if core["exits_used"] == 0:
        return 0.0
    closing = locked_in(desk.slots, side, ENTRIES + first_of(-side), core["reach"])
    return closing + locked_in(desk.slots, side, EXITS, 1)


@jit
def reserved(desk: Any, side: int) -> float:
    """Return what all orders of a side that may rest lock, sent and not yet confirmed ones included."""
    quotes = locked_in(desk.slots, side, first_of(side), desk.core[0]["reach"])
    return quotes + locked_by_exits(desk, side)


@jit
def opposite_best(desk: Any, side: int) -> int:
    """Return the price that a quote of `side` must not reach: the book's opposite best or our own opposite order's.

    Our own orders count because a tape's book does not show them: a venue's would.
    """
    core = desk.core[0]
    limit = int(core["ask_ticks"] if side == BUY else core["bid_ticks"])
    limit = nearest_in(desk.slots, side, first_of(-side), core["reach"], limit)
    if core["exits_used"] == 1:
        limit = nearest_in(desk.slots, side, ENTRIES + first_of(side), core["reach"], limit)
        limit = nearest_in(desk.slots, side, EXITS, 1, limit)
    return limit


@jit
def nearest_in(slots: Any, side: int, first: int, count: int, limit: int) -> int:
    """Return the nearer to a quote of `side`: `limit`, or an opposite order in `count` slots from `first` on."""
    for i in range(first, first + count):
        slot = slots[i]
        if slot["side"] == -side and is_open(slot) and side * slot["price_ticks"] < side * limit:
            limit = slot["price_ticks"]
    return limit


@jit
def affordable(side: int, price_ticks: int, free: float) -> int:
    """Return the lots that `free` (quote atoms or base lots) pays for: no more than `spendable` then covers."""
    paid = enough(free)
    return max(math.floor(paid / float(price_ticks) if side == BUY else paid), 0)


@jit
def enough(free: float) -> float:
    """Return what is free with room for the rounding of doubles."""
    return free * (1.0 + 1e-12) + TOLERANCE


@jit
def count_open(slots: Any, first: int, count: int) -> int:
    """Return how many orders may rest in `count` slots from `first` on."""
    found = 0
    for i in range(first, first + count):
        if is_open(slots[i]):
            found += 1
    return found


@jit
def any_idle(slots: Any, first: int, count: int) -> bool:
    """Return whether one of `count` slots from `first` on is free for an order."""
    found = False
    for i in range(first, first + count):
        found = found or slots[i]["state"] == IDLE
    return found


@jit
def want_side(desk: Any, rules: Any, side: int, every: bool, ticks: Any, lots: Any) -> int:
    """Write a side's wanted price and size per level, 0 where none is wanted; return why free slots go without.

    Levels without an order share what open orders leave free, the inner levels first, those that pause included. What
    open levels want is only written when asked for (`every`).
    """
    core, quoting, slots = desk.core[0], rules.quoting[0], desk.slots
    first = first_of(side)
    levels = quoting["buy_levels"] if side == BUY else quoting["sell_levels"]
    if not every and not any_idle(slots, first, levels):
        return 0
    room = quoting["max_concurrent_buys"] - count_open(slots, first, core["reach"]) if side == BUY else MAX_LEVELS
    limit = opposite_best(desk, side)
    free = held(core, side) - reserved(desk, side)
    reasons = 0
    for level in range(levels):
        resting = is_open(slots[first + level])
        if resting and not every:
            continue
        price, size, why = want_level(core, rules, side, level, limit)
        if size > 0 and not resting:
            if room <= 0:
                size, why = 0, why | R_MAX_BUYS
            else:
                size, short = within_holdings(rules, side, price, size, free)
                free -= cost_of(side, price, size)
                why |= short
                room -= 1 if size > 0 else 0
        reasons |= why if slots[first + level]["state"] == IDLE else 0
        ticks[level] = price if size > 0 else 0
        lots[level] = size
    return reasons


@jit
def want_level(core: Any, rules: Any, side: int, level: int, limit: int) -> tuple[int, int, int]:
    """Return (ticks, lots, reasons) of one level before holdings; 0 lots when it is not to be quoted."""
    quoting = rules.quoting[0]
    if side == BUY:
        bps = core["bid_bps"] * quoting["buy_spreads"][level]
    else:
        bps = core["ask_bps"] * quoting["sell_spreads"][level]
    price = level_price(side, core["reference_ticks"], bps)
    reasons = 0
    if side * price >= side * limit:
        if quoting["drop_on_cross"] == 1:
            return 0, 0, R_CROSS_DROPPED
        price = limit - side
        reasons = R_CROSS_ADJUSTED
    if beyond_collar(core, rules.risk[0], side, price):
        return 0, 0, R_COLLAR
    lots = level_lots(core, quoting, side)
    too_small = under_minimum(rules, price, lots)
    if too_small != 0:
        return 0, 0, too_small
    return price, lots, reasons


@jit
def level_lots(core: Any, quoting: Any, side: int) -> int:
    """Return the size of one level of a side."""
    factor = core["bid_size"] if side == BUY else core["ask_size"]
    return grid_floor(quoting["order_lots"] * factor * core["vol_size"])


@jit
def under_minimum(rules: Any, price_ticks: int, lots: int) -> int:
    """Return the reason why the venue would refuse such an order, 0 when it would not."""
    instrument = rules.instrument[0]
    if lots < 1 or lots < instrument["min_qty_lots"]:
        return R_MIN_QTY
    if price_ticks < 1 or float(price_ticks) * float(lots) < instrument["min_notional_atoms"]:
        return R_MIN_NOTIONAL
    return 0


@jit
def within_holdings(rules: Any, side: int, price: int, lots: int, free: float) -> tuple[int, int]:
    """Return (lots, reasons) of an order cut to what is held; 0 lots when what remains is under a minimum."""
    most = affordable(side, price, free)
    if lots <= most:
        return lots, 0
    if under_minimum(rules, price, most) != 0:
        return 0, R_HOLDINGS
    return most, R_HOLDINGS

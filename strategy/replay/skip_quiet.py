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

from strategy.kernel.borrowing import borrowed
from strategy.kernel.contract import SIDES_FOLLOW_MID
from strategy.kernel.jit import jit, jit_apart
from strategy.kernel.state import State
from strategy.kernel.step import decide_sides, desk_of, rules_of
from strategy.replay.index import BLOCK, SPAN
from strategy.replay.skip_prices import prices_within
from strategy.replay.skip_watch import equity_holds, keeps, remember, set_watch, stops_hold

NEAR: Final = 0.02  # how far mid may go before sides that follow it are asked again


@jit
def first_change(index: Any, track: Any, state: Any, params: Any, skip: Any, row: int, end: int) -> int:
    """Return the first update in [row, end) that may change something, `end` when none may."""
    core = state.core[0]
    if row >= end or core["have_book"] == 0 or core["crossed"] == 1:
        return end
    watch = skip.watch[0]
    if watch["set"] == 0:
        set_watch(index, desk_of(state), rules_of(params), skip, len(state.signals) > 0)
        if SIDES_FOLLOW_MID and watch["sides"] == 1 and watch["prices"] == 0:
            watch_sides(state, params, skip)
    last, largest = min(end, watch["stop_row"]) if watch["walk"] == 0 else row, SPAN
    if watch["prices"] == 0 and watch["drawdown"] == 0 and watch["trailing"] == 0:
        row = min(kept_around(index, track, params, skip, row, last), last)
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
def kept_around(index: Any, track: Any, params: Any, skip: Any, row: int, last: int) -> int:
    """Return an update up to which all keep within the watch, seen in whole blocks: `last` or later when all before do.

    Blocks may begin before `row` and end after `last`: what they keep, their part does.
    """
    size = SPAN
    while row < last:
        start = row & -size  # sizes are powers of two
        sigma, double_mid, _, depth = ranges(index, track, skip, start, size)
        if keeps(skip.watch[0], params.risk[0], sigma, halved(double_mid), depth):
            row = start + size
            size = SPAN if row % SPAN == 0 else BLOCK
        elif size == SPAN:
            size = BLOCK
        else:
            return row
    return row


@jit
def halved(pair: Any) -> Any:
    """Return mids of sums of bid and ask."""
    return 0.5 * float(pair[0]), 0.5 * float(pair[1])


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
    watch, desk = skip.watch[0], desk_of(state)
    mid = halved(double_mid)
    if not keeps(watch, params.risk[0], sigma, mid, depth):
        return False
    if watch["prices"] == 1 and not prices_hold(state, params, skip, sigma, mid, last):
        return False
    if watch["drawdown"] == 1 and not equity_holds(desk.core[0], params.risk[0], mid):
        return False
    if watch["trailing"] == 1 and not stops_hold(desk, params.barriers[0], mid):
        return False
    remember(desk, watch, mid)
    return True


@jit_apart
def watch_sides(state: Any, params: Any, skip: Any) -> None:
    """Keep mid where the sides that follow it stay as they are; watch every update's when there is no such range."""
    core, watch = state.core[0], skip.watch[0]
    for sign in (-1.0, 1.0):
        if not sides_at(state, params, skip, core["sigma"], core["mid_ticks"] * (1.0 + sign * NEAR)):
            watch["prices"] = 1
            watch["walk"] = 1 if len(state.signals) > 0 else watch["walk"]
            return
    watch["mid_low"] = max(watch["mid_low"], core["mid_ticks"] * (1.0 - NEAR))
    watch["mid_high"] = min(watch["mid_high"], core["mid_ticks"] * (1.0 + NEAR))


@jit
def sides_at(state: Any, params: Any, skip: Any, sigma: float, mid: float) -> bool:
    """Return whether the same sides would be enabled with the market elsewhere."""
    core, there = state.core[0], skip.core[0]
    decide_at(state, params, skip, sigma, mid)
    return bool(there["bid_enabled"] == core["bid_enabled"] and there["ask_enabled"] == core["ask_enabled"])


@jit
def decide_at(state: Any, params: Any, skip: Any, sigma: float, mid: float) -> None:
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
    decide_sides(borrowed(stand_in), params, skip.place[0]["decided_ns"])


@jit_apart
def prices_hold(state: Any, params: Any, skip: Any, sigma: Any, mid: Any, last: Any) -> bool:
    """Return whether wanted prices matter nowhere in a box of sigma and mid, looked at from its corners."""
    box = skip.box[0]
    for corner in range(4):
        high_sigma, high_mid = corner & 1, corner >> 1
        if (high_sigma == 1 and not sigma[0] < sigma[1]) or (high_mid == 1 and mid[0] == mid[1]):
            continue
        at = math.nan if sigma[0] > sigma[1] else sigma[high_sigma]
        if not sides_at(state, params, skip, at, mid[high_mid]):
            return False
        widen(box, skip.core[0], corner == 0)
    return bool(prices_within(desk_of(state), rules_of(params), box, mid, last))


@jit
def widen(box: Any, there: Any, first: bool) -> None:
    """Make a box contain what would be decided at one of its corners."""
    low, high = (math.inf, -math.inf) if first else (0.0, 0.0)
    reference, bid, ask = there["reference_ticks"], there["bid_bps"], there["ask_bps"]
    box["reference_low"] = min(reference, low if first else box["reference_low"])
    box["reference_high"] = max(reference, high if first else box["reference_high"])
    box["bid_low"] = min(bid, low if first else box["bid_low"])
    box["bid_high"] = max(bid, high if first else box["bid_high"])
    box["ask_low"] = min(ask, low if first else box["ask_low"])
    box["ask_high"] = max(ask, high if first else box["ask_high"])
    box["bid_size_low"] = min(there["bid_size"], low if first else box["bid_size_low"])
    box["bid_size_high"] = max(there["bid_size"], high if first else box["bid_size_high"])
    box["ask_size_low"] = min(there["ask_size"], low if first else box["ask_size_low"])
    box["ask_size_high"] = max(there["ask_size"], high if first else box["ask_size_high"])
    box["vol_low"] = min(there["vol_size"], low if first else box["vol_low"])
    box["vol_high"] = max(there["vol_size"], high if first else box["vol_high"])

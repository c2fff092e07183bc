"""Orders that take, and the profit orders that close (strategy.md 6).

An order that takes goes out alone: quotes stand aside until the venue has confirmed that none of ours rests, so that
it can never meet our own quote and finds the holdings free. While it is wanted or under way, `clearing` is set.
"""

import math
from typing import Any, Final

from strategy.kernel.holdings import drop_holding
from strategy.kernel.jit import jit
from strategy.kernel.quotes import (
    BPS,
    affordable,
    entry_at,
    grid_ceil,
    grid_floor,
    held,
    is_open,
    reserved,
    under_minimum,
)
from strategy.kernel.records import (
    BUY,
    PLACE,
    R_CLEARING,
    R_DUST,
    R_HOLDINGS,
    R_RATE,
    TAKE,
)
from strategy.kernel.risk import may_send
from strategy.kernel.slots import send, takes
from strategy.kernel.state import ENTRIES, EXITS

TAKE_REACH_BPS: Final = 500.0  # how far beyond mid an order may take where no collar is set


@jit
def take(desk: Any, rules: Any, i: int, lots: int, purpose: int, now: int, out: Any) -> int:
    """Send slot `i`'s order that takes up to `lots` once no quote of ours rests; return the reasons."""
    core, slot = desk.core[0], desk.slots[i]
    core["clearing"] = 1
    if any_resting(desk):
        return R_CLEARING
    side = int(slot["side"])
    price = take_limit(core, rules.risk[0], side)
    free = held(core, side) - reserved(desk, side)
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
    if taking(desk):
        return True
    price = take_limit(desk.core[0], rules.risk[0], -side)
    most = affordable(-side, price, held(desk.core[0], -side))
    found = False
    for i in range(ENTRIES):
        if desk.held[i]["hit"] != 0 and desk.slots[ENTRIES + i]["side"] == -side:
            found = found or under_minimum(rules, price, min(desk.held[i]["lots"], most)) == 0
    return found


@jit
def any_resting(desk: Any) -> bool:
    """Return whether a quote of ours, or an order that takes a profit, may rest."""
    core, slots = desk.core[0], desk.slots
    found = False
    for n in range(2 * core["reach"]):
        i = entry_at(n, core["reach"])
        found = found or is_open(slots[i]) or (is_open(slots[ENTRIES + i]) and not takes(slots[ENTRIES + i]))
    return found


@jit
def taking(desk: Any) -> bool:
    """Return whether an order that takes is under way."""
    core, slots = desk.core[0], desk.slots
    if core["exits_used"] == 0:
        return False
    found = is_open(slots[EXITS])
    for n in range(2 * core["reach"]):
        slot = slots[ENTRIES + entry_at(n, core["reach"])]
        found = found or (is_open(slot) and takes(slot))
    return found


@jit
def take_limit(core: Any, risk: Any, side: int) -> int:
    """Return the worst price (ticks) that a taker accepts: the collar's reach beyond mid."""
    reach = min(risk["collar_bps"], 10_000.0) * BPS if risk["collar_bps"] != math.inf else TAKE_REACH_BPS * BPS
    if side == BUY:
        return grid_floor(core["mid_ticks"] * (1.0 + reach))
    return max(grid_ceil(core["mid_ticks"] * (1.0 - reach)), 1)

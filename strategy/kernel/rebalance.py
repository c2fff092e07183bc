"""The position rebalance: base brought to what the asks need, once a breach (strategy.md 6)."""

from typing import Any

from strategy.kernel.jit import jit, jit_apart
from strategy.kernel.quotes import (
    GRID,
    affordable,
    grid_floor,
    held,
    level_lots,
    under_minimum,
)
from strategy.kernel.records import (
    BUY,
    IDLE,
    R_DUST,
    R_REBALANCE,
    REBALANCE,
    SELL,
)
from strategy.kernel.state import EXITS
from strategy.kernel.takers import take, take_limit


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

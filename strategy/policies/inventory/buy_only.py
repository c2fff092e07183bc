"""Accumulate up to a target holding, then make a market around it (strategy.md 4)."""

from typing import Any, Final

from strategy.kernel.inventory import balance
from strategy.kernel.jit import jit
from strategy.policies.inventory.skewed import EDGE, RECORD, Skewed, distance_from_target, lean, pack
from strategy.policies.registry import Policy


class BuyOnly(Skewed):
    """The same fields as `skewed`; the lean applies only above the band."""


@jit
def inventory_decide(params: Any, context: Any, out: Any) -> None:
    """Below the band bids alone, inside it both sides alike, above it both with the ask favoured as in `skewed`."""
    distance = distance_from_target(params, context)
    if distance > params["tolerance"] + EDGE:
        lean(params, distance, out)
        return
    balance(out)
    if distance < -params["tolerance"] - EDGE:
        out["ask_enabled"] = 0


POLICY: Final = Policy(
    kind="inventory",
    name="buy_only",
    parameters=BuyOnly,
    record=RECORD,
    pack=pack,
    functions={"inventory_decide": inventory_decide},
    skips=True,
)

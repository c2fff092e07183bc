"""Lean both sides against the distance from a target holding (strategy.md 4)."""

from typing import Any, Final

import numpy as np

from strategy.kernel.inventory import balance
from strategy.kernel.jit import jit
from strategy.policies.fields import setting
from strategy.policies.registry import Policy, PolicyParameters

EDGE: Final = 1e-9  # of the target: a holding on a band's edge is inside, though its double may not be


class Skewed(PolicyParameters):
    """The target holding, the band around it, and how hard to lean outside."""

    inventory_target_base: float = setting(0.002, "the holding to keep", unit="base", gt=0)
    inventory_tolerance_pct: float = setting(0.1, "half-width of the band around it", unit="of target", ge=0, lt=1)
    skew_strength: float = setting(
        0.5, "k: at d = 1 the bid is (1 + k) times as wide, the ask (1 - k)", search=(0.0, 1.0), ge=0, le=1
    )
    rebalance_size_boost: float = setting(0.2, "more size on the side that leads back", unit="fraction", ge=0, le=10)


RECORD: Final = np.dtype([("target", "f8"), ("tolerance", "f8"), ("strength", "f8"), ("boost", "f8")], align=True)


def pack(parameters: Skewed, record: Any) -> None:
    """Write the parameters into their kernel record."""
    record["target"] = parameters.inventory_target_base
    record["tolerance"] = parameters.inventory_tolerance_pct
    record["strength"] = parameters.skew_strength
    record["boost"] = parameters.rebalance_size_boost


@jit
def distance_from_target(params: Any, context: Any) -> float:
    """Return (base - target) / target."""
    return float((context["base_lots"] * context["lot_size"] - params["target"]) / params["target"])


@jit
def lean(params: Any, distance: float, out: Any) -> None:
    """Write the decision for d = clip((base - target) / target, -1, 1): over the target, bids widen and asks narrow."""
    balance(out)
    d = min(max(distance, -1.0), 1.0)
    out["bid_factor"] = 1.0 + params["strength"] * d
    out["ask_factor"] = 1.0 - params["strength"] * d
    if d > params["tolerance"] + EDGE:
        out["ask_size"] = 1.0 + params["boost"]
    elif d < -params["tolerance"] - EDGE:
        out["bid_size"] = 1.0 + params["boost"]


@jit
def inventory_decide(params: Any, context: Any, out: Any) -> None:
    """Lean by the distance from target, in and outside of the band; the boosted size only outside."""
    lean(params, distance_from_target(params, context), out)


POLICY: Final = Policy(
    kind="inventory",
    name="skewed",
    parameters=Skewed,
    record=RECORD,
    pack=pack,
    functions={"inventory_decide": inventory_decide},
    skips=True,
)

"""Lean both sides against the distance from a target holding (strategy.md 4)."""

from typing import Any, Final

import numpy as np
from pydantic import Field

from strategy.kernel.inventory import balance
from strategy.kernel.jit import jit
from strategy.policies.registry import Policy, PolicyParameters

EDGE: Final = 1e-9  # of the target: a holding on a band's edge is inside, though its double may not be


class Skewed(PolicyParameters):
    """The target holding, the band around it, and how hard to lean outside."""

    inventory_target_base: float = Field(0.002, gt=0, description="base units")
    inventory_tolerance_pct: float = Field(0.1, ge=0, lt=1, description="half-width of the band, a fraction of target")
    skew_strength: float = Field(
        0.5,
        ge=0,
        le=1,
        description="k: at d = 1 the bid is (1 + k) times as wide",
        json_schema_extra={"search": [0, 1]},
    )
    rebalance_size_boost: float = Field(0.2, ge=0, le=10, description="more size on the side that leads back")


RECORD: Final = np.dtype([("target", "f8"), ("tolerance", "f8"), ("strength", "f8"), ("boost", "f8")], align=True)


def pack(parameters: Skewed, record: Any) -> None:
    """Write the parameters into their kernel record."""
    record["target"] = parameters.inventory_target_base
    record["tolerance"] = parameters.inventory_tolerance_pct
    record["strength"] = parameters.skew_strength
    record["boost"] = parameters.rebalance_size_boost


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
def inventory_decide(
    params: Any, base_lots: float, quote_atoms: float, mid_ticks: float, lot_size: float, out: Any
) -> None:
    """Lean by the distance from target, in and outside of the band; the boosted size only outside."""
    lean(params, (base_lots * lot_size - params["target"]) / params["target"], out)


POLICY: Final = Policy(
    kind="inventory",
    name="skewed",
    parameters=Skewed,
    record=RECORD,
    pack=pack,
    functions={"inventory_decide": inventory_decide},
)

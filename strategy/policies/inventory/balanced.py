"""Keep a share of the account's value in base (strategy.md 4): shift both sides by the distance from it."""

import math
from typing import Any, Final

import numpy as np

from strategy.kernel.inventory import balance
from strategy.kernel.jit import jit
from strategy.policies.fields import setting
from strategy.policies.registry import Policy, PolicyParameters

EDGE: Final = 1e-12  # of the account's value: a skew on an edge is inside, though its double may not be
SEED: Final = "preset volatility_pmm: 50/50, -50 % skew quoted at 0.1 % against 10.3 %, sizes + 20 %, skew at most 30 %"


class Balanced(PolicyParameters):
    """The share to keep, how hard to steer towards it, and where to stop."""

    target_ratio: float = setting(0.5, "base's share of the account's value", unit="fraction", source=SEED, gt=0, lt=1)
    inventory_slope: float = setting(
        0.2, "half-spreads shift by this times the skew", search=(0.0, 0.5), source=SEED, ge=0, le=1
    )
    max_skew: float = setting(
        0.3, "beyond it the side that adds to the skew is not quoted", unit="of value", source=SEED, gt=0, le=1
    )
    quote_beyond_max_skew: bool = setting(False, "quote that side all the same")
    inventory_tolerance_pct: float = setting(
        0.05, "a skew within it is left alone in size", unit="of value", ge=0, lt=1
    )
    rebalance_size_boost: float = setting(
        0.2, "more size on the side that leads back", unit="fraction", source=SEED, ge=0, le=10
    )


RECORD: Final = np.dtype(
    [
        ("target_ratio", "f8"),
        ("slope_bps", "f8"),  # per unit of skew
        ("max_skew", "f8"),  # inf = both sides are quoted at any skew
        ("tolerance", "f8"),
        ("boost", "f8"),
    ],
    align=True,
)


def pack(parameters: Balanced, record: Any) -> None:
    """Write the parameters into their kernel record."""
    record["target_ratio"] = parameters.target_ratio
    record["slope_bps"] = parameters.inventory_slope * 1e4
    record["max_skew"] = math.inf if parameters.quote_beyond_max_skew else parameters.max_skew
    record["tolerance"] = parameters.inventory_tolerance_pct
    record["boost"] = parameters.rebalance_size_boost


@jit
def inventory_decide(params: Any, context: Any, out: Any) -> None:
    """Shift, size and limit both sides by skew = base value / account value - target; worth nothing, quote nothing."""
    balance(out)
    base_value = context["base_lots"] * context["mid_ticks"]
    value = base_value + context["quote_atoms"]
    if not value > 0.0:
        out["bid_enabled"] = 0
        out["ask_enabled"] = 0
        return
    skew = base_value / value - params["target_ratio"]
    out["bid_shift_bps"] = params["slope_bps"] * skew
    out["ask_shift_bps"] = -params["slope_bps"] * skew
    if skew > params["tolerance"] + EDGE:
        out["ask_size"] = 1.0 + params["boost"]
    elif skew < -params["tolerance"] - EDGE:
        out["bid_size"] = 1.0 + params["boost"]
    if skew > params["max_skew"] + EDGE:
        out["bid_enabled"] = 0
    elif skew < -params["max_skew"] - EDGE:
        out["ask_enabled"] = 0


POLICY: Final = Policy(
    kind="inventory",
    name="balanced",
    parameters=Balanced,
    record=RECORD,
    pack=pack,
    functions={"inventory_decide": inventory_decide},
    source=SEED,
    skips=True,
    follows_mid=True,
)

"""Width between two levels in step with sigma (strategy.md 3): 0.1 % in calm to 1 % in a storm by default."""

from typing import Any, Final, Self

import numpy as np
from pydantic import model_validator

from strategy.kernel.jit import jit
from strategy.policies.fields import setting
from strategy.policies.registry import Policy, PolicyParameters


class Range(PolicyParameters):
    """Two sigmas and the width at each."""

    min_spread: float = setting(10.0, "half-spread up to vol_low", unit="bps", search=(0.5, 20.0), ge=0, le=10_000)
    max_spread: float = setting(
        100.0, "half-spread from vol_high on", unit="bps", search=(20.0, 200.0), gt=0, le=10_000
    )
    vol_low: float = setting(0.0005, "the width rises from here", unit="sigma", ge=0, le=1e6)
    vol_high: float = setting(0.003, "to here", unit="sigma", gt=0, le=1e6)

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if self.min_spread > self.max_spread:
            raise ValueError(f"min_spread was {self.min_spread}, max_spread is {self.max_spread}")
        if not self.vol_low < self.vol_high:
            raise ValueError(f"vol_low was {self.vol_low}, it must be under vol_high {self.vol_high}")
        return self


RECORD: Final = np.dtype([("low", "f8"), ("high", "f8"), ("min_bps", "f8"), ("max_bps", "f8")], align=True)


def pack(parameters: Range, record: Any) -> None:
    """Write the parameters into their kernel record."""
    record["low"] = parameters.vol_low
    record["high"] = parameters.vol_high
    record["min_bps"] = parameters.min_spread
    record["max_bps"] = parameters.max_spread


@jit
def spread_decide(params: Any, regimes: Any, context: Any, out: Any) -> None:
    """Write the half-spread (bps): linear in sigma between the two levels, clamped outside."""
    share = min(max((context["sigma"] - params["low"]) / (params["high"] - params["low"]), 0.0), 1.0)
    width = params["min_bps"] * (1.0 - share) + params["max_bps"] * share
    out["bid_bps"] = width
    out["ask_bps"] = width


POLICY: Final = Policy(
    kind="spreads",
    name="range",
    parameters=Range,
    record=RECORD,
    pack=pack,
    functions={"spread_decide": spread_decide},
    source="preset volatility_pmm: 0.1 % in stable markets to 1 % in high volatility",
    skips=True,
)

"""Width as a logistic curve of sigma (strategy.md 3): floor + (cap - floor) / (1 + exp(-k (sigma - sigma_0)))."""

import math
from typing import Any, Final, Self

import numpy as np
from pydantic import model_validator

from strategy.kernel.jit import jit
from strategy.policies.fields import setting
from strategy.policies.registry import Policy, PolicyParameters


class Sigmoid(PolicyParameters):
    """The curve's two levels, and where and how steeply it goes from one to the other."""

    sigmoid_floor_bps: float = setting(
        4.0, "half-spread far under the middle", unit="bps", search=(0.5, 10.0), scale="log", ge=0, le=10_000
    )
    sigmoid_cap_bps: float = setting(
        20.0, "half-spread far over the middle", unit="bps", search=(10.0, 100.0), scale="log", gt=0, le=10_000
    )
    sigmoid_k: float = setting(
        2_000.0, "steepness", unit="1/sigma", search=(100.0, 50_000.0), scale="log", gt=0, le=1e12
    )
    sigmoid_mid: float = setting(
        0.0015, "sigma halfway up", unit="sigma", search=(0.00002, 0.01), scale="log", ge=0, le=1e6
    )

    @model_validator(mode="after")
    def _floor_under_cap(self) -> Self:
        if self.sigmoid_floor_bps > self.sigmoid_cap_bps:
            raise ValueError(f"sigmoid_floor_bps was {self.sigmoid_floor_bps}, the cap is {self.sigmoid_cap_bps}")
        return self


RECORD: Final = np.dtype([("floor_bps", "f8"), ("rise_bps", "f8"), ("k", "f8"), ("mid", "f8")], align=True)


def pack(parameters: Sigmoid, record: Any) -> None:
    """Write the parameters into their kernel record."""
    record["floor_bps"] = parameters.sigmoid_floor_bps
    record["rise_bps"] = parameters.sigmoid_cap_bps - parameters.sigmoid_floor_bps
    record["k"] = parameters.sigmoid_k
    record["mid"] = parameters.sigmoid_mid


@jit
def logistic(x: float) -> float:
    """Return 1 / (1 + exp(-x)), whose exponential never overflows."""
    small = math.exp(-abs(x))
    if x >= 0.0:
        return 1.0 / (1.0 + small)
    return small / (1.0 + small)


@jit
def spread_decide(params: Any, regimes: Any, context: Any, out: Any) -> None:
    """Write the half-spread (bps) on the logistic curve."""
    share = logistic(params["k"] * (context["sigma"] - params["mid"]))
    width = params["floor_bps"] + params["rise_bps"] * share
    out["bid_bps"] = width
    out["ask_bps"] = width


POLICY: Final = Policy(
    kind="spreads",
    name="sigmoid",
    parameters=Sigmoid,
    record=RECORD,
    pack=pack,
    functions={"spread_decide": spread_decide},
    skips=True,
)

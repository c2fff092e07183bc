"""Width as a piecewise-linear function of sigma (strategy.md 3)."""

from itertools import pairwise
from typing import Annotated, Any, Final, Self

import numpy as np
from pydantic import Field, model_validator

from strategy.kernel.jit import jit
from strategy.policies.fields import setting
from strategy.policies.registry import Policy, PolicyParameters

MAX_POINTS: Final = 16

Sigma = Annotated[float, Field(gt=0)]
Bps = Annotated[float, Field(ge=0, le=10_000)]


class Linear(PolicyParameters):
    """The curve's points, sigma strictly increasing; widths do not decrease, so more sigma never narrows a quote."""

    spread_curve_points: tuple[tuple[Sigma, Bps], ...] = setting(
        ((0.0002, 3.0), (0.0008, 6.0), (0.0025, 15.0)),
        "points of the curve, flat outside the ends",
        unit="(sigma, bps)",
        min_length=2,
        max_length=MAX_POINTS,
    )

    @model_validator(mode="after")
    def _increasing(self) -> Self:
        for (sigma, bps), (next_sigma, next_bps) in pairwise(self.spread_curve_points):
            if not sigma < next_sigma:
                raise ValueError(f"spread_curve_points had sigma {next_sigma} after {sigma}, it must increase strictly")
            if next_bps < bps:
                raise ValueError(f"spread_curve_points had {next_bps} bps after {bps}, widths must not decrease")
        return self


RECORD: Final = np.dtype([("count", "i8"), ("sigma", "f8", (MAX_POINTS,)), ("bps", "f8", (MAX_POINTS,))], align=True)


def pack(parameters: Linear, record: Any) -> None:
    """Write the points into their kernel record."""
    points = np.array(parameters.spread_curve_points)
    record["count"] = len(points)
    record["sigma"][: len(points)] = points[:, 0]
    record["bps"][: len(points)] = points[:, 1]


@jit
def segment(sigmas: Any, count: int, sigma: float) -> int:
    """Return the last of `count` points at or under `sigma`, -1 before the first."""
    i = -1
    while i + 1 < count and sigma >= sigmas[i + 1]:
        i += 1
    return i


@jit
def spread_decide(params: Any, regimes: Any, context: Any, out: Any) -> None:
    """Write the half-spread (bps) on the curve, flat outside its ends."""
    sigma = context["sigma"]
    i = segment(params["sigma"], params["count"], sigma)
    width = params["bps"][max(i, 0)]
    if 0 <= i < params["count"] - 1:
        share = (sigma - params["sigma"][i]) / (params["sigma"][i + 1] - params["sigma"][i])
        width += (params["bps"][i + 1] - width) * share
    out["bid_bps"] = width
    out["ask_bps"] = width


POLICY: Final = Policy(
    kind="spreads",
    name="linear",
    parameters=Linear,
    record=RECORD,
    pack=pack,
    functions={"spread_decide": spread_decide},
    skips=True,
)

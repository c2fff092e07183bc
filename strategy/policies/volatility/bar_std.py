"""Standard deviation of the returns of fixed bars (strategy.md 2): the 20-period rolling deviation.

Bars of `bar_seconds` are aligned to the epoch. A bar's close is the last mid in it; a bar without one carries the last
close forward, a return of 0. A bar completes, and sigma changes, with the first mid of a later bar.

No return is taken across a gap. The bar that holds the last mid before the gap has no return, since its close may lie
in the gap; nor has any bar that ended within it; nor has the bar of the first mid after it, whose close is only where
the next bar's return starts. Where both mids lie in one bar, that is one bar. Returns from before the gap stay.
"""

import math
from typing import Any, Final, Self

import numpy as np
from pydantic import model_validator

from strategy.kernel.jit import jit
from strategy.policies.fields import setting
from strategy.policies.registry import EngineParameters, Policy

NS: Final = 1_000_000_000


class BarStd(EngineParameters):
    """The bars' length and how many returns count; sigma is unknown until there are that many."""

    bar_seconds: float = setting(
        60.0, "length of a bar", unit="s", search=(1.0, 120.0), scale="log", ge=0.001, le=86_400
    )
    bar_periods: int = setting(20, "returns that count", unit="bars", search=(10, 60), ge=2, le=10_000)

    @model_validator(mode="after")
    def _samples_within_bars(self) -> Self:
        if self.vol_sampling_interval > self.bar_seconds:
            raise ValueError(
                f"vol_sampling_interval was {self.vol_sampling_interval}, at most bar_seconds {self.bar_seconds}"
            )
        return self

    def sample_seconds(self) -> float | None:
        """Return a bar's length, which is what one return spans."""
        return self.bar_seconds


RECORD: Final = np.dtype([("bar_ns", "i8"), ("periods", "i8")], align=True)

# Returns live in `ring[:, 1]`, the last `count` of them before row `next`.
STATE: Final = np.dtype(
    [
        ("bar", "i8"),  # bars since the epoch
        ("close", "f8"),  # the present bar's last mid
        ("has_before", "i1"),
        ("before", "f8"),  # the close of the bar before, from which the present bar's return counts
        ("next", "i8"),
        ("count", "i8"),
        ("sigma", "f8"),
    ],
    align=True,
)


def pack(parameters: BarStd, record: Any) -> None:
    """Write the parameters into their kernel record."""
    record["bar_ns"] = round(parameters.bar_seconds * NS)
    record["periods"] = parameters.bar_periods


@jit
def push(state: Any, params: Any, ring: Any, r: float) -> None:
    """Put a return into the window in place of its oldest."""
    ring[state["next"], 1] = r
    state["next"] = (state["next"] + 1) % params["periods"]
    state["count"] = min(state["count"] + 1, params["periods"])


@jit
def deviation(ring: Any, count: int) -> float:
    """Return the sample standard deviation (ddof 1) of the first `count` returns, in two passes."""
    mean = 0.0
    for row in range(count):
        mean += ring[row, 1]
    mean /= count
    squares = 0.0
    for row in range(count):
        squares += (ring[row, 1] - mean) * (ring[row, 1] - mean)
    return math.sqrt(squares / (count - 1))


@jit
def complete(state: Any, params: Any, ring: Any, bar: int) -> None:
    """Close the present bar and the empty ones between it and `bar`."""
    if state["has_before"] == 1:
        push(state, params, ring, state["close"] / state["before"] - 1.0)
    for _ in range(min(bar - state["bar"] - 1, params["periods"])):
        push(state, params, ring, 0.0)
    state["has_before"] = 1
    state["before"] = state["close"]
    if state["count"] == params["periods"]:
        state["sigma"] = deviation(ring, params["periods"])


@jit
def volatility_update(state: Any, params: Any, ring: Any, mid: float, tick_size: float, ts: int, fresh: bool) -> float:
    """Return the standard deviation of the last complete bars' returns (a fraction), or nan until there are enough."""
    bar = ts // params["bar_ns"]
    if fresh or state["close"] == 0.0:
        state["has_before"] = 0
        state["bar"] = bar
    elif bar > state["bar"]:
        complete(state, params, ring, bar)
        state["bar"] = bar
    state["close"] = mid
    if state["count"] < params["periods"]:
        return math.nan
    return float(state["sigma"])


POLICY: Final = Policy(
    kind="volatility",
    name="bar_std",
    parameters=BarStd,
    record=RECORD,
    pack=pack,
    functions={"volatility_update": volatility_update},
    state=STATE,
    source="preset volatility_pmm: 20-period rolling standard deviation",
)

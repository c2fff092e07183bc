"""Lean with the trend of bar closes (strategy.md 5): a short moving average against a long one.

Bars of `bar_seconds` are aligned to the epoch. A bar's close is the last mid in it; a bar without one carries the last
close forward. A bar counts once its end has passed, whether or not anything came after it. Through a gap in the market
data bars go on: those in it carry the close before it, and the first close after it shows what was missed.
"""

from typing import Any, Final, Self

import numpy as np
from pydantic import model_validator

from strategy.kernel.jit import jit
from strategy.kernel.records import BOOK
from strategy.policies.fields import setting
from strategy.policies.registry import Policy, PolicyParameters

NS: Final = 1_000_000_000
MAX_BARS: Final = 240
SEED: Final = "preset volatility_pmm: 5 against 14 periods, acts over 0.3 %"


class Trend(PolicyParameters):
    """The two averages, what counts as a trend, and how hard to lean; unknown until there are `slow_periods` bars."""

    bar_seconds: float = setting(
        60.0, "length of a bar", unit="s", search=(1.0, 300.0), scale="log", ge=0.001, le=86_400
    )
    fast_periods: int = setting(5, "closes in the short average", unit="bars", source=SEED, ge=1, lt=MAX_BARS)
    slow_periods: int = setting(14, "closes in the long average", unit="bars", source=SEED, ge=2, le=MAX_BARS)
    threshold: float = setting(
        0.003, "a larger distance of the averages is a trend", unit="fraction", source=SEED, ge=0, lt=1
    )
    trend_bias: float = setting(
        0.2, "the side that follows narrows by this, the other widens", unit="fraction", search=(0.0, 0.8), ge=0, lt=1
    )

    @model_validator(mode="after")
    def _fast_under_slow(self) -> Self:
        if self.fast_periods >= self.slow_periods:
            raise ValueError(f"fast_periods was {self.fast_periods}, it must be under slow_periods {self.slow_periods}")
        return self


RECORD: Final = np.dtype(
    [("bar_ns", "i8"), ("fast", "i8"), ("slow", "i8"), ("threshold", "f8"), ("bias", "f8")], align=True
)

STATE: Final = np.dtype(
    [
        ("bar", "i8"),  # the present bar, counted since the epoch
        ("close", "f8"),  # its last mid (ticks), 0 before the first
        ("next", "i8"),  # where the next close goes
        ("count", "i8"),
        ("distance", "f8"),  # (fast - slow) / slow, 0 while unknown
        ("closes", "f8", (MAX_BARS,)),  # of complete bars, a ring of `slow_periods`
    ],
    align=True,
)


def pack(parameters: Trend, record: Any) -> None:
    """Write the parameters into their kernel record."""
    record["bar_ns"] = round(parameters.bar_seconds * NS)
    record["fast"] = parameters.fast_periods
    record["slow"] = parameters.slow_periods
    record["threshold"] = parameters.threshold
    record["bias"] = parameters.trend_bias


@jit
def mean_of_last(state: Any, size: int, periods: int) -> float:
    """Return the mean of the newest `periods` closes of a ring that holds `size`."""
    total = 0.0
    for back in range(periods, 0, -1):
        total += state["closes"][(state["next"] - back + size) % size]
    return total / periods


@jit
def complete(state: Any, params: Any, bar: int) -> None:
    """Close the present bar and the empty ones between it and `bar`, which becomes the present one."""
    size = params["slow"]
    for _ in range(min(bar - state["bar"], size)):
        state["closes"][state["next"]] = state["close"]
        state["next"] = (state["next"] + 1) % size
        state["count"] = min(state["count"] + 1, size)
    state["bar"] = bar
    if state["count"] == size:
        slow = mean_of_last(state, size, size)
        state["distance"] = (mean_of_last(state, size, params["fast"]) - slow) / slow


@jit
def signal_observe(state: Any, params: Any, event: Any, mid_ticks: float) -> None:
    """Take the mid of a book as its bar's close so far."""
    if event["kind"] != BOOK or not mid_ticks > 0.0:
        return
    bar = event["local_ts"] // params["bar_ns"]
    if state["close"] == 0.0:
        state["bar"] = bar
    elif bar > state["bar"]:
        complete(state, params, bar)
    state["close"] = mid_ticks


@jit
def signal_decide(state: Any, params: Any, context: Any, out: Any) -> None:
    """Narrow the side that follows a trend and widen the other: the bid when the short average is above the long."""
    bar = context["local_ts"] // params["bar_ns"]
    if state["close"] > 0.0 and bar > state["bar"]:
        complete(state, params, bar)
    if state["distance"] > params["threshold"]:
        out["bid_factor"] *= 1.0 - params["bias"]
        out["ask_factor"] *= 1.0 + params["bias"]
    elif state["distance"] < -params["threshold"]:
        out["bid_factor"] *= 1.0 + params["bias"]
        out["ask_factor"] *= 1.0 - params["bias"]


POLICY: Final = Policy(
    kind="signals",
    name="trend",
    parameters=Trend,
    record=RECORD,
    pack=pack,
    functions={"signal_observe": signal_observe, "signal_decide": signal_decide},
    state=STATE,
    source="preset volatility_pmm: 5-period against 14-period moving average, neutral within 0.3 %",
    skips=True,
)

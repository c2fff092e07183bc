"""Exponentially weighted deviation whose weights fall with time, not with the number of updates (strategy.md 2).

var = w var + (1 - w) r^2 with w = exp(-ln 2 · dt / half_life), r the fractional difference of two mids and dt the time
between them. Until `min_samples` differences var is their plain mean square: started at a single r^2, var would be that
one number for much of a half-life.
"""

import math
from typing import Any, Final

import numpy as np

from strategy.kernel.jit import jit
from strategy.policies.fields import setting
from strategy.policies.registry import EngineParameters, Policy

NS: Final = 1_000_000_000


class Ewma(EngineParameters):
    """How fast the past is forgotten, and when sigma is first known."""

    half_life_seconds: float = setting(
        30.0, "a difference counts half after", unit="s", search=(5.0, 300.0), scale="log", ge=0.001, le=86_400
    )
    min_samples: int = setting(30, "differences before sigma is known", ge=1, le=100_000)


RECORD: Final = np.dtype([("decay_per_ns", "f8"), ("min_samples", "i8")], align=True)
STATE: Final = np.dtype([("previous_mid", "f8"), ("previous_ns", "i8"), ("count", "i8"), ("var", "f8")], align=True)


def pack(parameters: Ewma, record: Any) -> None:
    """Write the parameters into their kernel record."""
    record["decay_per_ns"] = math.log(2.0) / (parameters.half_life_seconds * NS)
    record["min_samples"] = parameters.min_samples


@jit
def take_difference(state: Any, params: Any, r: float, elapsed_ns: float) -> None:
    """Let one difference into the variance."""
    if state["count"] < params["min_samples"]:
        state["count"] += 1
        state["var"] += (r * r - state["var"]) / state["count"]
        return
    weight = -math.expm1(-params["decay_per_ns"] * elapsed_ns)
    state["var"] = (1.0 - weight) * state["var"] + weight * (r * r)


@jit
def volatility_update(state: Any, params: Any, ring: Any, mid: float, tick_size: float, ts: int, fresh: bool) -> float:
    """Return the root of the weighted mean square of the differences (a fraction), or nan until there are enough.

    Across a gap there is no difference and nothing decays.
    """
    if state["previous_mid"] > 0.0 and not fresh:
        r = (mid - state["previous_mid"]) / state["previous_mid"]
        take_difference(state, params, r, float(max(ts - state["previous_ns"], 0)))
    state["previous_mid"] = mid
    state["previous_ns"] = ts
    if state["count"] < params["min_samples"]:
        return math.nan
    return math.sqrt(state["var"])


POLICY: Final = Policy(
    kind="volatility",
    name="ewma",
    parameters=Ewma,
    record=RECORD,
    pack=pack,
    functions={"volatility_update": volatility_update},
    state=STATE,
)

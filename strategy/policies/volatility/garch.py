"""GARCH(1,1) on the sampled returns (strategy.md 2; Bollerslev, Journal of Econometrics 31, 1986).

var' = omega + alpha r^2 + beta var, from the long-run variance omega / (1 - alpha - beta). Coefficients are fitted
offline on returns of the same sampling interval. Sigma is the forecast for the next sample.
"""

import math
from typing import Any, Final, Self

import numpy as np
from pydantic import model_validator

from strategy.kernel.jit import jit
from strategy.policies.fields import setting
from strategy.policies.registry import EngineParameters, Policy

SOURCE: Final = "Bollerslev 1986, Journal of Econometrics 31, 307-327"


class Garch(EngineParameters):
    """Coefficients per sample, and when sigma is first known; the default long-run sigma is 0.5 bps."""

    omega: float = setting(2.5e-11, "constant part of the variance", unit="fraction^2", source=SOURCE, gt=0, le=1)
    alpha: float = setting(0.05, "weight of the last squared return", source=SOURCE, ge=0, lt=1)
    beta: float = setting(0.94, "weight of the last variance", source=SOURCE, ge=0, lt=1)
    min_samples: int = setting(30, "returns before sigma is known", ge=1, le=100_000)

    @model_validator(mode="after")
    def _stationary(self) -> Self:
        if not self.alpha + self.beta < 1:
            raise ValueError(f"alpha + beta was {self.alpha + self.beta:g}, it must be under 1")
        return self


RECORD: Final = np.dtype(
    [("omega", "f8"), ("alpha", "f8"), ("beta", "f8"), ("long_run", "f8"), ("min_samples", "i8")], align=True
)
STATE: Final = np.dtype([("previous_mid", "f8"), ("count", "i8"), ("var", "f8")], align=True)


def pack(parameters: Garch, record: Any) -> None:
    """Write the coefficients and the long-run variance they imply."""
    record["omega"] = parameters.omega
    record["alpha"] = parameters.alpha
    record["beta"] = parameters.beta
    record["long_run"] = parameters.omega / (1.0 - parameters.alpha - parameters.beta)
    record["min_samples"] = parameters.min_samples


@jit
def volatility_update(state: Any, params: Any, ring: Any, mid: float, tick_size: float, ts: int, fresh: bool) -> float:
    """Return the root of the variance forecast for the next return (a fraction), or nan until there were enough.

    Across a gap there is no return and the forecast stays.
    """
    if state["previous_mid"] > 0.0 and not fresh:
        r = (mid - state["previous_mid"]) / state["previous_mid"]
        before = state["var"] if state["count"] > 0 else params["long_run"]
        state["var"] = params["omega"] + params["alpha"] * (r * r) + params["beta"] * before
        state["count"] += 1
    state["previous_mid"] = mid
    if state["count"] < params["min_samples"]:
        return math.nan
    return math.sqrt(state["var"])


POLICY: Final = Policy(
    kind="volatility",
    name="garch",
    parameters=Garch,
    record=RECORD,
    pack=pack,
    functions={"volatility_update": volatility_update},
    state=STATE,
    source=SOURCE,
)

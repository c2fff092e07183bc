"""The search space: every point of the unit cube is a valid parameter set.

Ordered parameters are built by stick-breaking: u in [0, 1]^n becomes n increasing numbers that are distributed as order
statistics when u is uniform, so no trial is ever rejected for its order.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from strategy.errors import BadInput, Failed
from strategy.policies.parameters import ParameterSet

THRESHOLDS: Final = ("low_threshold", "medium_threshold", "high_threshold")
SPREADS: Final = ("spread_low", "spread_medium", "spread_high")
STEP: Final = 1e-6  # relative distance kept between neighbouring sigmas, where quantiles coincide

Range = tuple[float, float]


class SpaceSettings(BaseModel):
    """Bounds of the search. Quantiles are of the training window's sigma distribution."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    spread_policy: str = Field("discrete", pattern="^(discrete|linear)$")
    threshold_quantiles: Range = (0.05, 0.98)
    spread_bps: Range = (0.2, 60.0)
    curve_points: int = Field(4, ge=2, le=16)
    refresh_s: Range = (1.0, 60.0)
    cooldown_s: Range = (0.0, 30.0)

    @model_validator(mode="after")
    def _ranges_ascend(self) -> Self:
        for name in ("threshold_quantiles", "spread_bps", "refresh_s", "cooldown_s"):
            low, high = getattr(self, name)
            if not 0 <= low < high:
                raise ValueError(f"{name} was {low} to {high}, it must ascend from 0 or more")
        for name in ("spread_bps", "refresh_s"):
            if getattr(self, name)[0] == 0:
                raise ValueError(f"{name} started at 0, it is searched on a logarithmic scale")
        if self.threshold_quantiles[1] >= 1:
            raise ValueError(f"threshold_quantiles ended at {self.threshold_quantiles[1]}, it must end under 1")
        return self


class Point(BaseModel):
    """One point of the space: the parameters, and the quantiles from which its sigmas were resolved."""

    model_config = ConfigDict(frozen=True)
    parameters: ParameterSet
    quantiles: tuple[float, ...]

    def flat(self) -> dict[str, float]:
        """Return the searched values by name, as they stand in the trials table."""
        regimes, quoting = self.parameters.regimes, self.parameters.quoting
        values = {name: float(getattr(regimes, name)) for name in (*THRESHOLDS, *SPREADS)}
        values |= {f"quantile_{i + 1}": q for i, q in enumerate(self.quantiles)}
        for i, (sigma, bps) in enumerate(self.parameters.spread.get("spread_curve_points", ())):
            values |= {f"curve_sigma_{i + 1}": float(sigma), f"curve_bps_{i + 1}": float(bps)}
        values["executor_refresh_time"] = quoting.executor_refresh_time
        values["cooldown_time"] = quoting.cooldown_time
        return values


class Space:
    """Maps the unit cube onto parameter sets that differ from `base` in what is searched, and in nothing else."""

    def __init__(self, base: ParameterSet, sigma: NDArray[np.float64], settings: SpaceSettings) -> None:
        """Take the training window's sigmas; no usable sigma among them is a failure."""
        known = np.sort(sigma[np.isfinite(sigma) & (sigma > 0)])
        if len(known) == 0:
            raise Failed("the training window has no sigma above 0: it is too short, or its mid never moved")
        self.settings = settings
        self._base = base
        self._sigma = known
        floor = max(base.quoting.spread_floor_bps, settings.spread_bps[0])
        cap = min(base.quoting.spread_cap_bps, settings.spread_bps[1])
        if not floor < cap:
            raise BadInput(f"spread_bps {settings.spread_bps} leaves nothing between the set's floor and cap")
        self._width = (floor, cap)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Return the names of the unit cube's axes."""
        ordered = self.settings.curve_points if self.settings.spread_policy == "linear" else len(THRESHOLDS)
        stems = [f"u_{kind}_{i + 1}" for kind in ("sigma", "spread") for i in range(ordered)]
        return (*stems, "u_refresh", "u_cooldown")

    def point(self, u: Mapping[str, float]) -> Point:
        """Return the parameter set at `u`, which holds a number in [0, 1] for every dimension."""
        quantiles = scale(stick_breaking(self._axis(u, "u_sigma")), self.settings.threshold_quantiles)
        sigmas = self._resolve(quantiles)
        widths = [geometric(v, self._width) for v in stick_breaking(self._axis(u, "u_spread"))]
        linear = self.settings.spread_policy == "linear"
        changes = self._linear(sigmas, widths) if linear else self._discrete(sigmas, widths)
        quoting = self._base.quoting.model_dump() | {
            "executor_refresh_time": geometric(u["u_refresh"], self.settings.refresh_s),
            "cooldown_time": scale([u["u_cooldown"]], self.settings.cooldown_s)[0],
        }
        data = self._base.model_dump() | changes | {"quoting": quoting}
        return Point(parameters=ParameterSet.model_validate(data), quantiles=tuple(quantiles))

    def _axis(self, u: Mapping[str, float], stem: str) -> list[float]:
        return [u[name] for name in self.dimensions if name.startswith(stem)]

    def _resolve(self, quantiles: Sequence[float]) -> list[float]:
        """Turn quantiles into sigmas that increase strictly even where the distribution is flat."""
        sigmas: list[float] = []
        for value in np.quantile(self._sigma, quantiles):
            least = sigmas[-1] * (1 + STEP) if sigmas else 0.0
            sigmas.append(max(float(value), least))
        return sigmas

    def _discrete(self, sigmas: Sequence[float], widths: Sequence[float]) -> dict[str, Any]:
        regimes = dict(zip((*THRESHOLDS, *SPREADS), (*sigmas, *widths), strict=True))
        return {"regimes": regimes, "spread": {"policy": "discrete"}}

    def _linear(self, sigmas: Sequence[float], widths: Sequence[float]) -> dict[str, Any]:
        """Search the curve; the regimes, which only label it, cut it at a quarter, the half and three quarters."""
        cuts = np.linspace(sigmas[0], sigmas[-1], 5)[1:4]
        heights = np.interp(cuts, sigmas, widths)
        regimes = dict(zip((*THRESHOLDS, *SPREADS), (*cuts.tolist(), *heights.tolist()), strict=True))
        points = [[s, w] for s, w in zip(sigmas, widths, strict=True)]
        return {"regimes": regimes, "spread": {"policy": "linear", "spread_curve_points": points}}


def stick_breaking(u: Sequence[float]) -> list[float]:
    """Return n increasing numbers in [0, 1]: lo += (1 - lo)·(1 - (1 - u_i)^(1/(n - i))), i from 0."""
    low, values = 0.0, []
    for i, each in enumerate(u):
        low = min(low + (1 - low) * (1 - (1 - each) ** (1 / (len(u) - i))), 1.0)
        values.append(low)
    return values


def scale(values: Sequence[float], bounds: Range) -> list[float]:
    """Map [0, 1] linearly onto `bounds`."""
    low, high = bounds
    return [low + (high - low) * value for value in values]


def geometric(value: float, bounds: Range) -> float:
    """Map [0, 1] onto `bounds` (above 0) with equal steps in the logarithm."""
    low, high = bounds
    return float(min(max(low * (high / low) ** value, low), high))

"""Thresholds given as quantiles of a window's sigmas, and the numbers that they stand for (strategy.md 3)."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from strategy.errors import Failed
from strategy.policies.parameters import ParameterSet
from strategy.policies.sections import THRESHOLDS, Regimes

STEP: Final = 1e-6  # relative distance kept between neighbouring sigmas, where quantiles coincide


def resolved(parameters: ParameterSet, sigma: NDArray[np.float64]) -> ParameterSet:
    """Return the set with numbers for its quantiles of `sigma`, and the quantiles beside them.

    `sigma` holds the window's sigmas, in any order; nan and 0 are left out. A set without quantiles comes back as it
    is. Raises Failed when no sigma is left.
    """
    quantiles = parameters.regimes.threshold_quantiles
    if quantiles is None:
        return parameters
    return _with_thresholds(parameters, sigmas_at(usable(sigma), quantiles))


def provisional(parameters: ParameterSet) -> ParameterSet:
    """Return the set with default numbers for unresolved thresholds, for work that does not look at them."""
    return parameters if parameters.regimes.resolved else _with_thresholds(parameters, Regimes().thresholds)


def usable(sigma: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sigmas that a threshold can be cut from, ascending; none is a failure."""
    known = np.sort(sigma[np.isfinite(sigma) & (sigma > 0)])
    if len(known) == 0:
        raise Failed("the training window has no sigma above 0: it is too short, or its mid never moved")
    return known


def sigmas_at(sigma: NDArray[np.float64], quantiles: Sequence[float]) -> list[float]:
    """Turn ascending quantiles into sigmas that increase strictly even where the distribution is flat."""
    found: list[float] = []
    for value in np.quantile(sigma, quantiles):
        least = found[-1] * (1 + STEP) if found else 0.0
        found.append(max(float(value), least))
    return found


def _with_thresholds(parameters: ParameterSet, thresholds: Sequence[float]) -> ParameterSet:
    data: dict[str, Any] = parameters.model_dump()
    data["regimes"] |= dict(zip(THRESHOLDS, thresholds, strict=True))
    return ParameterSet.model_validate(data)

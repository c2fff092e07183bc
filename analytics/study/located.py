"""The way back from a parameter set's ordered groups to the unit cube: where a known set lies in a search space."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analytics.study.axes import unbroken, ungeometric, unscaled
from analytics.study.search import Range, SpaceSettings
from analytics.study.searched import CURVE, CUTS, WIDTHS
from strategy.policies.parameters import ParameterSet
from strategy.policies.quantiles import resolved
from strategy.policies.sections import REGIME_SPREADS

Sample = NDArray[np.float64]


def located(
    ordered: Sequence[str], parameters: ParameterSet, sigma: Sample, settings: SpaceSettings, between: Range
) -> dict[str, float]:
    """Return the coordinates of the ordered groups that are searched; `sigma` is the set's own, ascending."""
    parameters = resolved(parameters, sigma)
    found: dict[str, float] = {}
    if CURVE in ordered:
        found |= _curve(parameters, sigma, settings, between)
    if CUTS in ordered:
        quantiles = parameters.regimes.threshold_quantiles or _ranks(sigma, parameters.regimes.thresholds)
        found |= _named("u_threshold", _cut(quantiles, settings))
    if WIDTHS in ordered:
        found |= _named("u_spread", _wide([getattr(parameters.regimes, name) for name in REGIME_SPREADS], between))
    return found


def _curve(parameters: ParameterSet, sigma: Sample, settings: SpaceSettings, between: Range) -> dict[str, float]:
    """Return a curve's coordinates; one with another number of points is read off at evenly spaced ranks."""
    points = np.array(parameters.spread["spread_curve_points"], np.float64)
    ranks = np.asarray(_ranks(sigma, points[:, 0].tolist()))
    widths = points[:, 1]
    if len(points) != settings.curve_points:
        even = np.linspace(ranks[0], ranks[-1], settings.curve_points)
        ranks, widths = even, np.interp(even, ranks, widths)
    cuts = _named("u_curve_sigma", _cut(ranks.tolist(), settings))
    return cuts | _named("u_curve_spread", _wide(widths.tolist(), between))


def _ranks(sigma: Sample, values: Sequence[float]) -> list[float]:
    """Return the quantiles that values are of a sample."""
    levels = np.linspace(0.0, 1.0, len(sigma))
    return [float(each) for each in np.interp(values, sigma, levels)]


def _cut(quantiles: Sequence[float], settings: SpaceSettings) -> list[float]:
    return unbroken(unscaled(quantiles, settings.threshold_quantiles))


def _wide(widths: Sequence[float], between: Range) -> list[float]:
    return unbroken([ungeometric(width, between) for width in widths])


def _named(stem: str, values: Sequence[float]) -> dict[str, float]:
    return {f"{stem}_{i + 1}": min(max(value, 0.0), 1.0) for i, value in enumerate(values)}

"""The search space: every point of the unit cube is a valid parameter set.

What is searched is declared where a parameter is declared, so a policy that nobody has heard of is searched like any
other. Thresholds and a curve's sigmas are searched as quantiles of the training window's sigmas.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from analytics.study.axes import Scalar, axes_of, geometric, scale, stick_breaking
from analytics.study.located import located
from analytics.study.search import Range, SpaceSettings
from analytics.study.searched import CURVE, CUTS, WIDTHS, searched
from strategy.errors import BadInput, BadParameters, Failed
from strategy.policies.dotted import QUANTILES, changed, flat
from strategy.policies.parameters import ParameterSet
from strategy.policies.quantiles import resolved, sigmas_at, usable
from strategy.policies.sections import REGIME_SPREADS, THRESHOLDS

MOVES_SIGMA: Final = ("volatility.", "quoting.min_update_interval")  # parameters that sigma depends on
PULLS: Final = (0.75, 0.5, 0.25, 0.0)  # how far a refused point is drawn towards the base set

Sample = NDArray[np.float64]
Sigmas = Callable[[ParameterSet], Sample]
Searched = tuple[dict[str, Any], list[float]]  # values by dotted name, and the quantiles their sigmas come from


class Point(BaseModel):
    """One point of the space: the parameters, what was searched of them, and the quantiles their sigmas come from."""

    model_config = ConfigDict(frozen=True)
    parameters: ParameterSet
    values: dict[str, Any]  # by dotted name, as they stand in the trials table
    quantiles: tuple[float, ...]


class Space:
    """Maps the unit cube onto parameter sets that differ from `base` in what is searched, and in nothing else."""

    def __init__(self, base: ParameterSet, sigmas: Sigmas, settings: SpaceSettings) -> None:
        """Take what gives the training window's sigmas under a set's engine; no usable one is a failure."""
        self.settings = settings
        self._sigmas = sigmas
        self._sigma = usable(sigmas(base))
        self.base = resolved(base, self._sigma)
        self._ordered, self._scalars = searched(base, settings)
        self._moves_sigma = any(each.name.startswith(MOVES_SIGMA) for each in self._scalars)
        self._start = flat(self.base)
        low, high = self._between(base)
        if {WIDTHS, CURVE} & set(self._ordered) and not low < high:
            raise BadInput(f"spread_bps {settings.spread_bps} leaves nothing between the set's floor and cap")

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Return the names of the unit cube's axes."""
        stems = [f"u_{name}_{i + 1}" for ordered in self._ordered for name, n in self._stems(ordered) for i in range(n)]
        return (*stems, *(f"u_{each.name}" for each in self._scalars))

    def point(self, u: Mapping[str, float]) -> Point:
        """Return the parameter set at `u`, which holds a number in [0, 1] for every dimension."""
        parameters = self._moved({each.name: each.at(u[f"u_{each.name}"]) for each in self._scalars})
        placed = flat(parameters)
        values = {each.name: placed[each.name] for each in self._scalars}
        sigma = self._sigma_of(parameters)
        parameters = resolved(parameters, sigma)
        quantiles: list[float] = []
        for add in (self._add_curve, self._add_regimes):
            changes, drawn = add(u, parameters, sigma)
            parameters = changed(parameters, changes) if changes else parameters
            values |= _columns(changes)
            quantiles = quantiles or drawn
        return Point(parameters=parameters, values=values, quantiles=tuple(quantiles))

    def locate(self, parameters: ParameterSet) -> dict[str, float] | None:
        """Return the point of the unit cube nearest to a set, None when it lacks something that is searched.

        What is not searched stays the base set's there; values beyond a range are drawn to its end.
        """
        known = flat(parameters)
        wanted = [each.name for each in self._scalars] + ([CURVE] if CURVE in self._ordered else [])
        if any(known.get(name) is None for name in wanted):
            return None
        if any(each.choices and known[each.name] not in each.choices for each in self._scalars):
            return None
        places = {each.name: each.place(known[each.name]) for each in self._scalars}
        between = self._between(self._moved({each.name: each.at(places[each.name]) for each in self._scalars}))
        sigma = usable(self._sigmas(parameters))  # of its own engine, which need not be the base set's
        found = located(self._ordered, parameters, sigma, self.settings, between)
        return found | {f"u_{name}": place for name, place in places.items()}

    def _stems(self, ordered: str) -> tuple[tuple[str, int], ...]:
        if ordered == CURVE:
            return ("curve_sigma", self.settings.curve_points), ("curve_spread", self.settings.curve_points)
        return (("threshold" if ordered == CUTS else "spread", 3),)

    def _moved(self, values: Mapping[str, Any]) -> ParameterSet:
        """Return the base set with values, drawn towards the base until the policies' own rules accept them."""
        try:
            return changed(self.base, values)
        except BadParameters:
            for share in PULLS:
                try:
                    return changed(self.base, {each.name: self._pulled(each, values, share) for each in self._scalars})
                except BadParameters:
                    continue
        raise Failed(f"nothing around the base set is valid in {', '.join(sorted(values))}")

    def _pulled(self, each: Scalar, values: Mapping[str, Any], share: float) -> Any:
        start, value = self._start[each.name], values[each.name]
        if each.choices or start is None or share == 0:
            return start if share == 0 else value
        value = start + share * (value - start)
        return round(value) if each.whole else value

    def _sigma_of(self, parameters: ParameterSet) -> Sample:
        """Return the sigmas of a point's own engine; those of the base set's where it gives none."""
        if not self._moves_sigma:
            return self._sigma
        try:
            return usable(self._sigmas(parameters))
        except Failed:
            return self._sigma

    def _between(self, parameters: ParameterSet) -> Range:
        """Return the widths that may be searched, within the set's floor and cap."""
        low, high = self.settings.spread_bps
        low = min(max(parameters.quoting.spread_floor_bps, low), parameters.quoting.spread_cap_bps)
        return low, max(low, min(parameters.quoting.spread_cap_bps, high))

    def _quantiles(self, u: Mapping[str, float], stem: str) -> list[float]:
        return scale(stick_breaking(axes_of(u, stem)), self.settings.threshold_quantiles)

    def _widths(self, u: Mapping[str, float], stem: str, parameters: ParameterSet) -> list[float]:
        between = self._between(parameters)
        return [geometric(value, between) for value in stick_breaking(axes_of(u, stem))]

    def _add_curve(self, u: Mapping[str, float], parameters: ParameterSet, sigma: Sample) -> Searched:
        """Return the curve at `u` and regimes that label it: cut at a quarter, the half and three quarters of it.

        Thresholds that the base set has as quantiles stay where those are.
        """
        if CURVE not in self._ordered:
            return {}, []
        quantiles = self._quantiles(u, "u_curve_sigma")
        sigmas, widths = sigmas_at(sigma, quantiles), self._widths(u, "u_curve_spread", parameters)
        cuts = np.linspace(sigmas[0], sigmas[-1], 5)[1:4].tolist()
        if parameters.regimes.threshold_quantiles is not None:
            cuts = list(parameters.regimes.thresholds)
        points = [[s, w] for s, w in zip(sigmas, widths, strict=True)]
        changes = {CURVE: points} | _named(REGIME_SPREADS, np.interp(cuts, sigmas, widths).tolist())
        if parameters.regimes.threshold_quantiles is None:
            changes |= _named(THRESHOLDS, cuts)
        return changes, quantiles

    def _add_regimes(self, u: Mapping[str, float], parameters: ParameterSet, sigma: Sample) -> Searched:
        """Return thresholds and regime spreads at `u`, where they are switched on."""
        changes: dict[str, Any] = {}
        quantiles: list[float] = []
        if CUTS in self._ordered:
            quantiles = self._quantiles(u, "u_threshold")
            changes = _named(THRESHOLDS, sigmas_at(sigma, quantiles)) | {QUANTILES: quantiles}
        if WIDTHS in self._ordered:
            changes |= _named(REGIME_SPREADS, self._widths(u, "u_spread", parameters))
        return changes, quantiles


def _named(names: Sequence[str], values: Sequence[float]) -> dict[str, Any]:
    return {f"regimes.{name}": value for name, value in zip(names, values, strict=True)}


def _columns(changes: Mapping[str, Any]) -> dict[str, float]:
    """Return changes as flat numbers: a list's items are numbered from 1, a curve's told apart by what they are."""
    found: dict[str, float] = {}
    for name, value in changes.items():
        if name == CURVE:
            found |= _numbered(f"{CURVE}.sigma", [sigma for sigma, _ in value])
            found |= _numbered(f"{CURVE}.bps", [bps for _, bps in value])
        else:
            found |= _numbered(name, value) if isinstance(value, list) else {name: float(value)}
    return found


def _numbered(name: str, values: Sequence[float]) -> dict[str, float]:
    return {f"{name}.{i + 1}": float(value) for i, value in enumerate(values)}

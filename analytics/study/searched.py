"""Which of a set's parameters a study searches: what the settings name, as far as the set's own policies have it."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final

from analytics.study.axes import Scalar, scalar
from analytics.study.search import SpaceSettings
from strategy.errors import BadInput
from strategy.policies.dotted import declared, models
from strategy.policies.parameters import ParameterSet

CUTS: Final = "regimes.thresholds"
WIDTHS: Final = "regimes.spreads"
CURVE: Final = "spread.spread_curve_points"
ORDERED: Final = (CUTS, WIDTHS, CURVE)


def searched(base: ParameterSet, settings: SpaceSettings) -> tuple[tuple[str, ...], tuple[Scalar, ...]]:
    """Return the ordered groups that are searched, and the axes of every other searched parameter.

    A name that the set does not have is bad input, and so is a range of a parameter that is not searched.
    """
    names = _matched(base, settings)
    for name in settings.ranges:
        if name not in names:
            raise BadInput(f"calibrate.search.ranges named {name}, which is not searched")
    if not names:
        raise BadInput(f"calibrate.search.parameters were {', '.join(settings.parameters)}: nothing matches")
    plain = [name for name in declared(base) if name in names and name not in ORDERED]
    return tuple(name for name in ORDERED if name in names), _scalars(base, plain, settings)


def _matched(base: ParameterSet, settings: SpaceSettings) -> set[str]:
    wanted = [_named(base, settings, each, "parameters") for each in settings.parameters]
    unwanted = [_named(base, settings, each, "without") for each in settings.without]
    return set[str]().union(*wanted).difference(*unwanted)


def _named(base: ParameterSet, settings: SpaceSettings, wanted: str, where: str) -> set[str]:
    """Return what one entry of the settings stands for."""
    known = declared(base)
    if "*" in wanted:
        ranged = [name for name, each in known.items() if each.search is not None or name in settings.ranges]
        found = {name for name in (*ranged, CUTS, WIDTHS) if fnmatchcase(name, wanted)}
        return found | (set(_shape(base)) if wanted == "spread.*" else set())
    if wanted in known or wanted in ORDERED[:2]:
        return {wanted}
    raise BadInput(f"calibrate.search.{where} named {wanted}, which the set does not have")


def _shape(base: ParameterSet) -> tuple[str, ...]:
    """Return the ordered groups that shape the set's widths: the curve, or the regimes of a policy without fields."""
    fields = set(base.spread) - {"policy"}
    if CURVE.rpartition(".")[2] in fields:
        return (CURVE,)
    return () if fields else (CUTS, WIDTHS)


def _scalars(base: ParameterSet, names: Sequence[str], settings: SpaceSettings) -> tuple[Scalar, ...]:
    known, parts = declared(base), dict(models(base))
    found = []
    for name in names:
        part, _, field = name.rpartition(".")
        found.append(scalar(name, known[name], parts[part].model_fields[field].metadata, settings.ranges.get(name)))
    return tuple(found)

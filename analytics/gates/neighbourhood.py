"""Neighbours of a parameter set: an edge that a small move of one number destroys was luck, or will not last."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import numpy as np

from analytics.study.searched import CURVE
from strategy.errors import BadParameters
from strategy.policies.dotted import changed, flat
from strategy.policies.parameters import ParameterSet

ATTEMPTS: Final = 10  # draws tried for each one wanted
CURVE_COLUMNS: Final = ("sigma", "bps")  # the coordinates of a curve's points, as the trials table names them


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A set beside another one; `label` says which numbers were moved, and how far."""

    label: str
    parameters: ParameterSet


def neighbours(
    parameters: ParameterSet, names: Iterable[str], step: float, draws: int, seed: int
) -> tuple[Neighbour, ...]:
    """Return the valid sets with one of the named numbers `step` (a share of it) lower or higher, and joint draws.

    `names` are columns of the trials table: those that hold no number, or are worked out from others, stay. A whole
    number moves by at least 1. A draw moves every number at once, each by its own share within ± `step`. A set that the
    policies' rules refuse, or that a move leaves as it was, is no neighbour; of draws others then take its place.
    """
    values = movable(parameters, names)
    single = ((f"{name} {share:+.0%}", {name: share}) for name in values for share in (-step, step))
    shares = np.random.default_rng(seed).uniform(-step, step, (ATTEMPTS * draws if values else 0, len(values)))
    drawn = _valid(parameters, values, ((f"draw {i + 1}", _named(values, row)) for i, row in enumerate(shares)))
    return (*_valid(parameters, values, single), *islice(drawn, draws))


def _named(values: Mapping[str, float], row: Any) -> dict[str, float]:
    return dict(zip(values, row.tolist(), strict=True))


def _valid(
    parameters: ParameterSet, values: Mapping[str, float], moves: Iterable[tuple[str, dict[str, float]]]
) -> Iterator[Neighbour]:
    for label, shares in moves:
        found = _moved(parameters, values, shares)
        if found is not None and found != parameters:
            yield Neighbour(label, found)


def movable(parameters: ParameterSet, names: Iterable[str]) -> dict[str, float]:
    """Return the numbers among the named columns by name, a curve's coordinates one by one."""
    known = flat(parameters)
    points = known.get(CURVE) or []
    known |= {
        f"{CURVE}.{column}.{i + 1}": point[place]
        for i, point in enumerate(points)
        for place, column in enumerate(CURVE_COLUMNS)
    }
    return {name: known[name] for name in names if _is_number(known.get(name))}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value != 0


def _moved(parameters: ParameterSet, values: Mapping[str, float], shares: Mapping[str, float]) -> ParameterSet | None:
    """Return the set with numbers moved by their shares; None where the policies refuse it."""
    moved = {name: _shifted(values[name], share) for name, share in shares.items()}
    try:
        return changed(parameters, _settable(parameters, moved))
    except BadParameters:
        return None


def _shifted(value: float, share: float) -> float:
    if not isinstance(value, int):
        return value * (1.0 + share)
    least: Callable[[float], float] = np.ceil if share > 0 else np.floor
    return int(least(value * (1.0 + share)))


def _settable(parameters: ParameterSet, moved: Mapping[str, float]) -> dict[str, Any]:
    """Return moved numbers as `changed` takes them: a curve as a whole."""
    plain = {name: value for name, value in moved.items() if not name.startswith(f"{CURVE}.")}
    if len(plain) == len(moved):
        return plain
    points: Sequence[Sequence[float]] = flat(parameters)[CURVE]
    curve = [
        [moved.get(f"{CURVE}.{column}.{i + 1}", point[place]) for place, column in enumerate(CURVE_COLUMNS)]
        for i, point in enumerate(points)
    ]
    return plain | {CURVE: curve}

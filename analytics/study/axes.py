"""From numbers in [0, 1] to a parameter's values: one axis of the search space a parameter, or an ordered group.

Ordered values are built by stick-breaking: u in [0, 1]^n becomes n increasing numbers that are distributed as order
statistics when u is uniform, so no trial is ever rejected for its order.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import TypeAdapter, ValidationError

from analytics.study.search import Range
from strategy.errors import BadInput
from strategy.policies.faults import one_line
from strategy.policies.fields import Scale, Setting

LINEAR: Final = "linear"


@dataclass(frozen=True, slots=True)
class Scalar:
    """One searched parameter: a range of numbers, or a list of choices."""

    name: str
    span: Range
    scale: Scale
    whole: bool
    choices: tuple[Any, ...] = ()

    def at(self, u: float) -> Any:
        """Return the value at `u` in [0, 1]."""
        if self.choices:
            return self.choices[min(int(u * len(self.choices)), len(self.choices) - 1)]
        value = scale([u], self.span)[0] if self.scale == LINEAR else geometric(u, self.span)
        return round(value) if self.whole else value

    def place(self, value: Any) -> float:
        """Return where in [0, 1] a value lies; one outside the range lies at its end."""
        if self.choices:
            return (self.choices.index(value) + 0.5) / len(self.choices)
        return unscaled([value], self.span)[0] if self.scale == LINEAR else ungeometric(value, self.span)


def scalar(name: str, declared: Setting, checks: Any, span: Range | None) -> Scalar:
    """Return the axis of one declared parameter; `span` replaces its declared range.

    `checks` are the field's own bounds (pydantic metadata): a range that they refuse is bad input.
    """
    kind = _without_none(declared.annotation)
    if kind is bool or get_origin(kind) is Literal:
        choices = (False, True) if kind is bool else get_args(kind)
        return Scalar(name, (0.0, 1.0), LINEAR, False, choices)
    if kind not in (int, float):
        raise BadInput(f"{name} cannot be searched: it is neither a number nor a choice")
    ends = span or declared.search
    if ends is None:
        raise BadInput(f"{name} has no declared search range: give it one in [calibrate.search.ranges]")
    if declared.scale != LINEAR and ends[0] <= 0:
        raise BadInput(f"the search range of {name} started at {ends[0]}, it is searched on a logarithmic scale")
    found = Scalar(name, ends, declared.scale, kind is int)
    _check(found, kind, checks)
    return found


def _check(found: Scalar, kind: Any, checks: Sequence[Any]) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[(kind, *checks)] if checks else kind)
    for u in (0.0, 1.0):
        try:
            adapter.validate_python(found.at(u))
        except ValidationError as error:
            raise BadInput(f"the search range of {one_line(error, within=found.name)}") from error


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, UnionType):
        kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
        return kinds[0] if len(kinds) == 1 else annotation
    return annotation


def axes_of(u: Mapping[str, float], stem: str) -> list[float]:
    """Return the coordinates of an ordered group, in its order."""
    count = sum(name.startswith(f"{stem}_") for name in u)
    return [u[f"{stem}_{i + 1}"] for i in range(count)]


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
    return [min(max(low + (high - low) * value, low), high) for value in values]


def geometric(value: float, bounds: Range) -> float:
    """Map [0, 1] onto `bounds` (above 0) with equal steps in the logarithm."""
    low, high = bounds
    return min(max(low * math.pow(high / low, value), low), high)


def unbroken(values: Sequence[float]) -> list[float]:
    """Return the u that `stick_breaking` makes ascending values in [0, 1] of; one below its neighbour is lifted."""
    low, u = 0.0, []
    for i, each in enumerate(values):
        value = max(each, low)
        u.append(1 - ((1 - value) / (1 - low)) ** (len(values) - i) if low < 1 else 0.0)
        low = value
    return u


def unscaled(values: Sequence[float], bounds: Range) -> list[float]:
    """Map `bounds` linearly onto [0, 1], values outside onto its ends."""
    low, high = bounds
    return [min(max((value - low) / (high - low), 0.0), 1.0) for value in values]


def ungeometric(value: float, bounds: Range) -> float:
    """Map `bounds` (above 0) onto [0, 1] with equal steps in the logarithm, values outside onto its ends."""
    low, high = bounds
    return math.log(min(max(value, low), high) / low) / math.log(high / low)

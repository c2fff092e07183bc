"""Numbers of other people's files as plain decimal strings, and the step that they are multiples of."""

import math
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final

from strategy.errors import BadData
from strategy.venues.units import common_step

_DIGITS: Final = 15  # every decimal of at most 15 digits survives a binary double, so the others are noise


@lru_cache(maxsize=1 << 16)
def from_double(value: float) -> str:
    """Return the decimal that a double was written for: 0.1 + 0.2 is 0.3; BadData when it is not finite."""
    if not math.isfinite(value):
        raise BadData(f"{value} is not a number")
    return _plain(f"{value:.{_DIGITS}g}")


def from_text(text: str) -> str:
    """Return a decimal string without exponent; what is no number is left for the units to refuse."""
    return _plain(text) if "e" in text or "E" in text else text


def from_value(value: Any) -> str:
    """Return a cell of a typed table as a decimal string."""
    if isinstance(value, float):
        return from_double(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, int | str) and not isinstance(value, bool):
        return from_text(str(value))
    raise BadData(f"{value!r} is not a number")


def _plain(text: str) -> str:
    try:
        return format(Decimal(text), "f")
    except InvalidOperation as error:
        raise BadData(f"{text!r} is not a number") from error


class Finest:
    """The value with the most decimal places so far: all that is needed of a long file to know its step."""

    def __init__(self, name: str) -> None:
        """Begin with nothing; `name` is how errors call the step."""
        self._name = name
        self._finest = ""
        self._places = -1

    def add(self, text: str) -> None:
        """Look at one decimal string."""
        fraction = text.partition(".")[2].rstrip("0")
        if len(fraction) > self._places and text.strip("0."):
            self._finest, self._places = text, len(fraction)

    def step(self) -> str:
        """Return the largest power of ten of which all values are multiples, at most 1; BadData without values.

        Round numbers over 1 in one file say nothing about the next one.
        """
        step = common_step({self._finest} if self._finest else set(), self._name)
        return step if Decimal(step) < 1 else "1"

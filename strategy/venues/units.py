"""Decimal strings to integer ticks and lots and back, exactly: no binary float stands between venue and lake."""

from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Final

from strategy.errors import BadData

_PLACES: Final = 8  # what Binance prints; longer fractions take the slow way
_REMEMBERED: Final = 1 << 12  # decimal strings a grid remembers the steps of: a market repeats itself
_LARGEST: Final = 2**63 - 1  # what the lake's columns hold


class Grid:
    """Multiples of one step, such as a tick size."""

    __slots__ = ("_counted", "_places", "_step", "name", "step")

    def __init__(self, name: str, step: str) -> None:
        """Take the step as a decimal string > 0; `name` is how errors call it (`tick_size`, `lot_size`)."""
        self.name = name
        self.step = step
        exact = _decimal(step, name)
        if exact <= 0:
            raise BadData(f"{name} was {step!r}, it must be over 0")
        self._places = max(_PLACES, -_exponent(exact))
        self._step = int(exact.scaleb(self._places))
        self._counted = lru_cache(_REMEMBERED)(self._count)

    def count(self, text: str) -> int:
        """Return how many steps a decimal string is; BadData when it is negative, no number, or off the grid."""
        try:
            return self._counted(text)
        except TypeError as error:  # a list or an object, which nothing can be remembered by
            raise BadData(f"{text!r} is not a decimal string") from error

    def _count(self, text: str) -> int:
        try:
            whole, _, fraction = text.partition(".")
            digits = whole + fraction
            if len(fraction) != self._places:
                digits = whole + fraction.rstrip("0").ljust(self._places, "0")
            if not (whole and digits.isdecimal() and digits.isascii() and len(digits) - len(whole) == self._places):
                raise BadData(f"{text!r} is not a decimal of at most {self._places} places")
        except AttributeError as error:
            raise BadData(f"{text!r} is not a decimal string") from error
        steps, rest = divmod(int(digits), self._step)
        if rest:
            raise BadData(f"{text} is not a multiple of {self.name} {self.step}")
        if steps > _LARGEST:
            raise BadData(f"{text} is more than {self.text(_LARGEST)}, the most that can be kept")
        return steps

    def text(self, steps: int) -> str:
        """Return so many steps as a decimal string without trailing zeros."""
        sign = "-" if steps < 0 else ""
        digits = str(abs(steps) * self._step).rjust(self._places + 1, "0")
        fraction = digits[-self._places :].rstrip("0")
        return sign + digits[: -self._places] + (f".{fraction}" if fraction else "")


class Units:
    """The two grids of one symbol."""

    __slots__ = ("_lot", "_tick", "lots", "ticks")

    def __init__(self, tick_size: str, lot_size: str) -> None:
        """Take both sizes as decimal strings."""
        self._tick = Grid("tick_size", tick_size)
        self._lot = Grid("lot_size", lot_size)
        self.ticks = self._tick.count
        self.lots = self._lot.count

    @property
    def tick_size(self) -> str:
        """Return the price step."""
        return self._tick.step

    @property
    def lot_size(self) -> str:
        """Return the quantity step."""
        return self._lot.step

    def price(self, ticks: int) -> str:
        """Return a price in ticks as a decimal string."""
        return self._tick.text(ticks)

    def qty(self, lots: int) -> str:
        """Return a quantity in lots as a decimal string."""
        return self._lot.text(lots)


def common_step(texts: set[str], name: str) -> str:
    """Return the largest power of ten of which every decimal string is a multiple.

    A venue's steps are powers of ten, and their greatest common divisor over a short recording is a chance multiple.
    """
    values = [_decimal(text, name) for text in texts]
    if not any(values):
        raise BadData(f"{name} cannot be inferred: no value over 0")
    places = max((-_exponent(value) for value in values if value), default=0)
    return format(Decimal(1).scaleb(-places), "f")


def _exponent(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def _decimal(text: str, name: str) -> Decimal:
    try:
        value = Decimal(text)
    except (InvalidOperation, TypeError) as error:
        raise BadData(f"{name} was {text!r}, it must be a decimal string") from error
    if not value.is_finite():
        raise BadData(f"{name} was {text!r}, it must be finite")
    return value

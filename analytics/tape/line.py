"""What may be said of the line to a venue: `recorded[:DAY[..DAY]]`, or two constants, `ENTRY_MS,RESPONSE_MS`."""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from strategy.errors import BadInput

_RECORDED: Final = "recorded"
_FORMS: Final = "recorded, recorded:2026-01-31, recorded:2026-01-30..2026-01-31 or ENTRY_MS,RESPONSE_MS like 8,5.5"
_DAY_FORMS: Final = "a UTC day or two, like 2026-01-31 or 2026-01-30..2026-01-31"
_LONGEST_MS: Final = 60_000.0


@dataclass(frozen=True, slots=True)
class Days:
    """UTC days, both inclusive."""

    first: date
    last: date

    @classmethod
    def within(cls, start_ns: int, end_ns: int) -> "Days":
        """Return the days that a window of receive time (ns, both ends inclusive) touches."""
        return cls(*(datetime.fromtimestamp(ns // 1_000_000_000, UTC).date() for ns in (start_ns, end_ns)))

    def __str__(self) -> str:
        """Return the days as they are written after `recorded:`."""
        return f"{self.first}" if self.first == self.last else f"{self.first}..{self.last}"


@dataclass(frozen=True, slots=True)
class Recorded:
    """Latencies drawn from recorded round trips; without days from those of the window that is replayed."""

    days: Days | None = None

    def __str__(self) -> str:
        """Return the text that reads as this."""
        return _RECORDED if self.days is None else f"{_RECORDED}:{self.days}"


@dataclass(frozen=True, slots=True)
class Constant:
    """The same latency for every request, and for every answer."""

    entry_ns: int
    response_ns: int

    def __str__(self) -> str:
        """Return the text that reads as this."""
        return f"{self.entry_ns / 1e6:.15g},{self.response_ns / 1e6:.15g}"


def read_line(text: str, name: str = "latency") -> Recorded | Constant:
    """Read what is said of a line; BadInput says the forms, and by `name` where it was said."""
    kind, _, days = text.partition(":")
    if kind == _RECORDED:
        return Recorded(_days(text, days, name, _FORMS)) if days or ":" in text else Recorded()
    try:
        entry, response = (float(part) for part in text.split(","))
    except ValueError:
        raise _wrong(text, name, _FORMS) from None
    if not all(math.isfinite(ms) and 0 <= ms <= _LONGEST_MS for ms in (entry, response)):
        raise BadInput(f"{name} was {text!r}: both are ms from 0 to {_LONGEST_MS:.0f}")
    return Constant(round(entry * 1e6), round(response * 1e6))


def read_days(text: str, name: str) -> Days:
    """Read one UTC day, or the first and the last of several; BadInput says by `name` where it was said."""
    return _days(text, text, name, _DAY_FORMS)


def _days(text: str, days: str, name: str, forms: str) -> Days:
    first, dots, last = days.partition("..")
    try:
        found = Days(date.fromisoformat(first), date.fromisoformat(last if dots else first))
    except ValueError:
        raise _wrong(text, name, forms) from None
    if found.first > found.last:
        raise BadInput(f"{name} was {text!r}: the first day must not be after the last")
    return found


def _wrong(text: str, name: str, forms: str) -> BadInput:
    return BadInput(f"{name} was {text!r}: write {forms}")

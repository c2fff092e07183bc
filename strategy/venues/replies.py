"""Reading a venue's replies: one that is no reply (a page, a field missing) leaves the outcome unknown."""

from collections.abc import Callable
from typing import Any, TypeVar

from strategy.errors import BadData, OutcomeUnknown
from strategy.venues.ccxt_venue import redacted

Read = TypeVar("Read")


def read(reading: Callable[[], Read], request: str) -> Read:
    """Return what a reply says; OutcomeUnknown when it cannot be read."""
    try:
        return reading()
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, ArithmeticError, BadData) as error:
        raise OutcomeUnknown(f"{request}: the reply was not understood ({redacted(error)})") from None


def rows(reply: Any, request: str) -> list[Any]:
    """Return a list that was asked for; an object without rows is no empty list."""
    if not isinstance(reply, list):
        raise OutcomeUnknown(f"{request}: the reply was not understood (no list)")
    return reply

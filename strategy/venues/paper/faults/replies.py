"""Requests that are answered with something else than their result."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from strategy.venues.paper.faults.menu import Error, Html, ReplyFault
from strategy.venues.paper.refusals import Refusal

BAN_S: Final = 120.0
PAGE: Final = (
    "<!DOCTYPE html><html><head><title>{status}</title></head><body><h1>{status}</h1><p>The page that you asked for"
    " is not available. Please try again later.</p></body></html>"
)


@dataclass(slots=True)
class _Waiting:
    fault: ReplyFault
    left: int
    until: float | None


class ReplyFaults:
    """The faults that wait for a request."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin without any; `clock` counts seconds."""
        self._clock = clock
        self._waiting: list[_Waiting] = []

    def clear(self) -> None:
        """Forget all of them."""
        self._waiting.clear()

    def add(self, fault: ReplyFault) -> None:
        """Let a fault wait behind those that wait already."""
        seconds = fault.seconds if isinstance(fault, Error) else None
        until = None if seconds is None else self._clock() + seconds
        self._waiting.append(_Waiting(fault, fault.count, until))

    def __len__(self) -> int:
        """Return how many wait."""
        self._waiting = [each for each in self._waiting if each.until is None or self._clock() < each.until]
        return len(self._waiting)

    def meet(self, operation: str) -> ReplyFault | None:
        """Return the first fault that waits for a request for an operation, and count it."""
        if not len(self):
            return None
        found = next((each for each in self._waiting if each.fault.meets(operation)), None)
        if found is None:
            return None
        if found.until is None:
            found.left -= 1
            if not found.left:
                self._waiting.remove(found)
        return found.fault


def refusal(fault: Error, now_ns: int) -> Refusal:
    """Return the venue's refusal that an error stands for."""
    known = fault.known()
    until_ms = now_ns // 1_000_000 + int(1_000 * (fault.seconds or BAN_S))
    return Refusal(known.code, known.text.replace("{until}", str(until_ms)), known.status)


def retry_after_s(fault: Error) -> int | None:
    """Return the seconds that a limit asks to wait, None where the error is of another kind."""
    status = fault.known().status
    if status == 418:
        return int(fault.seconds or BAN_S)
    return 10 if status == 429 else None


def page(fault: Html) -> str:
    """Return the page that stands where JSON is due."""
    return PAGE.format(status=fault.status)

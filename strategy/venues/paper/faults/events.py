"""The user stream's way to its listeners, and what can happen to an event on it."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

UserEvent = dict[str, Any]
Later = Callable[[float, Callable[[], None]], object]
REPORTS: Final = ("executionReport", "ORDER_TRADE_UPDATE")  # spot's and futures' news of an order
MOST_HELD_S: Final = 5.0  # a report that waits for another one to overtake it waits no longer


def _later(seconds: float, call: Callable[[], None]) -> object:
    return asyncio.get_running_loop().call_later(seconds, call)


class EventFaults:
    """Pass events on in order, unless one is lost, late, sent twice or overtaken."""

    def __init__(
        self,
        deliver: Callable[[UserEvent], None],
        clock: Callable[[], float] = time.monotonic,
        later: Later = _later,
    ) -> None:
        """Pass everything to `deliver`; `clock` counts seconds, `later` calls after so many."""
        self._deliver, self._clock, self._later = deliver, clock, later
        self._line: deque[tuple[float, UserEvent]] = deque()  # (due, event), due never falling
        self._free_at = 0.0
        self._held: UserEvent | None = None
        self.clear()

    def clear(self) -> None:
        """Let what comes from now on pass; what is late already stays late."""
        self._deaf_until = self._delay_s = 0.0
        self._late = self._twice = self._swap = 0

    def deaf(self, seconds: float) -> None:
        """Lose everything for so long."""
        self._deaf_until = self._clock() + seconds

    def delay(self, seconds: float, count: int) -> None:
        """Hold the next reports back, and everything behind them."""
        self._delay_s, self._late = seconds, count

    def duplicate(self, count: int) -> None:
        """Send the next reports twice."""
        self._twice += count

    def reorder(self, count: int) -> None:
        """Let the next report come behind the one after it, so many times."""
        self._swap += count

    def tell(self, event: UserEvent) -> None:
        """Take one event of the account."""
        if self._clock() < self._deaf_until:
            return
        if event["e"] not in REPORTS:
            self._send(event)
            return
        if self._swap and self._held is None:
            self._swap -= 1
            self._held = event
            self._later(MOST_HELD_S, lambda: self._release(event))
            return
        self._report(event)
        if self._held is not None:
            self._release(self._held)

    def _release(self, held: UserEvent) -> None:
        if self._held is held:
            self._held = None
            self._report(held)

    def _report(self, event: UserEvent) -> None:
        if self._late:
            self._late -= 1
            self._free_at = self._clock() + self._delay_s
        for _ in range(2 if self._twice else 1):
            self._send(event)
        self._twice -= self._twice > 0

    def _send(self, event: UserEvent) -> None:
        now = self._clock()
        if not self._line and self._free_at <= now:
            self._deliver(event)
            return
        due = max([self._free_at, now, *(at for at, _ in list(self._line)[-1:])])
        self._line.append((due, event))
        self._later(due - now, self._drain)

    def _drain(self) -> None:
        while self._line and self._line[0][0] <= self._clock():
            self._deliver(self._line.popleft()[1])
        if self._line:
            self._later(self._line[0][0] - self._clock(), self._drain)

"""The venue's dead man's switch: orders go by themselves unless their owner keeps saying that he lives."""

from strategy.venues.paper.desk import Desk
from strategy.venues.paper.engine import Engine
from strategy.venues.paper.orders import MS


class Countdown:
    """At its end every open order is cancelled; each new one replaces the last, and 0 ends it."""

    def __init__(self, engine: Engine, desk: Desk) -> None:
        """Stand still, until asked."""
        self._engine, self._desk = engine, desk
        self._ends_ns = 0

    @property
    def left_ms(self) -> int:
        """Return how long it still runs, 0 while it stands still."""
        return max(self._ends_ns - self._engine.now_ns, 0) // MS

    def begin(self, ms: int) -> None:
        """Run for so long from now on, or with 0 not at all."""
        self._ends_ns = self._engine.now_ns + ms * MS if ms else 0

    def look(self) -> None:
        """Cancel everything once the time is over."""
        if not 0 < self._ends_ns <= self._engine.now_ns:
            return
        self._ends_ns = 0
        if self._desk.open_orders():
            self._desk.cancel_all(lambda: "countdown")

"""An event loop whose clock jumps to the next timer instead of waiting for it: minutes of a market in a second."""

import asyncio
import selectors
from typing import Any


class _Unwaiting(selectors.DefaultSelector):  # type: ignore[misc,valid-type]
    """A selector that lets no time pass, and tells its loop how much it was asked to wait."""

    loop: "JumpingLoop"

    def select(self, timeout: float | None = None) -> list[Any]:
        """Return what is ready now; without anything, the loop's clock moves on."""
        ready = super().select(0)
        if not ready and timeout:
            self.loop.now += timeout
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """Time begins at 0 and passes only where every task waits for it."""

    def __init__(self) -> None:
        """Start at 0."""
        self.now = 0.0
        selector = _Unwaiting()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        """Return the time since the start, in seconds."""
        return self.now

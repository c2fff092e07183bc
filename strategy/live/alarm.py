"""One moment to come back at in the event loop; what goes wrong then is told, for a timer has no caller."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

_SOONEST_SECONDS: Final = 0.001


class Alarm:
    """A timer that is set anew each time; only the last setting counts."""

    def __init__(
        self, ring: Callable[[], None], failed: Callable[[Exception], None], now: Callable[[], int] = time.time_ns
    ) -> None:
        """Begin unset; `ring` is called when it is time, `failed` with what that raises."""
        self._ring, self._failed, self._now = ring, failed, now
        self._handle: asyncio.TimerHandle | None = None

    def set(self, at_ns: int | None) -> None:
        """Ring at a time of our clock, or not at all."""
        self.cancel()
        if at_ns is not None:
            delay_s = max((at_ns - self._now()) / 1e9, _SOONEST_SECONDS)
            self._handle = asyncio.get_running_loop().call_later(delay_s, self._due)

    def cancel(self) -> None:
        """Do not ring."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _due(self) -> None:
        self._handle = None
        try:
            self._ring()
        except Exception as error:  # noqa: BLE001 (see the module)
            self._failed(error)

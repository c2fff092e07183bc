"""Which streams of a connection have fallen silent without the connection noticing."""

import time
from collections.abc import Callable, Iterable
from typing import Final

_QUIET_FACTOR: Final = 4.0  # a stream that may be quiet by nature is given so much longer at first
_PAUSE_FACTOR: Final = 10.0  # and so many times its longest pause so far


class Silence:
    """Watch every stream on its own; times are seconds of a clock that never jumps.

    `steady` must speak every `seconds`. The others may be quiet by nature, so each learns its limit: ten times its
    longest pause within a connection, at least four times `seconds`, and doubled by every alarm that a reconnect did
    not end. A stream that is quiet for an hour each night costs a few reconnects once, a muted one is found at once.
    """

    def __init__(
        self, steady: str, others: Iterable[str], seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Watch these streams from `begin` on."""
        self._steady, self._seconds, self._clock = steady, seconds, clock
        self._streams = (steady, *others)
        self._longest = dict.fromkeys(self._streams, 0.0)
        self._alarms = dict.fromkeys(self._streams, 0)
        self.begin()

    def begin(self) -> None:
        """Start anew with a connection: every stream was heard just now."""
        self._heard = dict.fromkeys(self._streams, self._clock())

    def heard(self, stream: str) -> None:
        """Take note of a frame."""
        now = self._clock()
        self._longest[stream] = max(self._longest[stream], now - self._heard[stream])
        self._heard[stream], self._alarms[stream] = now, 0

    def limit(self, stream: str) -> float:
        """Return how many seconds of silence are too many for a stream."""
        if stream == self._steady:
            return self._seconds
        usual = max(_QUIET_FACTOR * self._seconds, _PAUSE_FACTOR * self._longest[stream])
        return float(usual * 2 ** self._alarms[stream])

    def alarm(self) -> str | None:
        """Return a stream that is silent for too long, None while all is well; the caller then reconnects."""
        now = self._clock()
        for stream, heard in self._heard.items():
            if now - heard > self.limit(stream):
                self._alarms[stream] += 1
                return stream
        return None

"""Public frames that are published and reach nobody."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Final, get_args

from strategy.venues.paper.faults.menu import Stream

KINDS: Final[tuple[Stream, ...]] = get_args(Stream)


class FrameFaults:
    """Some frames of a stream left out, or a stream mute for a while."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin without any; `clock` counts seconds."""
        self._clock = clock
        self.clear()

    def clear(self) -> None:
        """Lose nothing from now on."""
        self._skip: Counter[str] = Counter()
        self._mute_until: dict[str, float] = dict.fromkeys(KINDS, 0.0)

    def skip(self, kind: Stream, count: int) -> None:
        """Leave out the next frames of a stream."""
        self._skip[kind] += count

    def mute(self, kind: Stream, seconds: float) -> None:
        """Leave out every frame of a stream for so long."""
        self._mute_until[kind] = self._clock() + seconds

    def loses(self, kind: str) -> bool:
        """Say whether the next frame of a stream is left out."""
        if self._clock() < self._mute_until[kind]:
            return True
        lost = self._skip[kind] > 0
        self._skip[kind] -= lost
        return lost

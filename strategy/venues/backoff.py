"""Growing pauses between attempts, with jitter, so that many recorders do not come back in one moment."""

import random
from typing import Final

LONGEST_SECONDS: Final = 10.0


class Backoff:
    """Double the pause with every failure; an attempt that lasted long enough begins from the shortest again."""

    def __init__(self, first_s: float, draws: random.Random | None = None, longest_s: float = LONGEST_SECONDS) -> None:
        """Begin with `first_s`; `draws` makes the jitter, a generator of its own unless one is given."""
        self._first_s, self._longest_s = first_s, longest_s
        self._draws = draws or random.Random()
        self._pause_s = first_s

    def after(self, lasted_s: float) -> float:
        """Return how many seconds to wait after an attempt that lasted so long: half to all of the present pause."""
        healthy = lasted_s > self._longest_s
        self._pause_s = self._first_s if healthy else min(2 * self._pause_s, self._longest_s)
        return self._pause_s * self._draws.uniform(0.5, 1.0)

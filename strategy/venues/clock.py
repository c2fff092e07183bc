"""How far the venue's clock is from ours, from questions for its time."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final, NamedTuple

SAMPLES: Final = 7
JUMP_NS: Final = 250_000_000
_HALF_MS_NS: Final = 500_000  # the venue cuts its time to whole milliseconds


class Asked(NamedTuple):
    """One question for the venue's time; all in ns since the epoch, `venue_ns` cut to its milliseconds."""

    sent_ns: int
    venue_ns: int
    received_ns: int


@dataclass(frozen=True, slots=True)
class ClockEstimate:
    """Venue's clock minus ours; true to half of `rtt_ns` and half a millisecond."""

    offset_ns: int
    rtt_ns: int
    samples: int


def estimate(asked: Sequence[Asked]) -> ClockEstimate:
    """Return the median of the samples' offsets, each at the middle of its round trip, and the median round trip."""
    offsets = [each.venue_ns + _HALF_MS_NS - (each.sent_ns + each.received_ns) // 2 for each in asked]
    trips = [each.received_ns - each.sent_ns for each in asked]
    return ClockEstimate(int(median(offsets)), int(median(trips)), len(asked))


class JumpWatch:
    """Tell when our own clock has been set: it then moves otherwise than the clock that only counts."""

    def __init__(self) -> None:
        """Compare from now on."""
        self._difference_ns = self._now()

    def jumped_ns(self) -> int:
        """Return by how much our clock was set since the last call, 0 for less than a quarter of a second."""
        before, self._difference_ns = self._difference_ns, self._now()
        moved = self._difference_ns - before
        return moved if abs(moved) >= JUMP_NS else 0

    @staticmethod
    def _now() -> int:
        return time.time_ns() - time.monotonic_ns()

"""How long the venue takes to acknowledge our orders, as the quoting process itself sees it."""

from collections import deque
from typing import Final

import numpy as np

KEPT: Final = 500


class RecentTrips:
    """Round trips of the newest orders, from sent to heard of, in ns; those of unknown outcome do not count."""

    def __init__(self) -> None:
        """Begin without any."""
        self._recent: deque[int] = deque(maxlen=KEPT)

    def add(self, ns: int) -> None:
        """Take one."""
        self._recent.append(ns)

    def figures(self) -> dict[str, float | int | None]:
        """Return number, median and 99th percentile (ms, None without any), by their names in a status."""
        middle, slow = np.quantile(self._recent, (0.5, 0.99)).tolist() if self._recent else (None, None)
        return {
            "round_trips": len(self._recent),
            "round_trip_ms_p50": None if middle is None else middle / 1e6,
            "round_trip_ms_p99": None if slow is None else slow / 1e6,
        }

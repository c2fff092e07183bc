"""Where the mid went after a fill."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from strategy.replay.tape import Tape

HORIZONS_S: Final = (1, 5, 30, 60)
NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class MidPath:
    """The mid as a step function of exchange time: `mid[i]` (ticks, nan = unknown) from `ts[i]` (ns) on."""

    ts: NDArray[np.int64]
    mid: NDArray[np.float64]

    def at(self, ts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the mid at each time; nan before the first point and after the last one."""
        if len(self.ts) == 0:
            return np.full(len(ts), np.nan)
        index = np.searchsorted(self.ts, ts, side="right") - 1
        known = (index >= 0) & (ts <= self.ts[-1])
        return np.where(known, self.mid[np.maximum(index, 0)], np.nan)

    def between(self, start_ns: int, end_ns: int) -> "MidPath":
        """Return the path inside [start_ns, end_ns]: a markout by it never looks past the end of that window."""
        first = max(int(np.searchsorted(self.ts, start_ns, side="right")) - 1, 0)
        last = int(np.searchsorted(self.ts, end_ns, side="right"))
        ts, mid = self.ts[first:last], self.mid[first:last]
        if last in (0, len(self.ts)):
            return MidPath(ts, mid)
        return MidPath(np.append(ts, end_ns), np.append(mid, mid[-1]))

    def known_share(self, spans: Sequence[tuple[int, int]]) -> float:
        """Return the share of the spans' time [start, end] (ns), looked at once a second, at which the mid is known."""
        times = [np.arange(start, end + 1, NS, dtype=np.int64) for start, end in spans]
        return float(np.mean(np.isfinite(self.at(np.concatenate(times))))) if times else 1.0


def mid_path(tape: Tape) -> MidPath:
    """Return the mid after every update of a tape; unknown while a side is empty or crossed and from each gap on."""
    usable = (tape.bid_ticks > 0) & (tape.ask_ticks > tape.bid_ticks)
    mid = np.where(usable, (tape.bid_ticks + tape.ask_ticks) / 2, np.nan)
    ts = np.concatenate([tape.update_exch, tape.gap_exch])
    mid = np.concatenate([mid, np.full(len(tape.gap_exch), np.nan)])
    order = np.argsort(ts, kind="stable")
    return MidPath(ts[order], mid[order])


def realised(
    path: MidPath,
    ts: NDArray[np.int64],
    side: NDArray[np.int8],
    price: NDArray[np.int64],
    qty: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return the realised capture d·(m(t+h) - p)·q of each fill at each horizon.

    Shape (fills, horizons), in atoms; nan where the mid is not known that far ahead.
    """
    signed = side.astype(np.float64) * qty
    ahead = [path.at(ts + horizon * NS) for horizon in HORIZONS_S]
    return np.stack([signed * (mid - price) for mid in ahead], axis=1)

"""The market along a tape as a strategy of given settings sees it, whatever it quotes.

Which updates count, when the book is unknown, stale or crossed, and every sigma depend on the market and on a few
settings alone. They are worked out once, by the kernel's own functions, and shared by all replays of those settings.
"""

import math
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from strategy.kernel.records import EVENT
from strategy.kernel.state import Params, Records, State
from strategy.policies.composition import Names, compose
from strategy.replay.index import BLOCK, SPAN, Extremes, extremes
from strategy.replay.tape import I64, Tape

SAMPLING: Final = "strategy.replay.sampling"

# Points at which the market is more than one more update of a known book.
UPDATE_POINT: Final = 0
GAP_POINT: Final = 1
SILENCE_POINT: Final = 2

POINT = np.dtype(
    [
        ("ns", "i8"),  # local time
        ("kind", "i1"),
        ("responds", "i1"),  # a decision may follow
        ("have_book", "i1"),
        ("need_fresh", "i1"),
        ("crossed", "i1"),
        ("stale", "i1"),
        ("row", "i8"),  # the update, or the one that comes next
    ],
    align=True,
)

SEEN = np.dtype([("sigma", "f8"), ("accepted", "i8")])  # what is asked for together lies together

COUNTED: Final = ("crossed_books", "stale_books", "gaps")  # by the market alone; the others follow from the rows


class Track(NamedTuple):
    """Columns have a row for each update of the tape; outside the window they say nothing."""

    sigma: NDArray[np.float64]  # after the update, nan while unknown
    sigmas: Extremes  # the same; a block without any has low over high, a mixed one is unbounded
    accepted: I64  # the last update so far that the strategy took, -1 = none
    taken: I64  # how many it took so far
    seen: Records  # SEEN: what sigma and accepted are fields of
    points: Records  # POINT, in time order
    tick_ns: I64  # ticks of the sampling clock and sigma after each; empty without one
    tick_sigma: NDArray[np.float64]
    totals: I64  # of the window: COUNTED
    first_row: int  # the first update that the strategy is shown
    overflow: int  # differences that the engine's window had no room for, -1 = it does not count


class Window(NamedTuple):
    """What of a tape a track is of: its first update (which counts as fresh), first gap and end (ns, local time)."""

    first_update: int
    first_gap: int
    end_ns: int


def track_of(tape: Tape, state: State, params: Params, names: Names, window: Window) -> Track:
    """Walk the tape's updates in a window.

    `state` is a fresh one and is used up; of `params` only sampling, debouncing, silence and engine matter.
    """
    rows = len(tape.update_local)
    seen = np.zeros(rows, SEEN)
    columns = np.full(rows, math.nan), np.full(rows, -1, np.int64), np.zeros(rows, np.int64)
    found: tuple[Any, Any, Any] = np.zeros(1024, POINT), np.zeros(1024, np.int64), np.zeros(1024)
    at = np.array([window.first_update, window.first_update, window.first_gap, 0, 0, window.end_ns, -1], np.int64)
    trace = compose(SAMPLING, names).trace
    event = np.zeros(1, EVENT)
    while not trace(tape, state, params, event, at, columns, found):
        points, ticks, tick_sigma = (np.concatenate([each, np.zeros_like(each)]) for each in found)
        found = points, ticks, tick_sigma
    points, ticks, tick_sigma = found
    core, volatility = state.core[0], state.volatility
    seen["sigma"], seen["accepted"] = columns[:2]
    return Track(
        sigma=seen["sigma"],
        sigmas=sigma_extremes(columns[0]),
        accepted=seen["accepted"],
        seen=seen,
        taken=columns[2],
        points=points[: at[3]].copy(),
        tick_ns=ticks[: at[4]].copy(),
        tick_sigma=tick_sigma[: at[4]].copy(),
        totals=np.array([core[name] for name in COUNTED], np.int64),
        first_row=window.first_update,
        overflow=int(volatility[0]["overflow"]) if "overflow" in (volatility.dtype.names or ()) else -1,
    )


def sigma_extremes(sigma: NDArray[np.float64]) -> Extremes:
    """Return sigma with its extremes by block: low over high where none is known, unbounded where only some are."""
    nothing = np.isnan(sigma)
    by_row = extremes(np.where(nothing, math.inf, sigma), np.where(nothing, -math.inf, sigma))
    blocks = []
    for size, low, high in ((BLOCK, by_row.low_16, by_row.high_16), (SPAN, by_row.low_256, by_row.high_256)):
        starts = np.arange(0, len(sigma), size)
        missing = np.add.reduceat(nothing, starts) if len(sigma) else np.zeros(0, np.int64)
        mixed = (missing > 0) & np.isfinite(low)
        blocks += [np.where(mixed, -math.inf, low), np.where(mixed, math.inf, high)]
    return Extremes(by_row.low, by_row.high, *blocks)

"""The skip driver: many parameter sets over one tape, a slice of it at a time.

All sets are taken through a slice of the tape before any goes on to the next, so that the slice stays in the
processor's cache. Sets do not see each other: results do not depend on how many there are, in which order they come or
how many threads share them.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from strategy.kernel.borrowing import kind_of, places_of
from strategy.policies.composition import has_code, policy_names
from strategy.policies.parameters import ParameterSet
from strategy.replay.exchange import CURSOR
from strategy.replay.index import NEVER, Index
from strategy.replay.market import Known, known_of
from strategy.replay.moments import bring_near
from strategy.replay.rows import FILL_ROW, SAMPLE_ROW
from strategy.replay.run import FILLS, ReplayConfig, ReplayResult, expected_samples, set_window
from strategy.replay.skip_set import LOOP, Given, Skipping
from strategy.replay.tape import Tape, TapeInfo

SLICE: Final = 8_192  # updates
TOGETHER: Final = 32  # sets a thread takes through the tape together: more hold more memory than they save
TOGETHER_LIGHT: Final = 256  # ... at most, where neither orders nor decisions are recorded: as many as fit in MEMORY
MEMORY: Final = 96 << 20  # bytes
WORTH_READING: Final = 4  # sets for which a slice is read through beforehand


def skip_many(
    tape: Tape,
    info: TapeInfo,
    sets: Sequence[ParameterSet],
    config: ReplayConfig,
    workers: int,
    index: Index | None,
) -> Iterator[ReplayResult]:
    """Yield the results of parameter sets in their order."""

    known = known_of(tape, index, history=len(sets) > 1 or any(map(may_take, sets)))

    given = Given(known, tape, info, config, {})

    def together(part: Sequence[ParameterSet]) -> list[ReplayResult]:
        return [each.result() for each in _through(known, [Skipping(given, parameters) for parameters in part])]

    size = max(1, min(together_at_most(known, config), -(-len(sets) // workers)))
    parts = [sets[first : first + size] for first in range(0, len(sets), size)]
    if workers == 1:
        for part in parts:
            yield from together(part)
        return
    with ThreadPoolExecutor(workers) as pool:
        for first in range(0, len(parts), workers):
            for results in list(pool.map(together, parts[first : first + workers])):
                yield from results


def together_at_most(known: Known, config: ReplayConfig) -> int:
    """Return how many sets a thread takes through the tape together."""
    if config.record_orders or config.record_decisions:
        return TOGETHER
    cursor = np.zeros(1, CURSOR)
    set_window(cursor[0], known.columns, config)
    size = FILLS * FILL_ROW.itemsize + expected_samples(cursor[0]) * SAMPLE_ROW.itemsize
    return max(TOGETHER, min(TOGETHER_LIGHT, MEMORY // size))


def is_compiled(parameters: ParameterSet) -> bool:
    """Return whether the loop for a set's policies is on disk, or needs no compiler."""
    return has_code(LOOP, policy_names(parameters))


def may_take(parameters: ParameterSet) -> bool:
    """Return whether a set may send orders that take: they walk a book that is put together from price histories."""
    barred = any(each is not None for each in parameters.barriers.model_dump().values())
    return barred or parameters.quoting.position_rebalance_threshold_pct is not None


class _Alike:
    """Sets that share a compiled loop, which takes them on one after the other."""

    def __init__(self, sets: Sequence[Skipping]) -> None:
        self._sets = sets
        self._ends = np.array([each.window[1] for each in sets], np.int64)
        self._markets = places_of([each.lent for each in sets])
        self._held = places_of([each.held for each in sets])

    def go_on(self, end_ns: int) -> None:
        """Replay up to a moment, or to each set's end."""
        first, sets = 0, self._sets
        while first < len(sets):
            like = sets[first]
            first = like.loop(like.lent, like.held, self._markets, self._held, self._ends, first, end_ns)
            if first < len(sets):
                sets[first].make_room()
                self._held = places_of([each.held for each in sets])


def _alike(sets: Sequence[Skipping]) -> list[_Alike]:
    """Return sets by their loops and by what they are lent as: compiled code knows one type at a place."""
    found: dict[Any, list[Skipping]] = {}
    for each in sets:
        found.setdefault((each.loop, kind_of(each.lent), kind_of(each.held)), []).append(each)
    return [_Alike(part) for part in found.values()]


def _through(known: Known, sets: Sequence[Skipping]) -> Sequence[Skipping]:
    """Take sets through the tape slice by slice."""
    near = _read_ahead(known, sets) if len(sets) >= WORTH_READING else []
    parts = _alike(sets)
    for i, end_ns in enumerate((*known.columns.update_local[SLICE::SLICE].tolist(), NEVER)):
        for lines, ends in near:
            bring_near(lines, ends[i], ends[i + 1])
        for part in parts:
            part.go_on(end_ns)
    return sets


def _read_ahead(known: Known, sets: Sequence[Skipping]) -> list[tuple[NDArray[np.uint8], list[int]]]:
    """Return what sets ask for at random places, as bytes, and where each slice of it begins; the end comes last."""
    times, trades = known.columns.update_local, known.columns.trade_local
    rows = [*range(0, max(len(times), 1), SLICE), len(times)]
    traded = [0, *np.searchsorted(trades, times[SLICE::SLICE]).tolist(), len(trades)]
    tracks = {id(each.track): each.track for each in sets}
    clocks = {known.columns.update_local.ctypes.data: known.columns.update_local}
    clocks[known.columns.update_exch.ctypes.data] = known.columns.update_exch
    by_row = [known.moments, *clocks.values(), *(track.seen for track in tracks.values())]
    found = [(known.trades, traded), *((lines, rows) for lines in by_row)]
    return [(lines.view(np.uint8), [lines.itemsize * row for row in starts]) for lines, starts in found]

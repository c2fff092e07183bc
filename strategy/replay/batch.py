"""The skip driver: many parameter sets over one tape, a slice of it at a time.

All sets are taken through a slice of the tape before any goes on to the next, so that the slice stays in the
processor's cache. Sets do not see each other: results do not depend on how many there are, in which order they come or
how many threads share them.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple

import numpy as np

from strategy.kernel.borrowing import lend
from strategy.kernel.state import Out, Params, State
from strategy.policies.composition import compose, has_code, policy_names
from strategy.policies.parameters import ParameterSet
from strategy.replay.exchange import Logs, Venue, with_room
from strategy.replay.index import Extremes, Index
from strategy.replay.market import Market, known_of, market_of
from strategy.replay.run import ReplayConfig, ReplayResult, Run, new_run, result_of
from strategy.replay.skip_end import finish
from strategy.replay.skip_market import flips_of, thin_of
from strategy.replay.skip_state import Skip, new_skip
from strategy.replay.tape import Tape, TapeInfo
from strategy.replay.track import COUNTED

LOOP: Final = "strategy.replay.skip"
SLICE: Final = 4_096  # updates
TOGETHER: Final = 32  # sets a thread takes through the tape together: more hold more memory than they save
NO_THIN: Final = Extremes(*(np.zeros(0, np.int64) for _ in Extremes._fields))


def skip_many(
    tape: Tape,
    info: TapeInfo,
    sets: Sequence[ParameterSet],
    config: ReplayConfig,
    workers: int,
    index: Index | None,
) -> Iterator[ReplayResult]:
    """Yield the results of parameter sets in their order."""

    def together(part: Sequence[ParameterSet]) -> list[ReplayResult]:
        return [each.result() for each in _through(tape, [_Skipping(tape, info, p, config, index) for p in part])]

    size = max(1, min(TOGETHER, -(-len(sets) // workers)))
    parts = [sets[first : first + size] for first in range(0, len(sets), size)]
    if workers == 1:
        for part in parts:
            yield from together(part)
        return
    with ThreadPoolExecutor(workers) as pool:
        for first in range(0, len(parts), workers):
            for results in list(pool.map(together, parts[first : first + workers])):
                yield from results


def is_compiled(parameters: ParameterSet) -> bool:
    """Return whether the loop for a set's policies is on disk, or needs no compiler."""
    return has_code(LOOP, policy_names(parameters))


class Skipped(NamedTuple):
    """All that a set's loop reads and writes."""

    market: Market
    state: State
    params: Params
    out: Out
    venue: Venue
    logs: Logs
    skip: Skip


class _Skipping:
    """One set on its way through the tape."""

    def __init__(
        self, tape: Tape, info: TapeInfo, parameters: ParameterSet, config: ReplayConfig, index: Index | None
    ) -> None:
        self._run: Run = new_run(known_of(tape, index).tape, info, parameters, config, light=True)
        cursor, params = self._run.venue.cursor[0], self._run.params
        self.window = int(cursor["start_ns"]), int(cursor["end_ns"])
        self._market: Market = market_of(tape, parameters, params, self.window, index)
        track = self._market.track
        thin = thin_of(self._market.depth, track) if params.risk[0]["min_depth_lots"] > 0 else NO_THIN
        self._skip: Skip = new_skip(track.first_row, int(cursor["local_trade"]), flips_of(track, params.risk), thin)
        self._loop: Callable[..., bool] = compose(LOOP, policy_names(parameters)).run
        self._held = self._lend()

    def go_on(self, end_ns: int) -> None:
        """Replay up to a moment."""
        run = self._run
        end = min(end_ns, self.window[1])
        while not self._loop(self._held, end):
            run.venue, run.logs = with_room(run.venue, run.logs)
            self._held = self._lend()

    def _lend(self) -> Any:
        run = self._run
        return lend(Skipped(self._market, run.state, run.params, run.out, run.venue, run.logs, self._skip))

    def result(self) -> ReplayResult:
        """Return what happened, once the window's end is reached."""
        run, market = self._run, self._market
        tape, index, track, _ = market
        finish(tape, index, track, run.state, run.venue, self._skip, int(run.params.quoting[0]["sampling_ns"]))
        counters = {name: int(total) for name, total in zip(COUNTED, track.totals, strict=True)}
        found = result_of(run)
        if track.overflow >= 0:
            counters["volatility_overflow"] = track.overflow
        found.counters.update(counters)
        return found


def _through(tape: Tape, sets: Sequence[_Skipping]) -> Sequence[_Skipping]:
    """Take sets through the tape slice by slice."""
    for end_ns in (*tape.update_local[SLICE::SLICE].tolist(), None):
        for each in sets:
            each.go_on(each.window[1] if end_ns is None else int(end_ns))
    return sets

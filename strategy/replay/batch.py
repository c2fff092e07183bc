"""The skip driver: many parameter sets over one tape, a slice of it at a time.

All sets are taken through a slice of the tape before any goes on to the next, so that the slice stays in the
processor's cache. Sets do not see each other: results do not depend on how many there are, in which order they come or
how many threads share them.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from strategy.kernel.borrowing import kind_of, lend, places_of
from strategy.kernel.records import MAX_LEVELS
from strategy.kernel.state import Out, Params, State
from strategy.policies.composition import compose, has_code, policy_names
from strategy.policies.parameters import ParameterSet
from strategy.replay.exchange import Logs, Venue, with_room
from strategy.replay.index import NEVER, Extremes, Index
from strategy.replay.market import Known, Market, known_of, lent_market, market_of
from strategy.replay.moments import bring_near
from strategy.replay.run import ReplayConfig, ReplayResult, Run, new_run, result_of
from strategy.replay.skip_end import finish
from strategy.replay.skip_market import flips_of, thin_of
from strategy.replay.skip_state import Skip, new_skip
from strategy.replay.tape import Tape, TapeInfo
from strategy.replay.track import COUNTED

LOOP: Final = "strategy.replay.skip"
SLICE: Final = 4_096  # updates
TOGETHER: Final = 32  # sets a thread takes through the tape together: more hold more memory than they save
WORTH_READING: Final = 4  # sets for which a slice is read through beforehand
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

    known = known_of(tape, index, history=len(sets) > 1 or any(map(may_take, sets)))

    def together(part: Sequence[ParameterSet]) -> list[ReplayResult]:
        return [each.result() for each in _through(known, [_Skipping(known, tape, info, p, config) for p in part])]

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


def may_take(parameters: ParameterSet) -> bool:
    """Return whether a set may send orders that take: they walk a book that is put together from price histories."""
    barred = any(each is not None for each in parameters.barriers.model_dump().values())
    return barred or parameters.quoting.position_rebalance_threshold_pct is not None


def allow_renewals(skip: Skip, run: Run) -> None:
    """Say whether quotes may be renewed in one go: when no message's time and no rule makes a renewal another one."""
    cursor, quoting, risk, lines = run.venue.cursor[0], run.params.quoting[0], run.params.risk[0], run.venue.latencies
    whole = 2 * (int(lines.entry_ns[0]) + int(lines.response_ns[0]))
    plain = quoting["requote_tolerance_bps"] == np.inf and quoting["rebalance_threshold"] == np.inf
    plain = plain and quoting["sampling_ns"] == 0 and quoting["max_concurrent_buys"] >= MAX_LEVELS
    plain = plain and risk["max_daily_loss_atoms"] == np.inf and risk["max_drawdown"] >= 1.0
    constant = len(lines.entry_ns) == 1 and len(lines.response_ns) == 1
    alone = not run.state.signals and cursor["record_decisions"] == 0
    quick = whole < int(quoting["refresh_ns"])
    skip.place["renews"] = plain and constant and alone and quick
    skip.place["renewal_ns"] = whole
    skip.place["entry_ns"] = lines.entry_ns[0]
    skip.place["trades"] = risk["collar_bps"] != np.inf


class Skipped(NamedTuple):
    """All that a set's loop reads and writes besides the market."""

    state: State
    params: Params
    out: Out
    venue: Venue
    logs: Logs
    skip: Skip


class _Skipping:
    """One set on its way through the tape."""

    def __init__(
        self, known: Known, tape: Tape, info: TapeInfo, parameters: ParameterSet, config: ReplayConfig
    ) -> None:
        self._run: Run = new_run(known.columns, info, parameters, config, light=True)
        cursor, params = self._run.venue.cursor[0], self._run.params
        self.window = int(cursor["start_ns"]), int(cursor["end_ns"])
        self._market: Market = market_of(known, tape, parameters, params, self.window)
        self.track = track = self._market.track
        thin = thin_of(self._market.depth, track) if params.risk[0]["min_depth_lots"] > 0 else NO_THIN
        self._skip: Skip = new_skip(track.first_row, int(cursor["local_trade"]), flips_of(track, params.risk), thin)
        allow_renewals(self._skip, self._run)
        self.loop: Callable[..., int] = compose(LOOP, policy_names(parameters)).run
        self.lent = lent_market(known, self._market)
        self.held = self._lend()

    def make_room(self) -> None:
        """Make the logs larger."""
        self._run.venue, self._run.logs = with_room(self._run.venue, self._run.logs)
        self.held = self._lend()

    def _lend(self) -> Any:
        run = self._run
        return lend(Skipped(run.state, run.params, run.out, run.venue, run.logs, self._skip))

    def result(self) -> ReplayResult:
        """Return what happened, once the window's end is reached."""
        run, track = self._run, self.track
        finish(self.lent, self.held)
        counters = {name: int(total) for name, total in zip(COUNTED, track.totals, strict=True)}
        found = result_of(run)
        if track.overflow >= 0:
            counters["volatility_overflow"] = track.overflow
        found.counters.update(counters)
        return found


class _Alike:
    """Sets that share a compiled loop, which takes them on one after the other."""

    def __init__(self, sets: Sequence[_Skipping]) -> None:
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


def _alike(sets: Sequence[_Skipping]) -> list[_Alike]:
    """Return sets by their loops and by what they are lent as: compiled code knows one type at a place."""
    found: dict[Any, list[_Skipping]] = {}
    for each in sets:
        found.setdefault((each.loop, kind_of(each.lent), kind_of(each.held)), []).append(each)
    return [_Alike(part) for part in found.values()]


def _through(known: Known, sets: Sequence[_Skipping]) -> Sequence[_Skipping]:
    """Take sets through the tape slice by slice."""
    near = _read_ahead(known, sets) if len(sets) >= WORTH_READING else []
    parts = _alike(sets)
    for i, end_ns in enumerate((*known.columns.update_local[SLICE::SLICE].tolist(), NEVER)):
        for lines, ends in near:
            bring_near(lines, ends[i], ends[i + 1])
        for part in parts:
            part.go_on(end_ns)
    return sets


def _read_ahead(known: Known, sets: Sequence[_Skipping]) -> list[tuple[NDArray[np.uint8], list[int]]]:
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

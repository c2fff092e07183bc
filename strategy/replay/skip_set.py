"""One parameter set on its way through the tape with the skip driver: its memory, what it is lent, its result."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from strategy.kernel.borrowing import lend
from strategy.kernel.records import MAX_LEVELS
from strategy.kernel.state import Out, Params, State
from strategy.policies.composition import Names, compose, policy_names
from strategy.policies.packing import pack_parameters
from strategy.policies.parameters import ParameterSet
from strategy.replay.exchange import Logs, Venue, with_room
from strategy.replay.index import Extremes
from strategy.replay.market import Known, Market, lent_market, market_of
from strategy.replay.run import ReplayConfig, ReplayResult, Run, instrument_of, new_run, result_of
from strategy.replay.skip_end import finish
from strategy.replay.skip_market import flips_of, thin_of
from strategy.replay.skip_state import Skip, new_skip
from strategy.replay.stamp import Stamp
from strategy.replay.tape import Tape, TapeInfo
from strategy.replay.track import COUNTED

LOOP: Final = "strategy.replay.skip"
NO_THIN: Final = Extremes(*(np.zeros(0, np.int64) for _ in Extremes._fields))


class Skipped(NamedTuple):
    """All that a set's loop reads and writes besides the market."""

    state: State
    params: Params
    out: Out
    venue: Venue
    logs: Logs
    skip: Skip


class Given(NamedTuple):
    """What sets that are replayed together share, and the stamps of the memory in which they begin."""

    known: Known
    tape: Tape
    info: TapeInfo
    config: ReplayConfig
    stamps: dict[Names, Stamp]


class Skipping:
    """One set on its way through the tape."""

    def __init__(self, given: Given, parameters: ParameterSet) -> None:
        """Make a set ready, from a stamp where there is one."""
        names = policy_names(parameters)
        stamp = given.stamps.get(names) if may_be_printed(given.config, parameters) else None
        self.loop: Callable[..., int] = compose(LOOP, names).run
        self.held: Any = None
        if stamp is None:
            self._begin(given, parameters, names)
        else:
            self._print(given, parameters, stamp)
        allow_renewals(self._skip, self._run)
        self.lent = lent_market(given.known, self._market)

    def _begin(self, given: Given, parameters: ParameterSet, names: Names) -> None:
        known, tape, info, config, stamps = given
        self._run: Run = new_run(known.columns, info, parameters, config, light=True)
        cursor, params = self._run.venue.cursor[0], self._run.params
        self.window = int(cursor["start_ns"]), int(cursor["end_ns"])
        self._market: Market = market_of(known, tape, parameters, params, self.window)
        self.track = track = self._market.track
        thin = thin_of(self._market.depth, track) if params.risk[0]["min_depth_lots"] > 0 else NO_THIN
        self._skip: Skip = new_skip(track.first_row, int(cursor["local_trade"]), flips_of(track, params.risk), thin)
        self.held = self._lend()
        if may_be_printed(config, parameters):
            stamps[names] = stamp_of(self._whole())

    def _print(self, given: Given, parameters: ParameterSet, stamp: Stamp) -> None:
        views, self.held = stamp.printed()
        params = pack_parameters(parameters, instrument_of(given.info))
        views.write("params", params)
        core, cursor = views.state.core[0], views.venue.cursor[0]
        base, quote = float(core["base_lots"]), float(core["quote_atoms"])
        self._run = Run(views.state, params, views.venue, views.logs, views.out, base, quote, views)
        self.window = int(cursor["start_ns"]), int(cursor["end_ns"])
        self._market = market_of(given.known, given.tape, parameters, params, self.window)
        self.track, self._skip = self._market.track, views.skip

    def make_room(self) -> None:
        """Make the logs larger."""
        run = self._run
        if run.printed is not None:
            whole = run.printed.whole()
            self._skip = whole.skip
            run.state, run.params, run.out, run.venue, run.logs = whole[:-1]
            run.printed = None
        run.venue, run.logs = with_room(run.venue, run.logs)
        self.held = self._lend()

    def _whole(self) -> Skipped:
        run = self._run
        return Skipped(run.state, run.params, run.out, run.venue, run.logs, self._skip)

    def _lend(self) -> Any:
        return lend(self._whole())

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


def may_be_printed(config: ReplayConfig, parameters: ParameterSet) -> bool:
    """Return whether a set's memory begins like that of others: no large logs, nothing of the market for it alone."""
    recorded = config.record_orders or config.record_decisions
    return not recorded and parameters.risk.panic_threshold is None and parameters.risk.min_depth_base == 0


def stamp_of(held: Skipped) -> Stamp:
    """Return the stamp of a set that has not begun: what nobody writes to is shared, what grows is blank."""
    logs = held.logs
    shared = (logs.decisions, logs.events, *held.skip.flips, *held.skip.thin)
    return Stamp(held, shared, blank=(logs.requests, logs.fills, logs.samples))


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
    place = skip.place[0]
    place["renews"] = plain and constant and alone and quick
    place["renewal_ns"] = whole
    place["entry_ns"] = lines.entry_ns[0]
    place["trades"] = risk["collar_bps"] != np.inf

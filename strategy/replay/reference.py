"""The reference driver: one parameter set over every event of a tape."""

from typing import Final, NamedTuple

import numpy as np

from strategy.kernel.borrowing import lend
from strategy.kernel.records import EVENT
from strategy.kernel.state import Out, Params, Records, State
from strategy.policies.composition import compose, policy_names
from strategy.policies.parameters import ParameterSet
from strategy.replay.depth import Depth, depth_along, no_depth
from strategy.replay.exchange import Logs, Venue, with_room
from strategy.replay.run import ReplayConfig, ReplayResult, new_run, result_of
from strategy.replay.tape import Tape, TapeInfo, prepared

LOOP: Final = "strategy.replay.loop"


class Walked(NamedTuple):
    """All that the loop reads and writes."""

    tape: Tape
    depth: Depth  # the tape's, empty when nobody asks
    state: State
    params: Params
    out: Out
    venue: Venue
    logs: Logs
    room: Records  # (2,) EVENT: scratch, and one that stays blank


def walk(tape: Tape, info: TapeInfo, parameters: ParameterSet, config: ReplayConfig) -> ReplayResult:
    """Replay by walking every event."""
    market = prepared(tape)
    depth = depth_along(tape, parameters.risk.depth_band_bps) if parameters.needs_depth else no_depth()
    each = new_run(market, info, parameters, config)
    run = compose(LOOP, policy_names(parameters)).run
    held = Walked(market, depth, each.state, each.params, each.out, each.venue, each.logs, np.zeros(2, EVENT))
    while not run(lend(held)):
        each.venue, each.logs = with_room(each.venue, each.logs)
        held = held._replace(venue=each.venue, logs=each.logs)
    return result_of(each)

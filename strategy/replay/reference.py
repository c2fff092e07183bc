"""The reference driver: one parameter set over every event of a tape."""

from typing import Final

import numpy as np

from strategy.kernel.records import EVENT
from strategy.policies.composition import compose, policy_names
from strategy.policies.parameters import ParameterSet
from strategy.replay.depth import depth_along, no_depth
from strategy.replay.exchange import with_room
from strategy.replay.run import ReplayConfig, ReplayResult, new_run, result_of
from strategy.replay.tape import Tape, TapeInfo, prepared

LOOP: Final = "strategy.replay.loop"


def walk(tape: Tape, info: TapeInfo, parameters: ParameterSet, config: ReplayConfig) -> ReplayResult:
    """Replay by walking every event."""
    market = prepared(tape)
    depth = depth_along(tape, parameters.risk.depth_band_bps) if parameters.needs_depth else no_depth()
    each = new_run(market, info, parameters, config)
    run = compose(LOOP, policy_names(parameters)).run
    room = np.zeros(2, EVENT)
    while not run(market, depth, each.state, each.params, each.out, each.venue, each.logs, room):
        each.venue, each.logs = with_room(each.venue, each.logs)
    return result_of(each)

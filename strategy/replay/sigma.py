"""Sigma along a tape: it depends on the market and its own parameters alone, so a study computes it once."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from strategy.kernel.records import EVENT
from strategy.policies.composition import compose, policy_names
from strategy.policies.packing import pack_parameters
from strategy.policies.parameters import ParameterSet
from strategy.policies.stepper import fresh_state
from strategy.replay.driver import instrument_of
from strategy.replay.tape import Tape, TapeInfo, prepared

SAMPLING: Final = "strategy.replay.sampling"


def sigma_series(
    tape: Tape, info: TapeInfo, parameters: ParameterSet
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return (local_ts ns, mid ticks, sigma) of every accepted update (N,), exactly as the strategy sees them.

    Sigma is nan while the window warms up; its unit is the volatility policy's.
    """
    state = fresh_state(parameters, 0.0, 0.0, 0)
    params = pack_parameters(parameters, instrument_of(info))
    rows = len(tape.update_local)
    ts, mid, sigma = np.zeros(rows, np.int64), np.zeros(rows), np.zeros(rows)
    sigmas = compose(SAMPLING, policy_names(parameters)).sigmas
    used = sigmas(prepared(tape), state, params, np.zeros(1, EVENT), ts, mid, sigma)
    return ts[:used], mid[:used], sigma[:used]

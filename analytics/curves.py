"""The width that a parameter set quotes at a given sigma, asked of the policy itself."""

import numpy as np
from numpy.typing import NDArray

from strategy.policies.document import Instrument
from strategy.policies.packing import pack_parameters
from strategy.policies.parameters import ParameterSet

# Widths do not depend on the instrument; packing only wants one.
ANY: Instrument = Instrument(venue="any", symbol="BASE/QUOTE", tick_size="1", lot_size="1")


def half_spread_curve(parameters: ParameterSet, sigma: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the half-spread (bps) before inventory at each sigma, between the set's floor and cap."""
    policy, _ = parameters.policy_of("spread")
    decide = policy.functions["spread_decide"]
    packed = pack_parameters(parameters, ANY)
    widths = [float(decide(packed.spread[0], packed.regimes[0], float(each))) for each in sigma]
    return np.clip(widths, parameters.quoting.spread_floor_bps, parameters.quoting.spread_cap_bps)

"""The width that a parameter set quotes at a given sigma, asked of the policy itself."""

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from strategy.kernel.records import CONTEXT, SPREAD
from strategy.policies.document import Instrument
from strategy.policies.packing import pack_parameters
from strategy.policies.parameters import ParameterSet

# Widths in bps do not depend on the instrument; packing only wants one.
ANY: Final = Instrument(venue="any", symbol="BASE/QUOTE", tick_size="1", lot_size="1")
MID_TICKS: Final = 10_000.0
SPREAD_TARGET: Final = "inventory_target_base"


def half_spread_curve(parameters: ParameterSet, sigma: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the half-spread (bps) before inventory at each sigma, between the set's floor and cap.

    The account stands exactly at the policy's target, so that no reservation price shows; sigma per root second
    follows from the engine's cadence, and is nan where there is none. In absolute mode mid is 10,000 quote units.
    """
    policy, _ = parameters.policy_of("spread")
    decide = policy.functions["spread_decide"]
    packed = pack_parameters(parameters, ANY)
    context, out = _account_at_target(parameters), np.zeros(1, SPREAD)
    widths = np.zeros(len(sigma))
    for i, each in enumerate(sigma):
        context["sigma"] = each
        context["sigma_bps_s"] = _per_root_second(parameters, float(each))
        decide(packed.spread[0], packed.regimes[0], context[0], out[0])
        widths[i] = out["bid_bps"][0]
    return np.clip(widths, parameters.quoting.spread_floor_bps, parameters.quoting.spread_cap_bps)


def _account_at_target(parameters: ParameterSet) -> NDArray[Any]:
    """Return a context (1,) whose base is what the spread policy aims at, 0 where it aims at nothing."""
    context = np.zeros(1, CONTEXT)
    context["mid_ticks"] = MID_TICKS
    context["tick_size"] = context["lot_size"] = 1.0
    context["order_lots"] = parameters.quoting.order_qty
    context["base_lots"] = parameters.spread.get(SPREAD_TARGET, 0.0)
    return context


def _per_root_second(parameters: ParameterSet, sigma: float) -> float:
    """Return sigma per sample in bps of mid per square root of a second, nan without a cadence."""
    engine = parameters.engine
    seconds = engine.sample_seconds()
    fraction = sigma / MID_TICKS if engine.absolute() else sigma
    return math.nan if seconds is None else fraction * 1e4 / math.sqrt(seconds)

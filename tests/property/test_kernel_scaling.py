"""Money scales with the price of a tick, and nothing that is decided depends on it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategy.policies.parameters import ParameterSet
from strategy.replay.driver import replay
from strategy.replay.synthetic import SyntheticMarket, synthetic_tape
from tests.golden.golden_sets import CONFIG, SETS

TICKS = {"0.1": 10, "0.02": 2, "1.25": 125}  # against 0.01
ABSOLUTE = ("low_threshold", "medium_threshold", "high_threshold")


def dearer(parameters, factor):
    """Return a parameter set for prices `factor` times as high: sigma in quote units scales too."""
    if not parameters.engine.absolute():
        return parameters
    said = parameters.model_dump(mode="json")
    said["regimes"] |= {name: said["regimes"][name] * factor for name in ABSOLUTE}
    return ParameterSet.model_validate(said)


@pytest.mark.parametrize("name", SETS)
@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 10_000), tick=st.sampled_from(sorted(TICKS)))
def test_scaling_the_tick_scales_money_and_changes_no_order(name, seed, tick):
    factor = TICKS[tick]
    tape, info = synthetic_tape(SyntheticMarket(seed=seed, updates=250, trades_per_step=6.0))
    large = info._replace(tick_size=tick, min_notional=str(5 * factor))
    cheap = replay(tape, info, SETS[name], CONFIG)
    dear = replay(tape, large, dearer(SETS[name], factor), replace(CONFIG, quote=CONFIG.quote * factor))
    assert len(cheap.orders) > 5
    for table in ("orders", "fills"):
        for field in getattr(cheap, table).dtype.names:
            one, other = getattr(cheap, table)[field], getattr(dear, table)[field]
            np.testing.assert_array_equal(one, other, err_msg=field)
    # Accounts are in atoms, a tick times a lot: equal ones are worth `factor` times as much.
    assert (cheap.end_base_lots, cheap.end_quote_atoms) == (dear.end_base_lots, dear.end_quote_atoms)

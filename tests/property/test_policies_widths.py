"""What must hold of every spread policy, those that are added later included."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategy.kernel.records import CONTEXT, REGIMES, SPREAD
from strategy.policies.registry import policies
from strategy.policies.sections import Regimes
from tests.unit.kernel_samples import records

SIGMAS = st.floats(0, 1e3)
USUAL = st.floats(0, 0.01)
SECONDS = st.sampled_from([0.1, 1.0, 60.0])


def regimes():
    """Return the default regimes' record."""
    return records(REGIMES, **{name: getattr(Regimes(), name) for name in REGIMES.names})


def answer(chosen, params, sigma, seconds, base_lots=200.0):
    """Return what a policy writes for one sigma."""
    per_root_second = sigma * 1e4 / math.sqrt(seconds)
    account = {"base_lots": base_lots, "quote_atoms": 1e9, "order_lots": 100.0, "lot_size": 1e-5, "tick_size": 0.01}
    context = records(CONTEXT, sigma=sigma, sigma_bps_s=per_root_second, mid_ticks=6e6, **account)
    out = records(SPREAD)
    chosen.functions["spread_decide"](params, regimes(), context, out)
    return out


def packed(chosen):
    """Return the record of a policy's defaults."""
    params = records(chosen.record)
    chosen.pack(chosen.parameters(), params)
    return params


@pytest.mark.parametrize("name", sorted(policies("spreads")))
@settings(deadline=None, max_examples=60)
@given(pair=st.tuples(SIGMAS, SIGMAS).map(sorted), small=st.tuples(USUAL, USUAL).map(sorted), seconds=SECONDS)
def test_more_sigma_never_narrows(name, pair, small, seconds):
    chosen = policies("spreads")[name]
    params = packed(chosen)
    for low, high in (pair, small):
        calm, wild = (answer(chosen, params, sigma, seconds) for sigma in (low, high))
        assert wild["bid_bps"] >= calm["bid_bps"] * (1 - 1e-12)
        assert wild["ask_bps"] >= calm["ask_bps"] * (1 - 1e-12)


@pytest.mark.parametrize("name", sorted(policies("spreads")))
@settings(deadline=None, max_examples=60)
@given(sigma=SIGMAS, seconds=SECONDS, base_lots=st.floats(0, 1e12))
def test_widths_are_finite_and_not_negative(name, sigma, seconds, base_lots):
    chosen = policies("spreads")[name]
    out = answer(chosen, packed(chosen), sigma, seconds, base_lots)
    assert 0 <= out["bid_bps"] < np.inf
    assert 0 <= out["ask_bps"] < np.inf
    assert np.isfinite(out["reservation_bps"])


@pytest.mark.parametrize("name", sorted(policies("spreads")))
@given(low=st.floats(0, 1e4), high=st.floats(0, 1e4))
def test_more_inventory_never_raises_the_reservation_price(name, low, high):
    chosen = policies("spreads")[name]
    params = packed(chosen)
    less, more = (answer(chosen, params, 1e-4, 1.0, lots)["reservation_bps"] for lots in sorted((low, high)))
    assert more <= less

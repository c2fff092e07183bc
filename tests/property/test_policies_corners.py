"""What `Policy.skips` promises: over a box of sigma and mid every answer lies between those at the box's corners."""

import math
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategy.kernel.records import CONTEXT, INVENTORY, SPREAD
from strategy.policies.registry import policies
from tests.property.test_policies_widths import packed, regimes
from tests.unit.kernel_samples import records

SIGMAS = st.tuples(st.floats(0, 0.01), st.floats(0, 0.01)).map(sorted)
MIDS = st.tuples(st.floats(1e6, 1e7), st.floats(1e6, 1e7)).map(sorted)
SHARE = st.floats(0, 1)
SPREADS = [name for name, each in sorted(policies("spreads").items()) if each.skips]
INVENTORIES = [name for name, each in sorted(policies("inventory").items()) if each.skips]


def context_at(sigma, mid, base_lots, absolute):
    """Return what a policy is told; an absolute sigma is a smaller fraction of a larger mid."""
    per_root_second = sigma * 1e4 * (6e6 / mid if absolute else 1.0) / math.sqrt(0.1)
    account = {"base_lots": base_lots, "quote_atoms": 1e9, "order_lots": 100.0, "lot_size": 1e-5, "tick_size": 0.01}
    return records(CONTEXT, sigma=sigma, sigma_bps_s=per_root_second, mid_ticks=mid, **account)


def spread_at(chosen, context):
    out = records(SPREAD)
    chosen.functions["spread_decide"](packed(chosen), regimes(), context, out)
    return {name: float(out[name]) for name in SPREAD.names}


def inventory_at(chosen, context):
    out = records(INVENTORY)
    chosen.functions["inventory_decide"](packed(chosen), context, out)
    return {name: float(out[name]) for name in INVENTORY.names}


def assert_between_corners(answer, sigmas, mids, inside, base_lots, absolute):
    """Check one point of a box; rounding may take it out by a relative 1e-12."""
    sigma, mid = (low + share * (high - low) for (low, high), share in zip((sigmas, mids), inside, strict=True))
    corners = [answer(context_at(s, m, base_lots, absolute)) for s, m in product(sigmas, mids)]
    for name, value in answer(context_at(sigma, mid, base_lots, absolute)).items():
        low, high = min(each[name] for each in corners), max(each[name] for each in corners)
        slack = 1e-12 * max(abs(low), abs(high))
        assert low - slack <= value <= high + slack, name


@pytest.mark.parametrize("name", SPREADS)
@settings(deadline=None, max_examples=80)
@given(sigmas=SIGMAS, mids=MIDS, inside=st.tuples(SHARE, SHARE), base_lots=st.floats(0, 1e4), absolute=st.booleans())
def test_spread_policies_that_skip_lie_between_their_corners(name, sigmas, mids, inside, base_lots, absolute):
    chosen = policies("spreads")[name]
    assert_between_corners(lambda told: spread_at(chosen, told), sigmas, mids, inside, base_lots, absolute)


@pytest.mark.parametrize("name", INVENTORIES)
@settings(deadline=None, max_examples=80)
@given(sigmas=SIGMAS, mids=MIDS, inside=st.tuples(SHARE, SHARE), base_lots=st.floats(0, 1e4))
def test_inventory_policies_that_skip_lie_between_their_corners(name, sigmas, mids, inside, base_lots):
    chosen = policies("inventory")[name]
    assert_between_corners(lambda told: inventory_at(chosen, told), sigmas, mids, inside, base_lots, False)


@pytest.mark.parametrize("name", [name for name in INVENTORIES if not policies("inventory")[name].follows_mid])
@settings(deadline=None, max_examples=80)
@given(mids=MIDS, base_lots=st.floats(0, 1e4))
def test_sides_that_do_not_follow_mid_are_the_same_at_every_mid(name, mids, base_lots):
    chosen = policies("inventory")[name]
    here, there = (inventory_at(chosen, context_at(0.001, mid, base_lots, False)) for mid in mids)
    for side in ("bid_enabled", "ask_enabled"):
        assert here[side] == there[side]


def test_every_built_in_policy_that_is_asked_skips():
    assert len(SPREADS) == 7
    assert len(INVENTORIES) == 4

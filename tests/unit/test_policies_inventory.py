"""Inventory policies on whole accounts: the documented examples, the bands' edges, the limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategy.errors import BadParameters
from strategy.kernel.records import CONTEXT, INVENTORY
from strategy.policies.parameters import parse_parameters
from strategy.policies.registry import policy
from tests.unit.kernel_samples import records

MID = 6_000_000.0
LOT = 0.00001


def decide(name, base_lots, quote_atoms=0.0, **fields):
    """Return the decision of a policy for one account."""
    chosen = policy("inventory", name)
    params, out = records(chosen.record), records(INVENTORY)
    chosen.pack(chosen.parameters(**fields), params)
    context = records(CONTEXT, base_lots=base_lots, quote_atoms=quote_atoms, mid_ticks=MID, lot_size=LOT)
    chosen.functions["inventory_decide"](params, context, out)
    return out


def shares(base_share, **fields):
    """Return what `balanced` decides for an account of which `base_share` is base."""
    return decide("balanced", 1_000.0 * base_share, 1_000.0 * (1 - base_share) * MID, **fields)


def sides(out, width_bps=30.0, floor_bps=10.0):
    """Return the half-spreads that follow from a decision: width x factor + shift, not under the floor."""
    return (
        max(width_bps * out["bid_factor"] + out["bid_shift_bps"], floor_bps),
        max(width_bps * out["ask_factor"] + out["ask_shift_bps"], floor_bps),
    )


def test_balanced_quotes_the_seeds_tenth_of_a_percent_against_ten():
    out = shares(0.0, quote_beyond_max_skew=True)
    assert sides(out) == pytest.approx((10.0, 1030.0), rel=1e-12)
    assert (out["bid_enabled"], out["ask_enabled"]) == (1, 1)
    assert (out["bid_size"], out["ask_size"]) == pytest.approx((1.2, 1.0))


def test_balanced_account_of_base_alone_is_the_mirror_image():
    out = shares(1.0, quote_beyond_max_skew=True)
    assert sides(out) == pytest.approx((1030.0, 10.0), rel=1e-12)
    assert (out["bid_size"], out["ask_size"]) == pytest.approx((1.0, 1.2))


def test_balanced_at_its_target_favours_nobody():
    out = shares(0.5)
    assert sides(out) == (30.0, 30.0)
    assert (out["bid_size"], out["ask_size"], out["bid_enabled"], out["ask_enabled"]) == (1.0, 1.0, 1, 1)


@pytest.mark.parametrize(
    ("share", "bid", "ask"),
    [(0.0, 1, 0), (0.19, 1, 0), (0.2, 1, 1), (0.5, 1, 1), (0.8, 1, 1), (0.81, 0, 1), (1.0, 0, 1)],
)
def test_balanced_beyond_its_limit_does_not_add_to_the_skew(share, bid, ask):
    out = shares(share)
    assert (out["bid_enabled"], out["ask_enabled"]) == (bid, ask)


@pytest.mark.parametrize(
    ("share", "bid_size", "ask_size"), [(0.44, 1.2, 1), (0.45, 1, 1), (0.55, 1, 1), (0.56, 1, 1.2)]
)
def test_balanced_sizes_up_the_way_back_once_outside_the_tolerance(share, bid_size, ask_size):
    out = shares(share)
    assert (out["bid_size"], out["ask_size"]) == pytest.approx((bid_size, ask_size))


@given(share=st.floats(0, 1), target=st.floats(0.01, 0.99), slope=st.floats(0, 1))
def test_balanced_widens_one_side_by_what_it_takes_from_the_other(share, target, slope):
    out = shares(share, target_ratio=target, inventory_slope=slope)
    assert out["bid_shift_bps"] == -out["ask_shift_bps"]
    assert out["bid_shift_bps"] == pytest.approx(slope * (share - target) * 1e4, abs=1e-6)


@pytest.mark.parametrize("quote_atoms", [0.0, -1.0])
def test_balanced_account_worth_nothing_quotes_nothing(quote_atoms):
    out = decide("balanced", 0.0, quote_atoms)
    assert (out["bid_enabled"], out["ask_enabled"]) == (0, 0)


@pytest.mark.parametrize("fields", [{"target_ratio": 1.0}, {"max_skew": 0}, {"inventory_slope": -0.1}])
def test_balanced_out_of_bounds_is_refused(fields):
    with pytest.raises(BadParameters, match=f"inventory.*{next(iter(fields))}|{next(iter(fields))} was"):
        parse_parameters({"inventory": {"policy": "balanced", **fields}})


@given(target_lots=st.integers(10, 100_000).map(lambda n: n * 10), tolerance=st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.9]))
def test_buy_only_band_holds_both_its_edges(target_lots, tolerance):
    band = round(target_lots * tolerance)
    fields = {"inventory_target_base": round(target_lots * LOT, 5), "inventory_tolerance_pct": tolerance}
    for lots in (target_lots - band, target_lots, target_lots + band):
        out = decide("buy_only", lots, **fields)
        assert [float(out[name]) for name in INVENTORY.names] == [1, 1, 1, 1, 0, 0, 1, 1]
    below, above = (decide("buy_only", lots, **fields) for lots in (target_lots - band - 1, target_lots + band + 1))
    assert (below["bid_enabled"], below["ask_enabled"], below["bid_factor"]) == (1, 0, 1)
    assert (above["bid_enabled"], above["ask_enabled"], above["ask_size"]) == (1, 1, 1.2)
    assert above["ask_factor"] < 1 < above["bid_factor"]


@pytest.mark.parametrize("base_lots", [0.0, 1.0, 1e6])
def test_neutral_favours_nobody_whatever_is_held(base_lots):
    out = decide("neutral", base_lots)
    assert [float(out[name]) for name in INVENTORY.names] == [1, 1, 1, 1, 0, 0, 1, 1]


def test_buy_only_above_its_band_decides_as_skewed_does():
    for lots in (221, 260, 400, 5_000):
        one, other = decide("buy_only", lots), decide("skewed", lots)
        assert one.tobytes() == other.tobytes()

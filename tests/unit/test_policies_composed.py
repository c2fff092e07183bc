"""New policies bound into the whole step: what they decide is what is quoted."""

import pytest

from strategy.kernel.records import BALANCE, BUY, SELL
from strategy.policies.parameters import parse_parameters
from tests.unit.kernel_samples import Hand, parameter_set, placed

MID = 6_000_000
ONE = {"buy_spreads": [1.0], "sell_spreads": [1.0], "order_qty": 0.001, "spread_floor_bps": 10.0}
WIDE = {"spread_low": 30.0, "spread_medium": 30.0, "spread_high": 30.0}


def balanced(**fields):
    """Return a set with the account of volatility_pmm and a width of 30 bps over a floor of 10."""
    groups = parameter_set(quoting=ONE, regimes=WIDE, risk={"max_drawdown_pct": 0.5}).model_dump(mode="json")
    return parse_parameters(groups | {"inventory": {"policy": "balanced", **fields}})


def first_quotes(parameters, base_lots, quote_atoms):
    """Return price and lots by side of the first quotes on a book around MID."""
    hand = Hand(parameters, base_lots, quote_atoms)
    actions = hand.book(MID - 1, MID + 1, fresh=True)
    return hand, {side: (price, lots) for side, price, lots in placed(actions)}


def test_balanced_account_of_quote_alone_bids_at_ten_bps_with_a_larger_size():
    hand, quotes = first_quotes(balanced(quote_beyond_max_skew=True), 0.0, 1e12)
    assert quotes == {BUY: (MID - 6_000, 120)}
    decision = hand.stepper.decision
    assert (decision["bid_bps"], decision["ask_bps"]) == pytest.approx((10.0, 1030.0), rel=1e-12)


def test_balanced_account_of_base_alone_asks_only():
    _, quotes = first_quotes(balanced(), 10_000.0, 0.0)
    assert quotes == {SELL: (MID + 6_000, 120)}


def test_balanced_account_worth_nothing_quotes_nothing_until_it_is_funded():
    hand, quotes = first_quotes(balanced(), 0.0, 0.0)
    assert quotes == {}
    actions = hand.feed(BALANCE, 0.1, base_lots=1_000.0, quote_atoms=1_000.0 * MID)
    assert placed(actions) == [(BUY, MID - 18_000, 100), (SELL, MID + 18_000, 100)]


def test_glft_quotes_lean_against_what_is_held():
    volatility = {"policy": "ewma", "vol_sampling_interval": 1, "min_samples": 2}
    quoting = ONE | {"spread_floor_bps": 0.1, "executor_refresh_time": 1.0}
    wide = {"low_threshold": 0.1, "medium_threshold": 0.2, "high_threshold": 0.3}
    parameters = parameter_set(spread="glft", volatility=volatility, quoting=quoting, regimes=wide)
    centre = {}
    for base_lots in (200.0, 700.0):
        hand = Hand(parameters, base_lots)
        hand.book(MID - 1, MID + 1, fresh=True)
        for turn in range(12):
            move = 300 * (turn % 2)
            hand.book(MID - 1 + move, MID + 1 + move, after_s=1.0)
        now = hand.stepper.snapshot()
        assert now["sigma"] > 0
        centre[base_lots] = now["reference_ticks"] - now["mid_ticks"]
    assert centre[200.0] == pytest.approx(0, abs=1e-3)
    assert centre[700.0] < -10

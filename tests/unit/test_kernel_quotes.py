import pytest

from strategy.kernel.quotes import grid_ceil, grid_floor, level_price
from strategy.kernel.records import (
    BALANCE,
    BUY,
    R_CROSS_ADJUSTED,
    R_HOLDINGS,
    R_MIN_NOTIONAL,
    R_MIN_QTY,
    R_WARMUP,
    REJECT_POST_ONLY,
    SELL,
)
from tests.unit.kernel_samples import Hand, parameter_set, placed


def test_value_within_a_millionth_of_the_grid_counts_as_on_it():
    assert grid_floor(0.001 / 0.00001) == 100
    assert grid_floor(99.9999999) == 100
    assert grid_floor(99.99) == 99
    assert grid_ceil(100.0000001) == 100
    assert grid_ceil(100.01) == 101


@pytest.mark.parametrize(("mid", "bid", "ask"), [(101.0, 100, 102), (101.5, 101, 102)])
def test_width_of_zero_still_leaves_the_bid_under_the_ask(mid, bid, ask):
    assert (level_price(BUY, mid, 0.0), level_price(SELL, mid, 0.0)) == (bid, ask)


def test_bid_floors_and_ask_ceils_to_the_tick():
    hand = Hand(parameter_set(quoting={"buy_spreads": [1], "sell_spreads": [1]}))
    # fallback 8 bps of 6,183,763.5 is 4,947.0108 ticks
    assert placed(hand.book(6_183_763, 6_183_764, fresh=True)) == [(BUY, 6_178_816, 100), (SELL, 6_188_711, 100)]


def test_levels_stand_at_their_multiples_and_say_warmup():
    hand = Hand(parameter_set(quoting={"buy_spreads": [1, 2, 3], "sell_spreads": [1]}))
    prices = [price for side, price, _ in placed(hand.book(5_999_999, 6_000_001, fresh=True)) if side == BUY]
    assert prices == [5_995_200, 5_990_400, 5_985_600]
    assert hand.stepper.decision["reasons"] == R_WARMUP


@pytest.mark.parametrize(("order_qty", "reason"), [(0.000001, R_MIN_QTY), (0.00005, R_MIN_NOTIONAL), (0.00009, 0)])
def test_level_under_a_minimum_is_not_quoted_and_the_reason_is_counted(order_qty, reason):
    hand = Hand(parameter_set(quoting={"order_qty": order_qty, "buy_spreads": [1], "sell_spreads": [1]}))
    sent = hand.book(5_999_999, 6_000_001, fresh=True)
    assert (len(sent) == 2) == (reason == 0)
    assert hand.stepper.decision["reasons"] == R_WARMUP | reason


def test_ask_never_exceeds_what_is_held_and_inner_levels_come_first():
    hand = Hand(parameter_set(), base_lots=150.0)
    asks = [lots for side, _, lots in placed(hand.book(5_999_999, 6_000_001, fresh=True)) if side == SELL]
    assert asks == [100, 50]
    assert hand.stepper.decision["reasons"] & R_HOLDINGS


def test_bid_never_costs_more_than_the_quote_held():
    hand = Hand(parameter_set(), base_lots=0.0, quote_atoms=5_995_200 * 120.0)
    bids = placed(hand.book(5_999_999, 6_000_001, fresh=True))
    assert [(side, lots) for side, _, lots in bids] == [(BUY, 100), (BUY, 20)]
    assert sum(price * lots for _, price, lots in bids) <= 5_995_200 * 120


def test_ask_stays_over_our_own_resting_bid_when_the_market_falls():
    hand = Hand(parameter_set("buy_only", quoting={"buy_spreads": [1], "sell_spreads": [1]}), base_lots=100.0)
    bid = hand.book(5_999_999, 6_000_001, fresh=True)
    hand.ack_all(bid)
    asks = hand.feed(BALANCE, base_lots=200.0, quote_atoms=1e12)
    assert placed(asks) == [(SELL, 6_004_800, 100)]
    hand.reject(int(asks[0]["order_id"]), REJECT_POST_ONLY)
    assert placed(hand.book(5_979_999, 5_980_001)) == [(SELL, 5_995_201, 100)]
    assert hand.stepper.decision["reasons"] & R_CROSS_ADJUSTED

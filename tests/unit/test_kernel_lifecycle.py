"""Requote tolerance, open bids at most, and sizes by volatility (strategy.md 4 to 6), in the whole step."""

import math

import pytest

from strategy.kernel.quotes import vol_size
from strategy.kernel.records import (
    BUY,
    HALT,
    PARAMETERS,
    QUOTED,
    QUOTING,
    R_MAX_BUYS,
    R_REQUOTE,
    REJECT_POST_ONLY,
    SELL,
)
from strategy.kernel.slots import outdated
from strategy.kernel.state import CORE
from tests.unit.kernel_samples import SECOND, Hand, cancelled_ids, parameter_set, placed, records

MID = 6_000_000
ONE = {"buy_spreads": [1], "sell_spreads": [1], "executor_refresh_time": 100.0}
NO_SIGMA = {"policy": "rolling_std", "min_samples": 10_000}  # the width stays 8 bps
BID, ASK = 5_995_200, 6_004_800


def market(hand, mid=MID, after_s=0.1, fresh=False):
    """Feed an update around `mid`."""
    return hand.book(mid - 1, mid + 1, after_s, fresh)


def hand_of(**quoting):
    """Return a hand before its first book."""
    return Hand(parameter_set(quoting=ONE | quoting, volatility=NO_SIGMA, risk={"stale_after_seconds": None}))


def quoting_hand(**quoting):
    """Return a hand whose first quotes are acknowledged."""
    hand = hand_of(**quoting)
    hand.ack_all(market(hand, fresh=True))
    return hand


def test_quote_whose_price_is_no_longer_wanted_is_replaced_at_the_current_one():
    hand = quoting_hand(requote_tolerance_bps=5.0)
    assert market(hand, MID + 2_990) == []  # 5 bps of mid are 3,001
    assert cancelled_ids(market(hand, MID + 3_010)) == [1, 2]
    assert hand.stepper.decision["reasons"] & R_REQUOTE
    assert placed(hand.cancelled(2)) == [(SELL, 6_007_813, 100)]
    assert placed(hand.cancelled(1)) == [(BUY, 5_998_207, 100)]
    assert market(hand, MID + 3_010) == []


def decided(wanted_ticks, mid_ticks, tolerance_bps, side=BUY):
    """Return why a quote at 5,000,000 that is now wanted elsewhere is replaced."""
    quoting = records(QUOTING, requote_tolerance_bps=tolerance_bps, refresh_ns=SECOND)
    slot = hand_of().stepper._state.slots[0 if side == BUY else 8]
    slot["price_ticks"] = 5_000_000
    decision = hand_of().stepper.decision
    decision["want_bid_ticks" if side == BUY else "want_ask_ticks"][0] = wanted_ticks
    return outdated(records(CORE, mid_ticks=mid_ticks), quoting, slot, decision, SECOND - 1)


@pytest.mark.parametrize("side", [BUY, SELL])
@pytest.mark.parametrize("direction", [1, -1])
def test_wanted_price_exactly_at_the_tolerance_stays_and_one_tick_beyond_is_replaced(side, direction):
    for hundredths in range(5, 2_000, 5):
        ticks = 6_000_000 * hundredths // 1_000_000
        exact = 6_000_000 * hundredths % 1_000_000 == 0
        at = decided(5_000_000 + direction * ticks, 6_000_000.0, hundredths / 100, side)
        over = decided(5_000_000 + direction * (ticks + 1), 6_000_000.0, hundredths / 100, side)
        assert (exact, at, over) == (exact, 0, R_REQUOTE), hundredths


def test_without_a_tolerance_no_price_is_too_far():
    assert decided(9_000_000, 6_000_000.0, math.inf) == 0
    hand = quoting_hand()
    assert market(hand, MID + 20_000) == []


def test_level_that_is_not_wanted_at_all_rests_until_its_refresh():
    assert decided(0, 6_000_000.0, 0.5) == 0


@pytest.mark.parametrize("pause_s", [0.0, 0.05])
def test_post_only_refusal_is_never_answered_into_the_same_moment(pause_s):
    hand = hand_of(min_update_interval=pause_s)
    market(hand, fresh=True)
    assert hand.reject(1, REJECT_POST_ONLY) == []
    assert hand.stepper.next_wake_ns == hand.now + max(round(pause_s * SECOND), 1_000_000)
    assert placed(hand.timer(max(pause_s, 0.001))) == [(BUY, BID, 100)]


def open_bids(hand):
    """Return the levels of the bids that may rest."""
    return [each["level"] for each in hand.stepper.snapshot()["open"] if each["side"] == "buy"]


def test_open_bids_at_most_are_the_inner_ones():
    hand = quoting_hand(buy_spreads=[1, 2, 3, 4], max_concurrent_buys=2)
    assert open_bids(hand) == [0, 1]
    assert hand.stepper.decision["reasons"] & R_MAX_BUYS
    assert market(hand) == []


def test_room_of_a_filled_bid_is_kept_for_it_through_its_cooldown():
    hand = hand_of(buy_spreads=[1, 2, 3], max_concurrent_buys=2)
    sent = market(hand, fresh=True)
    hand.ack_all(sent)
    assert hand.fill(sent[0], 100, 0) == market(hand) == []
    assert open_bids(hand) == [1]
    hand.timer(5.0)
    assert open_bids(hand) == [0, 1]


def test_bid_that_is_being_cancelled_still_counts():
    hand = hand_of(buy_spreads=[1, 2], max_concurrent_buys=1, requote_tolerance_bps=5.0)
    hand.ack_all(market(hand, fresh=True))
    assert 1 in cancelled_ids(market(hand, MID + 10_000))
    assert market(hand, MID + 10_000) == []
    assert [side for side, _, _ in placed(hand.cancelled(1))] == [BUY]
    assert open_bids(hand) == [0]


def test_cap_lowered_by_a_swap_cancels_the_outer_bids():
    hand = quoting_hand(buy_spreads=[1, 2, 3])
    fields = ONE | {"buy_spreads": [1, 2, 3], "max_concurrent_buys": 1}
    hand.stepper.swap(parameter_set(quoting=fields, volatility=NO_SIGMA, risk={"stale_after_seconds": None}), 2)
    assert cancelled_ids(hand.feed(PARAMETERS, code=2)) == [2, 3]
    assert hand.cancelled(2) == hand.cancelled(3) == []
    assert open_bids(hand) == [0]


def test_cap_does_not_count_asks():
    hand = hand_of(sell_spreads=[1, 2, 3], max_concurrent_buys=1)
    assert len(placed(market(hand, fresh=True))) == 4


@pytest.mark.parametrize(
    ("sigma", "factor"),
    [
        (0.0, 1.0),
        (0.0009, 1.0),
        (0.001, 1.0),
        (0.002, 0.5),
        (0.004, 0.25),
        (0.0099, 0.2),
        (math.nan, 0.2),
    ],
)
def test_size_factor_is_the_reference_over_sigma_within_its_floor_and_one(sigma, factor):
    assert vol_size(records(QUOTING, vol_size_ref=0.001, vol_size_min=0.2), sigma) == pytest.approx(factor, rel=1e-15)


@pytest.mark.parametrize("sigma", [0.0, 1.0, math.nan])
def test_size_factor_is_one_where_the_rule_is_off(sigma):
    assert vol_size(records(QUOTING, vol_size_ref=math.inf, vol_size_min=0.2), sigma) == 1.0


def test_sizes_are_the_smallest_while_sigma_is_unknown_and_whole_once_it_is_small():
    volatility = {"policy": "rolling_std", "min_samples": 2}
    quoting = ONE | {"vol_size_ref": 0.001, "vol_size_min": 0.25}
    hand = Hand(parameter_set(quoting=quoting, volatility=volatility, risk={"stale_after_seconds": None}))
    sent = market(hand, fresh=True)
    assert [lots for _, _, lots in placed(sent)] == [25, 25]
    hand.ack_all(sent)
    assert market(hand) == market(hand) == []
    assert cancelled_ids(hand.feed(HALT, flag=1)) == [1, 2]
    assert hand.cancelled(1) == hand.cancelled(2) == []
    assert [lots for _, _, lots in placed(hand.feed(HALT, flag=0))] == [100, 100]
    assert hand.state_of(1) != QUOTED

import math

import pytest

from strategy.errors import BadInput
from strategy.kernel.records import (
    BALANCE,
    BUY,
    CANCELLING,
    GAP,
    HALT,
    HIGH,
    PARAMETERS,
    PENDING,
    QUOTED,
    R_CROSSED,
    R_HALTED,
    R_HOLDINGS,
    R_NO_BOOK,
    R_PARAMETERS,
    R_REFRESH,
    R_REJECTED,
    R_SIDE_DISABLED,
    REJECT_BALANCE,
    REJECT_POST_ONLY,
    SELL,
    TRADE,
)
from strategy.policies.stepper import new_event
from tests.unit import kernel_samples
from tests.unit.kernel_samples import SECOND, START, Hand, cancelled_ids, placed

ONE = {"buy_spreads": [1], "sell_spreads": [1]}
BID, ASK = 5_999_999, 6_000_001


def parameter_set(*policies, **groups):
    """Return a parameter set that does not mind a silent market: these tests let much time pass between updates."""
    return kernel_samples.parameter_set(*policies, **({"risk": {"stale_after_seconds": None}} | groups))


def quoting_hand(**quoting):
    """Return a hand with one acknowledged bid (id 1) and ask (id 2)."""
    hand = Hand(parameter_set(quoting=ONE | quoting))
    sent = hand.book(BID, ASK, fresh=True)
    hand.ack_all(sent)
    assert [hand.state_of(i) for i in (1, 2)] == [QUOTED, QUOTED]
    return hand, sent


def test_nothing_is_quoted_before_a_fresh_book():
    hand = Hand(parameter_set())
    assert hand.book(BID, ASK) == []
    assert not hand.stepper.decided
    assert len(hand.book(BID, ASK, fresh=True)) == 4


def test_debounce_ignores_an_early_update_unless_a_best_price_changed():
    hand, _ = quoting_hand()
    core = hand.stepper._state.core[0]
    hand.book(BID, ASK, after_s=0.049)
    assert (core["accepted"], core["debounced"]) == (1, 1)
    hand.book(BID, ASK + 1, after_s=0.0)
    assert (core["accepted"], core["debounced"]) == (2, 1)
    hand.book(BID, ASK + 1, after_s=0.05)
    assert (core["accepted"], core["debounced"]) == (3, 1)


@pytest.mark.parametrize(("bid", "ask"), [(0, ASK), (BID, 0), (ASK, BID), (BID, BID)])
def test_crossed_or_empty_book_cancels_is_no_sample_and_ends_with_the_next_good_book(bid, ask):
    hand, _ = quoting_hand()
    accepted = int(hand.stepper._state.core[0]["accepted"])
    assert cancelled_ids(hand.book(bid, ask)) == [1, 2]
    assert hand.stepper.decision["reasons"] & R_CROSSED
    assert hand.stepper._state.core[0]["accepted"] == accepted
    assert hand.cancelled(1) == []
    assert placed(hand.book(BID, ASK, after_s=0.0))[0][0] == BUY


def test_refresh_cancels_first_and_replaces_at_the_decision_current_when_the_cancel_is_confirmed():
    hand, _ = quoting_hand()
    assert hand.stepper.next_wake_ns == START + 100_000_000 + 15 * SECOND
    assert hand.timer(14.999) == []
    assert cancelled_ids(hand.timer(0.001)) == [1, 2]
    assert hand.stepper.decision["reasons"] & R_REFRESH
    assert hand.book(BID - 100_000, ASK - 100_000) == []
    assert placed(hand.cancelled(1)) == [(BUY, 5_895_280, 100)]
    assert hand.state_of(2) == CANCELLING


def test_full_fill_starts_the_cooldown_and_only_its_slot_waits():
    hand, sent = quoting_hand()
    assert hand.fill(sent[0], 100, 0) == []
    assert hand.stepper.next_wake_ns == hand.now + 5 * SECOND
    assert hand.timer(4.9) == []
    assert placed(hand.timer(0.1)) == [(BUY, 5_995_200, 100)]
    assert hand.state_of(2) == QUOTED


def test_partial_fill_rests_on_and_its_cancelled_remainder_starts_the_cooldown():
    hand, sent = quoting_hand()
    hand.fill(sent[0], 30, 70)
    assert hand.state_of(1) == QUOTED
    hand.timer(15)
    assert hand.cancelled(1) == []
    assert placed(hand.timer(5)) == [(BUY, 5_995_200, 100)]
    assert hand.stepper.snapshot()["base_lots"] == 1_030


def test_cancel_that_lost_against_a_fill_is_a_fill():
    hand, sent = quoting_hand()
    hand.timer(15)
    assert hand.fill(sent[0], 100, 0) == []
    assert hand.cancelled(1) == []
    assert hand.state_of(1) == -1
    assert placed(hand.timer(5)) == [(BUY, 5_995_200, 100)]


def test_fill_after_the_confirmed_cancel_is_booked_once_and_leaves_the_next_order_alone():
    hand, sent = quoting_hand()
    hand.timer(15)
    assert len(hand.cancelled(1)) == 1
    before = hand.stepper.snapshot()
    hand.fill(sent[0], 40, 0)
    after = hand.stepper.snapshot()
    assert after["base_lots"] - before["base_lots"] == 40
    assert hand.state_of(3) == PENDING


def test_partial_fills_that_arrive_swapped_end_the_order():
    hand, sent = quoting_hand()
    hand.fill(sent[0], 40, 0)
    hand.fill(sent[0], 60, 40)
    assert hand.state_of(1) == -1
    assert hand.stepper.snapshot()["base_lots"] == 1_100


def test_swapped_partial_fills_leave_what_the_later_one_says():
    hand, sent = quoting_hand()
    hand.fill(sent[0], 20, 70)
    hand.fill(sent[0], 10, 90)
    assert hand.stepper.snapshot()["open"][0]["leaves_lots"] == 70


def test_fill_before_the_acknowledgement_counts_and_the_late_acknowledgement_does_nothing():
    hand = Hand(parameter_set(quoting=ONE))
    sent = hand.book(BID, ASK, fresh=True)
    hand.fill(sent[0], 30, 70)
    assert hand.state_of(1) == QUOTED
    hand.fill(sent[0], 70, 0)
    hand.ack(1)
    assert hand.state_of(1) == -1


def test_pending_order_is_cancelled_only_once_it_is_acknowledged():
    hand = Hand(parameter_set(quoting=ONE))
    hand.book(BID, ASK, fresh=True)
    assert hand.feed(HALT, flag=1) == []
    assert hand.state_of(1) == PENDING
    assert cancelled_ids(hand.ack(1)) == [1]


def test_gap_cancels_all_and_waits_for_a_fresh_book_without_a_difference_across_it():
    hand = Hand(parameter_set(quoting=ONE, volatility={"policy": "rolling_std", "min_samples": 2}))
    hand.ack_all(hand.book(BID, ASK, fresh=True))
    hand.book(BID, ASK)
    hand.book(BID, ASK)
    assert hand.stepper.snapshot()["sigma"] == 0.0
    assert cancelled_ids(hand.feed(GAP)) == [1, 2]
    assert hand.stepper.decision["reasons"] & R_NO_BOOK
    hand.cancelled(1)
    hand.cancelled(2)
    assert hand.book(BID + 5_000, ASK + 5_000) == []
    assert len(placed(hand.book(BID + 9_000, ASK + 9_000, fresh=True))) == 2
    assert hand.stepper.snapshot()["sigma"] == 0.0


def test_halt_cancels_all_and_resumes_on_request():
    hand, _ = quoting_hand()
    assert cancelled_ids(hand.feed(HALT, flag=1)) == [1, 2]
    assert hand.stepper.decision["reasons"] & R_HALTED
    hand.cancelled(1)
    assert hand.book(BID, ASK) == []
    assert placed(hand.feed(HALT, flag=0)) == [(BUY, 5_995_200, 100)]


@pytest.mark.parametrize(("code", "pause"), [(REJECT_POST_ONLY, 0.05), (REJECT_BALANCE, 5.0)])
def test_refused_order_pauses_by_the_kind_of_refusal(code, pause):
    hand = Hand(parameter_set(quoting=ONE))
    hand.book(BID, ASK, fresh=True)
    assert hand.reject(1, code) == []
    assert hand.stepper.decision["reasons"] & R_REJECTED
    assert hand.timer(pause - 0.001) == []
    assert len(placed(hand.timer(0.001))) == 1


def test_disabled_side_is_cancelled():
    hand = Hand(parameter_set("buy_only", quoting=ONE), base_lots=200.0)
    hand.ack_all(hand.book(BID, ASK, fresh=True))
    assert cancelled_ids(hand.feed(BALANCE, base_lots=100.0, quote_atoms=1e12)) == [2]
    assert hand.stepper.decision["reasons"] & R_SIDE_DISABLED


def test_order_that_holdings_no_longer_cover_is_cancelled():
    hand, _ = quoting_hand()
    assert cancelled_ids(hand.feed(BALANCE, base_lots=99.0, quote_atoms=1e12)) == [2]
    assert hand.stepper.decision["reasons"] & R_HOLDINGS


def test_fees_leave_the_holdings():
    hand, _ = quoting_hand()
    hand.feed(
        6,
        order_id=1,
        side=BUY,
        price_ticks=5_995_200,
        qty_lots=100,
        leaves_lots=0,
        fee_base_lots=0.1,
        fee_quote_atoms=5.0,
    )
    held = hand.stepper.snapshot()
    assert held["base_lots"] == 1_099.9
    assert held["quote_atoms"] == 1e12 - 5_995_200 * 100 - 5.0


def test_swap_keeps_orders_and_the_window_and_decides_at_the_parameters_event():
    hand, _ = quoting_hand()
    for _ in range(12):
        hand.book(BID, ASK)
    wide = {"spread_low": 30.0, "spread_medium": 30.0, "spread_high": 30.0}
    hand.stepper.swap(parameter_set(quoting=ONE, regimes=wide), 7)
    assert hand.feed(PARAMETERS, code=7) == []
    assert hand.stepper.decision["version"] == 7
    assert hand.stepper.decision["reasons"] == R_PARAMETERS
    assert hand.stepper.decision["want_bid_ticks"][0] == 5_982_000
    assert [hand.state_of(i) for i in (1, 2)] == [QUOTED, QUOTED]
    assert hand.stepper.snapshot()["sigma"] == 0.0


def test_swap_to_another_window_warms_up_anew_and_fewer_levels_cancel_the_rest():
    hand = Hand(parameter_set())
    hand.ack_all(hand.book(BID, ASK, fresh=True))
    for _ in range(12):
        hand.book(BID, ASK)
    fields = {"policy": "rolling_std", "vol_window_seconds": 30}
    hand.stepper.swap(parameter_set("skewed", "linear", quoting=ONE, volatility=fields), 2)
    assert cancelled_ids(hand.feed(PARAMETERS, code=2)) == [2, 4]
    assert math.isnan(hand.stepper.snapshot()["sigma"])


def test_regime_label_belongs_to_the_upper_side_of_its_threshold():
    hand = Hand(parameter_set(quoting=ONE, volatility={"policy": "rolling_std", "min_samples": 2}))
    hand.book(BID, ASK, fresh=True)
    for mid in (6_050_000, 6_000_000, 6_050_000):
        hand.book(mid - 1, mid + 1)
    assert hand.stepper.snapshot()["regime"] == "high"
    assert hand.stepper.decision["regime"] == HIGH
    assert hand.stepper.decision["bid_bps"] == 20.0


def test_trade_decides_nothing():
    hand, _ = quoting_hand()
    assert hand.feed(TRADE, side=SELL, price_ticks=1, qty_lots=1) == []
    assert not hand.stepper.decided


def test_nothing_new_makes_no_decision():
    hand, _ = quoting_hand()
    hand.book(BID + 1, ASK + 1)
    assert not hand.stepper.decided


def test_unknown_event_field_is_refused():
    with pytest.raises(BadInput, match="no field 'prize'"):
        new_event(TRADE, prize=1)

"""The position rebalance (strategy.md 6): one order that takes for each breach, and only beyond the threshold."""

import pytest

from strategy.kernel.records import (
    BALANCE,
    BUY,
    GAP,
    HALT,
    KILL,
    R_CLEARING,
    R_REBALANCE,
    REBALANCE,
    REJECT_OTHER,
    SELL,
)
from tests.unit.kernel_samples import Hand, cancelled_ids, parameter_set, placed, taken

MID = 6_000_000
ONE = {"buy_spreads": [1], "sell_spreads": [1, 2], "executor_refresh_time": 100.0}  # the asks need 200 lots
BUY_LIMIT, SELL_LIMIT = 6_030_000, 5_970_000  # the collar's 50 bps around MID


def hand_of(base_lots, threshold=0.25, quote_atoms=1e12, inventory="neutral", **quoting):
    """Return a hand with these holdings, before its first book."""
    groups = {"quoting": ONE | {"position_rebalance_threshold_pct": threshold} | quoting}
    return Hand(parameter_set(inventory, **groups, risk={"stale_after_seconds": None}), base_lots, quote_atoms)


def market(hand, mid=MID, after_s=0.1, fresh=False):
    """Feed an update around `mid`."""
    return hand.book(mid - 1, mid + 1, after_s, fresh)


def quoting_hand(**fields):
    """Return a hand that holds exactly what its asks need, with a bid (1) and two asks (2, 3) acknowledged."""
    hand = hand_of(200.0, **fields)
    hand.ack_all(market(hand, fresh=True))
    assert len(hand.stepper.snapshot()["open"]) == 3
    return hand


def balance(hand, base_lots, quote_atoms=1e12):
    """Tell the strategy what it holds."""
    return hand.feed(BALANCE, base_lots=base_lots, quote_atoms=quote_atoms)


def cleared(hand, *order_ids):
    """Confirm these cancels and return what follows the last."""
    for order_id in order_ids[:-1]:
        assert hand.cancelled(order_id) == []
    return hand.cancelled(order_ids[-1])


@pytest.mark.parametrize(
    ("base_lots", "order"),
    [
        (150.0, None),
        (149.0, (REBALANCE, BUY, BUY_LIMIT, 51)),
        (149.5, (REBALANCE, BUY, BUY_LIMIT, 50)),
        (0.0, (REBALANCE, BUY, BUY_LIMIT, 200)),
        (250.0, None),
        (251.0, (REBALANCE, SELL, SELL_LIMIT, 51)),
        (1_000.0, (REBALANCE, SELL, SELL_LIMIT, 800)),
    ],
)
def test_base_further_from_what_the_asks_need_than_the_threshold_is_topped_up_or_sold(base_lots, order):
    hand = hand_of(base_lots)
    actions = market(hand, fresh=True)
    assert taken(actions) == ([] if order is None else [order])
    assert (len(placed(actions)) > 0) == (order is None)


@pytest.mark.parametrize("hundredths", [1, 7, 14, 29, 55, 57, 58])
def test_base_exactly_at_the_threshold_is_inside_it_whatever_its_decimals(hundredths):
    hand = hand_of(200.0 - 2 * hundredths, threshold=hundredths / 100)
    assert taken(market(hand, fresh=True)) == []
    hand = hand_of(200.0 + 2 * hundredths, threshold=hundredths / 100)
    assert taken(market(hand, fresh=True)) == []


def test_quotes_stand_aside_first_and_come_back_once_the_difference_is_closed():
    hand = quoting_hand()
    assert cancelled_ids(balance(hand, 100.0)) == [1, 2, 3]
    assert hand.stepper.decision["reasons"] & (R_REBALANCE | R_CLEARING) == R_REBALANCE | R_CLEARING
    take = cleared(hand, 1, 2, 3)
    assert taken(take) == [(REBALANCE, BUY, BUY_LIMIT, 100)]
    assert market(hand) == []
    assert hand.fill(take[0], 40, 60) == []
    assert len(placed(hand.fill(take[0], 60, 0))) == 3
    assert hand.stepper.snapshot()["base_lots"] == 200


def test_breach_has_one_order_even_when_it_was_filled_in_part_and_a_new_one_has_its_own():
    hand = hand_of(0.0)
    take = market(hand, fresh=True)
    hand.fill(take[0], 60, 140)
    assert taken(hand.cancelled(1)) == []
    for _ in range(5):
        assert taken(market(hand)) == []
    assert taken(balance(hand, 30.0)) == []
    assert taken(balance(hand, 150.0)) == []
    for order in hand.stepper.snapshot()["open"]:
        hand.ack(order["order_id"])
    ids = sorted(cancelled_ids(balance(hand, 149.0)))
    assert taken(cleared(hand, *ids)) == [(REBALANCE, BUY, BUY_LIMIT, 51)]


@pytest.mark.parametrize("refused", [True, False])
def test_refused_or_unfilled_rebalance_is_not_repeated_and_quotes_come_back(refused):
    hand = hand_of(100.0)
    take = market(hand, fresh=True)
    assert taken(take) == [(REBALANCE, BUY, BUY_LIMIT, 100)]
    after = hand.reject(1, REJECT_OTHER) if refused else hand.cancelled(1)
    assert taken(after) == []
    assert [(side, lots) for side, _, lots in placed(after)] == [(BUY, 100), (SELL, 100)]
    hand.timer(10.0)
    assert taken(market(hand)) == []


def test_base_that_is_back_inside_before_the_way_is_clear_needs_no_order():
    hand = quoting_hand()
    balance(hand, 100.0)
    assert balance(hand, 200.0) == []
    back = [action for order_id in (1, 2, 3) for action in hand.cancelled(order_id)]
    assert taken(back) == []
    assert len(placed(back)) == 3
    assert hand.stepper._state.core[0]["rebalances"] == 0


@pytest.mark.parametrize(("kind", "fields"), [(HALT, {"flag": 1}), (KILL, {"flag": 1}), (GAP, {})])
def test_nothing_is_rebalanced_while_quoting_is_blocked(kind, fields):
    hand = quoting_hand()
    hand.feed(kind, **fields)
    assert balance(hand, 0.0) == []
    assert cleared(hand, 1, 2, 3) == []
    assert market(hand) == []
    back = market(hand, fresh=True) if kind == GAP else hand.feed(kind, flag=0)
    assert taken(back) == [(REBALANCE, BUY, BUY_LIMIT, 200)]


@pytest.mark.parametrize(("base_lots", "uncovered"), [(194.0, [3]), (206.0, [])])
def test_difference_under_the_venues_minima_clears_no_quote_away_and_goes_out_once_it_has_grown(base_lots, uncovered):
    hand = quoting_hand(threshold=0.02)  # 6 lots are 3.6 quote; the venue asks for 5
    assert cancelled_ids(balance(hand, base_lots)) == uncovered
    assert cancelled_ids(balance(hand, 200 + 2 * (base_lots - 200))) == [i for i in (1, 2, 3) if i not in uncovered]
    take = cleared(hand, 1, 2, 3)
    assert [(purpose, lots) for purpose, _, _, lots in taken(take)] == [(REBALANCE, 12)]


def test_top_up_that_the_account_cannot_pay_disturbs_no_quote():
    hand = hand_of(100.0, quote_atoms=0.0)
    assert placed(market(hand, fresh=True)) == [(SELL, 6_004_800, 100)]
    assert hand.stepper._state.core[0]["clearing"] == 0


def test_top_up_is_cut_to_what_the_account_pays_for():
    hand = hand_of(0.0, quote_atoms=70.0 * BUY_LIMIT)
    assert taken(market(hand, fresh=True)) == [(REBALANCE, BUY, BUY_LIMIT, 70)]


def test_nothing_is_rebalanced_while_the_inventory_policy_offers_nothing():
    hand = hand_of(0.0, inventory="buy_only")
    assert taken(market(hand, fresh=True)) == []
    assert hand.stepper.decision["ask_enabled"] == 0


def test_rule_that_is_off_never_takes():
    hand = Hand(parameter_set(quoting=ONE), 0.0)
    assert taken(market(hand, fresh=True)) == []

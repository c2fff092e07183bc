"""The triple barrier of filled slots (strategy.md 6): when each acts, and to the exact boundary."""

import pytest

from strategy.kernel.barriers import barrier_hit
from strategy.kernel.records import (
    BARRIERS,
    BUY,
    GAP,
    HALT,
    HELD,
    KILL,
    PARAMETERS,
    POSITION,
    R_BARRIER,
    R_CLEARING,
    R_DUST,
    R_NO_BOOK,
    REJECT_BALANCE,
    SELL,
    STOP_LOSS,
    TAKE_PROFIT,
    TIME_LIMIT,
    TRAILING_STOP,
)
from strategy.kernel.state import CORE
from tests.unit.kernel_samples import SECOND, Hand, cancelled_ids, parameter_set, placed, records, taken

MID = 6_000_000
ENTRY_BID, ENTRY_ASK = 5_995_200, 6_004_800  # 8 bps around MID: sigma is unknown
ONE = {"buy_spreads": [1], "sell_spreads": [1], "executor_refresh_time": 100.0}
NONE = records(BARRIERS, enabled=1, take_profit=9e9, stop_loss=9e9, trailing_activation=9e9, trailing_delta=9e9)
TAKE_REACH = 5_970_000  # the collar's 50 bps under MID


def quoting_hand(barriers, quoting=None, base_lots=1_000.0, **risk):
    """Return a hand with an acknowledged bid (id 1) and ask (id 2), and what placed them."""
    risk = {"stale_after_seconds": None} | risk
    parameters = parameter_set(
        quoting=ONE | (quoting or {}),
        barriers=barriers,
        risk=risk,
        volatility={"policy": "rolling_std", "min_samples": 1_000},
    )
    hand = Hand(parameters, base_lots)
    sent = market(hand, MID, fresh=True)
    hand.ack_all(sent)
    return hand, sent


def market(hand, mid, after_s=0.1, fresh=False):
    """Feed an update around `mid`."""
    return hand.book(mid - 1, mid + 1, after_s, fresh)


def core_of(hand):
    """Return the core record."""
    return hand.stepper._state.core[0]


def held_by(hand, slot):
    """Return the lots that a slot holds."""
    return int(hand.stepper._state.held[slot]["lots"])


def stopped(quoting=None, **risk):
    """Return a hand that bought 100 lots, whose stop loss was reached, and whose ask is confirmed gone; its TAKE."""
    hand, sent = quoting_hand({"stop_loss": 0.01}, quoting, **risk)
    hand.fill(sent[0], 100, 0)
    assert cancelled_ids(market(hand, MID - 70_000)) == [2]
    actions = hand.cancelled(2)
    assert len(actions) == 1
    return hand, actions[0]


@pytest.mark.parametrize(
    ("share", "sell_price", "buy_price"), [(0.002, 6_007_191, 5_992_790), (0.003, 6_013_186, 5_986_785)]
)
def test_take_profit_rests_beyond_the_entry_rounded_away_from_it(share, sell_price, buy_price):
    hand, sent = quoting_hand({"take_profit": share})
    profits = hand.fill(sent[0], 100, 0)
    assert placed(profits) == [(SELL, sell_price, 100)]
    assert profits[0]["purpose"] == TAKE_PROFIT
    assert placed(hand.fill(sent[1], 100, 0)) == [(BUY, buy_price, 100)]
    assert core_of(hand)["positions"] == 2


def test_take_profit_that_the_market_has_passed_rests_one_tick_behind_the_opposite_best_and_our_own():
    hand, sent = quoting_hand({"take_profit": 0.0001})
    assert placed(hand.fill(sent[0], 100, 0)) == [(SELL, MID, 100)]
    assert placed(hand.fill(sent[1], 100, 0)) == [(BUY, MID - 1, 100)]


def test_take_profit_of_several_fills_is_at_their_average():
    hand, sent = quoting_hand({"take_profit": 0.002})
    assert hand.fill(sent[0], 30, 70) == []
    sent[0]["price_ticks"] -= 1_000  # a venue may improve the price
    assert placed(hand.fill(sent[0], 70, 0)) == [(SELL, 6_006_489, 100)]  # (5,995,200 - 700) x 1.002


def test_partial_entry_rests_on_and_its_profit_is_taken_once_its_remainder_is_cancelled():
    hand, sent = quoting_hand({"take_profit": 0.002}, {"executor_refresh_time": 1.0, "sell_spreads": [50]})
    assert hand.fill(sent[0], 30, 70) == []
    assert market(hand, MID) == []
    assert cancelled_ids(hand.timer(1.0)) == [1, 2]
    profits = hand.cancelled(1)
    assert placed(profits) == [(SELL, 6_007_191, 30)]
    assert hand.stepper._state.slots[0]["state"] == POSITION
    assert market(hand, MID) == []


def test_position_ends_with_its_profit_and_starts_the_cooldown_of_its_slot_alone():
    hand, sent = quoting_hand({"take_profit": 0.002})
    profit = hand.fill(sent[0], 100, 0)[0]
    hand.ack(int(profit["order_id"]))
    assert hand.fill(profit, 40, 60, after_s=2.0) == []
    assert held_by(hand, 0) == 60
    assert hand.fill(profit, 60, 0) == []
    assert core_of(hand)["positions"] == 0
    assert hand.stepper.next_wake_ns == hand.now + 5 * SECOND
    assert hand.timer(4.999) == []
    assert placed(hand.timer(0.001)) == [(BUY, ENTRY_BID, 100)]
    assert core_of(hand)["base_lots"] == 1_000


def test_take_profit_that_would_cross_after_a_jump_stays_a_maker():
    hand, sent = quoting_hand({"take_profit": 0.002}, {"executor_refresh_time": 1.0, "sell_spreads": [50]})
    hand.fill(sent[0], 30, 70)
    hand.timer(1.0)
    market(hand, MID + 100_000)
    assert placed(hand.cancelled(1)) == [(SELL, MID + 100_000, 30)]


def test_take_profit_refused_as_post_only_is_tried_again_after_the_shortest_pause():
    hand, sent = quoting_hand({"take_profit": 0.002})
    profit = hand.fill(sent[0], 100, 0)[0]
    assert hand.reject(int(profit["order_id"]), 1) == []
    assert hand.stepper.next_wake_ns == hand.now + 50_000_000
    assert placed(hand.timer(0.05)) == [(SELL, 6_007_191, 100)]


def hit(barriers, side, lots, atoms, mids, opened_ns=0, now=1):
    """Return the barrier that each mid in turn reaches for one holding."""
    holding = records(HELD, lots=lots, atoms=atoms, extreme_ticks=atoms / lots, opened_ns=opened_ns)
    return [int(barrier_hit(barriers, holding, side, records(CORE, mid_ticks=mid), now, 0)) for mid in mids]


def rules(**limits):
    """Return barriers of which only these are set."""
    record = NONE.copy()
    for name, value in limits.items():
        record[name] = value
    return record


@pytest.mark.parametrize(("side", "within", "at"), [(BUY, 5_935_248.5, 5_935_248.0), (SELL, 6_055_151.5, 6_055_152.0)])
def test_stop_loss_is_reached_by_the_mid_at_its_exact_price(side, within, at):
    assert hit(rules(stop_loss=0.01), side, 100, 100.0 * ENTRY_BID, [within, at]) == [0, STOP_LOSS]


@pytest.mark.parametrize("entry", [6_000_000, 5_995_200, 123_400])
def test_stop_loss_is_exact_whatever_its_decimals(entry):
    exact = [n for n in range(1, 1_000) if entry * n % 5_000 == 0]  # at these the stop is a mid
    assert len(exact) > 20
    for n in exact:
        stop = entry - entry * n / 10_000
        assert hit(rules(stop_loss=n / 10_000), BUY, 7, 7.0 * entry, [stop + 0.5, stop]) == [0, STOP_LOSS], n


@pytest.mark.parametrize("side", [BUY, SELL])
def test_trailing_stop_waits_for_its_activation_and_then_for_its_delta_from_the_best_mid(side):
    entry, limits = 1_000_000, rules(trailing_activation=0.01, trailing_delta=0.004)
    assert hit(limits, side, 10, 10.0 * entry, [entry - side * 50_000, entry + side * 9_999, entry]) == [0, 0, 0]
    best = entry + side * 20_000
    back = round(best * 0.004)
    mids = [entry + side * 10_000, best, best - side * (back - 1), best - side * back]
    assert hit(limits, side, 10, 10.0 * entry, mids) == [0, 0, 0, TRAILING_STOP]


def test_trailing_stop_armed_exactly_at_its_activation_acts_under_it():
    limits = rules(trailing_activation=0.01, trailing_delta=0.004)
    assert hit(limits, BUY, 10, 1e7, [1_009_999, 1_005_000]) == [0, 0]
    assert hit(limits, BUY, 10, 1e7, [1_010_000, 1_005_961, 1_005_960]) == [0, 0, TRAILING_STOP]


def test_time_limit_needs_no_market_and_the_prices_do():
    holding = records(HELD, lots=1, atoms=100.0, opened_ns=5)
    limits, core = rules(time_limit_ns=10, stop_loss=0.1), records(CORE, mid_ticks=1.0)
    assert barrier_hit(limits, holding, BUY, core, 14, R_NO_BOOK) == 0
    assert barrier_hit(limits, holding, BUY, core, 15, R_NO_BOOK) == TIME_LIMIT
    assert barrier_hit(limits, holding, BUY, core, 14, 0) == STOP_LOSS


def test_stop_loss_takes_only_once_the_last_of_our_quotes_is_confirmed_gone():
    hand, sent = quoting_hand({"stop_loss": 0.01}, {"buy_spreads": [1, 2], "sell_spreads": [1, 2]})
    assert hand.fill(sent[0], 100, 0) == []
    assert cancelled_ids(market(hand, MID - 70_000)) == [2, 3, 4]
    assert hand.stepper.decision["reasons"] & (R_BARRIER | R_CLEARING) == R_BARRIER | R_CLEARING
    assert hand.cancelled(2) == hand.cancelled(3) == market(hand, MID - 70_000) == []
    assert taken(hand.cancelled(4)) == [(STOP_LOSS, SELL, 5_900_350, 100)]  # 50 bps under the mid
    assert market(hand, MID - 70_000) == hand.timer(1.0) == []


def test_taker_waits_for_an_order_that_is_not_acknowledged_yet():
    hand, sent = quoting_hand({"stop_loss": 0.01})
    hand.feed(HALT, flag=1)
    hand.cancelled(2)
    hand.fill(sent[0], 100, 0)
    unacknowledged = hand.feed(HALT, flag=0)
    assert placed(unacknowledged) == [(SELL, ENTRY_ASK, 100)]
    assert market(hand, MID - 70_000) == []
    assert cancelled_ids(hand.ack(3)) == [3]
    assert len(taken(hand.cancelled(3))) == 1


def test_taker_that_filled_in_part_is_repeated_for_the_rest_and_then_quotes_come_back():
    hand, take = stopped()
    hand.ack(int(take["order_id"]))
    assert hand.fill(take, 60, 40) == []
    again = hand.cancelled(int(take["order_id"]))
    assert taken(again) == [(STOP_LOSS, SELL, 5_900_350, 40)]
    assert placed(hand.fill(again[0], 40, 0)) == [(SELL, 5_934_744, 100)]
    assert core_of(hand)["base_lots"] == 1_000
    assert placed(hand.timer(5.0)) == [(BUY, 5_925_256, 100)]


def test_taker_that_found_nothing_is_repeated_after_the_shortest_pause():
    hand, take = stopped()
    assert hand.cancelled(int(take["order_id"])) == []
    assert hand.stepper.next_wake_ns == hand.now + 50_000_000
    assert hand.timer(0.049) == []
    assert taken(hand.timer(0.001)) == [(STOP_LOSS, SELL, 5_900_350, 100)]


def test_refused_taker_is_repeated_after_a_pause_and_quotes_stand_aside_meanwhile():
    hand, take = stopped({"cooldown_time": 0.0})
    assert hand.reject(int(take["order_id"]), REJECT_BALANCE) == []
    assert hand.stepper.next_wake_ns == hand.now + SECOND
    assert market(hand, MID - 70_000, 0.5) == []
    assert len(taken(hand.timer(0.5))) == 1


def test_taker_waits_for_the_rate_and_goes_when_it_allows():
    hand, sent = quoting_hand({"stop_loss": 0.01}, max_orders_per_second=2)
    hand.fill(sent[0], 100, 0)
    market(hand, MID - 70_000)
    assert hand.cancelled(2) == []
    due = hand.stepper.next_wake_ns
    assert due == sent_ns(hand) + SECOND
    hand.now = due
    assert len(taken(hand.timer())) == 1


def sent_ns(hand):
    """Return when the first order went out."""
    return int(hand.stepper._state.sent[0])


def test_stop_loss_beats_a_resting_take_profit_which_is_cancelled_first():
    hand, sent = quoting_hand({"stop_loss": 0.01, "take_profit": 0.5})
    hand.ack_all(hand.fill(sent[0], 100, 0))
    assert cancelled_ids(market(hand, MID - 70_000)) == [3, 2]
    assert hand.cancelled(2) == []
    assert taken(hand.cancelled(3)) == [(STOP_LOSS, SELL, 5_900_350, 100)]


def test_take_profit_filled_while_it_was_being_cancelled_leaves_nothing_to_take():
    hand, sent = quoting_hand({"stop_loss": 0.01, "take_profit": 0.5})
    profit = hand.fill(sent[0], 100, 0)
    hand.ack_all(profit)
    market(hand, MID - 70_000)
    assert hand.fill(profit[0], 100, 0) == []
    assert core_of(hand)["positions"] == 0
    assert hand.cancelled(3) == []
    assert placed(hand.cancelled(2)) == [(SELL, 5_934_744, 100)]


def test_take_profit_of_another_slot_steps_aside_for_a_taker_and_comes_back_after_it():
    levels = {"buy_spreads": [1, 100], "sell_spreads": [60]}
    hand, sent = quoting_hand({"stop_loss": 0.05, "take_profit": 0.1}, levels)
    first = hand.fill(sent[0], 100, 0)
    second = hand.fill(sent[1], 100, 0)
    hand.ack_all(first + second)
    assert core_of(hand)["positions"] == 2
    assert cancelled_ids(market(hand, MID - 320_000)) == [4, 5, 3]
    hand.cancelled(3)
    hand.cancelled(5)
    take = hand.cancelled(4)
    assert [each[:2] for each in taken(take)] == [(STOP_LOSS, SELL)]
    after = hand.fill(take[0], 100, 0)
    assert (TAKE_PROFIT, SELL) in {(int(a["purpose"]), int(a["side"])) for a in after}
    assert held_by(hand, 1) == 100


def test_time_limit_is_due_by_its_timer():
    hand, sent = quoting_hand({"time_limit": 3.0})
    hand.fill(sent[0], 40, 60)
    due = hand.now + 3 * SECOND
    hand.fill(sent[0], 60, 0, after_s=1.0)
    assert hand.stepper.next_wake_ns == due
    assert hand.timer(1.999) == []
    assert cancelled_ids(hand.timer(0.001)) == [2]
    assert hand.now == due
    assert taken(hand.cancelled(2)) == [(TIME_LIMIT, SELL, TAKE_REACH, 100)]


def test_time_limit_of_a_partial_entry_cancels_its_remainder_first():
    hand, sent = quoting_hand({"time_limit": 3.0})
    hand.fill(sent[0], 40, 60)
    assert cancelled_ids(hand.timer(3.0)) == [1, 2]
    assert hand.fill(sent[0], 10, 50) == hand.cancelled(2) == []
    assert taken(hand.cancelled(1)) == [(TIME_LIMIT, SELL, TAKE_REACH, 50)]


def test_short_position_is_bought_back():
    hand, sent = quoting_hand({"stop_loss": 0.01})
    hand.fill(sent[1], 100, 0)
    market(hand, MID + 70_000)
    assert taken(hand.cancelled(1)) == [(STOP_LOSS, BUY, 6_100_350, 100)]


def test_taker_reaches_its_default_distance_where_no_collar_is_set():
    _, take = stopped(collar_bps=None)
    assert take["price_ticks"] == 5_633_500  # 500 bps under 5,930,000


def test_dust_is_let_go_with_its_cooldown_and_the_rest_stays_in_the_holdings():
    hand, take = stopped()
    assert hand.fill(take, 95, 5) == []
    after = hand.cancelled(int(take["order_id"]))
    assert taken(after) == []
    assert hand.stepper.decision["reasons"] & R_DUST
    assert (core_of(hand)["positions"], core_of(hand)["dust"]) == (0, 1)
    assert core_of(hand)["base_lots"] == 1_005
    assert placed(after) == [(SELL, 5_934_744, 100)]
    assert placed(hand.timer(5.0)) == [(BUY, 5_925_256, 100)]


def test_dust_that_reaches_a_barrier_is_let_go_without_disturbing_the_quotes():
    hand, sent = quoting_hand({"stop_loss": 0.01}, {"executor_refresh_time": 1.0, "sell_spreads": [50]})
    hand.fill(sent[0], 5, 95)
    hand.timer(1.0)
    hand.cancelled(1)
    hand.ack_all(hand.cancelled(2))
    assert core_of(hand)["positions"] == 1
    assert market(hand, MID - 70_000) == []
    assert core_of(hand)["positions"] == 0


def test_late_fill_of_a_filled_slot_joins_its_position():
    hand, sent = quoting_hand({"take_profit": 0.002}, {"executor_refresh_time": 1.0, "sell_spreads": [50]})
    hand.fill(sent[0], 30, 70)
    hand.timer(1.0)
    profit = hand.cancelled(1)
    hand.ack_all(profit)
    assert hand.fill(sent[0], 20, 0) == []
    assert held_by(hand, 0) == 50
    assert placed(hand.fill(profit[0], 30, 0)) == [(SELL, 6_007_191, 20)]


def test_late_fill_during_the_cooldown_opens_the_position_after_all():
    hand, sent = quoting_hand({"take_profit": 0.002})
    hand.reject(1, REJECT_BALANCE)
    assert placed(hand.fill(sent[0], 20, 0)) == [(SELL, 6_007_191, 20)]
    assert hand.stepper._state.slots[0]["state"] == POSITION


def test_swap_that_removes_the_barriers_cancels_the_profit_and_frees_the_slot():
    hand, sent = quoting_hand({"take_profit": 0.002})
    hand.ack_all(hand.fill(sent[0], 100, 0))
    hand.stepper.swap(parameter_set(quoting=ONE, risk={"stale_after_seconds": None}), 2)
    assert cancelled_ids(hand.feed(PARAMETERS, code=2)) == [3]
    assert core_of(hand)["positions"] == 1
    assert placed(hand.cancelled(3)) == [(BUY, ENTRY_BID, 100)]
    assert core_of(hand)["positions"] == 0


def test_swap_that_removes_the_barriers_never_cancels_an_order_that_takes():
    hand, take = stopped()
    hand.ack(int(take["order_id"]))
    hand.stepper.swap(parameter_set(quoting=ONE, risk={"stale_after_seconds": None}), 2)
    assert hand.feed(PARAMETERS, code=2) == []
    assert len(placed(hand.cancelled(int(take["order_id"])))) == 2
    assert core_of(hand)["positions"] == 0


@pytest.mark.parametrize(("kind", "fields"), [(HALT, {"flag": 1}), (KILL, {"flag": 1}), (GAP, {})])
def test_halt_kill_and_gap_cancel_the_profit_and_hold_a_stop_back_until_they_are_over(kind, fields):
    hand, sent = quoting_hand({"take_profit": 0.5, "time_limit": 3.0})
    hand.ack_all(hand.fill(sent[0], 100, 0))
    assert sorted(cancelled_ids(hand.feed(kind, **fields))) == [2, 3]
    assert hand.cancelled(2) == hand.cancelled(3) == []
    assert hand.timer(3.5) == []
    assert core_of(hand)["positions"] == 1
    if kind == GAP:
        assert market(hand, MID) == []
        assert taken(market(hand, MID, fresh=True)) == [(TIME_LIMIT, SELL, TAKE_REACH, 100)]
    else:
        assert taken(hand.feed(kind, flag=0)) == [(TIME_LIMIT, SELL, TAKE_REACH, 100)]


def test_profit_cancelled_by_a_halt_rests_again_after_it():
    hand, sent = quoting_hand({"take_profit": 0.002})
    hand.ack_all(hand.fill(sent[0], 100, 0))
    hand.feed(HALT, flag=1)
    assert hand.cancelled(3) == hand.cancelled(2) == []
    assert placed(hand.feed(HALT, flag=0)) == [(SELL, 6_007_191, 100), (SELL, 6_004_800, 100)]


def test_panic_cancels_the_profit_and_lets_the_stop_go_out():
    volatility = {"policy": "rolling_std", "vol_window_seconds": 0.15, "min_samples": 2}
    barriers, risk = {"take_profit": 0.5, "stop_loss": 0.01}, {"panic_threshold": 0.005, "stale_after_seconds": None}
    hand = Hand(parameter_set(quoting=ONE, barriers=barriers, risk=risk, volatility=volatility))
    sent = market(hand, MID, fresh=True)
    hand.ack_all(sent)
    market(hand, MID)
    hand.ack_all(hand.fill(sent[0], 100, 0))
    assert sorted(cancelled_ids(market(hand, MID - 70_000))) == [2, 3]
    assert hand.stepper.snapshot()["panicking"]
    hand.cancelled(3)
    assert taken(hand.cancelled(2)) == [(STOP_LOSS, SELL, 5_900_350, 100)]


def test_position_whose_base_is_gone_is_let_go_and_quoting_comes_back():
    hand, sent = quoting_hand({"stop_loss": 0.01}, base_lots=0.0)
    assert placed(sent) == [(BUY, ENTRY_BID, 100)]
    ask = hand.fill(sent[0], 100, 0)
    hand.ack_all(ask)
    assert placed(ask) == [(SELL, ENTRY_ASK, 100)]
    hand.fill(ask[0], 100, 0)  # both slots hold something, and there is no base to sell for the first
    assert core_of(hand)["base_lots"] == 0
    market(hand, MID - 70_000)
    assert core_of(hand)["positions"] == 1
    assert placed(hand.timer(5.0)) == [(BUY, 5_925_256, 100)]

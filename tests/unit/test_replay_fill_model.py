"""Each condition of the fill model on a tape made for it. The order is sent at 5 ms and arrives at 15 ms."""

import numpy as np
import pytest

from strategy.errors import BadInput
from strategy.kernel.records import ACK, BUY, FILL, REJECT, REJECT_OTHER, REJECT_POST_ONLY, SELL
from strategy.kernel.records import CANCELLED as GONE
from strategy.replay.driver import ReplayConfig
from strategy.replay.rows import CANCELLED, FILLED, OPEN, REJECTED
from tests.unit.kernel_samples import MS, START, parameter_set
from tests.unit.tape_samples import MID, QUOTED_ASK, QUOTED_BID, TapeMaker, run

SHORT = parameter_set(quoting={"buy_spreads": [1], "sell_spreads": [1], "executor_refresh_time": 0.1})


def quoted(queue=50):
    """Return a maker whose book makes the strategy quote at QUOTED_BID and QUOTED_ASK, behind `queue`."""
    return TapeMaker().ladder(0, queue)


def end(maker, ms=1_000):
    """Let time pass until `ms`."""
    return maker.update(ms)


def fills(result):
    """Return (side, price, lots, exchange ms) of every fill."""
    return [
        (int(f["side"]), int(f["price_ticks"]), int(f["qty_lots"]), int(f["exch_ts"] - START) // MS)
        for f in result.fills
    ]


def own_news(result, order_id):
    """Return (kind, local ms) of all the strategy heard of an order."""
    rows = result.events[result.events["order_id"] == order_id]
    return [(int(e["kind"]), int(e["local_ts"] - START) // MS) for e in rows]


def test_trade_at_our_price_uses_up_the_queue_before_it_fills_us():
    result = run(end(quoted().trade(20, SELL, QUOTED_BID, 49).trade(21, SELL, QUOTED_BID, 1)))
    assert fills(result) == []
    assert result.orders["outcome"].tolist() == [OPEN, OPEN]


def test_what_exceeds_the_queue_fills_us_partially_then_fully():
    maker = quoted().trade(20, SELL, QUOTED_BID, 80).trade(30, SELL, QUOTED_BID, 500)
    result = run(end(maker))
    assert fills(result) == [(BUY, QUOTED_BID, 30, 20), (BUY, QUOTED_BID, 70, 30)]
    assert result.orders[0]["filled_lots"] == 100
    assert result.orders[0]["outcome"] == FILLED
    assert result.orders[0]["ended_ns"] == START + 30 * MS


def test_sell_under_our_bid_fills_it_whole_whatever_the_queue_and_the_size():
    result = run(end(quoted().trade(20, SELL, QUOTED_BID - 1, 1)))
    assert fills(result) == [(BUY, QUOTED_BID, 100, 20)]


def test_buy_over_our_ask_fills_it_and_a_buy_under_our_bid_does_not_fill_the_bid():
    result = run(end(quoted().trade(20, BUY, QUOTED_ASK + 1, 1).trade(21, BUY, QUOTED_BID - 5, 1_000)))
    assert fills(result) == [(SELL, QUOTED_ASK, 100, 20)]


def test_best_ask_that_reaches_our_bid_fills_it_at_our_price():
    fall = ((BUY, MID - 1, 0), (BUY, QUOTED_BID, 0), (BUY, QUOTED_BID - 5, 3), (SELL, QUOTED_BID, 7))
    result = run(end(quoted().update(50, *fall)))
    assert fills(result) == [(BUY, QUOTED_BID, 100, 50)]
    assert result.fills[0]["mid_ticks"] == QUOTED_BID - 2.5
    assert result.fills[0]["quoted_mid_ticks"] == MID


def test_displayed_size_under_the_queue_ahead_lowers_it_and_growth_does_not_raise_it():
    maker = quoted().update(20, (BUY, QUOTED_BID, 10)).update(25, (BUY, QUOTED_BID, 900))
    result = run(end(maker.trade(30, SELL, QUOTED_BID, 25)))
    assert fills(result) == [(BUY, QUOTED_BID, 15, 30)]


def test_two_orders_at_one_price_share_a_trade_in_the_order_of_arrival():
    twice = parameter_set(quoting={"buy_spreads": [1, 1], "sell_spreads": [1]})
    result = run(end(quoted().trade(20, SELL, QUOTED_BID, 200)), twice)
    assert [(int(f["order_id"]), int(f["qty_lots"])) for f in result.fills] == [(1, 100), (2, 50)]


def test_order_that_would_cross_on_arrival_is_refused():
    fall = ((BUY, MID - 1, 0), (BUY, QUOTED_BID, 0), (BUY, QUOTED_BID - 5, 3), (SELL, QUOTED_BID, 7))
    result = run(end(quoted().update(14, *fall), 40))
    assert result.orders[0]["outcome"] == REJECTED
    refusals = result.events[result.events["kind"] == REJECT]
    assert [(int(e["order_id"]), int(e["code"])) for e in refusals] == [(1, REJECT_POST_ONLY)]
    assert fills(result) == []


@pytest.mark.parametrize(("arrival_ms", "filled"), [(14, False), (15, False), (16, True)])
def test_order_meets_only_what_happens_after_its_arrival(arrival_ms, filled):
    result = run(end(quoted().trade(arrival_ms, SELL, QUOTED_BID - 1, 1)))
    assert (fills(result) != []) == filled


def test_latencies_add_up_on_both_ways():
    result = run(end(quoted().trade(40, SELL, QUOTED_BID - 1, 1)), entry_latency_ns=20 * MS, response_latency_ns=7 * MS)
    assert own_news(result, 1) == [(ACK, 32), (FILL, 47)]
    assert result.fills[0]["local_ts"] - result.fills[0]["exch_ts"] == 7 * MS


def test_cancel_that_arrives_in_time_is_confirmed_and_replaced():
    result = run(end(quoted(), 140), SHORT)
    assert own_news(result, 1) == [(ACK, 25), (GONE, 125)]
    assert result.orders["outcome"].tolist() == [CANCELLED, CANCELLED, OPEN, OPEN]
    assert result.orders[2]["placed_ns"] == START + 125 * MS


@pytest.mark.parametrize(("trade_ms", "news"), [(114, FILL), (115, FILL), (116, GONE)])
def test_cancel_that_loses_its_race_yields_the_fill_and_nothing_else(trade_ms, news):
    result = run(end(quoted().trade(trade_ms, SELL, QUOTED_BID - 1, 1), 200), SHORT)
    assert [kind for kind, _ in own_news(result, 1)] == [ACK, news]


def test_cancel_after_a_partial_fill_cools_the_slot_down():
    result = run(end(end(quoted().trade(20, SELL, QUOTED_BID, 80), 3_000), 5_200), SHORT)
    assert [kind for kind, _ in own_news(result, 1)] == [ACK, FILL, GONE]
    bids = result.orders[result.orders["side"] == BUY]
    assert bids["placed_ns"].tolist() == [START + 5 * MS, START + 5_125 * MS]


def test_gap_ends_resting_orders_and_refuses_new_ones_until_a_fresh_book():
    maker = quoted().gap(50).trade(60, SELL, QUOTED_BID - 1, 1)
    result = run(end(maker.ladder(3_000), 3_100))
    assert fills(result) == []
    assert own_news(result, 1) == [(ACK, 25), (GONE, 60)]
    assert result.orders["outcome"].tolist() == [CANCELLED, CANCELLED, OPEN, OPEN]
    assert result.orders[2]["placed_ns"] == START + 3_005 * MS


def test_order_that_arrives_after_a_gap_the_strategy_does_not_know_of_is_refused():
    result = run(end(quoted().gap(13).ladder(2_000), 2_100))
    refusals = result.events[result.events["kind"] == REJECT]
    assert refusals["code"].tolist() == [REJECT_OTHER, REJECT_OTHER]


def test_maker_fee_is_charged_in_quote_and_a_rebate_paid():
    maker = end(quoted().trade(20, SELL, QUOTED_BID - 1, 1))
    for bps in (2.0, -1.0):
        result = run(maker, maker_fee_bps=bps)
        fee = QUOTED_BID * 100 * bps * 1e-4
        assert result.fills[0]["fee_quote_atoms"] == pytest.approx(fee)
        paid = result.start_quote_atoms - result.end_quote_atoms
        assert paid == pytest.approx(QUOTED_BID * 100 + fee)
        assert result.end_base_lots - result.start_base_lots == 100


def test_window_starts_on_the_book_as_it_then_is_and_ends_open_orders():
    maker = quoted().update(1_000, (BUY, MID - 1, 11)).update(2_000, (BUY, MID - 1, 12))
    result = run(end(maker, 4_000), start_ns=START + 900 * MS, end_ns=START + 3_000 * MS)
    assert result.orders["placed_ns"].tolist() == [START + 1_005 * MS] * 2
    assert result.orders["outcome"].tolist() == [OPEN, OPEN]
    assert result.orders["ended_ns"].tolist() == [START + 3_000 * MS] * 2
    assert result.counters["books"] == 2


def test_samples_stand_on_their_clock_through_quiet_times():
    result = run(end(quoted(), 5_500), sample_interval_ns=1e9)
    assert (np.diff(result.samples["ts"]) == 10**9).all()
    assert len(result.samples) == 6


def test_empty_tape_replays_to_nothing():
    result = run(TapeMaker())
    assert len(result.orders) == len(result.fills) == len(result.samples) == 0


@pytest.mark.parametrize("wrong", [{"queue_model": "hopeful"}, {"sample_interval_ns": 0}, {"entry_latency_ns": -1}])
def test_impossible_configuration_is_refused(wrong):
    with pytest.raises(BadInput, match=next(iter(wrong))):
        ReplayConfig(**wrong)

"""Every rule of life cycle and risk in a replay: on a hand-made market, with latency both ways and fees."""

import numpy as np
import pytest

from strategy.kernel.records import (
    BOOK,
    BUY,
    ENTRY,
    FRESH,
    R_COLLAR,
    R_KILLED,
    R_LOCKOUT,
    R_PANIC,
    R_STALE,
    R_THIN_BOOK,
    REBALANCE,
    SELL,
    STOP_LOSS,
    TAKE_PROFIT,
    TIME_LIMIT,
    TRAILING_STOP,
)
from strategy.replay.rows import CANCELLED, FILLED, OPEN
from tests.unit.kernel_samples import MS, START, parameter_set
from tests.unit.tape_samples import MID, QUOTED_BID, TapeMaker, run

ONE = {"buy_spreads": [1], "sell_spreads": [1], "executor_refresh_time": 1.0, "cooldown_time": 1.0}
CALM = {"low_threshold": 1e-3, "medium_threshold": 2e-3, "high_threshold": 3e-3}
WILD = {"low_threshold": 1e-6, "medium_threshold": 2e-6, "high_threshold": 5e-5}


def still(maker, start_ms, end_ms, mid=MID):
    """Let the market stand at `mid`, with an update every 100 ms, until `end_ms`."""
    for ms in range(start_ms, end_ms, 100):
        maker.market(ms, mid + (ms // 100) % 2)
    return maker


def bought(after_ms=1_000):
    """Return a market in which the first bid, 100 lots at QUOTED_BID, fills at 40 ms."""
    return still(TapeMaker().market(0, MID, fresh=True).trade(40, SELL, QUOTED_BID - 1, 1), 100, after_ms)


def with_barriers(**barriers):
    """Return a parameter set of one bid, a far ask, barriers and slow quotes: nothing but the barriers moves."""
    slow = ONE | {"executor_refresh_time": 100.0, "cooldown_time": 100.0, "sell_spreads": [50]}
    return parameter_set(quoting=slow, barriers=barriers, regimes=CALM)


def exits(result):
    """Return (purpose, side, price, lots, maker) of every fill but the entries'."""
    names = ("purpose", "side", "price_ticks", "qty_lots", "maker")
    return [tuple(int(f[name]) for name in names) for f in result.fills if f["purpose"] != ENTRY]


def resting(result, ms):
    """Return the orders that rested at the venue at a moment, by their rows."""
    at, orders = START + ms * MS, result.orders
    return orders[(orders["placed_ns"] + 10 * MS < at) & (orders["ended_ns"] > at)]


def decided(result, reason):
    """Return the local ms of the first decision that gives a reason, None without any."""
    told = result.decisions[result.decisions["reasons"] & reason != 0]["local_ts"]
    return int(told[0] - START) // MS if len(told) else None


def agrees(result):
    """Check that the account is what the fills say, fees included."""
    fills = result.fills
    assert result.end_base_lots - result.start_base_lots == (fills["side"] * fills["qty_lots"]).sum()
    paid = (fills["side"] * fills["qty_lots"] * fills["price_ticks"]).sum() + fills["fee_quote_atoms"].sum()
    assert result.start_quote_atoms - result.end_quote_atoms == pytest.approx(paid, rel=1e-12)
    by_order = {int(o["order_id"]): int(o["filled_lots"]) for o in result.orders if o["filled_lots"]}
    ids = np.unique(fills["order_id"])
    assert by_order == {int(i): int(fills["qty_lots"][fills["order_id"] == i].sum()) for i in ids}


def test_stop_loss_takes_the_position_out_through_the_levels_once_no_quote_rests():
    fall = MID - 40_000
    result = run(still(bought(), 1_000, 2_000, fall), with_barriers(stop_loss=0.005), taker_fee_bps=5.0)
    assert exits(result) == [
        (STOP_LOSS, SELL, fall - 1, 10, 0),
        (STOP_LOSS, SELL, fall - 10, 40, 0),
        (STOP_LOSS, SELL, fall - 110, 50, 0),
    ]
    taken = result.fills[result.fills["purpose"] == STOP_LOSS]
    # Seen at 1,005 ms; the ask's cancel comes back at 1,025; the taker arrives at 1,035.
    assert taken["exch_ts"].tolist() == [START + 1_035 * MS] * 3
    np.testing.assert_allclose(taken["fee_quote_atoms"], taken["price_ticks"] * taken["qty_lots"] * 5e-4)
    assert result.end_base_lots == result.start_base_lots
    assert len(resting(result, 1_034)) == 0
    agrees(result)


def test_take_profit_rests_at_its_price_and_fills_as_a_maker():
    target = 6_007_191  # QUOTED_BID x 1.002 rounded up
    result = run(bought().trade(500, BUY, target + 1, 1), with_barriers(take_profit=0.002), maker_fee_bps=1.0)
    assert exits(result) == [(TAKE_PROFIT, SELL, target, 100, 1)]
    assert result.orders[result.orders["purpose"] == TAKE_PROFIT]["outcome"].tolist() == [FILLED]
    assert result.end_base_lots == result.start_base_lots
    agrees(result)


def test_time_limit_ends_a_position_after_its_seconds():
    result = run(bought(3_000), with_barriers(time_limit=2.0))
    assert {fill[0] for fill in exits(result)} == {TIME_LIMIT}
    taken = result.fills[result.fills["purpose"] == TIME_LIMIT]
    # Opened at 50 ms; due at 2,050; 20 ms to clear the quotes and 10 to arrive.
    assert set(taken["exch_ts"]) == {START + 2_080 * MS}
    assert result.end_base_lots == result.start_base_lots


def test_trailing_stop_sells_once_the_mid_has_come_back_from_its_best():
    parameters = with_barriers(trailing_stop_activation=0.002, trailing_stop_delta=0.001)
    up = still(bought(), 1_000, 1_500, MID + 20_000)
    held = run(still(up, 1_500, 2_000, MID + 15_000), parameters)
    assert exits(held) == []
    out = run(still(up, 2_000, 2_500, MID + 13_000), parameters)
    assert {fill[0] for fill in exits(out)} == {TRAILING_STOP}
    assert out.end_base_lots == out.start_base_lots


def test_stop_whose_depth_is_too_thin_is_sent_again_for_the_rest():
    maker = bought()
    for ms in (1_000, 1_100, 1_200):
        mid = MID - 40_000 - ms
        gone = [(side, ticks, 0) for side, levels in maker._book.items() for ticks in levels if levels[ticks]]
        maker.update(ms, *gone, (BUY, mid - 1, 40), (SELL, mid + 1, 40))
    result = run(maker.update(2_000, (BUY, 1, 1)), with_barriers(stop_loss=0.005))
    stops = result.orders[result.orders["purpose"] == STOP_LOSS]
    assert stops["filled_lots"].tolist() == [40, 40, 20]
    assert stops["outcome"].tolist() == [CANCELLED, CANCELLED, FILLED]
    assert result.end_base_lots == result.start_base_lots


def test_rebalance_buys_what_the_asks_need_once_and_then_quotes():
    quoting = ONE | {"position_rebalance_threshold_pct": 0.2}
    result = run(still(TapeMaker().market(0, MID, fresh=True), 100, 3_000), parameter_set(quoting=quoting), base=0.0)
    assert exits(result) == [
        (REBALANCE, BUY, MID + 1, 10, 0),
        (REBALANCE, BUY, MID + 10, 40, 0),
        (REBALANCE, BUY, MID + 110, 50, 0),
    ]
    assert result.counters["rebalances"] == 1
    assert (resting(result, 1_000)["side"] == SELL).any()
    agrees(result)


def test_sweep_of_more_levels_than_a_log_had_room_for_is_written_down_whole():
    asks = [(SELL, MID + 1 + i, 1) for i in range(3_000)]
    maker = TapeMaker().update(0, (BUY, MID - 1, 10), *asks, fresh=True)
    quoting = ONE | {"position_rebalance_threshold_pct": 0.2, "order_qty": 0.03}
    result = run(maker.update(1_000, (BUY, MID - 1, 11)), parameter_set(quoting=quoting), base=0.0, quote=10_000.0)
    taken = result.fills[result.fills["purpose"] == REBALANCE]
    assert taken["price_ticks"].tolist() == [MID + 1 + i for i in range(3_000)]
    assert result.counters["fills"] == 3_000
    agrees(result)


def test_silence_cancels_all_and_the_next_update_counts_as_fresh():
    maker = still(TapeMaker().market(0, MID, fresh=True), 100, 1_000)
    result = run(still(maker, 9_000, 10_000), parameter_set(quoting=ONE | {"executor_refresh_time": 60.0}))
    assert decided(result, R_STALE) == 5_905  # the last update was received at 905
    assert len(resting(result, 5_914)) == 2
    assert len(resting(result, 5_916)) == len(resting(result, 9_000)) == 0
    books = result.events[result.events["kind"] == BOOK]
    assert books[books["flag"] == FRESH]["local_ts"].tolist() == [START + 5 * MS, START + 9_005 * MS]
    assert len(resting(result, 9_100)) == 2
    assert (result.counters["stales"], result.counters["stale_books"]) == (1, 0)


def test_gap_during_a_silence_waits_for_the_tapes_own_fresh_book():
    maker = still(TapeMaker().market(0, MID, fresh=True), 100, 1_000).gap(8_000)
    maker = still(still(maker, 9_000, 9_500).market(9_600, MID, fresh=True), 9_700, 10_000)
    result = run(maker, parameter_set(quoting=ONE))
    placed = result.orders["placed_ns"]
    assert placed[placed > START + 6_000 * MS].min() == START + 9_605 * MS


def test_thin_book_cancels_and_quotes_return_with_the_depth():
    maker = still(TapeMaker().market(0, MID, fresh=True), 100, 1_000)
    maker.update(1_000, (BUY, MID + 1 - 110, 0))
    result = run(still(maker, 1_500, 2_000), parameter_set(quoting=ONE, risk={"min_depth_base": 0.05}))
    assert decided(result, R_THIN_BOOK) == 1_005
    assert len(resting(result, 1_400)) == 0
    assert len(resting(result, 1_600)) == 2
    assert result.counters["thin_books"] > 0


def swing(maker, start_ms, end_ms, ticks):
    """Let the mid jump by `ticks` up and down, with an update every 100 ms."""
    for ms in range(start_ms, end_ms, 100):
        maker.market(ms, MID + ticks * ((ms // 100) % 2))
    return maker


def swinging():
    """Return a market that is still for 3 s, swings by 3 bps for 3 s, and is still again for 12 s."""
    return still(swing(still(TapeMaker().market(0, MID, fresh=True), 100, 3_000), 3_000, 6_000, 1_800), 6_000, 18_000)


ENGINE = {"policy": "rolling_std", "vol_window_seconds": 3.0}


@pytest.mark.parametrize(("cancels", "left"), [(False, 2), (True, 0)])
def test_lockout_stops_updates_after_sigma_enters_high_and_may_cancel(cancels, left):
    risk = {"lockout_seconds": 5.0, "lockout_cancels": cancels}
    quoting = ONE | {"cooldown_time": 0.0}
    result = run(swinging(), parameter_set(quoting=quoting, regimes=WILD, volatility=ENGINE, risk=risk))
    first = decided(result, R_LOCKOUT)
    assert 3_000 < first < 3_500
    placed = (result.orders["placed_ns"] - START) // MS
    assert not ((placed >= first) & (placed < first + 5_000)).any()
    assert (placed >= first + 5_000).any()
    assert len(resting(result, first + 1_500)) == left
    assert result.counters["lockouts"] == 1


def test_panic_cancels_everything_and_ends_after_calm_samples_in_a_row():
    risk = {"panic_threshold": 5e-5, "panic_resume_samples": 20, "lockout_seconds": 0.0}
    result = run(swinging(), parameter_set(quoting=ONE, volatility=ENGINE, risk=risk))
    first = decided(result, R_PANIC)
    # Sigma is over the threshold while the window of 3 s still sees the swings, to 9,000, and 20 samples more.
    assert 3_000 < first < 3_500
    assert len(resting(result, first + 20)) == len(resting(result, 10_500)) == 0
    placed = (result.orders["placed_ns"] - START) // MS
    assert not ((placed >= first) & (placed < 10_800)).any()
    assert (placed > 10_800).any()
    assert result.counters["panics"] == 1
    assert result.counters["kills"] == 0


def test_long_panic_throws_the_kill_switch_for_the_rest_of_the_window():
    risk = {"panic_threshold": 5e-5, "panic_kill_seconds": 2.0}
    result = run(swinging(), parameter_set(quoting=ONE, volatility=ENGINE, risk=risk))
    first = decided(result, R_KILLED)
    assert 5_000 < first < 5_500
    assert (result.orders["placed_ns"] < START + 3_500 * MS).all()
    assert not (result.orders["outcome"] == OPEN).any()
    assert result.counters["kills"] == 1


@pytest.mark.parametrize("limit", [{"max_daily_loss_quote": 0.3}, {"max_drawdown_pct": 0.0003}])
def test_loss_beyond_a_limit_throws_the_kill_switch_and_quotes_no_more(limit):
    # 1,100 lots at 40,000 ticks under: a loss of 4.4 quote on 1,600.
    result = run(still(bought(2_000), 2_000, 8_000, MID - 40_000), parameter_set(quoting=ONE, risk=limit))
    assert decided(result, R_KILLED) == 2_005
    assert (result.orders["placed_ns"] < START + 2_005 * MS).all()
    assert len(resting(result, 2_100)) == 0
    calm = run(bought(8_000), parameter_set(quoting=ONE, risk=limit))
    assert decided(calm, R_KILLED) is None


def test_bid_far_over_the_last_trade_is_refused_by_the_collar():
    maker = still(TapeMaker().market(0, MID, fresh=True).trade(500, BUY, MID - 100_000, 1), 100, 3_000)
    result = run(maker, parameter_set(quoting=ONE))
    assert decided(result, R_COLLAR) is not None
    assert resting(result, 2_500)["side"].tolist() == [SELL]
    assert result.counters["collared"] > 0


def test_orders_keep_within_the_rates_of_a_second_and_of_a_day():
    maker = still(TapeMaker().market(0, MID, fresh=True), 100, 6_000)
    slow = run(maker, parameter_set(quoting=ONE, risk={"max_orders_per_second": 1}))
    assert len(slow.orders) > 4
    assert np.diff(slow.orders["placed_ns"]).min() >= 1e9
    few = run(maker, parameter_set(quoting=ONE, risk={"max_orders_per_day": 5}))
    assert len(few.orders) == 5
    assert few.counters["rate_limited"] > 0


def test_no_more_bids_rest_than_are_allowed_at_once():
    quoting = ONE | {"buy_spreads": [1, 2, 3], "max_concurrent_buys": 2}
    result = run(still(TapeMaker().market(0, MID, fresh=True), 100, 4_000), parameter_set(quoting=quoting))
    for ms in range(50, 4_000, 50):
        assert (resting(result, ms)["side"] == BUY).sum() <= 2
    assert (resting(result, 500)["side"] == BUY).sum() == 2

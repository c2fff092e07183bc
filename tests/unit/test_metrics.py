from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.metrics.activity import of_replay, walk
from analytics.metrics.figures import combine, measure, metrics_of, tally
from analytics.metrics.markout import HORIZONS_S, MidPath, mid_path
from analytics.metrics.prediction import SigmaPath, prediction_error, realised_sigma
from strategy.policies.parameters import ParameterSet
from strategy.replay.driver import ReplayConfig, replay
from strategy.replay.run import Driver
from strategy.replay.synthetic import SyntheticMarket, synthetic_tape
from strategy.replay.tape import empty_tape
from tests.unit.activity_samples import INFO, SECOND, random_activity, random_path

ATOM = 0.01 * 0.00001


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), fills=st.integers(0, 60))
def test_pnl_identity_holds_to_a_billionth_of_turnover(seed, fills):
    rng = np.random.default_rng(seed)
    path = random_path(rng, 40)
    figures = measure([random_activity(rng, path, fills, 40)], path, INFO).overall
    parts = figures["spread_capture_quote"] + figures["inventory_pnl_quote"] - figures["fees_quote"]
    assert abs(figures["total_pnl_quote"] - parts) <= 1e-9 * max(figures["turnover_quote"], 1.0)
    assert figures["identity_error"] <= 1e-9


def test_identity_error_shows_accounts_that_do_not_follow_from_the_fills():
    rng = np.random.default_rng(3)
    path = random_path(rng, 40)
    activity = random_activity(rng, path, 20, 40)
    wrong = replace(activity, end_quote_atoms=activity.end_quote_atoms + 1e6)
    assert measure([wrong], path, INFO).overall["identity_error"] > 1e-6


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32 - 1))
def test_captures_equal_a_naive_loop_over_fills(seed):
    rng = np.random.default_rng(seed)
    path = random_path(rng, 40)
    activity = random_activity(rng, path, 25, 40)
    figures = measure([activity], path, INFO).overall
    quoted = sum(float(f["side"] * f["qty_lots"] * (f["quoted_mid_ticks"] - f["price_ticks"])) for f in activity.fills)
    assert figures["quoted_capture_quote"] == pytest.approx(quoted * ATOM)
    for horizon in HORIZONS_S:
        gained = lost = traded = 0.0
        for f in activity.fills:
            later = f["exch_ts"] + horizon * SECOND
            if later > path.ts[-1]:
                continue
            mid = path.mid[path.ts <= later][-1]
            gained += float(f["side"] * f["qty_lots"] * (mid - f["price_ticks"]))
            lost += float(f["side"] * f["qty_lots"] * (f["quoted_mid_ticks"] - mid))
            traded += float(f["qty_lots"] * f["price_ticks"])
        if traded:
            assert figures[f"realised_capture_{horizon}s_bps"] == pytest.approx(1e4 * gained / traded, abs=1e-9)
            assert figures[f"adverse_selection_{horizon}s_bps"] == pytest.approx(1e4 * lost / traded, abs=1e-9)
        else:
            assert np.isnan(figures[f"realised_capture_{horizon}s_bps"])


def test_regimes_add_up_to_the_whole():
    rng = np.random.default_rng(5)
    path = random_path(rng, 60)
    activity = random_activity(rng, path, 50, 60)
    metrics = measure([activity], path, INFO)
    names = ("pnl_quote", "fills", "orders", "takes", "taker_fills", "turnover_quote", "seconds", "fees_quote")
    for name in (*names, "excess_pnl_quote"):
        total = sum(figures[name] for figures in metrics.regimes.values())
        assert total == pytest.approx(metrics.overall[name])
    assert sum(figures["occupancy"] for figures in metrics.regimes.values()) == pytest.approx(1.0)
    assert metrics.overall["pnl_quote"] == pytest.approx(metrics.overall["total_pnl_quote"], rel=1e-9)
    rested = int(activity.fills["maker"].sum())
    assert 30 < rested < 50
    assert metrics.overall["fill_ratio"] == pytest.approx(rested / (rested + 2))
    assert metrics.overall["rejected_orders"] == 1


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32 - 1))
def test_taker_figures_equal_a_naive_loop_over_the_fills_that_took(seed):
    rng = np.random.default_rng(seed)
    path = random_path(rng, 40)
    activity = random_activity(rng, path, 30, 40)
    figures = measure([activity], path, INFO).overall
    took = [f for f in activity.fills if not f["maker"]]
    crossed = sum(float(f["side"] * f["qty_lots"] * (f["mid_ticks"] - f["price_ticks"])) for f in took)
    fees = sum(float(f["fee_quote_atoms"] + f["fee_base_lots"] * f["mid_ticks"]) for f in took)
    assert figures["taker_capture_quote"] == pytest.approx(crossed * ATOM)
    assert figures["taker_capture_quote"] < 0 or not took
    assert figures["taker_fees_quote"] == pytest.approx(fees * ATOM)
    assert figures["taker_turnover_quote"] == pytest.approx(
        sum(float(f["qty_lots"] * f["price_ticks"]) for f in took) * ATOM
    )
    assert figures["taker_fills"] == figures["takes"] == len(took)


def test_inventory_moments_equal_a_naive_time_average():
    rng = np.random.default_rng(6)
    path = random_path(rng, 30)
    activity = random_activity(rng, path, 20, 30)
    figures = measure([activity], path, INFO).overall
    fine = np.arange(0, 30 * SECOND, SECOND // 2000)
    marks = walk(activity)
    held = np.concatenate([[activity.start_base_lots], marks.position])[np.searchsorted(marks.ts, fine, side="right")]
    held = held * 0.00001
    assert figures["inventory_mean_base"] == pytest.approx(held.mean(), rel=1e-3)
    assert figures["inventory_variance_base2"] == pytest.approx(held.var(), rel=1e-2)
    assert figures["inventory_max_base"] == pytest.approx(max(held.max(), activity.start_base_lots * 0.00001))


def test_drawdown_is_the_deepest_fall_of_excess_equity():
    rng = np.random.default_rng(7)
    path = random_path(rng, 60)
    activity = random_activity(rng, path, 40, 60)
    marks = walk(activity)
    start = activity.start_quote_atoms + activity.start_base_lots * activity.start_mid_ticks
    curve = [start, *(marks.equity - activity.start_base_lots * (marks.mid - activity.start_mid_ticks))]
    worst = max(max(curve[: i + 1]) - value for i, value in enumerate(curve))
    assert measure([activity], path, INFO).overall["max_drawdown_quote"] == pytest.approx(worst * ATOM)


def test_two_stretches_count_like_their_sums():
    rng = np.random.default_rng(8)
    path = random_path(rng, 60)
    one, two = random_activity(rng, path, 10, 60), random_activity(rng, path, 15, 60)
    both = metrics_of(combine([tally(one, path, INFO), tally(two, path, INFO)])).overall
    alone = [measure([each], path, INFO).overall for each in (one, two)]
    for name in ("fills", "takes", "turnover_quote", "pnl_quote", "fees_quote", "taker_fees_quote", "total_pnl_quote"):
        assert both[name] == pytest.approx(alone[0][name] + alone[1][name])
    assert both["max_drawdown_quote"] == max(each["max_drawdown_quote"] for each in alone)


def test_no_fills_give_zero_money_and_unknown_ratios():
    rng = np.random.default_rng(9)
    path = random_path(rng, 20)
    figures = measure([random_activity(rng, path, 0, 20)], path, INFO).overall
    assert figures["fills"] == 0
    assert figures["excess_pnl_quote"] == pytest.approx(0.0, abs=1e-9)
    assert np.isnan(figures["edge_bps"])
    assert measure([], path, INFO).overall["fills"] == 0


def test_scaling_prices_scales_money_and_leaves_bps():
    rng = np.random.default_rng(10)
    path = random_path(rng, 40)
    activity = random_activity(rng, path, 30, 40)
    cheap = measure([activity], path, INFO).overall
    dear = measure([activity], path, INFO._replace(tick_size="0.1")).overall
    assert dear["pnl_quote"] == pytest.approx(10 * cheap["pnl_quote"])
    assert dear["edge_bps"] == pytest.approx(cheap["edge_bps"])


def test_markouts_never_look_past_the_end_of_their_window():
    path = MidPath(np.arange(10, dtype=np.int64) * SECOND, np.arange(10) + 100.0)
    inside = path.between(2 * SECOND, int(4.5 * SECOND))
    times = np.array([1, 2, 4, 5], np.int64) * SECOND
    np.testing.assert_array_equal(inside.at(times), [np.nan, 102.0, 104.0, np.nan])
    assert inside.at(np.array([int(4.5 * SECOND)]))[0] == 104.0
    assert np.isnan(path.between(20 * SECOND, 30 * SECOND).at(np.array([25 * SECOND]))[0])


def test_mid_is_unknown_while_crossed_and_from_a_gap_on():
    ints = lambda *values: np.array(values, np.int64)  # noqa: E731 - four columns of small numbers
    tape = empty_tape(
        update_exch=ints(1, 2, 3, 8), bid_ticks=ints(10, 12, 10, 20), ask_ticks=ints(12, 11, 12, 22), gap_exch=ints(5)
    )
    np.testing.assert_array_equal(mid_path(tape).at(ints(0, 1, 2, 3, 6, 8)), [np.nan, 11, np.nan, 11, np.nan, 21])


@pytest.mark.parametrize("mode", ["percentage", "absolute"])
def test_realised_sigma_equals_a_two_pass_computation(mode):
    rng = np.random.default_rng(11)
    ts = np.cumsum(rng.integers(1, 300_000_000, 600))
    mid = 6e6 + np.cumsum(rng.normal(0, 30, 600))
    breaks = ts[rng.choice(600, 5, replace=False)]
    actual = realised_sigma(SigmaPath(ts, mid, mid), 5 * SECOND, mode, breaks)
    for i in range(0, 600, 17):
        ends = [j for j in range(1, 600) if ts[i] < ts[j] <= ts[i] + 5 * SECOND and ts[j] not in breaks]
        change = [(mid[j] - mid[j - 1]) / (mid[j - 1] if mode == "percentage" else 1) for j in ends]
        if len(change) < 10 or ts[i] + 5 * SECOND > ts[-1]:
            assert np.isnan(actual[i])
        else:
            assert actual[i] == pytest.approx(np.std(change, ddof=1), rel=1e-9)


def test_prediction_error_equals_its_formulas():
    predicted, actual = np.array([2.0, np.nan, 1.0, 4.0]), np.array([1.0, 1.0, 1.0, np.nan])
    error = prediction_error(predicted, actual)
    assert (error.bias, error.samples) == (0.5, 2)
    assert error.rmse == pytest.approx(np.sqrt(0.5))
    assert error.qlike == pytest.approx(np.mean([0.25 - np.log(0.25) - 1, 0.0]))
    assert prediction_error(np.array([]), np.array([])).samples == 0


def test_the_known_share_counts_seconds_without_a_mid() -> None:
    path = MidPath(np.array([0, 4, 6, 9], dtype=np.int64) * SECOND, np.array([100.0, np.nan, 101.0, 102.0]))
    assert path.known_share([(0, 3 * SECOND)]) == 1.0
    assert path.known_share([(0, 9 * SECOND)]) == pytest.approx(0.8)
    assert path.known_share([(20 * SECOND, 29 * SECOND)]) == 0.0
    assert path.known_share([]) == 1.0


@pytest.mark.parametrize("driver", ["reference", "skip"])
@pytest.mark.slow
def test_figures_do_not_depend_on_whether_orders_were_recorded(driver: Driver) -> None:
    tape, info = synthetic_tape(SyntheticMarket(updates=2_400, seed=3, volatility_ticks=300.0))
    barriers = {"take_profit": 0.0005, "stop_loss": 0.001, "time_limit": 20.0}
    quoting = {"order_qty": 0.001, "executor_refresh_time": 2.0, "buy_spreads": [1, 2], "sell_spreads": [1, 2]}
    parameters = ParameterSet.model_validate({"quoting": quoting, "barriers": barriers})
    config = ReplayConfig(base=0.01, quote=2_000.0, driver=driver)
    path, found = mid_path(tape), []
    for recorded in (True, False):
        result = replay(tape, info, parameters, replace(config, record_orders=recorded))
        found.append(measure([of_replay(result, info.start_ns, info.end_ns)], path, info))
        assert (len(result.orders) > 0) == recorded
    rows, counted = (each.rows() for each in found)
    assert found[0].overall["takes"] > 0
    assert 0 < found[0].overall["fill_ratio"] < 1
    np.testing.assert_equal(rows, counted)

"""Measures and limits against the plainest way to work them out."""

import dataclasses

import numpy as np
import pytest

from analytics.metrics.activity import Activity, walk
from analytics.metrics.figures import combine, metrics_of, tally
from analytics.study.constraints import shortfalls
from analytics.study.measures import SCORES, FoldRun
from analytics.study.settings import MEASURES, Objective
from strategy.kernel.records import ENTRY
from strategy.replay.rows import CANCELLED, OPEN, ORDER_ROW, REJECTED, SAMPLE_ROW
from tests.unit.activity_samples import INFO, SECOND, random_activity, random_path

HOURS = 240 / 3600


@pytest.fixture(scope="module")
def traded() -> tuple[list[Activity], dict[str, float], object]:
    rng = np.random.default_rng(4)
    paths = [random_path(rng, 120) for _ in range(2)]
    activities = [random_activity(rng, path, 40, 120) for path in paths]
    total = combine([tally(each, path, INFO) for each, path in zip(activities, paths, strict=True)])
    return activities, metrics_of(total).overall, total


def fold(traded) -> FoldRun:
    return FoldRun(traded[0], traded[1], 250.0, HOURS)


def test_every_name_has_its_function():
    assert set(SCORES) == set(MEASURES)


def test_markout_and_pnl_are_per_quoted_notional_and_hour_and_the_edge_is_of_turnover(traded):
    run, figures = fold(traded), traded[1]
    assert SCORES["net_edge_bps"](run) == figures["edge_bps"]
    earned = figures["edge_bps"] * 1e-4 * figures["turnover_quote"]
    assert SCORES["markout"](run) == pytest.approx(1e4 * earned / 250.0 / HOURS)
    assert SCORES["pnl"](run) == pytest.approx(1e4 * figures["excess_pnl_quote"] / 250.0 / HOURS)


def test_sharpe_is_that_of_the_equity_above_holding_every_ten_seconds(traded):
    changes = []
    for activity in traded[0]:
        marks, before = walk(activity), 0.0
        for moment in range(10, 121, 10):
            last = max(i for i, ts in enumerate(marks.ts) if ts <= moment * SECOND)
            held = activity.start_quote_atoms + activity.start_base_lots * marks.mid[last]
            changes.append(marks.equity[last] - held - before)
            before = marks.equity[last] - held
    mean, deviation = np.mean(changes), np.std(changes)
    assert SCORES["sharpe"](fold(traded)) == pytest.approx(mean / deviation * np.sqrt(8_640), rel=1e-6)


def test_what_never_changed_and_never_traded_scores_nothing():
    still = np.zeros(30, SAMPLE_ROW)
    still["ts"], still["mid_ticks"], still["sigma"] = np.arange(30) * SECOND, 100.0, np.nan
    nothing = Activity(np.zeros(0, random_fills()), np.zeros(0, ORDER_ROW), still, 0, 30 * SECOND, 5, 9, 100, 5, 9, 100)
    figures = {"edge_bps": np.nan, "turnover_quote": 0.0, "excess_pnl_quote": 0.0}
    run = FoldRun([nothing], figures, 250.0, HOURS)
    assert {name: score(run) for name, score in SCORES.items()} == dict.fromkeys(MEASURES, 0.0)


def random_fills() -> np.dtype:
    rng = np.random.default_rng(1)
    return random_activity(rng, random_path(rng, 30), 1, 30).fills.dtype


def quoting(rows: list[tuple[int, float, float, int, int, int]], sigma: list[float]) -> Activity:
    """Return an activity with a sample a second and orders of (side, price, mid, placed s, ended s, outcome)."""
    samples = np.zeros(len(sigma), SAMPLE_ROW)
    samples["ts"], samples["sigma"], samples["mid_ticks"] = np.arange(len(sigma)) * SECOND, sigma, 10_000.0
    orders = np.zeros(len(rows), ORDER_ROW)
    orders["purpose"] = ENTRY
    for row, (side, price, mid, placed, ended, outcome) in zip(orders, rows, strict=True):
        row["side"], row["price_ticks"], row["mid_ticks"], row["outcome"] = side, price, mid, outcome
        row["placed_ns"], row["ended_ns"] = placed * SECOND, ended * SECOND
    return Activity(np.zeros(0, random_fills()), orders, samples, 0, len(sigma) * SECOND, 1, 1, 10_000, 1, 1, 10_000)


def test_aggressiveness_in_calm_is_the_time_weighted_distance_of_calm_quotes():
    calm, storm = 1.0, 9.0
    first = quoting(
        [
            (1, 9_990, 10_000, 0, 3, CANCELLED),  # 10 bps for 3 s
            (-1, 10_030, 10_000, 1, 0, OPEN),  # 30 bps until the end, 5 s
            (1, 9_000, 10_000, 1, 2, REJECTED),  # never rested
            (1, 9_900, 10_000, 4, 6, CANCELLED),  # in the storm
        ],
        [calm, calm, calm, storm, storm, storm],
    )
    second = quoting([], [calm, storm])
    expected = (10 * 3 + 30 * 5) / 8
    assert SCORES["calm_aggressiveness"](FoldRun([first, second], {}, 1.0, 1.0)) == pytest.approx(expected)


def test_each_limit_is_missed_by_a_share_of_itself(traded):
    activities, figures, total = traded
    limits = Objective(
        min_fills=100,
        min_fills_per_hour=0.0,
        min_fill_ratio=0.5,
        max_inventory_variance_base2=1e-9,
        max_drawdown_bps=1.0,
    )
    found = shortfalls(limits, figures, total, activities, INFO)
    first = activities[0]
    capital = (first.start_quote_atoms + first.start_base_lots * first.start_mid_ticks) * 0.01 * 0.00001
    assert found["fills"] == pytest.approx((100 - 80) / 100)
    assert found["fill_ratio"] == pytest.approx(1 - figures["fill_ratio"] / 0.5)
    assert found["inventory_variance"] == pytest.approx(figures["inventory_variance_base2"] / 1e-9 - 1)
    assert found["drawdown"] == pytest.approx(figures["max_drawdown_quote"] / (1e-4 * capital) - 1)


def test_a_limit_of_nothing_is_none_and_the_larger_fill_target_counts(traded):
    activities, figures, total = traded
    found = shortfalls(Objective(min_fills=3, min_fills_per_hour=2_400), figures, total, activities, INFO)
    assert found == {"fills": pytest.approx((160 - 80) / 160)}
    kept = shortfalls(Objective(min_fills=0, min_fills_per_hour=0), figures, total, activities, INFO)
    assert kept["fills"] <= 0


def test_an_account_without_money_may_not_lose_any(traded):
    activities, figures, total = traded
    poor = [dataclasses.replace(each, start_base_lots=0.0, start_quote_atoms=0.0) for each in activities]
    assert shortfalls(Objective(max_drawdown_bps=5.0), figures, total, poor, INFO)["drawdown"] > 0

import dataclasses
import threading

import numpy as np
import pytest

from analytics.metrics.markout import mid_path
from analytics.study.folds import FoldSettings
from analytics.study.objective import Bench, Objective
from analytics.study.search import SpaceSettings
from analytics.study.study import StudySettings, run_study, study_name
from strategy.errors import BadInput, Failed
from strategy.policies.dotted import changed
from strategy.policies.parameters import ParameterSet, Quoting
from strategy.replay.driver import ReplayConfig
from strategy.replay.synthetic import SyntheticMarket, synthetic_tape

BASE = ParameterSet(
    volatility={"policy": "rolling_std", "vol_window_seconds": 10.0},
    quoting=Quoting(order_qty=0.001, executor_refresh_time=5.0),
)
SETTINGS = StudySettings(
    replay=ReplayConfig(base=0.01, quote=2_000.0),
    trials=15,
    candidates=4,
    folds=FoldSettings(train_folds=2, validation_folds=1),
    objective=Objective(min_fills=1, min_fills_per_hour=0.0),
)


@pytest.fixture(scope="module")
def market():
    return synthetic_tape(SyntheticMarket(updates=2_400, seed=3, volatility_ticks=300.0))


@pytest.fixture(scope="module")
def result(market):
    return run_study(*market, BASE, SETTINGS)


def test_the_same_inputs_give_the_same_trials_and_winner(market, result):
    again = run_study(*market, BASE, SETTINGS)
    assert [row.u for row in again.trials] == [row.u for row in result.trials]
    assert [row.score for row in again.trials] == [row.score for row in result.trials]
    assert again.winner.point == result.winner.point


def test_the_winner_is_the_best_candidate_on_validation(result):
    ranks = [candidate.validation.rank for candidate in result.candidates]
    assert ranks == sorted(ranks, reverse=True)
    assert result.winner is result.candidates[0]
    assert len(result.candidates) == 4


def test_candidates_are_the_best_feasible_trials_of_training(result):
    feasible = sorted((row.score for row in result.trials if row.feasible), reverse=True)
    chosen = sorted((candidate.trial.score for candidate in result.candidates), reverse=True)
    assert chosen == feasible[:4]


def test_trials_that_fill_too_little_rank_behind_those_that_fill(market):
    strict = dataclasses.replace(SETTINGS, objective=Objective(min_fills=10_000))
    found = run_study(*market, BASE, strict)
    assert not any(row.feasible for row in found.trials)
    best = min(found.trials, key=lambda row: row.violation)
    assert any(candidate.trial.number == best.number for candidate in found.candidates)


def test_an_interrupt_keeps_trials_and_the_study_goes_on(market, tmp_path):
    kept = dataclasses.replace(SETTINGS, journal_dir=tmp_path)

    def interrupt(seen):
        if seen.done == 6:
            raise KeyboardInterrupt

    first = run_study(*market, BASE, kept, progress=interrupt)
    assert (first.interrupted, len(first.trials)) == (True, 6)
    journal = next(tmp_path.glob("*.journal"))
    with journal.open("ab") as file:
        file.write(b'{"op_code": 4, "torn')
    seen = []
    second = run_study(*market, BASE, dataclasses.replace(kept, resume=first.name), progress=seen.append)
    assert (second.interrupted, len(second.trials), second.resumed) == (False, 15, 6)
    assert [row.u for row in second.trials[:6]] == [row.u for row in first.trials]
    assert len({tuple(row.u.values()) for row in second.trials}) == 15
    assert [each.done for each in seen] == list(range(7, 16))


def test_a_stop_before_the_first_trial_is_a_failure(market):
    stop = threading.Event()
    stop.set()
    with pytest.raises(Failed, match="before its first trial"):
        run_study(*market, BASE, SETTINGS, stop=stop)


def test_a_study_of_other_inputs_cannot_be_resumed(market, tmp_path):
    other = dataclasses.replace(SETTINGS, journal_dir=tmp_path, resume="paper-BTC-USDT-000000000000")
    with pytest.raises(BadInput, match="cannot go on"):
        run_study(*market, BASE, other)
    lost = dataclasses.replace(SETTINGS, journal_dir=tmp_path, resume=study_name(market[1], BASE, SETTINGS))
    with pytest.raises(BadInput, match="does not exist"):
        run_study(*market, BASE, lost)


def test_the_name_depends_on_inputs_but_not_on_the_number_of_trials(market):
    name = study_name(market[1], BASE, SETTINGS)
    assert study_name(market[1], BASE, dataclasses.replace(SETTINGS, trials=99)) == name
    assert study_name(market[1], BASE, dataclasses.replace(SETTINGS, seed=8)) != name
    assert study_name(market[1], ParameterSet(), SETTINGS) != name


def test_replay_accounts_satisfy_the_pnl_identity(result):
    for evaluation in (result.held_out, result.baseline, *(each.validation for each in result.candidates)):
        assert evaluation.metrics.overall["identity_error"] < 1e-9
    assert result.held_out.metrics.overall["vol_samples"] > 0


def test_a_markout_score_is_pnl_per_quoted_notional_and_hour(market, result):
    tape, info = market
    bench = Bench(tape, info, mid_path(tape), SETTINGS.replay, Objective(risk_aversion=0.0))
    fold = result.folds.train[0]
    found = bench.evaluate(BASE, [fold])
    figures = found.metrics.overall
    pnl = figures["edge_bps"] * 1e-4 * figures["turnover_quote"]
    price = float(np.nanmean(bench.path.mid)) * 0.01
    hours = sum(window.hours for window in fold)
    assert found.score == pytest.approx(1e4 * pnl / (0.001 * 2 * price) / hours)


def test_a_score_that_reads_orders_is_the_same_whether_activities_are_kept(market, result):
    tape, info = market
    bench = Bench(tape, info, mid_path(tape), SETTINGS.replay, Objective(measure="calm_aggressiveness"))
    kept, alone = (next(bench.evaluate_many([BASE], [result.folds.train[0]], kept=each)) for each in (True, False))
    assert alone.score == kept.score > 0
    np.testing.assert_equal(alone.metrics.rows(), kept.metrics.rows())


def test_trials_keep_no_rows_of_orders_where_no_score_reads_them(market, result):
    tape, info = market
    bench = Bench(tape, info, mid_path(tape), SETTINGS.replay, Objective())
    fold = result.folds.train[0]
    (kept,), (alone,) = (bench._runs([BASE], fold[0], each) for each in (True, False))
    assert (len(kept.orders) > 0, len(alone.orders)) == (True, 0)
    np.testing.assert_array_equal(alone.counted(), kept.counted())


def test_quantiles_of_the_base_are_resolved_on_the_train_windows_and_both_are_kept(market):
    open_base = changed(BASE, {"regimes.threshold_quantiles": [0.2, 0.5, 0.8]})
    only = SpaceSettings(parameters=("quoting.cooldown_time",))
    found = run_study(*market, open_base, dataclasses.replace(SETTINGS, trials=3, candidates=1, space=only))
    winner = found.winner.point.parameters.regimes
    np.testing.assert_allclose(winner.thresholds, np.quantile(found.sigma, [0.2, 0.5, 0.8]))
    assert winner.threshold_quantiles == found.base.regimes.threshold_quantiles == (0.2, 0.5, 0.8)
    assert {name for row in found.trials for name in row.values} == {"quoting.cooldown_time"}


def test_a_searched_engine_is_judged_by_its_own_sigmas(market):
    window = SpaceSettings(
        parameters=("regimes.thresholds", "volatility.vol_window_seconds"),
        ranges={"volatility.vol_window_seconds": (3.0, 30.0)},
    )
    found = run_study(*market, BASE, dataclasses.replace(SETTINGS, trials=4, candidates=2, space=window))
    engines = {row.values["volatility.vol_window_seconds"] for row in found.trials}
    assert len(engines) == 4
    winner = found.winner.point
    np.testing.assert_allclose(winner.parameters.regimes.thresholds, np.quantile(found.sigma, winner.quantiles))

import dataclasses

import numpy as np
import pytest

from analytics.calibration import document_of
from analytics.gates.agreement import NOTHING_LIVE, nothing
from analytics.gates.evidence import gather, sampled, windows_of
from analytics.gates.gates import GATES, judge
from analytics.gates.period_replays import PeriodReplays
from analytics.gates.thresholds import GateSettings
from analytics.study.folds import FoldSettings
from analytics.study.objective import Objective
from analytics.study.search import SpaceSettings
from analytics.study.sigmas import Sigmas
from analytics.study.space import Space
from analytics.study.study import StudySettings, run_study
from strategy.policies.dotted import changed
from strategy.policies.parameters import ParameterSet, Quoting
from strategy.replay.driver import ReplayConfig
from strategy.replay.synthetic import SyntheticMarket, synthetic_tape
from tests.unit.gate_samples import DAY

BASE = ParameterSet(
    volatility={"policy": "rolling_std", "vol_window_seconds": 10.0},
    quoting=Quoting(order_qty=0.001, executor_refresh_time=5.0),
)
SETTINGS = StudySettings(
    replay=ReplayConfig(base=0.01, quote=2_000.0),
    trials=6,
    candidates=2,
    space=SpaceSettings(parameters=("quoting.cooldown_time", "regimes.spreads")),
    folds=FoldSettings(train_share=0.4, validation_share=0.2, train_folds=2, validation_folds=1),
    objective=Objective(min_fills=1, min_fills_per_hour=0.0),
)
GATE_SETTINGS = GateSettings(
    period_minutes=1 / 12, min_periods=8, overfitting_blocks=4, trials=4, neighbour_draws=2, stress_hours=1 / 60
)
LIGHT = GateSettings(period_minutes=1 / 12, trials=2, neighbour_draws=0)  # the search is too short for it
SECOND = 1_000_000_000

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def market():
    return synthetic_tape(SyntheticMarket(updates=1_600, seed=3, volatility_ticks=300.0))


@pytest.fixture(scope="module")
def result(market):
    return run_study(*market, BASE, SETTINGS)


@pytest.fixture(scope="module")
def evidence(market, result):
    document = document_of(result, market[1], (), None)
    return gather(result, *market, document, GATE_SETTINGS, yesterday=nothing(DAY, NOTHING_LIVE))


def replays(market, period_ns=5 * SECOND):
    return PeriodReplays(*market, SETTINGS.replay, period_ns)


def test_replays_by_period_have_the_figures_of_the_study_itself(market, result):
    windows = windows_of(result.folds.held_out)
    found = replays(market).run([result.winner.point.parameters], windows)[0]
    assert found.metrics.overall == {
        name: pytest.approx(value, nan_ok=True)
        for name, value in result.held_out.metrics.overall.items()
        if not name.startswith("vol_")
    }


@pytest.mark.slow  # the skip driver's loop takes up to a minute to compile
def test_replays_by_period_find_the_indices_that_the_study_left(market, result, tmp_path):
    skipping = dataclasses.replace(SETTINGS.replay, driver="skip")
    windows, sets = windows_of(result.folds.held_out), [result.winner.point.parameters]
    for _ in range(2):
        found = PeriodReplays(*market, skipping, 5 * SECOND, tmp_path).run(sets, windows)[0]
        assert len(list(tmp_path.glob("index-*"))) == 1
        np.testing.assert_array_equal(found.earned, replays(market).run(sets, windows)[0].earned)


def test_periods_add_up_to_what_was_earned(market, result):
    """In one period over a whole window everything is counted: the study's own score, but for its unit of time."""
    ((window,),) = result.folds.held_out
    length = window.end_ns - window.start_ns
    parameters = [result.winner.point.parameters]
    whole = replays(market, length).run(parameters, [window])[0].earned
    parts = replays(market, length // 7).run(parameters, [window])[0].earned
    assert (len(whole), len(parts)) == (1, 7)
    assert np.count_nonzero(parts) > 1
    assert parts.sum() == pytest.approx(whole.sum(), rel=1e-9)


def test_sets_replayed_together_are_as_if_alone(market, result):
    sets = [each.point.parameters for each in result.candidates]
    windows = windows_of(result.folds.train)
    together = replays(market).run(sets, windows)
    for parameters, found in zip(sets, together, strict=True):
        np.testing.assert_array_equal(found.earned, replays(market).run([parameters], windows)[0].earned)
    assert replays(market).run([], windows) == []


def test_the_sample_is_the_winner_and_trials_from_the_best_to_the_worst(market, result):
    space = Space(result.base, Sigmas(*market, result.folds).in_training, SETTINGS.space)
    everyone = sampled(result, space, 100)
    assert everyone[0] == result.winner.point.parameters
    assert (
        len(everyone) == len({each.content_hash() for each in everyone}) == sum(row.feasible for row in result.trials)
    )
    few = sampled(result, space, 3)
    assert len(few) == 3
    assert few[0] == everyone[0]
    others = sorted((row for row in result.trials if row.feasible), key=lambda row: -row.score)
    others = [row for row in others if row.number != result.winner.trial.number]
    assert few[1] == space.point(others[0].u).parameters
    assert few[-1] == space.point(others[-1].u).parameters
    for candidate in result.candidates:
        assert candidate.point.parameters in everyone


def test_the_evidence_holds_all_that_the_gates_ask_for(evidence, result):
    windows = windows_of((*result.folds.train, *result.folds.validation))
    periods = sum((each.end_ns - each.start_ns) // (5 * SECOND) for each in windows)
    assert evidence.searched.shape == (periods, 4)
    assert np.isfinite(evidence.searched).all()
    assert evidence.trials == 6
    assert (evidence.rival, evidence.rival_name) == (result.baseline, "baseline")
    assert set(evidence.stress) == {"latency", "queue", "fee", "spread"}
    edge = result.held_out.metrics.overall["edge_bps"]
    assert evidence.stress["queue"].edge_bps == pytest.approx(edge)  # the study's own queue is no kinder
    assert evidence.stress["fee"].edge_bps == pytest.approx(edge - 1.0, abs=0.2)
    assert sum(label.startswith("draw") for label in evidence.neighbours) == 2
    names = [verdict.name for verdict in judge(evidence)]
    assert len(set(names)) == len(names) == len(GATES)


def test_the_gain_is_on_the_champion_where_there_is_one(market, result, evidence):
    champion = changed(BASE, {"regimes.spread_low": 3.0})
    with_rival = dataclasses.replace(result, champion=result.baseline)
    document = document_of(result, market[1], (), None)
    found = gather(with_rival, *market, document, LIGHT, champion)
    alone = replays(market).run([champion], windows_of(result.folds.held_out))[0].earned
    np.testing.assert_allclose(found.gain, evidence.gain - alone)
    assert found.rival_name == "champion"


def test_a_short_tape_is_not_replayed_for_verdicts_that_nobody_can_give(market, result):
    document = document_of(result, market[1], (), None)
    found = gather(result, *market, document, GateSettings(neighbour_draws=0))
    assert found.searched.shape[0] == 0
    said = {verdict.name: verdict.passed for verdict in judge(found)}
    assert (said["overfitting"], said["deflated_sharpe"], said["gain"], said["stress_spread"]) == (None,) * 4

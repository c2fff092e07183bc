"""Studies of several objectives: the front of training goes on, a stated rule chooses from the front of validation."""

import dataclasses

import numpy as np
import pytest
from pydantic import ValidationError

from analytics.study.candidates import front_of, preferred
from analytics.study.search import SpaceSettings
from analytics.study.settings import FoldSettings, Objective, SearchSettings
from analytics.study.study import StudySettings, run_study, study_name
from strategy.errors import BadInput
from strategy.policies.parameters import ParameterSet, Quoting
from strategy.replay.driver import ReplayConfig
from strategy.replay.synthetic import SyntheticMarket, synthetic_tape

BASE = ParameterSet(
    volatility={"policy": "rolling_std", "vol_window_seconds": 5.0},
    quoting=Quoting(order_qty=0.001, executor_refresh_time=5.0),
)
TWO = Objective(measure="markout", also=("calm_aggressiveness",), min_fills=1, min_fills_per_hour=0.0)
SETTINGS = StudySettings(
    replay=ReplayConfig(base=0.01, quote=2_000.0),
    trials=24,
    candidates=4,
    search=SearchSettings(sampler="nsga2", batch=8, workers=1),
    space=SpaceSettings(parameters=("quoting.cooldown_time", "regimes.spreads"), spread_bps=(1.0, 20.0)),
    folds=FoldSettings(train_folds=2, validation_folds=1, embargo_s=1.0, min_window_s=5.0),
    objective=TWO,
)


@pytest.fixture(scope="module")
def market():
    return synthetic_tape(SyntheticMarket(updates=3_000, seed=3, volatility_ticks=300.0))


@pytest.fixture(scope="module")
def found(market):
    return run_study(*market, BASE, SETTINGS)


def dominates(left, right) -> bool:
    return all(a >= b for a, b in zip(left, right, strict=True)) and left != right


def test_the_front_of_training_goes_on_to_the_validation_folds(found):
    feasible = [row for row in found.trials if row.feasible]
    expected = {row.number for row in feasible if not any(dominates(other.goals, row.goals) for other in feasible)}
    assert {row.number for row in front_of(found.trials)} == expected
    assert {each.trial.number for each in found.candidates} == expected
    assert len(expected) >= 3


def test_the_winner_is_the_knee_of_the_front_of_validation(found):
    goals = {each.trial.number: each.validation.goals for each in found.candidates if each.validation.violation <= 0}
    on_front = {n: own for n, own in goals.items() if not any(dominates(other, own) for other in goals.values())}
    values = np.array(list(on_front.values()))
    low, high = values.min(axis=0), values.max(axis=0)
    distance = np.linalg.norm((high - values) / (high - low), axis=1)
    assert found.winner.trial.number == list(on_front)[int(np.argmin(distance))]
    assert found.winner.trial.number in on_front


def test_trials_are_preferred_as_the_winner_is_and_none_is_left_out(found):
    order = [row.number for row in preferred(found.trials, TWO)]
    on_front = [row.number for row in front_of(found.trials)]
    assert set(order[: len(on_front)]) == set(on_front)
    values = np.array([found.trials[number].goals for number in on_front])
    low, high = values.min(axis=0), values.max(axis=0)
    distance = np.linalg.norm((high - values) / (high - low), axis=1)
    assert order[0] == on_front[int(np.argmin(distance))]
    points = {tuple(row.u.values()) for row in found.trials}
    assert len(order) == len(set(order)) == len(points)


@pytest.mark.parametrize("wanted", ["markout", "calm_aggressiveness"])
def test_weight_on_one_objective_chooses_the_best_in_it(market, found, wanted):
    weights = {measure: float(measure == wanted) for measure in TWO.measures}
    weighed = TWO.model_copy(update={"weights": weights})
    chosen = run_study(*market, BASE, dataclasses.replace(SETTINGS, objective=weighed))
    assert chosen.name == found.name
    assert [row.goals for row in chosen.trials] == [row.goals for row in found.trials]
    place = TWO.measures.index(wanted)
    assert chosen.winner.validation.goals[place] == max(each.validation.goals[place] for each in found.candidates)


@pytest.mark.parametrize("sampler", ["tpe", "nsga3", "random"])
def test_three_objectives_keep_to_the_limits(market, sampler):
    three = Objective(measure="pnl", also=("net_edge_bps", "calm_aggressiveness"), min_fills=6, min_fills_per_hour=0.0)
    search = SearchSettings(sampler=sampler, batch=8, workers=1)
    wanted = dataclasses.replace(SETTINGS, objective=three, search=search, trials=16)
    chosen = run_study(*market, BASE, wanted)
    assert all(list(row.others) == ["net_edge_bps", "calm_aggressiveness"] for row in chosen.trials)
    assert {row.feasible for row in chosen.trials} == {True, False}
    assert all(each.trial.feasible for each in chosen.candidates)


def test_a_study_of_several_objectives_goes_on_where_it_was_left(market, tmp_path):
    kept = dataclasses.replace(SETTINGS, trials=8, journal_dir=tmp_path)
    first = run_study(*market, BASE, kept)
    second = run_study(*market, BASE, dataclasses.replace(kept, trials=16, resume=first.name))
    assert (second.resumed, [row.goals for row in second.trials[:8]]) == (8, [row.goals for row in first.trials])


def test_the_name_depends_on_every_objective(market):
    one = dataclasses.replace(SETTINGS, objective=Objective(min_fills=1, min_fills_per_hour=0.0))
    assert study_name(market[1], BASE, one) != study_name(market[1], BASE, SETTINGS)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"also": ("markout",)}, "markout, markout, each is named once"),
        ({"weights": {"markout": 1.0}}, "weights were of markout"),
        ({"also": ("pnl",), "weights": {"markout": 1.0}}, "must be of the Pareto study's objectives markout, pnl"),
        ({"also": ("pnl",), "weights": {"markout": -1.0, "pnl": 2.0}}, "none may be under 0"),
        ({"also": ("pnl",), "weights": {"markout": 0.0, "pnl": 0.0}}, "their sum must be over 0"),
    ],
)
def test_objectives_that_make_no_sense_are_refused(given, said):
    with pytest.raises(ValidationError, match=said):
        Objective(**given)


@pytest.mark.parametrize(
    ("search", "said"),
    [
        (SearchSettings(sampler="cmaes"), "sampler was 'cmaes', which takes one objective, not 2"),
        (SearchSettings(prune=0.1), "prune was 0.1, trials of 2 objectives cannot be pruned"),
    ],
)
def test_what_cannot_search_several_objectives_is_refused(market, search, said):
    with pytest.raises(BadInput, match=said):
        run_study(*market, BASE, dataclasses.replace(SETTINGS, search=search))

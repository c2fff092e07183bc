"""Samplers on a cheap function: what is replayed does not matter to them."""

import importlib.util
from typing import get_args

import numpy as np
import optuna
import pytest

from analytics.metrics.figures import Metrics
from analytics.study.objective import Evaluation
from analytics.study.samplers import grid, proposer
from analytics.study.settings import SamplerName, SearchSettings
from strategy.errors import BadInput

AXES = ("u_a", "u_b", "u_c")
HERE = [name for name in get_args(SamplerName) if name != "gp" or importlib.util.find_spec("torch")]
optuna.logging.set_verbosity(optuna.logging.WARNING)


def evaluated(u: dict[str, float]) -> Evaluation:
    """Score highest at (0.7, 0.7, 0.7), which is not allowed: the sum of all may be 1.5 at most."""
    values = np.array(list(u.values()))
    missed = float(values.sum() - 1.5)
    return Evaluation(-float(np.sum((values - 0.7) ** 2)), missed, (), Metrics({}, {}), (), {"sum": missed})


def search(name: str, trials: int, seed: int = 3, batch: int = 8) -> list[Evaluation]:
    chosen = proposer(SearchSettings(sampler=name, batch=batch), AXES, seed, 0, [])
    study = optuna.create_study(direction="maximize", sampler=chosen.sampler)
    found = []
    for _ in range(trials // batch):
        asked = []
        for _ in range(batch):
            if chosen.planned is not None:
                study.enqueue_trial(next(chosen.planned))
            trial = study.ask()
            asked.append((trial, {axis: trial.suggest_float(axis, 0.0, 1.0) for axis in AXES}))
        for trial, u in asked:
            evaluation = evaluated(u)
            for key, value in evaluation.violations.items() if chosen.heeds else ():
                trial.set_constraint(key, value)
            study.tell(trial, chosen.told(evaluation))
            found.append((tuple(u.values()), evaluation))
    return found


@pytest.mark.parametrize("name", HERE)
def test_the_same_seed_gives_the_same_points_and_another_others(name):
    points = [point for point, _ in search(name, 24)]
    assert points == [point for point, _ in search(name, 24)]
    assert points != [point for point, _ in search(name, 24, seed=4)]
    assert len(set(points)) == 24
    assert all(0 <= value <= 1 for point in points for value in point)


@pytest.mark.parametrize("name", ["tpe", "cmaes", "nsga2"])
def test_a_sampler_that_learns_finds_the_best_of_what_is_allowed(name):
    late = search(name, 160)[-40:]
    early = search("random", 160)[-40:]
    assert sum(each.violation <= 0 for _, each in late) > sum(each.violation <= 0 for _, each in early)
    # at (0.5, 0.5, 0.5) the best allowed score is -0.12
    assert max(each.score for _, each in late if each.violation <= 0) > -0.16


def test_cmaes_is_told_every_infeasible_trial_behind_every_feasible_one():
    chosen = proposer(SearchSettings(sampler="cmaes"), AXES, 1, 0, [])
    good, bad, worse = (evaluated(dict.fromkeys(AXES, value)) for value in (0.0, 0.6, 0.9))
    assert good.score < bad.score
    assert chosen.told(good) > chosen.told(bad) > chosen.told(worse)
    assert not chosen.heeds


def test_a_grid_holds_every_point_once_and_goes_on_with_those_that_are_left():
    points = [tuple(point[axis] for axis in AXES) for point in grid(AXES, 4, seed=11)]
    assert len(points) == len(set(points)) == 64
    assert {value for point in points for value in point} == {0.0, 1 / 3, 2 / 3, 1.0}
    tried = list(grid(AXES, 4, seed=11))[:60]
    rest = proposer(SearchSettings(sampler="grid", grid_points=4), AXES, 11, 60, tried).planned
    assert [tuple(point[axis] for axis in AXES) for point in rest] == points[60:]


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="torch is installed")
def test_a_sampler_that_needs_torch_says_so_in_one_line():
    with pytest.raises(BadInput, match=r"^sampler was 'gp', which needs the package torch: it is not installed$"):
        proposer(SearchSettings(sampler="gp"), AXES, 1, 0, [])

import numpy as np
import pytest

from analytics.study.trials import TrialRow
from analytics.study.walk_forward import Step, efficiency, walk_forward


def rows(*scores: tuple[float, ...], violations: dict[int, float] | None = None) -> list[TrialRow]:
    missed = violations or {}
    return [TrialRow(i, 0.0, missed.get(i, -1.0), {}, {}, each, {}) for i, each in enumerate(scores)]


def test_each_step_takes_the_best_so_far_and_looks_one_fold_ahead():
    steps = walk_forward(rows((1.0, 9.0, 4.0), (3.0, 2.0, 6.0), (2.0, 2.0, 2.0)))
    assert steps == (Step(1, 1, 3.0, 2.0), Step(2, 0, 5.0, 4.0))
    assert efficiency(steps) == pytest.approx(3.0 / 4.0)


def test_a_trial_that_missed_a_limit_is_never_chosen_while_others_kept_to_theirs():
    scores = ((9.0, 9.0), (1.0, 0.5))
    assert walk_forward(rows(*scores, violations={0: 0.2}))[0].trial == 1
    assert walk_forward(rows(*scores, violations={0: 0.2, 1: 0.1}))[0].trial == 0


def test_one_fold_makes_no_step_and_no_efficiency():
    assert walk_forward(rows((1.0,), (2.0,))) == ()
    assert np.isnan(efficiency(()))
    assert np.isnan(efficiency((Step(1, 0, -1.0, 2.0),)))


def test_luck_does_not_last_and_skill_does():
    rng = np.random.default_rng(5)
    luck = [tuple(each) for each in rng.normal(size=(300, 6))]
    skill = [
        tuple(value + each) for value, each in zip(rng.normal(size=300), 0.1 * rng.normal(size=(300, 6)), strict=True)
    ]
    assert efficiency(walk_forward(rows(*luck))) < 0.3
    assert efficiency(walk_forward(rows(*skill))) > 0.85

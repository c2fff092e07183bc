"""The Pareto front against its definition, and the rule that chooses from it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from analytics.study.front import front, preference, thinned

GOALS = st.integers(2, 3).flatmap(
    lambda count: arrays(np.float64, st.tuples(st.integers(1, 25), st.just(count)), elements=st.integers(-4, 4))
)


@settings(max_examples=100)
@given(goals=GOALS)
def test_the_front_holds_every_point_that_no_other_dominates(goals):
    expected = {
        i for i, own in enumerate(goals) if not any(np.all(other >= own) and np.any(other > own) for other in goals)
    }
    found = front(goals)
    assert set(found.tolist()) == expected
    assert np.all(np.diff(goals[found, 0]) <= 0)


def test_thinning_keeps_the_ends_and_takes_from_the_crowd():
    x = np.array([0.0, 0.3, 0.31, 0.32, 0.7, 1.0])
    goals = np.column_stack([x, 1 - x])
    left = thinned(goals, 4).tolist()
    assert (left[0], left[2:]) == (0, [4, 5])
    assert left[1] in (1, 2, 3)
    assert thinned(goals, 6).tolist() == [0, 1, 2, 3, 4, 5]


def test_the_knee_is_the_point_nearest_to_the_best_of_everything():
    goals = np.array([[0.0, 100.0], [7.0, 90.0], [9.0, 40.0], [10.0, 0.0]])
    assert int(np.argmax(preference(goals))) == 1
    three = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.6, 0.6, 0.6]])
    assert int(np.argmax(preference(three))) == 3


def test_weights_weigh_scaled_objectives():
    goals = np.array([[0.0, 100.0], [7.0, 90.0], [10.0, 0.0]])
    assert preference(goals, [1.0, 3.0]) == pytest.approx([0.75, 0.85, 0.25])
    assert int(np.argmax(preference(goals, [1.0, 0.0]))) == 2
    assert int(np.argmax(preference(goals, [0.0, 1.0]))) == 0


def test_an_objective_that_is_the_same_everywhere_decides_nothing():
    goals = np.array([[1.0, 5.0], [2.0, 5.0]])
    assert preference(goals) == pytest.approx([-1.0, 0.0])
    assert preference(goals[:1]) == pytest.approx([0.0])

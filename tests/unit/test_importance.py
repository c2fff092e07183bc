"""Importances on trials whose truth is known."""

import numpy as np

from analytics.study.importance import FEWEST, importances
from analytics.study.trials import TrialRow


def rows(count: int, feasible: bool = True) -> list[TrialRow]:
    """Return trials whose score is that of the first of three coordinates alone, best at 0.3."""
    points = np.random.default_rng(5).random((count, 3))
    return [
        TrialRow(i, -abs(u[0] - 0.3), -1.0 if feasible else 1.0, dict(zip("abc", u.tolist(), strict=True)), {}, (), {})
        for i, u in enumerate(points)
    ]


def test_the_coordinate_that_decides_is_the_most_important_and_shares_add_up():
    found = importances(rows(300))
    assert next(iter(found)) == "a"
    assert found["a"] > 0.7
    assert abs(sum(found.values()) - 1.0) < 1e-9


def test_infeasible_trials_count_only_where_too_few_are_feasible():
    assert importances(rows(40, feasible=False))
    mixed = rows(FEWEST) + rows(80, feasible=False)[FEWEST:]
    assert importances(mixed) == importances(rows(FEWEST))


def test_too_few_trials_or_scores_that_are_all_the_same_tell_nothing():
    assert importances(rows(FEWEST - 1)) == {}
    same = [TrialRow(i, 1.0, -1.0, row.u, {}, (), {}) for i, row in enumerate(rows(40))]
    assert importances(same) == {}

"""From trials to a winner: the best on the train folds are replayed on later folds, and those decide.

With one objective the best are those of the highest score. With several they are the Pareto front of the train folds,
and the winner is chosen from the front of the validation folds by `study.front.preference`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.study.folds import Folds
from analytics.study.front import front, preference, thinned
from analytics.study.objective import Bench, Evaluation
from analytics.study.settings import Objective
from analytics.study.space import Point, Space
from analytics.study.trials import TrialRow

FRONT: Final = 20  # points of a Pareto front that are replayed on later folds, at most


@dataclass(frozen=True, slots=True)
class Candidate:
    """A trial that did well in training, and what it did afterwards."""

    trial: TrialRow
    point: Point
    validation: Evaluation


def rank_trials(rows: Sequence[TrialRow], count: int) -> list[TrialRow]:
    """Return the best trials: feasible ones by score, then the others by how little they miss; no point twice.

    Those that were pruned come last.
    """
    ranked = sorted(rows, key=_rank, reverse=True)
    distinct = {tuple(sorted(row.u.items())): row for row in reversed(ranked)}
    return [row for row in ranked if distinct[tuple(sorted(row.u.items()))] is row][:count]


def front_of(rows: Sequence[TrialRow]) -> list[TrialRow]:
    """Return the Pareto front of the feasible trials, the best in the first objective first; no point twice."""
    feasible = [row for row in rank_trials(rows, len(rows)) if row.feasible]
    return [feasible[i] for i in front(np.array([row.goals for row in feasible]))] if feasible else []


def preferred(rows: Sequence[TrialRow], objective: Objective) -> list[TrialRow]:
    """Return trials as a study prefers them: by rank, or with several objectives the front by its rule, then the rest.

    Of a front the knee comes first, or whom the weights favour.
    """
    ranked = rank_trials(rows, len(rows))
    found = front_of(rows) if objective.also else []
    if not found:
        return ranked
    chosen = [found[i] for i in _order(np.array([row.goals for row in found]), objective)]
    on_front = {row.number for row in chosen}
    return chosen + [row for row in ranked if row.number not in on_front]


def choose(bench: Bench, space: Space, folds: Folds, rows: Sequence[TrialRow], count: int) -> tuple[Candidate, ...]:
    """Return the candidates, the best on the validation folds first."""
    best = _best(rows, bench.objective, count)
    points = [space.point(row.u) for row in best]
    validated = bench.evaluate_many([point.parameters for point in points], folds.validation, kept=True)
    found = [Candidate(*each) for each in zip(best, points, validated, strict=True)]
    return tuple(_from_front(found, bench.objective) if bench.objective.also else _by_rank(found))


def left_on_front(found: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates that are on the Pareto front of the validation folds and keep to the limits there."""
    feasible = [each for each in found if each.validation.violation <= 0]
    return [feasible[i] for i in front(np.array([each.validation.goals for each in feasible]))] if feasible else []


def _rank(row: TrialRow) -> tuple[bool, bool, float]:
    return row.feasible, not row.pruned, row.score if row.feasible else -row.violation


def _best(rows: Sequence[TrialRow], objective: Objective, count: int) -> list[TrialRow]:
    """Return who goes on to the validation folds."""
    found = front_of(rows) if objective.also else []
    if found:
        return [found[i] for i in thinned(np.array([row.goals for row in found]), FRONT)]
    return rank_trials([row for row in rows if not row.pruned], count)


def _by_rank(found: Sequence[Candidate]) -> list[Candidate]:
    return sorted(found, key=lambda candidate: candidate.validation.rank, reverse=True)


def _from_front(found: Sequence[Candidate], objective: Objective) -> list[Candidate]:
    """Return candidates of several objectives: the feasible ones' front by preference, then the others by rank."""
    left = left_on_front(found)
    if not left:
        return _by_rank(found)
    chosen = [left[i] for i in _order(np.array([each.validation.goals for each in left]), objective)]
    return chosen + _by_rank([each for each in found if all(each is not other for other in chosen)])


def _order(goals: NDArray[np.float64], objective: Objective) -> list[int]:
    """Return the places of a front's points, the one that the study would choose first."""
    weights = [objective.weights[measure] for measure in objective.measures] if objective.weights else []
    return list(map(int, np.argsort(-preference(goals, weights), kind="stable")))

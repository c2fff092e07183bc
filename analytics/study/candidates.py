"""From trials to a winner: the best on the train folds are replayed on later folds, and those decide."""

from collections.abc import Sequence
from dataclasses import dataclass

from analytics.study.folds import Folds
from analytics.study.objective import Bench, Evaluation
from analytics.study.space import Point, Space
from analytics.study.trials import TrialRow


@dataclass(frozen=True, slots=True)
class Candidate:
    """A trial that did well in training, and what it did afterwards."""

    trial: TrialRow
    point: Point
    validation: Evaluation


def rank_trials(rows: Sequence[TrialRow], count: int) -> list[TrialRow]:
    """Return the best trials: feasible ones by score, then the others by how little they miss; no point twice."""
    ranked = sorted(rows, key=lambda row: (row.feasible, row.score if row.feasible else -row.violation), reverse=True)
    distinct = {tuple(sorted(row.u.items())): row for row in reversed(ranked)}
    return [row for row in ranked if distinct[tuple(sorted(row.u.items()))] is row][:count]


def choose(bench: Bench, space: Space, folds: Folds, rows: Sequence[TrialRow], count: int) -> tuple[Candidate, ...]:
    """Return the candidates, the best on the validation folds first."""
    ranked = rank_trials(rows, count)
    points = [space.point(row.u) for row in ranked]
    validated = bench.evaluate_many([point.parameters for point in points], folds.validation, kept=True)
    found = [Candidate(*each) for each in zip(ranked, points, validated, strict=True)]
    return tuple(sorted(found, key=lambda candidate: candidate.validation.rank, reverse=True))

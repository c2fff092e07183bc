"""What following the search would have earned: at each train fold the best trial so far, judged by the fold after.

A trial's score on a fold owes nothing to other folds, so one study holds every step of a walk forward: the set that was
best on folds 1…k is what one would have quoted in fold k + 1. If it earns there much less than it did up to then, the
search fits noise (Pardo, The Evaluation and Optimization of Trading Strategies, 2008, ch. 11).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.study.trials import TrialRow


@dataclass(frozen=True, slots=True)
class Step:
    """The best trial of folds 1…k (`known`: their number): its mean score there and its score in the next fold."""

    known: int
    trial: int
    before: float
    after: float


def walk_forward(rows: Sequence[TrialRow]) -> tuple[Step, ...]:
    """Return the steps of a study, one fewer than it has train folds; feasible trials only, all when none is."""
    chosen = [row for row in rows if row.feasible] or [row for row in rows if not row.pruned]
    scores = np.array([row.fold_scores for row in chosen])  # (trials, folds)
    steps = []
    for known in range(1, scores.shape[1]):
        mean = scores[:, :known].mean(axis=1)
        best = int(np.argmax(mean))
        steps.append(Step(known, chosen[best].number, float(mean[best]), float(scores[best, known])))
    return tuple(steps)


def efficiency(steps: Sequence[Step]) -> float:
    """Return what the chosen ones earned afterwards as a share of before; nan without steps or with nothing before."""
    before = float(np.mean([step.before for step in steps])) if steps else 0.0
    return float(np.mean([step.after for step in steps])) / before if before > 0 else float("nan")

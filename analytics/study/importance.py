"""Which searched coordinates made trials good: shares that add up to 1."""

import warnings
from collections.abc import Sequence
from typing import Final

import numpy as np
import optuna
from optuna.distributions import FloatDistribution
from optuna.importance import PedAnovaImportanceEvaluator

from analytics.study.trials import TrialRow

FEWEST: Final = 20  # trials: of fewer the best tenth is a single one or two


def importances(rows: Sequence[TrialRow]) -> dict[str, float]:
    """Return the importance of each coordinate for the score, the largest first; empty where trials are too few.

    How much its distribution among the best tenth of the trials differs from that among all (PED-ANOVA: Watanabe,
    Bansal and Hutter, IJCAI 2023). Feasible trials count, and all where fewer than FEWEST are.
    """
    whole = [row for row in rows if not row.pruned]
    feasible = [row for row in whole if row.feasible]
    chosen = feasible if len(feasible) >= FEWEST else whole
    if len(chosen) < FEWEST or np.ptp([row.score for row in chosen]) == 0:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # of interfaces: Optuna is pinned
        found = optuna.importance.get_param_importances(_study(chosen), evaluator=PedAnovaImportanceEvaluator())
    return {name: float(share) for name, share in found.items()}


def _study(rows: Sequence[TrialRow]) -> optuna.Study:
    study = optuna.create_study(direction="maximize")
    unit = dict.fromkeys(rows[0].u, FloatDistribution(0.0, 1.0))
    study.add_trials([optuna.trial.create_trial(value=row.score, params=row.u, distributions=unit) for row in rows])
    return study

"""Who proposes trials, by name: Optuna's samplers, set up for batches over the unit cube, and a grid of ours.

TPE takes a batch's own open trials for bad ones (constant liar), so that it does not propose one point many times;
CMA-ES and NSGA take a batch for a generation.
"""

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import optuna

from analytics.study.objective import Evaluation
from analytics.study.settings import SearchSettings, check_available

STARTUP_TRIALS: Final = 12
SMALLEST_GENERATION: Final = 8
BEHIND: Final = -1e9  # what an infeasible trial is told as, where only the order of values matters


@dataclass(frozen=True, slots=True)
class Proposer:
    """A sampler, whether it heeds constraints, the points to try whatever it says, and what a trial is told as."""

    sampler: Any
    heeds: bool
    planned: Iterator[dict[str, float]] | None
    told: Callable[[Evaluation], tuple[float, ...]]


def proposer(
    settings: SearchSettings, dimensions: Sequence[str], seed: int, asked: int, tried: Sequence[dict[str, float]]
) -> Proposer:
    """Return the settings' sampler for a study that has `asked` for so many trials and finished those `tried`.

    A grid goes on with the points that are not among them; the sampler of a study that goes on is seeded anew.
    """
    heeds = settings.sampler != "cmaes"
    planned = _untried(dimensions, settings, seed, tried) if settings.sampler == "grid" else None
    return Proposer(_MADE[settings.sampler](settings, seed + asked), heeds, planned, _goals if heeds else _ranked)


def pruner(settings: SearchSettings) -> Any:
    """Return who stops trials between folds: a signed-rank test against the best trial's scores on the same folds."""
    if settings.prune == 0:
        return optuna.pruners.NopPruner()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # of interfaces: Optuna is pinned
        return optuna.pruners.WilcoxonPruner(p_threshold=settings.prune)


def grid(dimensions: Sequence[str], points: int, seed: int) -> Iterator[dict[str, float]]:
    """Yield every point of the grid once, in an order that does not begin in a corner.

    The i-th point is number (offset + i·stride) modulo their count, with a stride near the golden section of it that
    has no divisor in common with it.
    """
    count = points ** len(dimensions)
    stride = max(int(count * 0.6180339887498949), 1)
    while math.gcd(stride, count) != 1:
        stride += 1
    for i in range(count):
        number, point = (seed + i * stride) % count, {}
        for name in dimensions:
            number, place = divmod(number, points)
            point[name] = place / (points - 1)
        yield point


def _untried(
    dimensions: Sequence[str], settings: SearchSettings, seed: int, tried: Sequence[dict[str, float]]
) -> Iterator[dict[str, float]]:
    known = {tuple(point[name] for name in dimensions) for point in tried}
    for point in grid(dimensions, settings.grid_points, seed):
        if tuple(point.values()) not in known:
            yield point


def _goals(evaluation: Evaluation) -> tuple[float, ...]:
    return evaluation.goals


def _ranked(evaluation: Evaluation) -> tuple[float, ...]:
    """Return a value by which infeasible trials come behind all others: CMA-ES knows no constraints, only an order."""
    feasible, value = evaluation.rank
    return (value if feasible else BEHIND + value,)


def _tpe(settings: SearchSettings, seed: int) -> Any:
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP_TRIALS, constant_liar=True)


def _cmaes(settings: SearchSettings, seed: int) -> Any:
    popsize = max(settings.batch, SMALLEST_GENERATION)
    return optuna.samplers.CmaEsSampler(seed=seed, popsize=popsize, warn_independent_sampling=False)


def _nsga2(settings: SearchSettings, seed: int) -> Any:
    return _genetic(optuna.samplers.NSGAIISampler, settings, seed)


def _nsga3(settings: SearchSettings, seed: int) -> Any:
    return _genetic(optuna.samplers.NSGAIIISampler, settings, seed)


def _genetic(kind: Any, settings: SearchSettings, seed: int) -> Any:
    """Return a genetic sampler that mixes numbers; by default it would hand whole coordinates on, and repeat points."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # of interfaces: Optuna is pinned
        mixed = {"crossover": optuna.samplers.nsgaii.BLXAlphaCrossover(), "crossover_prob": 1.0}
        return kind(seed=seed, population_size=max(settings.batch, SMALLEST_GENERATION), **mixed)


def _random(settings: SearchSettings, seed: int) -> Any:
    return optuna.samplers.RandomSampler(seed=seed)


def _gp(settings: SearchSettings, seed: int) -> Any:
    check_available("gp")
    return optuna.samplers.GPSampler(seed=seed, n_startup_trials=STARTUP_TRIALS, warn_independent_sampling=False)


_MADE: Final[dict[str, Callable[[SearchSettings, int], Any]]] = {
    "tpe": _tpe,
    "cmaes": _cmaes,
    "nsga2": _nsga2,
    "nsga3": _nsga3,
    "random": _random,
    "grid": _random,
    "gp": _gp,
}

"""The Pareto front of a study with several objectives, and the rule by which one point of it is chosen.

All objectives are maximised. A point is on the front when no other is at least as good in all of them and better in
one. To be compared they are scaled: 0 is the least of the front, 1 the best.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


def front(goals: F64) -> I64:
    """Return which of the points (points, objectives) no other point dominates, the best in the first objective first.

    Of equal points all are on it.
    """
    order = np.lexsort(tuple(-goals.T[::-1]))  # no point is dominated by one that stands behind it
    kept: list[int] = []
    for i in order.tolist():
        ahead = goals[kept]
        if not np.any(np.all(ahead >= goals[i], axis=1) & np.any(ahead > goals[i], axis=1)):
            kept.append(i)
    return np.array(kept, np.int64)


def thinned(goals: F64, count: int) -> I64:
    """Return at most `count` points that leave no large hole: the most crowded one goes, again and again.

    The best in each objective stay. Crowding distance: Deb et al., A Fast and Elitist Multiobjective Genetic Algorithm
    (NSGA-II), IEEE Transactions on Evolutionary Computation 6 (2002), III-B.
    """
    left = np.arange(len(goals))
    while len(left) > count:
        left = np.delete(left, np.argmin(_room(goals[left])))
    return left


def preference(goals: F64, weights: Sequence[float] = ()) -> F64:
    """Return how much each point of a front is to be preferred: by weights, or without them by nearness to the knee.

    With weights it is the weighted sum of the scaled objectives. The knee is the point nearest to the best of
    everything, (1, …, 1), by Euclidean distance (compromise solution: Zeleny, Compromise Programming, 1973).
    """
    scaled = _scaled(goals)
    if len(weights):
        return np.asarray(scaled @ (np.asarray(weights) / np.sum(weights)), np.float64)
    return np.asarray(-np.linalg.norm(1.0 - scaled, axis=1), np.float64)


def _scaled(goals: F64) -> F64:
    """Scale each objective to [0, 1]; one that is the same everywhere is 1."""
    low, high = goals.min(axis=0), goals.max(axis=0)
    width = high - low
    return np.where(width > 0, (goals - low) / np.where(width > 0, width, 1.0), 1.0)


def _room(goals: F64) -> F64:
    """Return the crowding distances: how far a point's neighbours are from each other, summed over objectives."""
    scaled, room = _scaled(goals), np.zeros(len(goals))
    for values in scaled.T:
        order = np.argsort(values, kind="stable")
        room[order[[0, -1]]] = np.inf
        room[order[1:-1]] += values[order[2:]] - values[order[:-2]]
    return room

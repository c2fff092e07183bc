"""Maximum likelihood and its interval from a profile: the likelihood of one parameter, the others at their best.

An interval of level 0.95 holds every value whose log-likelihood is within 1.92 of the best, half of chi-squared's 0.95
quantile for one degree of freedom (S. Wilks, "The large-sample distribution of the likelihood ratio", 1938).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

LEVEL: Final = 0.95
DROP: Final = 1.9207294103470702  # chi2(1).ppf(LEVEL) / 2
_POINTS: Final = 17  # of a grid
_REACH: Final = 2.0 * DROP  # how far under the best the points lie that draw the curve,
_ENOUGH: Final = 9  # ... how many there are at the end
_FINER: Final = 8  # ... and how many finer grids there may be on the way


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval; an end at the edge of what was searched is that edge."""

    value: float
    low: float
    high: float

    def scaled(self, factor: float) -> "Estimate":
        """Return the same in another unit."""
        return Estimate(self.value * factor, self.low * factor, self.high * factor)


@dataclass(frozen=True, slots=True)
class Profile:
    """Points (n,) of a profile, ascending, and what follows of them."""

    at: F64
    log_likelihood: F64

    @property
    def best(self) -> int:
        """Return the place of the greatest likelihood."""
        return int(np.argmax(self.log_likelihood))

    @property
    def estimate(self) -> Estimate:
        """Return value and interval, interpolated in the logarithm of the parameter."""
        x, y = np.log(self.at), self.log_likelihood
        peak, top = _vertex(x, y, self.best)
        low = _crossing(x[: self.best + 1][::-1], y[: self.best + 1][::-1], top - DROP)
        high = _crossing(x[self.best :], y[self.best :], top - DROP)
        return Estimate(math.exp(peak), math.exp(min(low, peak)), math.exp(max(high, peak)))


def profile(log_likelihood: Callable[[float], float], low: float, high: float) -> Profile:
    """Profile a positive parameter over [low, high]: a grid in its logarithm, and finer ones around the best."""
    at = np.linspace(math.log(low), math.log(high), _POINTS)
    values = _along(log_likelihood, at)
    for _ in range(_FINER):
        near = np.flatnonzero(values >= values.max() - _REACH)
        if len(near) >= _ENOUGH:
            break
        begin, end = at[max(int(near[0]) - 1, 0)], at[min(int(near[-1]) + 1, len(at) - 1)]
        finer = np.linspace(begin, end, _POINTS)[1:-1]
        finer = finer[np.abs(finer[:, None] - at).min(axis=1) > (end - begin) / _POINTS**2]
        more = np.concatenate([at, finer])
        order = np.argsort(more)
        at, values = more[order], np.concatenate([values, _along(log_likelihood, finer)])[order]
    return Profile(np.exp(at), values)


def _along(log_likelihood: Callable[[float], float], logarithms: F64) -> F64:
    return np.array([log_likelihood(math.exp(each)) for each in logarithms.tolist()])


def _vertex(x: F64, y: F64, best: int) -> tuple[float, float]:
    """Return the top of the parabola through the best point and its neighbours, the point itself at an edge."""
    if not 0 < best < len(x) - 1:
        return float(x[best]), float(y[best])
    dx, dy = x[best - 1 : best + 2] - x[best], y[best - 1 : best + 2] - y[best]
    slope = (dy[0] / dx[0] * dx[2] - dy[2] / dx[2] * dx[0]) / (dx[2] - dx[0])
    curve = (dy[2] / dx[2] - dy[0] / dx[0]) / (dx[2] - dx[0])
    if curve >= 0.0:
        return float(x[best]), float(y[best])
    return float(x[best] - slope / (2.0 * curve)), float(y[best] - slope**2 / (4.0 * curve))


def _crossing(x: F64, y: F64, level: float) -> float:
    """Return where a curve first falls under a level, walking from its first point; the last point if never."""
    under = np.flatnonzero(y < level)
    if len(under) == 0:
        return float(x[-1])
    i = int(under[0])
    if i == 0:
        return float(x[0])
    return float(x[i - 1] + (x[i] - x[i - 1]) * (y[i - 1] - level) / (y[i - 1] - y[i]))

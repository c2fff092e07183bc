"""Width as a monotone cubic through points of sigma (strategy.md 3): smooth, and never outside its neighbours.

Slopes are Fritsch and Butland's weighted harmonic means (1984), which keep Fritsch and Carlson's conditions for
monotony (SIAM J. Numer. Anal. 17, 1980); at the ends the parabola through three points, not under 0.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from strategy.kernel.jit import jit
from strategy.policies.registry import Policy
from strategy.policies.spreads.linear import MAX_POINTS, Linear, segment


class Pchip(Linear):
    """The same points as `linear`."""


RECORD: Final = np.dtype(
    [
        ("count", "i8"),
        ("sigma", "f8", (MAX_POINTS,)),
        ("bps", "f8", (MAX_POINTS,)),
        ("slope", "f8", (MAX_POINTS,)),  # bps per sigma at each point
    ],
    align=True,
)


def pack(parameters: Pchip, record: Any) -> None:
    """Write the points and their slopes into their kernel record."""
    points = np.array(parameters.spread_curve_points)
    count = len(points)
    record["count"] = count
    record["sigma"][:count] = points[:, 0]
    record["bps"][:count] = points[:, 1]
    record["slope"][:count] = monotone_slopes(points[:, 0], points[:, 1])


def monotone_slopes(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the slope at each point (N,) of a curve through x (increasing) and y (not decreasing)."""
    steps = np.diff(x)
    secants = np.diff(y) / steps
    if len(secants) == 1:
        return np.repeat(secants, 2)
    slopes = np.zeros(len(x))
    for i in range(1, len(x) - 1):
        slopes[i] = _inner_slope(steps[i - 1], steps[i], secants[i - 1], secants[i])
    slopes[0] = _end_slope(steps[0], steps[1], secants[0], secants[1])
    slopes[-1] = _end_slope(steps[-1], steps[-2], secants[-1], secants[-2])
    return slopes


def _inner_slope(left: float, right: float, secant_left: float, secant_right: float) -> float:
    """Return the harmonic mean of the neighbouring secants, weighted by the steps; 0 beside a level stretch."""
    if secant_left == 0.0 or secant_right == 0.0:
        return 0.0
    weight_left, weight_right = 2.0 * right + left, right + 2.0 * left
    return (weight_left + weight_right) / (weight_left / secant_left + weight_right / secant_right)


def _end_slope(near: float, far: float, secant_near: float, secant_far: float) -> float:
    """Return the parabola's slope at an end; secants of one sign keep it under 2 secants, within Fritsch-Carlson."""
    return max(((2.0 * near + far) * secant_near - near * secant_far) / (near + far), 0.0)


@jit
def spread_decide(params: Any, regimes: Any, context: Any, out: Any) -> None:
    """Write the half-spread (bps) on the cubic, flat outside its ends."""
    sigma = context["sigma"]
    i = segment(params["sigma"], params["count"], sigma)
    width = params["bps"][max(i, 0)]
    if 0 <= i < params["count"] - 1:
        width = cubic(params, i, sigma)
    out["bid_bps"] = width
    out["ask_bps"] = width


@jit
def cubic(params: Any, i: int, sigma: float) -> float:
    """Return the Hermite cubic between points i and i + 1; rounding may not carry it past either."""
    step = params["sigma"][i + 1] - params["sigma"][i]
    low, high = params["bps"][i], params["bps"][i + 1]
    secant = (high - low) / step
    start, end = params["slope"][i], params["slope"][i + 1]
    t = (sigma - params["sigma"][i]) / step
    rise = start + t * ((3.0 * secant - 2.0 * start - end) + t * (start + end - 2.0 * secant))
    return float(min(max(low + t * step * rise, low), high))


POLICY: Final = Policy(
    kind="spreads",
    name="pchip",
    parameters=Pchip,
    record=RECORD,
    pack=pack,
    functions={"spread_decide": spread_decide},
    source="Fritsch & Carlson 1980; Fritsch & Butland 1984",
    skips=True,
)

"""Latencies as a lognormal distribution, from round trips whose dividing stamp is cut to the venue's resolution.

A stamp in milliseconds says that the venue acted within the millisecond after it. So a way there is known to lie in
[e, e + 1 ms), the way back in (r - 1 ms, r], and the likelihood is the chance of that interval: with X lognormal of
median m and spread s, the sum of log(Phi(log(high / m) / s) - Phi(log(low / m) / s)) (interval-censored maximum
likelihood: J. Lawless, "Statistical Models and Methods for Lifetime Data", 2003, section 2.2).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analytics.fill_fit.profile import Estimate, profile
from analytics.tape.latencies import RoundTrips
from strategy.errors import Failed
from strategy.kernel.jit import jit_entry
from strategy.replay.latency import DRAWS, Latencies, checked

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

FEWEST: Final = 20  # round trips
_SPREADS: Final = (0.02, 3.0)
_AROUND: Final = 50.0  # the median is searched within so many times of the pairs' own
LEAST: Final = 1e-12  # chance of an interval: one far outside must not make the logarithm infinite
_SPREAD_STEPS: Final = 24
_GOLDEN: Final = (math.sqrt(5.0) - 1.0) / 2.0
HALF_ROOT: Final = math.sqrt(0.5)


@dataclass(frozen=True, slots=True)
class LatencyFit:
    """One way's latency: its median in ns with an interval, and the standard deviation of its logarithm."""

    median_ns: Estimate
    spread: float


@dataclass(frozen=True, slots=True)
class Ways:
    """Both ways, and of how many round trips."""

    entry: LatencyFit
    response: LatencyFit
    round_trips: int

    def drawn(self, seed: int) -> Latencies:
        """Draw a replay's latencies (4096 pairs); the same seed gives the same."""
        rng = np.random.default_rng(seed)
        lines = (
            np.rint(way.median_ns.value * np.exp(way.spread * rng.standard_normal(DRAWS))).astype(np.int64)
            for way in (self.entry, self.response)
        )
        return checked(Latencies(*lines))


def fit_latencies(trips: RoundTrips) -> Ways:
    """Fit both ways; Failed with too few round trips.

    Each way is judged by its own interval alone: an end cut off at the whole round trip would say that the other way
    was short. Where the clocks leave a way no time at all, its interval is the first `stamp_ns`.
    """
    if len(trips) < FEWEST:
        raise Failed(f"{len(trips)} round trips were recorded on {trips.days}, at least {FEWEST} are needed")
    there, cut = trips.stamped_ns, trips.stamp_ns
    back = trips.entry_ns + trips.response_ns - there
    entry, response = (
        fit_interval(np.maximum(end - cut, 0), np.where(end > 0, end, cut)) for end in (there + cut, back)
    )
    return Ways(entry, response, len(trips))


def fit_interval(low_ns: I64, high_ns: I64) -> LatencyFit:
    """Fit latencies (n,) each of which lies in [low, high) ns; where both are equal its last ns counts."""
    high = np.maximum(high_ns.astype(np.float64), 1.0)
    low = np.minimum(low_ns.astype(np.float64), high - 1.0)
    middle = float(np.median(np.maximum(0.5 * (low + high), 1.0)))

    def best_spread(median: float) -> tuple[float, float]:
        return _highest(lambda spread: _log_likelihood(low, high, median, spread), *_SPREADS)

    medians = profile(lambda median: best_spread(median)[1], max(middle / _AROUND, 1.0), middle * _AROUND)
    found = medians.estimate
    return LatencyFit(found, best_spread(found.value)[0])


@jit_entry
def _log_likelihood(low: Any, high: Any, median: float, spread: float) -> float:
    """Sum the logarithms of the chances of all intervals."""
    found = 0.0
    for i in range(len(low)):
        chance = 0.5 * math.erfc(-math.log(high[i] / median) / spread * HALF_ROOT)
        if low[i] > 0.0:
            chance -= 0.5 * math.erfc(-math.log(low[i] / median) / spread * HALF_ROOT)
        found += math.log(max(chance, LEAST))
    return found


def _highest(function: Callable[[float], float], low: float, high: float) -> tuple[float, float]:
    """Return place and value of a single-peaked function's top, by golden-section search in the logarithm."""
    a, b = math.log(low), math.log(high)
    x, y = b - _GOLDEN * (b - a), a + _GOLDEN * (b - a)
    at_x, at_y = function(math.exp(x)), function(math.exp(y))
    for _ in range(_SPREAD_STEPS):
        if at_x >= at_y:
            b, y, at_y = y, x, at_x
            x = b - _GOLDEN * (b - a)
            at_x = function(math.exp(x))
        else:
            a, x, at_x = x, y, at_y
            y = a + _GOLDEN * (b - a)
            at_y = function(math.exp(y))
    return (math.exp(x), at_x) if at_x >= at_y else (math.exp(y), at_y)

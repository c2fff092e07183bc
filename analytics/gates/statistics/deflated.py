"""Probabilistic and deflated Sharpe ratio: is a Sharpe ratio more than luck, given how many were tried.

Sources: Bailey, López de Prado, "The Sharpe ratio efficient frontier", Journal of Risk 15(2), 2012 (PSR, its equation
for non-normal returns); Bailey, López de Prado, "The deflated Sharpe ratio", Journal of Portfolio Management 40(5),
2014 (expected maximum, equation 1; DSR, equation 2). Sharpe ratios here are a period, never annualised.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from strategy.errors import BadInput

F64 = NDArray[np.float64]
EULER_MASCHERONI: Final = 0.5772156649015329
NORMAL: Final = NormalDist()


@dataclass(frozen=True, slots=True)
class Moments:
    """A series of returns in four numbers: length T, Sharpe ratio a period (ddof 1), skewness, kurtosis (normal 3)."""

    periods: int
    sharpe: float
    skewness: float
    kurtosis: float


def moments_of(returns: F64) -> Moments:
    """Return the moments of a series (T,), any unit; one that never varies has Sharpe ratio 0."""
    if len(returns) < 2 or not np.isfinite(returns).all():
        raise BadInput(f"returns were {len(returns)} periods, at least 2 finite ones are needed")
    centred = returns - returns.mean()
    variance = float(np.mean(centred**2))
    if variance <= 1e-24 * float(np.mean(returns**2)):
        return Moments(len(returns), 0.0, 0.0, 3.0)
    deviation = math.sqrt(variance * len(returns) / (len(returns) - 1))
    skewness = float(np.mean(centred**3)) / variance**1.5
    return Moments(len(returns), float(returns.mean()) / deviation, skewness, float(np.mean(centred**4)) / variance**2)


def probabilistic_sharpe(moments: Moments, benchmark: float = 0.0) -> float:
    """Return the probability that the true Sharpe ratio is over `benchmark` (both a period).

    PSR(b) = Phi((SR - b) sqrt(T - 1) / sqrt(1 - skewness SR + (kurtosis - 1) / 4 SR^2)).
    """
    sharpe = moments.sharpe
    spread = 1.0 - moments.skewness * sharpe + (moments.kurtosis - 1.0) / 4.0 * sharpe * sharpe
    # Kurtosis >= 1 + skewness^2 keeps this at or over 0 for every sample; 0 is two values only, each as often.
    distance = (sharpe - benchmark) * math.sqrt(moments.periods - 1)
    return NORMAL.cdf(distance / math.sqrt(max(spread, 1e-12)))


def expected_maximum(variance: float, trials: int) -> float:
    """Return the Sharpe ratio a period that the best of `trials` without skill is expected to show.

    SR0 = sqrt(V) ((1 - g) Phi^-1(1 - 1/N) + g Phi^-1(1 - 1/(N e))), g the Euler-Mascheroni constant, V the variance of
    the trials' Sharpe ratios. One trial has no choice to be lucky in: 0.
    """
    if trials < 1 or not variance >= 0:
        raise BadInput(f"trials were {trials} with variance {variance}, at least 1 and 0 are needed")
    if trials == 1:
        return 0.0
    first = NORMAL.inv_cdf(1.0 - 1.0 / trials)
    second = NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))
    return math.sqrt(variance) * ((1.0 - EULER_MASCHERONI) * first + EULER_MASCHERONI * second)


def deflated_sharpe(moments: Moments, variance: float, trials: int) -> float:
    """Return the probability that the best of `trials` has skill: PSR against the expected maximum (DSR).

    `variance` is that of the trials' Sharpe ratios a period. Trials count as independent, which is on the safe side.
    """
    return probabilistic_sharpe(moments, expected_maximum(variance, trials))


def variance_without_skill(sharpes: F64, periods: int) -> float:
    """Return the variance V of trials' Sharpe ratios (N,) a period that is luck: at most that of one estimate.

    The paper takes all trials to be draws without skill around 0. Over `periods` such an estimate has the variance
    1 / (T - 1), and trials that resemble each other differ by less. What trials differ by beyond that is skill, or the
    lack of it, which a search over good and bad parameters is bound to meet: it is no luck, and is not counted.
    """
    if periods < 2:
        raise BadInput(f"periods were {periods}, at least 2 are needed")
    luck = 1.0 / (periods - 1)
    return min(float(sharpes.var(ddof=1)), luck) if len(sharpes) > 1 else luck

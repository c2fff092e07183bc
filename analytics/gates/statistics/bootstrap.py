"""Stationary bootstrap of the mean of a dependent series, with the block length that the series itself suggests.

Sources: Politis, Romano, "The stationary bootstrap", JASA 89, 1994 (blocks of geometric length around a circle);
Politis, White, "Automatic block-length selection for the dependent bootstrap", Econometric Reviews 23(1), 2004, with
the correction by Patton, Politis, White, Econometric Reviews 28(4), 2009: D = 2 g(0)^2 for the stationary bootstrap.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from strategy.errors import BadInput

F64 = NDArray[np.float64]
SIGNIFICANT: Final = 2.0  # standard errors (times the root of log10 n) from which an autocorrelation counts
LEAST: Final = 4
AT_ONCE: Final = 4_000_000  # indices drawn at a time


@dataclass(frozen=True, slots=True)
class MeanTest:
    """The mean of a series, in its own unit, and how sure of it one may be.

    `p_value` is of the hypothesis that the true mean is 0 or less; `low` and `high` bound it with `level` probability.
    """

    mean: float
    p_value: float
    low: float
    high: float
    level: float
    block_length: float
    samples: int


def block_length(series: F64) -> float:
    """Return the mean block length, in elements, that is best for the mean of a series (n,); at least 1.

    b = (G^2 / g(0)^2)^(1/3) n^(1/3), G = sum lambda(k/M) |k| R(k) and g(0) = sum lambda(k/M) R(k) over |k| <= M, R the
    autocovariances and lambda the flat-top window. M is twice the lag after which K = max(5, sqrt(log10 n))
    autocorrelations in a row stay under 2 sqrt(log10(n) / n). At most min(3 sqrt(n), n / 3).
    """
    n = _length(series)
    centred = series - series.mean()
    if not float(centred @ centred) > 1e-24 * float(series @ series):
        return 1.0
    calm = max(5, math.ceil(math.sqrt(math.log10(n))))
    most = min(math.ceil(math.sqrt(n)) + calm, n - 1)
    covariance = np.array([float(centred[lag:] @ centred[: n - lag]) / n for lag in range(most + 1)])
    bandwidth = min(_bandwidth(np.abs(covariance[1:] / covariance[0]), n, calm), most)
    lags = np.arange(1, bandwidth + 1)
    weights = np.minimum(1.0, 2.0 * (1.0 - lags / bandwidth))
    g_0 = covariance[0] + 2.0 * float(weights @ covariance[1 : bandwidth + 1])
    g = 2.0 * float((weights * lags) @ covariance[1 : bandwidth + 1])
    longest = max(1.0, math.ceil(min(3.0 * math.sqrt(n), n / 3.0)))
    if g_0 == 0.0:
        return longest
    return float(min(max((g / g_0) ** 2 * n, 1.0) ** (1.0 / 3.0), longest))


def mean_test(
    series: F64, seed: int, samples: int = 10_000, level: float = 0.95, length: float | None = None
) -> MeanTest:
    """Test the mean of a series (n,) against 0 and bound it, by `samples` seeded resamples.

    The p-value is (1 + #{mean* - mean >= mean}) / (1 + samples); the bounds are mean less the quantiles of mean* - mean
    at (1 + level) / 2 and (1 - level) / 2. `length` stands instead of the automatic block length.
    """
    _length(series)
    if samples < 1 or not 0.0 < level < 1.0:
        raise BadInput(f"samples were {samples} and level {level}, at least 1 and within 0 and 1 are needed")
    blocks = block_length(series) if length is None else length
    mean = float(series.mean())
    errors = resampled_means(series, blocks, samples, np.random.default_rng(seed)) - mean
    low, high = np.quantile(errors, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    # A hair of tolerance: a series of one value resamples to itself up to rounding, and that is no evidence.
    beaten = int(np.sum(errors >= mean - 1e-12 * max(abs(mean), 1e-300)))
    p_value = (1 + beaten) / (1 + samples)
    return MeanTest(mean, p_value, mean - float(high), mean - float(low), level, blocks, samples)


def resampled_means(series: F64, length: float, samples: int, rng: np.random.Generator) -> F64:
    """Return the means (samples,) of stationary bootstrap resamples with mean block length `length` >= 1."""
    if not length >= 1.0:
        raise BadInput(f"block length was {length}, it must be 1 or more")
    at_once = max(1, AT_ONCE // len(series))
    counts = [min(at_once, samples - start) for start in range(0, samples, at_once)]
    return np.concatenate([series[_indices(len(series), length, count, rng)].mean(axis=1) for count in counts])


def _indices(n: int, length: float, samples: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return (samples, n) indices: each follows the one before it, or with probability 1 / length jumps anywhere."""
    jump = rng.random((samples, n)) < 1.0 / length
    jump[:, 0] = True
    places = np.arange(n)
    began = np.maximum.accumulate(np.where(jump, places, 0), axis=1)
    start = np.take_along_axis(rng.integers(0, n, (samples, n)), began, axis=1)
    indices: NDArray[np.int64] = (start + places - began) % n
    return indices


def _bandwidth(correlation: F64, n: int, calm: int) -> int:
    """Return M: twice the lag (>= 1) that `calm` insignificant ones follow, else twice the last significant one."""
    high = correlation >= SIGNIFICANT * math.sqrt(math.log10(n) / n)
    for lag in range(len(high) - calm + 1):
        if not high[lag : lag + calm].any():
            return 2 * max(lag, 1)
    return 2 * int(np.flatnonzero(high)[-1] + 1)


def _length(series: F64) -> int:
    if series.ndim != 1 or len(series) < LEAST or not np.isfinite(series).all():
        raise BadInput(f"a series of shape {series.shape} cannot be resampled, at least {LEAST} finite values can")
    return len(series)

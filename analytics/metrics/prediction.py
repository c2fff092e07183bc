"""How well sigma foretold the volatility that followed (strategy.md 9)."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from strategy.policies.parameters import ParameterSet
from strategy.replay.sigma import sigma_series
from strategy.replay.tape import Tape, TapeInfo

F64 = NDArray[np.float64]
Mode = Literal["percentage", "absolute"]
DEFAULT_WINDOW_S: Final = 60.0  # for engines without a window of their own
MIN_SAMPLES: Final = 10  # a standard deviation of fewer differences says nothing to compare with


@dataclass(frozen=True, slots=True)
class SigmaPath:
    """Sigma after every accepted update: `ts` ns, `mid` quote currency, `sigma` in the mode's unit (nan = warm-up)."""

    ts: NDArray[np.int64]
    mid: F64
    sigma: F64


@dataclass(frozen=True, slots=True)
class PredictionError:
    """Bias and RMSE of sigma in its own unit, QLIKE without unit, over `samples` comparisons; nan if none."""

    bias: float
    rmse: float
    qlike: float
    samples: int


def foretold(tape: Tape, info: TapeInfo, parameters: ParameterSet) -> tuple[SigmaPath, F64]:
    """Return a set's sigma over a tape, and beside it the volatility over the window that followed each."""
    ts, mid_ticks, sigma = sigma_series(tape, info, parameters)
    mode: Mode = "absolute" if parameters.volatility.get("vol_mode") == "absolute" else "percentage"
    window_ns = round(float(parameters.volatility.get("vol_window_seconds", DEFAULT_WINDOW_S)) * 1e9)
    path = SigmaPath(ts, mid_ticks * float(info.tick_size), sigma)
    return path, realised_sigma(path, window_ns, mode, tape.update_local[tape.fresh == 1])


def realised_sigma(path: SigmaPath, window_ns: int, mode: Mode, breaks: NDArray[np.int64]) -> F64:
    """Return for each t the standard deviation (ddof 1) of the differences that end in (t, t + window].

    `breaks` are the times of updates across which no difference is taken. nan where the window reaches past the path
    or holds fewer than `MIN_SAMPLES` differences.
    """
    if len(path.ts) < 2:
        return np.full(len(path.ts), np.nan)
    change = np.diff(path.mid) / (path.mid[:-1] if mode == "percentage" else 1.0)
    usable = ~np.isin(path.ts[1:], breaks)
    ends = path.ts[1:][usable]
    # Centred before squaring: the sums of squares of raw differences would cancel.
    centred = change[usable] - (change[usable].mean() if usable.any() else 0.0)
    total = np.concatenate([[0.0], np.cumsum(centred)])
    squares = np.concatenate([[0.0], np.cumsum(centred * centred)])
    first = np.searchsorted(ends, path.ts, side="right")
    last = np.searchsorted(ends, path.ts + window_ns, side="right")
    count = np.maximum(last - first, 2)
    span = total[last] - total[first]
    variance = np.maximum((squares[last] - squares[first] - span * span / count) / (count - 1), 0.0)
    known = (last - first >= MIN_SAMPLES) & (path.ts + window_ns <= path.ts[-1])
    return np.where(known, np.sqrt(variance), np.nan)


def prediction_error(predicted: F64, actual: F64) -> PredictionError:
    """Compare sigma with what followed; QLIKE = mean(x - ln x - 1), x = (actual / predicted)² (Patton 2011)."""
    known = np.isfinite(predicted) & np.isfinite(actual)
    predicted, actual = predicted[known], actual[known]
    if len(predicted) == 0:
        return PredictionError(np.nan, np.nan, np.nan, 0)
    error = predicted - actual
    # A window without any movement has no logarithm: it stays out of QLIKE, and in bias and RMSE.
    positive = (predicted > 0) & (actual > 1e-6 * predicted)
    ratio = (actual[positive] / predicted[positive]) ** 2
    qlike = float(np.mean(ratio - np.log(ratio) - 1)) if positive.any() else np.nan
    return PredictionError(float(error.mean()), float(np.sqrt(np.mean(error**2))), qlike, len(error))

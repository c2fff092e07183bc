"""Probability of backtest overfitting by combinatorially symmetric cross-validation (CSCV).

Source: Bailey, Borwein, López de Prado, Zhu, "The probability of backtest overfitting", Journal of Computational
Finance 20(4), 2017, section 3. Rows are cut into S equal blocks; every choice of S/2 of them is once in sample, the
rest out of sample. For each choice c, n* is the trial that is best in sample, w its relative rank out of sample,
rank / (N + 1) with 1 the worst, and logit(c) = ln(w / (1 - w)). PBO is the share of choices whose logit is <= 0: how
often the best of the past ends in the lower half of the future.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from strategy.errors import BadInput

F64 = NDArray[np.float64]
Measure = Callable[[F64, F64, float], F64]  # (sums, sums of squares, rows) by trial -> performance by trial
MOST_BLOCKS: Final = 20  # 184,756 choices; each more pair of blocks is four times as many


@dataclass(frozen=True, slots=True)
class Overfitting:
    """What CSCV found over its C(S, S/2) choices; arrays have one element a choice.

    `in_sample` and `out_of_sample` are the performances of the best in sample. `degradation` is the slope of the least
    squares line of the second over the first, nan where the first never varies; `loss` the share of choices whose best
    performs under 0 out of sample.
    """

    probability: float
    logits: F64
    in_sample: F64
    out_of_sample: F64
    degradation: float
    loss: float


def sharpe_of(sums: F64, squares: F64, rows: float) -> F64:
    """Return the Sharpe ratio a period (mean by standard deviation, ddof 1), 0 where nothing ever varied."""
    mean = sums / rows
    variance = np.maximum(squares - rows * mean * mean, 0.0) / max(rows - 1, 1)
    noise = 1e-24 * np.maximum(squares, 1e-300)  # rounding of a constant series is no variance
    return np.where(variance > noise, mean / np.sqrt(np.maximum(variance, 1e-300)), 0.0)


def mean_of(sums: F64, squares: F64, rows: float) -> F64:
    """Return the mean a period."""
    return sums / rows


def probability_of_overfitting(returns: F64, blocks: int = 16, measure: Measure = sharpe_of) -> Overfitting:
    """Return the PBO of a matrix of T periods (rows) by N trials (columns), any unit; see the module's text.

    The first T mod `blocks` rows are left out, so that blocks are equal. Ties share their mean rank.
    """
    _check(returns, blocks)
    length = len(returns) // blocks
    kept = returns[len(returns) - length * blocks :].reshape(blocks, length, -1)
    sums, squares = kept.sum(axis=1), (kept * kept).sum(axis=1)
    half = blocks // 2
    chosen = np.array(list(combinations(range(blocks), half)))
    inside = np.zeros((len(chosen), blocks))
    np.put_along_axis(inside, chosen, 1.0, axis=1)
    rows = float(half * length)
    before = measure(inside @ sums, inside @ squares, rows)
    after = measure((1.0 - inside) @ sums, (1.0 - inside) @ squares, rows)
    return _found(before, after)


def _check(returns: F64, blocks: int) -> None:
    if blocks < 2 or blocks % 2 or blocks > MOST_BLOCKS:
        raise BadInput(f"blocks were {blocks}, they must be even, from 2 to {MOST_BLOCKS}")
    if returns.ndim != 2 or returns.shape[1] < 2:
        raise BadInput(f"returns had shape {returns.shape}, at least two trials by column are compared")
    if len(returns) < blocks:
        raise BadInput(f"periods were {len(returns)}, {blocks} blocks need at least as many")
    if not np.isfinite(returns).all():
        raise BadInput(f"returns held {int((~np.isfinite(returns)).sum())} values that are not finite")


def _found(before: F64, after: F64) -> Overfitting:
    """Follow the best of each choice (row) from in sample to out of sample."""
    choice = np.arange(len(before))
    best = np.argmax(before, axis=1)
    inside, outside = before[choice, best], after[choice, best]
    lower = (after < outside[:, None]).sum(axis=1)
    equal = (after == outside[:, None]).sum(axis=1)
    relative = (lower + (equal + 1) / 2) / (after.shape[1] + 1)
    logits = np.log(relative / (1.0 - relative))
    return Overfitting(
        probability=float(np.mean(logits <= 1e-12)),
        logits=logits,
        in_sample=inside,
        out_of_sample=outside,
        degradation=_slope(inside, outside),
        loss=float(np.mean(outside < 0)),
    )


def _slope(x: F64, y: F64) -> float:
    spread = x - x.mean()
    total = float(spread @ spread)
    return float(spread @ y) / total if total > 0 else float("nan")

"""Regimes along a sigma series: the label of each value, and how long each was in force."""

import math
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from strategy.kernel.records import REGIME_NAMES
from strategy.policies.parameters import ParameterSet
from strategy.policies.quantiles import resolved
from strategy.replay.tape import Tape

I64 = NDArray[np.int64]
F64 = NDArray[np.float64]

UNKNOWN: Final = "unknown"


def regime_names(parameters: ParameterSet, sigma: F64) -> pl.Series:
    """Return the label of each sigma by a set's thresholds; nan is `warmup`, a boundary belongs to the upper regime.

    Thresholds that are open quantiles are resolved on these very sigmas.
    """
    if not parameters.regimes.resolved and not (np.nan_to_num(sigma) > 0).any():
        return pl.Series("regime", [REGIME_NAMES[0]] * len(sigma), dtype=pl.String)
    regimes = resolved(parameters, sigma).regimes
    cuts = np.array([regimes.low_threshold, regimes.medium_threshold, regimes.high_threshold], np.float64)
    code = np.where(np.isnan(sigma), 0, 1 + np.searchsorted(cuts, sigma, side="right"))
    return pl.Series("regime", list(REGIME_NAMES), dtype=pl.String).gather(code)


def lasting_ns(ts: I64, tape: Tape, stale_ns: int) -> I64:
    """Return how long each value stood (ns): to the next one, or until the book became unknown or fell silent.

    The last value stands for no time. `stale_ns` 0 means that silence has no limit.
    """
    following = np.append(ts[1:], ts[-1:])
    holes = np.append(np.sort(tape.gap_local), np.iinfo(np.int64).max)
    ends = np.minimum(following, holes[np.searchsorted(holes, ts, side="right")])
    if stale_ns > 0:
        ends = np.minimum(ends, ts + stale_ns)
    return np.asarray(ends - ts, np.int64)


def occupancy(regime: pl.Series, ts: I64, lasting: I64) -> pl.DataFrame:
    """Return regime, updates, seconds and share of the time from the first value to the last, a row a regime that held.

    What no regime held is `unknown`: the book was.
    """
    span = int(ts[-1] - ts[0]) if len(ts) else 0
    held = (
        pl.DataFrame({"regime": regime, "ns": lasting}).group_by("regime").agg(pl.len().alias("updates"), pl.sum("ns"))
    )
    rows = dict(zip(held["regime"], held.select("updates", "ns").rows(), strict=True))
    rows[UNKNOWN] = (0, span - int(lasting.sum()))
    kept = [(name, *rows[name]) for name in (*REGIME_NAMES, UNKNOWN) if name in rows and any(rows[name])]
    return pl.DataFrame(
        {
            "regime": [name for name, _, _ in kept],
            "updates": [updates for _, updates, _ in kept],
            "seconds": [ns / 1e9 for _, _, ns in kept],
            "share": [ns / span if span else math.nan for _, _, ns in kept],
        },
        schema={"regime": pl.String, "updates": pl.Int64, "seconds": pl.Float64, "share": pl.Float64},
    )

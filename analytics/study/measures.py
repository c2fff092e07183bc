"""What a study may maximise, by name: each is one function from what happened in a fold to a number.

- `markout`: realised capture 30 s after each fill less fees, in bps of one side's quoted notional per hour. It pays for
  volume and for edge, and sees adverse selection; unlike the account's PnL it is not decided by where the price
  happened to drift while a few coins were held.
- `net_edge_bps`: the same in bps of what was traded: the quality of a fill, whatever their number.
- `pnl`: the account's PnL above holding, in bps of one side's quoted notional per hour.
- `sharpe`: mean over standard deviation of the changes of that PnL every 10 s, scaled to a day.
- `calm_aggressiveness`: how far from the mid quotes rest in calm, bps, by time; more is less aggressive. Calm is the
  half of the fold's samples whose sigma is the lower one, by the set's own engine. Sensible with a fill target only.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.metrics.activity import Activity, walk
from strategy.kernel.records import ENTRY
from strategy.replay.rows import OPEN, REJECTED

STEP_NS: Final = 10_000_000_000
DAY_NS: Final = 86_400_000_000_000

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FoldRun:
    """One parameter set over one fold: what it did in each window, its figures, and what they are held against."""

    activities: Sequence[Activity]
    figures: dict[str, float]  # analytics.metrics.figures, overall
    quoted_quote: float  # one side's quoted notional, quote currency
    hours: float


def markout(run: FoldRun) -> float:
    """Return realised capture less fees, bps of quoted notional per hour; without a known markout 0."""
    return _per_quoted(run, net_edge_bps(run) * 1e-4 * run.figures["turnover_quote"])


def net_edge_bps(run: FoldRun) -> float:
    """Return realised capture less fees, bps of traded notional; without a known markout 0."""
    return float(np.nan_to_num(run.figures["edge_bps"]))


def pnl(run: FoldRun) -> float:
    """Return the account's PnL above holding, bps of quoted notional per hour."""
    return _per_quoted(run, run.figures["excess_pnl_quote"])


def sharpe(run: FoldRun) -> float:
    """Return the Sharpe ratio of a day, from the PnL above holding every 10 s; 0 where it never changed."""
    changes = np.concatenate([np.diff(_excess(each)) for each in run.activities])
    deviation = float(np.std(changes)) if len(changes) > 1 else 0.0
    return float(np.mean(changes)) / deviation * (DAY_NS / STEP_NS) ** 0.5 if deviation > 0 else 0.0


def calm_aggressiveness(run: FoldRun) -> float:
    """Return the mean distance of resting entry quotes from the mid in calm, bps, by time; 0 without such quotes."""
    sigma = np.concatenate([each.samples["sigma"] for each in run.activities])
    known = sigma[np.isfinite(sigma)]
    if len(known) == 0:
        return 0.0
    distance, rested = (np.concatenate(part) for part in zip(*_quotes(run, float(np.median(known))), strict=True))
    total = float(rested.sum())
    return float(np.sum(distance * rested)) / total if total > 0 else 0.0


OF_ORDERS: Final = {"calm_aggressiveness"}  # scores that read the orders row by row
SCORES: Final[dict[str, Callable[[FoldRun], float]]] = {
    each.__name__: each for each in (markout, net_edge_bps, pnl, sharpe, calm_aggressiveness)
}


def _per_quoted(run: FoldRun, money: float) -> float:
    return 1e4 * money / run.quoted_quote / run.hours


def _excess(activity: Activity) -> F64:
    """Return the PnL above holding the start inventory every STEP_NS of an activity, atoms."""
    marks = walk(activity)
    start = activity.start_quote_atoms + activity.start_base_lots * activity.start_mid_ticks
    curve = marks.equity - activity.start_base_lots * (marks.mid - activity.start_mid_ticks) - start
    moments = np.arange(activity.start_ns, activity.end_ns + 1, STEP_NS)
    return np.concatenate([[0.0], curve])[np.searchsorted(marks.ts, moments, side="right")]


def _quotes(run: FoldRun, most: float) -> list[tuple[F64, F64]]:
    """Return (distance from the mid in bps, ns at rest) of quotes sent while sigma was `most` at most, by activity."""
    found = []
    for each in run.activities:
        if len(each.samples) == 0:
            continue
        orders = each.orders[(each.orders["purpose"] == ENTRY) & (each.orders["outcome"] != REJECTED)]
        before = np.searchsorted(each.samples["ts"], orders["placed_ns"], side="right") - 1
        orders = orders[(before >= 0) & (each.samples["sigma"][np.maximum(before, 0)] <= most)]
        mid = orders["mid_ticks"]
        distance = 1e4 * orders["side"] * (mid - orders["price_ticks"]) / mid
        ended = np.where(orders["outcome"] == OPEN, each.end_ns, orders["ended_ns"])
        found.append((distance, np.maximum(ended - orders["placed_ns"], 0).astype(np.float64)))
    return found

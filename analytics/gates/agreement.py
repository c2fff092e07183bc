"""Does replay foretell live: a day's live figures beside those of a replay of the same stretches."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np
import polars as pl

from analytics.lake.store import Lake
from analytics.metrics.figures import Metrics
from analytics.registry.registry import Registry
from analytics.report.daily import Day, window_of
from analytics.report.difference import DECISION
from analytics.report.report import measure_day
from strategy.replay.run import ReplayConfig
from strategy.replay.tape import TapeInfo

NOTHING_LIVE: Final = "nothing was live"


@dataclass(frozen=True, slots=True)
class Agreement:
    """One UTC day, live beside replay: fills, and edges in bps of traded notional (nan without fills).

    `missing` says why there is nothing to compare, empty where there is. `differing_fields` are those of the day's
    decisions that came out otherwise when its report made them once more from the journals, nan without that.
    """

    day: date
    live_fills: float
    replay_fills: float
    live_edge_bps: float
    replay_edge_bps: float
    missing: str = ""
    differing_fields: float = float("nan")


def yesterday(lake: Lake, registry: Registry, info: TapeInfo, config: ReplayConfig) -> Agreement:
    """Compare the UTC day before the one in which a tape ends; only a day with live quoting is measured."""
    ended = datetime.fromtimestamp((info.end_ns + info.clock_offset_ns) / 1e9, UTC).date()
    day = ended - timedelta(days=1)
    start, end = window_of(day)
    place = {"venue": info.venue, "symbol": info.symbol}
    if lake.query("queries/decisions", **place, start_ns=start, end_ns=end).is_empty():
        return nothing(day, NOTHING_LIVE)
    found = compared(measure_day(lake, registry, info.venue, info.symbol, day, config))
    return replace(found, differing_fields=_differing(lake, info, day))


def compared(day: Day) -> Agreement:
    """Add up the versions of a day that were replayed; edges are weighed by turnover."""
    if not day.stretches:
        return nothing(day.day, NOTHING_LIVE)
    both = [(each.live, each.replayed) for each in day.versions if each.replayed is not None]
    if not both:
        why = f"no market data ({day.market.missing})" if day.market.missing else "no version that was live is known"
        return nothing(day.day, why)
    live, replayed = ([pair[i] for pair in both] for i in (0, 1))
    return Agreement(day.day, _fills(live), _fills(replayed), _edge(live), _edge(replayed))


def nothing(day: date, why: str) -> Agreement:
    """Return the agreement of a day with nothing to compare."""
    return Agreement(day, 0.0, 0.0, float("nan"), float("nan"), why)


def _differing(lake: Lake, info: TapeInfo, day: date) -> float:
    """Return how many fields of the day's decisions its report found to differ, nan where it checked none."""
    rows = lake.query("queries/daily_metrics", venue=info.venue, symbol=info.symbol, first_day=day, last_day=day)
    own = rows.filter((pl.col("source") == DECISION) & pl.col("metric").is_in(["decisions", "differing_fields"]))
    sums = dict(own.group_by("metric").agg(pl.col("value").sum()).rows())
    return float(sums["differing_fields"]) if sums.get("decisions", 0.0) > 0 else float("nan")


def _fills(found: Sequence[Metrics]) -> float:
    return sum(each.overall["fills"] for each in found)


def _edge(found: Sequence[Metrics]) -> float:
    edges = np.array([each.overall["edge_bps"] for each in found])
    weights = np.array([each.overall["turnover_quote"] for each in found])
    known = np.isfinite(edges) & (weights > 0)
    return float(np.average(edges[known], weights=weights[known])) if known.any() else float("nan")

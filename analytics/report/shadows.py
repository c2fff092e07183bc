"""Versions that ran in the shadow of a live session, read back from the lake: a day of each, as it really ran."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from analytics.ingest.shadow_rows import OUTCOMES
from analytics.lake.store import Lake
from analytics.metrics.activity import Activity, Rows, regime_index
from analytics.metrics.figures import Metrics, measure
from analytics.metrics.markout import MidPath
from strategy.kernel.records import PURPOSE_NAMES
from strategy.replay.rows import FILL_ROW, ORDER_ROW, SAMPLE_ROW
from strategy.replay.tape import TapeInfo

SHADOW: Final = "shadow"


@dataclass(frozen=True, slots=True)
class ShadowDay:
    """One version's time in the shadow within a day; its times are the venue's clock's."""

    version: int
    activities: tuple[Activity, ...]
    metrics: Metrics

    @property
    def hours(self) -> float:
        """Return how long that was."""
        return sum(each.end_ns - each.start_ns for each in self.activities) / 3.6e12


def shadow_days(
    lake: Lake, venue: str, symbol: str, window: tuple[int, int], path: MidPath, info: TapeInfo
) -> tuple[ShadowDay, ...]:
    """Measure each version that ran in the shadow in a window (ns, both ends inclusive)."""
    place = {"venue": venue, "symbol": symbol, "start_ns": window[0], "end_ns": window[1]}
    samples, orders, fills = (lake.query(f"queries/shadow_{kind}", **place) for kind in ("samples", "orders", "fills"))
    found: dict[int, list[Activity]] = {}
    for (name, version), own in samples.group_by("shadow", "version", maintain_order=True):
        activity = _activity(own, *(frame.filter(pl.col("shadow") == name) for frame in (orders, fills)))
        if activity is not None:
            found.setdefault(int(version), []).append(activity)
    return tuple(
        ShadowDay(version, tuple(activities), measure(activities, path, info))
        for version, activities in sorted(found.items())
    )


def _activity(samples: pl.DataFrame, orders: pl.DataFrame, fills: pl.DataFrame) -> Activity | None:
    """Return one shadow's activity from its first to its last sample; None where it never knew a mid."""
    rows = _rows(samples, SAMPLE_ROW)
    known = rows["mid_ticks"][np.isfinite(rows["mid_ticks"])]
    first, last = rows[0], rows[-1]
    if len(known) == 0 or last["ts"] <= first["ts"]:
        return None
    within = pl.col("exch_ts").is_between(int(first["ts"]), int(last["ts"]), closed="right")
    return Activity(
        fills=_rows(fills.filter(within), FILL_ROW),
        orders=_rows(orders.filter(pl.col("placed_ns").is_between(int(first["ts"]), int(last["ts"]))), ORDER_ROW),
        samples=rows,
        start_ns=int(first["ts"]),
        end_ns=int(last["ts"]),
        start_base_lots=float(first["base_lots"]),
        start_quote_atoms=float(first["quote_atoms"]),
        start_mid_ticks=float(known[0]),
        end_base_lots=float(last["base_lots"]),
        end_quote_atoms=float(last["quote_atoms"]),
        end_mid_ticks=float(known[-1]),
    )


def _rows(frame: pl.DataFrame, like: np.dtype[Any]) -> Rows:
    """Return the lake's rows as a replay's, names as numbers and null as nan."""
    rows = np.zeros(len(frame), like)
    for name in like.names or ():
        values = frame[name]
        if name in ("regime", "quoted_regime"):
            rows[name] = regime_index(values.to_numpy())
        elif name in _NAMES:
            rows[name] = [_NAMES[name].index(each) for each in values.to_list()]
        else:
            rows[name] = values.fill_null(float("nan")).to_numpy() if values.dtype == pl.Float64 else values.to_numpy()
    return rows


_NAMES: Final = {"purpose": PURPOSE_NAMES, "outcome": OUTCOMES}

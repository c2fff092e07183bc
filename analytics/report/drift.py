"""Has live drifted from what is foretold of it: the stored differences of the last days against their limits."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import polars as pl

from analytics.lake.store import Lake
from analytics.report.daily import REPLAY
from analytics.report.difference import DECISION, DIFFERENCE
from analytics.report.drift_settings import DriftSettings

LOOK_BACK_DAYS: Final = 60
Figures = dict[tuple[str, str], float | None]  # by source and metric


@dataclass(frozen=True, slots=True)
class Drift:
    """One figure of a version beyond its limit, on the last day and often enough before."""

    version: int
    day: date
    measure: str
    value: float
    limit: float
    breaches: int
    days: int

    def __str__(self) -> str:
        """Return one line for a person."""
        often = f", beyond it on {self.breaches} of {self.days} days" if self.days > 1 else ""
        return f"version {self.version} on {self.day}: {self.measure} was {self.value:.4g}, limit {self.limit:g}{often}"


def drifts(lake: Lake, venue: str, symbol: str, day: date, settings: DriftSettings) -> list[Drift]:
    """Return what has drifted by a day whose figures are stored, version by version."""
    first = day - timedelta(days=LOOK_BACK_DAYS)
    rows = lake.query("queries/daily_metrics", venue=venue, symbol=symbol, first_day=first, last_day=day)
    overall = rows.filter(pl.col("regime") == "all")
    found: list[Drift] = []
    for version in overall.filter(pl.col("day") == day)["version"].unique().sort().to_list():
        found += _of_version(overall.filter(pl.col("version") == version), version, day, settings)
    return found


def _of_version(rows: pl.DataFrame, version: int, day: date, settings: DriftSettings) -> Iterator[Drift]:
    """Yield the measures of one version that are beyond their limit on the day and on enough days of the last ones."""
    known = rows.filter(pl.col("source") == DIFFERENCE)["day"].unique().sort(descending=True).to_list()
    days = known[: settings.days]
    if not days or days[0] != day:
        return
    beyond = [_beyond(_figures(rows, each), settings) for each in days]
    for measure, (value, limit) in beyond[0].items():
        breaches = sum(measure in each for each in beyond)
        if breaches >= settings.breaches or measure == DECISION:
            yield Drift(version, day, measure, value, limit, breaches, len(days))


def _beyond(figures: Figures, settings: DriftSettings) -> dict[str, tuple[float, float]]:
    """Return value and limit of what one day has beyond it; a decision that came out otherwise has no limit to keep."""
    found: dict[str, tuple[float, float]] = {}
    differing = figures.get((DECISION, "differing_fields")) or 0.0
    if differing > 0:
        found[DECISION] = (differing, 0.0)
    foretold = figures.get((REPLAY, "fills")) or 0.0
    live = foretold + (figures.get((DIFFERENCE, "fills")) or 0.0)
    if max(foretold, live) < settings.min_fills:
        return found
    gap, ratio = figures.get((DIFFERENCE, "edge_bps")), max(live, 1.0) / max(foretold, 1.0)
    if max(ratio, 1.0 / ratio) > settings.max_fill_ratio:
        found["fills, live / foretold"] = (ratio, settings.max_fill_ratio)
    if gap is not None and abs(gap) > settings.max_edge_gap_bps:
        found["edge, live - foretold, bps"] = (gap, settings.max_edge_gap_bps)
    return found


def _figures(rows: pl.DataFrame, day: date) -> Figures:
    own = rows.filter(pl.col("day") == day)
    return dict(zip(zip(own["source"], own["metric"], strict=True), own["value"], strict=True))

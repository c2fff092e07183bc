"""What live orders filled, beside replays of the same stretches: as assumed so far, and with a fitted model."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analytics.lake.store import Lake
from analytics.metrics.activity import RESTING, Activity
from analytics.metrics.figures import Tally, combine, metrics_of, tally
from analytics.registry.registry import Registry
from analytics.report.daily import LIVE, charged_bps, load_market, replayable, replays_of, window_of
from analytics.report.sessions import Stretch, live_stretches
from strategy.errors import BadInput, Failed
from strategy.kernel.records import REGIME_NAMES
from strategy.policies.parameters import ParameterSet
from strategy.replay.run import ReplayConfig

F64 = NDArray[np.float64]
ALL: Final = "all"
BEFORE: Final = "before"
AFTER: Final = "after"
SOURCES: Final = (LIVE, BEFORE, AFTER)
_TAKEN: Final = ("fills", "orders", "fill_ratio")
_QUANTILES: Final = {"fill_time_s_p50": 0.5, "fill_time_s_p90": 0.9}


@dataclass(frozen=True, slots=True)
class Filled:
    """What became of orders: sums by regime, and for each resting order that filled (n,) how long its first fill took.

    `waited_s` are seconds from sending to the venue's time of the fill, `regime` is the one that the order was sent in.
    """

    tally: Tally
    waited_s: F64
    regime: NDArray[np.int64]

    def rows(self) -> list[tuple[str, str, float]]:
        """Return (metric, regime, value) rows."""
        found = [row for row in metrics_of(self.tally).rows() if row[0] in _TAKEN]
        regimes = [name for metric, name, _ in found if metric == "fills"]
        return found + [(metric, name, self._waited(name, q)) for name in regimes for metric, q in _QUANTILES.items()]

    def _waited(self, regime: str, q: float) -> float:
        own = self.waited_s if regime == ALL else self.waited_s[self.regime == REGIME_NAMES.index(regime)]
        return float(np.quantile(own, q)) if len(own) else float("nan")


@dataclass(frozen=True, slots=True)
class DayFills:
    """One UTC day: what was live and both replays of just that, by source."""

    day: date
    sources: Mapping[str, Filled]


def compare_day(
    lake: Lake, registry: Registry, place: tuple[str, str], day: date, before: ReplayConfig, after: ReplayConfig
) -> DayFills:
    """Replay a day's live stretches twice from the holdings that they really had; Failed where none can be replayed."""
    window = window_of(day)
    market = load_market(lake, *place, window)
    if market.missing is not None:
        raise Failed(f"{day} cannot be replayed: {market.missing}")
    stretches = live_stretches(lake, *place, window, market.path, market.info.clock_offset_ns)
    known = _known(registry, place, stretches)
    fee = charged_bps(stretches)
    assumed = {source: replace(each, maker_fee_bps=fee) for source, each in ((BEFORE, before), (AFTER, after))}
    runs: dict[str, list[Activity]] = {source: [] for source in SOURCES}
    for version, parameters in known.items():
        own = replayable(market, [stretch for stretch in stretches if stretch.version == version])
        runs[LIVE] += [stretch.activity for stretch in own]
        for source, config in assumed.items():
            runs[source] += replays_of(market, own, parameters, config)
    if not runs[LIVE]:
        raise Failed(f"{day} has no live quoting of a registered version beside market data")
    return DayFills(
        day,
        {
            source: _filled(each, combine([tally(one, market.path, market.info) for one in each]))
            for source, each in runs.items()
        },
    )


def _known(registry: Registry, place: tuple[str, str], stretches: tuple[Stretch, ...]) -> dict[int, ParameterSet]:
    """Return the parameters of the versions that were live and are registered."""
    found = {}
    for version in sorted({stretch.version for stretch in stretches}):
        try:
            found[version] = registry.document(*place, version).parameters
        except BadInput:
            continue
    return found


def _filled(activities: list[Activity], total: Tally) -> Filled:
    waits = [_waits(each) for each in activities]
    return Filled(total, np.concatenate([each[0] for each in waits]), np.concatenate([each[1] for each in waits]))


def _waits(activity: Activity) -> tuple[F64, NDArray[np.int64]]:
    """Return the seconds to the first fill, and the regime, of each resting order that was sent in a stretch."""
    orders = activity.orders[np.isin(activity.orders["purpose"], RESTING)]
    fills = activity.fills[np.lexsort((activity.fills["exch_ts"], activity.fills["order_id"]))]
    first = fills[np.unique(fills["order_id"], return_index=True)[1]]
    _, sent, filled = np.intersect1d(orders["order_id"], first["order_id"], return_indices=True)
    waited = (first["exch_ts"][filled] - orders["placed_ns"][sent]) / 1e9
    return waited.astype(np.float64), orders["regime"][sent].astype(np.int64)


def together(days: list[DayFills]) -> dict[str, Filled]:
    """Add days up."""
    return {
        source: Filled(
            combine([day.sources[source].tally for day in days]),
            np.concatenate([day.sources[source].waited_s for day in days]),
            np.concatenate([day.sources[source].regime for day in days]),
        )
        for source in SOURCES
    }


def table(sources: Mapping[str, Filled]) -> list[tuple[str, str, float | None, float | None, float | None]]:
    """Return rows of metric, regime, live, before and after; None where there is nothing to measure."""
    found = {source: {row[:2]: row[2] for row in each.rows()} for source, each in sources.items()}
    keys = list(dict.fromkeys(key for source in SOURCES for key in found[source]))
    names = list(dict.fromkeys(metric for metric, _ in keys))
    order = sorted(keys, key=lambda key: (names.index(key[0]), (ALL, *REGIME_NAMES).index(key[1])))
    return [(*key, *(_known_value(found[source].get(key)) for source in SOURCES)) for key in order]  # type: ignore[misc]


def _known_value(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else value


def store_day(lake: Lake, place: tuple[str, str], version: int, day: DayFills) -> None:
    """Replace a day's figures of one fill model in one transaction."""
    key: dict[str, Any] = {"venue": place[0], "symbol": place[1], "day": day.day, "fill_model": version}
    rows = [
        key | {"source": source, "metric": metric, "regime": regime, "value": _known_value(value)}
        for source, each in day.sources.items()
        for metric, regime, value in each.rows()
    ]
    frame = pl.DataFrame(rows, schema_overrides={"value": pl.Float64})

    def write(open_lake: Lake) -> None:
        open_lake.execute("marts/clear_fill_model_metric", **key)
        open_lake.append("fill_model_metric", frame)

    lake.atomically(write)

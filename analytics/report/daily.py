"""A day of a live symbol as figures: what each version did, and what a replay of the same stretches says of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import numpy as np
import polars as pl

from analytics.lake.instruments import instrument
from analytics.lake.store import Lake
from analytics.metrics.activity import Activity, of_replay
from analytics.metrics.figures import Metrics, measure
from analytics.metrics.markout import MidPath, mid_path
from analytics.metrics.prediction import PredictionError, foretold, prediction_error
from analytics.report.difference import Split
from analytics.report.sessions import Stretch
from analytics.report.shadows import SHADOW, ShadowDay
from analytics.tape.tape import load_tape
from strategy.errors import Failed
from strategy.live.sizing import sized
from strategy.policies.document import Instrument
from strategy.policies.parameters import ParameterSet
from strategy.replay.driver import ReplayConfig, replay
from strategy.replay.tape import Tape, TapeInfo, empty_tape

LIVE: Final = "live"
REPLAY: Final = "replay"
MIN_REPLAY_S: Final = 1.0  # a shorter stretch is only a swap passing through

NO_TAPE: Final[dict[str, Any]] = {"clock_offset_ns": 0, "lake_snapshot": 0, "fingerprint": ""}
METRIC_SCHEMA: Final[dict[str, Any]] = {
    "venue": pl.String,
    "symbol": pl.String,
    "day": pl.Date,
    "version": pl.Int64,
    "source": pl.String,
    "metric": pl.String,
    "regime": pl.String,
    "value": pl.Float64,
}


@dataclass(frozen=True, slots=True)
class Beside:
    """Stretches of one version that could be replayed, and their replays one by one, with what these assumed."""

    stretches: tuple[Stretch, ...]
    replays: tuple[Activity, ...]
    parameters: ParameterSet
    config: ReplayConfig

    @property
    def live(self) -> tuple[Activity, ...]:
        """Return what was done live, one by one as the replays."""
        return tuple(each.activity for each in self.stretches)


@dataclass(frozen=True, slots=True)
class VersionDay:
    """One version's day: its stretches, its live figures and those of a replay (None: no market data or no version)."""

    version: int
    stretches: tuple[Stretch, ...]
    live: Metrics
    replayed: Metrics | None
    parameters: ParameterSet | None
    beside: Beside | None


@dataclass(frozen=True, slots=True)
class Day:
    """Everything a report shows of one UTC day; `splits` say of each replayed version why it came out otherwise.

    `shadows` are the versions that ran beside it on paper.
    """

    venue: str
    symbol: str
    day: date
    market: "Market"
    stretches: tuple[Stretch, ...]
    versions: tuple[VersionDay, ...]
    overall: Metrics
    notes: tuple[str, ...]
    splits: tuple[Split, ...] = ()
    shadows: tuple[ShadowDay, ...] = ()


@dataclass(frozen=True, slots=True)
class Market:
    """The day's tape; `missing` says why it is empty where it is."""

    tape: Tape
    info: TapeInfo
    path: MidPath
    missing: str | None = None

    @property
    def window(self) -> tuple[int, int]:
        """Return the receive times that the tape spans, on its own axis (clock offset taken out)."""
        return int(self.tape.update_local[0]), int(self.tape.update_local[-1])


def window_of(day: date) -> tuple[int, int]:
    """Return a UTC day as first and last ns."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    first = int(start.timestamp()) * 10**9
    return first, first + int(timedelta(days=1).total_seconds()) * 10**9 - 1


def load_market(lake: Lake, venue: str, symbol: str, window: tuple[int, int]) -> Market:
    """Return the tape of a window, an empty one when the lake holds no market data of it."""
    try:
        tape, info = load_tape(lake, venue, symbol, *window)
    except Failed as error:
        sizes = instrument(lake, venue, symbol) or Instrument(venue=venue, symbol=symbol, tick_size="1", lot_size="1")
        info = TapeInfo(**sizes.model_dump(), start_ns=window[0], end_ns=window[0], **NO_TAPE)
        return Market(empty_tape(), info, MidPath(np.zeros(0, np.int64), np.zeros(0)), str(error))
    return Market(tape, info, mid_path(tape))


def version_days(
    market: Market, stretches: Sequence[Stretch], parameters: dict[int, ParameterSet], config: ReplayConfig
) -> tuple[VersionDay, ...]:
    """Measure each version that was live, beside a replay of its stretches from the holdings it really had."""
    found = []
    for version in sorted({stretch.version for stretch in stretches}):
        own = tuple(stretch for stretch in stretches if stretch.version == version)
        known = parameters.get(version) if market.missing is None else None
        error = None if known is None else prediction(market, known, own)
        live = measure([stretch.activity for stretch in own], market.path, market.info, error)
        beside = None if known is None else _beside(market, own, known, config)
        replayed = measure(beside.replays, market.path, market.info) if beside else None
        found.append(VersionDay(version, own, live, replayed, parameters.get(version), beside))
    return tuple(found)


def prediction(market: Market, parameters: ParameterSet, stretches: Iterable[Stretch]) -> PredictionError:
    """Compare a version's sigma with what followed, while it was live."""
    path, actual = foretold(market.tape, market.info, parameters)
    live = np.zeros(len(path.ts), bool)
    for stretch in stretches:
        live |= (path.ts >= stretch.activity.start_ns) & (path.ts <= stretch.activity.end_ns)
    return prediction_error(path.sigma[live], actual[live])


def charged_bps(stretches: Iterable[Stretch]) -> float:
    """Return the fee that was really charged, bps of notional; 0 without fills."""
    fees = turnover = 0.0
    for stretch in stretches:
        fills = stretch.activity.fills
        fees += float(np.sum(fills["fee_quote_atoms"] + fills["fee_base_lots"] * fills["mid_ticks"]))
        turnover += float(np.sum(fills["price_ticks"].astype(np.float64) * fills["qty_lots"]))
    return 1e4 * fees / turnover if turnover > 0 else 0.0


def metric_rows(day: Day) -> pl.DataFrame:
    """Return the day's figures, and their differences by cause, as rows of `daily_metric`; an unknown value is null."""
    rows: list[tuple[int, str, str, str, float]] = []
    for each in day.versions:
        for source, metrics in ((LIVE, each.live), (REPLAY, each.replayed)):
            rows += [(each.version, source, *row) for row in metrics.rows()] if metrics else []
    for shadow in day.shadows:
        rows += [(shadow.version, SHADOW, *row) for row in shadow.metrics.rows()]
    for split in day.splits:
        rows += [(split.version, *row) for row in split.rows()]
    place = (day.venue, day.symbol, day.day)
    known = [(*place, *row[:-1], row[-1] if np.isfinite(row[-1]) else None) for row in rows]
    return pl.DataFrame(known, schema=METRIC_SCHEMA, orient="row")


def store(lake: Lake, day: Day) -> None:
    """Replace the day's rows in one transaction."""
    frame = metric_rows(day)

    def write(open_lake: Lake) -> None:
        open_lake.execute("marts/clear_daily_metric", venue=day.venue, symbol=day.symbol, day=day.day)
        open_lake.append("daily_metric", frame)

    lake.atomically(write)


def _beside(
    market: Market, stretches: Sequence[Stretch], parameters: ParameterSet, config: ReplayConfig
) -> Beside | None:
    own = replayable(market, stretches)
    return Beside(own, replays_of(market, own, parameters, config), parameters, config) if own else None


def replayable(market: Market, stretches: Iterable[Stretch]) -> tuple[Stretch, ...]:
    """Return the stretches that are long enough to say something and that the tape reaches into."""
    return tuple(each for each in stretches if each.seconds >= MIN_REPLAY_S and _common(market, each) is not None)


def replays_of(
    market: Market, stretches: Iterable[Stretch], parameters: ParameterSet, config: ReplayConfig
) -> tuple[Activity, ...]:
    """Replay stretches of one version that are `replayable`, each from its own holdings and in its own size."""
    return tuple(_replayed(market, each, sized(parameters, each.size_factor), config) for each in stretches)


def _common(market: Market, stretch: Stretch) -> tuple[int, int] | None:
    """Return the receive times that a stretch and the tape have in common, None where they have none."""
    start, end = max(stretch.activity.start_ns, market.window[0]), min(stretch.activity.end_ns, market.window[1])
    return (start, end) if end > start else None


def _replayed(market: Market, stretch: Stretch, parameters: ParameterSet, config: ReplayConfig) -> Activity:
    window, live = _common(market, stretch), stretch.activity
    assert window is not None
    lot = float(market.info.lot_size)
    atom = lot * float(market.info.tick_size)
    base, quote = max(live.start_base_lots, 0.0) * lot, max(live.start_quote_atoms, 0.0) * atom
    own = replace(config, start_ns=window[0], end_ns=window[1], base=base, quote=quote)
    return of_replay(replay(market.tape, market.info, parameters, own), *window)

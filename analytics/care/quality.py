"""How good the recorded data are: coverage, holes, crossed books, rates and latencies, a line a symbol and UTC day."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

import numpy as np
import polars as pl

from analytics.lake.store import Lake
from analytics.tape.tape import load_tape
from strategy.errors import Failed

PLACE: Final = ("venue", "symbol", "day")
_DAY_NS: Final = 86_400_000_000_000
_DAY_MINUTES: Final = 1_440

SCHEMA: Final = pl.Schema(
    {
        "venue": pl.String,
        "symbol": pl.String,
        "day": pl.Date,
        "coverage": pl.Float64,
        "gaps": pl.Int64,
        "gap_s": pl.Float64,
        "crossed_s": pl.Float64,
        "trade_holes": pl.Int64,
        "trades_missing": pl.Int64,
        "updates_per_s": pl.Float64,
        "latency_ms": pl.Float64,
        "updates": pl.Int64,
        "trades": pl.Int64,
        "tickers": pl.Int64,
    }
)


@dataclass(frozen=True, slots=True)
class Selection:
    """What to look at: one venue and symbol or all (None), days from `first_day` to before `end_day`."""

    venue: str | None = None
    symbol: str | None = None
    first_day: date = date(1970, 1, 1)
    end_day: date = date(9999, 1, 1)

    @property
    def params(self) -> dict[str, Any]:
        """Return the values of the statements."""
        names = ("venue", "symbol", "first_day", "end_day")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class Quality:
    """A line a symbol and day (`SCHEMA`), and for each of its hours the minutes with data.

    `coverage` is the share of the day's minutes in which anything was received. `gap_s` is for how long no book was
    known. `crossed_s` is null where no best bids and asks were recorded.
    """

    days: pl.DataFrame
    hours: pl.DataFrame


def quality(lake: Lake, chosen: Selection) -> Quality:
    """Measure what the lake holds of a selection; days without any data have no line. One snapshot of the lake."""
    return lake.atomically(lambda open_lake: _measured(open_lake, chosen))


def _measured(lake: Lake, chosen: Selection) -> Quality:
    hours = lake.query("queries/hour_minutes", **chosen.params)
    share = (pl.col("covered_minutes").sum() / _DAY_MINUTES).alias("coverage")
    days = hours.group_by(PLACE, maintain_order=True).agg(share)
    for name in ("day_updates", "day_trades", "day_tickers", "day_gaps"):
        days = days.join(lake.query(f"queries/{name}", **chosen.params), on=PLACE, how="left")
    days = days.join(_gap_seconds(lake, chosen), on=PLACE, how="left")
    counts = [*(name for name, kind in SCHEMA.items() if kind == pl.Int64), "gap_s"]
    return Quality(days.with_columns(pl.col(counts).fill_null(0)).select(*SCHEMA).cast(SCHEMA), hours)


def _gap_seconds(lake: Lake, chosen: Selection) -> pl.DataFrame:
    """Return for how long no book was known, by day; one that never came back ends with the symbol's last update."""
    ends = {(row["venue"], row["symbol"]): row["last_ns"] for row in lake.query("queries/coverage").to_dicts()}
    rows = [
        (venue, symbol, *part)
        for venue, symbol, start, end in lake.query("queries/outages", **chosen.params).iter_rows()
        for part in _by_day(start, ends.get((venue, symbol), start) if end is None else end)
    ]
    schema = {name: SCHEMA[name] for name in (*PLACE, "gap_s")}
    return pl.DataFrame(rows, schema, orient="row").group_by(PLACE).agg(pl.col("gap_s").sum())


def _by_day(start_ns: int, end_ns: int) -> Iterator[tuple[date, float]]:
    """Yield each UTC day of a stretch and the seconds of it that lie there."""
    while start_ns < end_ns:
        midnight = (start_ns // _DAY_NS + 1) * _DAY_NS
        upto = min(midnight, end_ns)
        yield datetime.fromtimestamp(start_ns // 1_000_000_000, UTC).date(), (upto - start_ns) / 1e9
        start_ns = upto


def with_books(lake: Lake, found: Quality, say: Callable[[str], None] | None = None) -> Quality:
    """Return the quality with `crossed_s` of the books rebuilt from every update; a day of ten updates a second takes
    some seconds. A day whose book cannot be rebuilt has null."""
    crossed = []
    for venue, symbol, day in found.days.select(PLACE).iter_rows():
        if say:
            say(f"{venue} {symbol} {day}")
        crossed.append(_crossed_seconds(lake, venue, symbol, day))
    return Quality(found.days.with_columns(pl.Series("crossed_s", crossed, pl.Float64)), found.hours)


def _crossed_seconds(lake: Lake, venue: str, symbol: str, day: date) -> float | None:
    start = int(datetime.combine(day, datetime.min.time(), UTC).timestamp()) * 1_000_000_000
    try:
        tape, _ = load_tape(lake, venue, symbol, start, start + _DAY_NS - 1)
    except Failed:
        return None
    held = np.minimum(np.diff(tape.update_local), 60_000_000_000)
    crossed = (tape.bid_ticks >= tape.ask_ticks) & (tape.bid_lots > 0) & (tape.ask_lots > 0)
    return float(held[crossed[:-1]].sum() / 1e9)

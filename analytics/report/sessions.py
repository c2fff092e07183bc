"""Live sessions, read back from the lake as activities: a stretch for each version that quoted, in one size."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analytics.lake.store import Lake
from analytics.metrics.activity import Activity, Rows, regime_index
from analytics.metrics.markout import MidPath
from strategy.kernel.records import PURPOSE_NAMES
from strategy.replay.rows import FILL_ROW, ORDER_ROW, SAMPLE_ROW

NS: Final = 1_000_000_000
OWN_TIMES: Final = {"decisions": ["local_ts"], "orders": ["placed_ns", "ended_ns"], "fills": ["local_ts"]}
OUTCOMES: Final = {"open": 0, "filled": 1, "cancelled": 2, "rejected": 3}


@dataclass(frozen=True, slots=True)
class Stretch:
    """One version in one session, its orders in one size; its times are our clock's."""

    session: str
    version: int
    activity: Activity
    size_factor: float = 1.0  # of the version's orders, under 1 while it was on trial

    @property
    def seconds(self) -> float:
        """Return its length."""
        return (self.activity.end_ns - self.activity.start_ns) / NS


@dataclass(frozen=True, slots=True)
class _Session:
    """Rows of one session, each in time order."""

    name: str
    decisions: pl.DataFrame
    orders: pl.DataFrame
    fills: pl.DataFrame


def live_stretches(
    lake: Lake, venue: str, symbol: str, window: tuple[int, int], path: MidPath, clock_offset_ns: int = 0
) -> tuple[Stretch, ...]:
    """Return what was quoted live in a window of receive time (ns, both ends inclusive), oldest first.

    The tape's clock offset is taken out of every time of ours, so that sessions and tape stand on one axis.
    """
    place = {"venue": venue, "symbol": symbol, "start_ns": window[0], "end_ns": window[1]}
    decisions, orders, fills = (
        lake.query(f"queries/{name}", **place).with_columns(pl.col(*stamps) - clock_offset_ns)
        for name, stamps in OWN_TIMES.items()
    )
    found: list[Stretch] = []
    for name in decisions["session"].unique(maintain_order=True).to_list():
        own = [frame.filter(pl.col("session") == name) for frame in (decisions, orders, fills)]
        found += _stretches(_Session(name, *own), path)
    return tuple(found)


def _stretches(session: _Session, path: MidPath) -> list[Stretch]:
    """Cut a session where version or size changed; holdings pass from stretch to stretch with the fills between.

    The holdings at the end of the session are those of its own last decision, so that the PnL identity compares the
    kernel's account with the fills that the venue reported.
    """
    decisions = session.decisions
    version, size = decisions["version"].to_numpy(), decisions["size_factor"].to_numpy()
    turns = np.concatenate([[0], np.flatnonzero((np.diff(version) != 0) | (np.diff(size) != 0)) + 1])
    starts = decisions["local_ts"].to_numpy()[turns]
    last = int(decisions["local_ts"][-1])
    ends = [*starts[1:].tolist(), max([last, *session.fills["local_ts"].to_list()])]
    base, quote = float(decisions["base_lots"][0]), float(decisions["quote_atoms"][0])
    found = []
    for index, (start, end) in enumerate(zip(starts.tolist(), ends, strict=True)):
        final = index == len(ends) - 1
        fills = _fill_rows(session.fills.filter(pl.col("local_ts").is_between(start, end, closed="right")), path)
        after = _settled(base, quote, fills)
        told = _told(session, last) if final else after
        if end > start:
            activity = _activity(session, fills, path, (start, end), (base, quote), told)
            first = turns[index]
            found.append(Stretch(session.name, int(version[first]), activity, float(size[first])))
        base, quote = after
    return found


def _told(session: _Session, last: int) -> tuple[float, float]:
    """Return the holdings of the last decision, moved on by the fills that came after it."""
    row = session.decisions.row(-1, named=True)
    later = session.fills.filter(pl.col("local_ts") > last)
    return _settled(row["base_lots"], row["quote_atoms"], _fill_rows(later, None))


def _settled(base: float, quote: float, fills: Rows) -> tuple[float, float]:
    signed = fills["side"].astype(np.float64) * fills["qty_lots"]
    bought = float(np.sum(signed - fills["fee_base_lots"]))
    paid = float(np.sum(signed * fills["price_ticks"] + fills["fee_quote_atoms"]))
    return base + bought, quote - paid


def _activity(
    session: _Session,
    fills: Rows,
    path: MidPath,
    window: tuple[int, int],
    before: tuple[float, float],
    after: tuple[float, float],
) -> Activity:
    start, end = window
    samples = _sample_rows(session.decisions, path, start, end)
    known = samples["mid_ticks"][np.isfinite(samples["mid_ticks"])]
    first, last = (float(known[0]), float(known[-1])) if len(known) else (0.0, 0.0)
    orders = _order_rows(session, start, end)
    return Activity(fills, orders, samples, start, end, *before, first, *after, last)


def _fill_rows(frame: pl.DataFrame, path: MidPath | None) -> Rows:
    """Return fills as rows; a mid that the session did not know is the tape's, else the price (no capture claimed)."""
    rows = np.zeros(len(frame), FILL_ROW)
    for name in set(FILL_ROW.names or ()) - {"mid_ticks", "quoted_mid_ticks", "quoted_regime", "purpose"}:
        rows[name] = frame[name].to_numpy()
    rows["purpose"] = _purposes(frame)
    mid = _floats(frame["mid_ticks"])
    if path is not None:
        mid = np.where(np.isfinite(mid), mid, path.at(rows["exch_ts"]))
    rows["mid_ticks"] = np.where(np.isfinite(mid), mid, rows["price_ticks"])
    quoted = _floats(frame["quoted_mid_ticks"])
    rows["quoted_mid_ticks"] = np.where(np.isfinite(quoted), quoted, rows["mid_ticks"])
    rows["quoted_regime"] = regime_index(frame["quoted_regime"].to_numpy())
    return rows


def _order_rows(session: _Session, start: int, end: int) -> Rows:
    """Return the orders placed in a stretch, each with mid and regime of the decision that placed it."""
    frame = session.orders.filter((pl.col("placed_ns") >= start) & (pl.col("placed_ns") <= end))
    rows = np.zeros(len(frame), ORDER_ROW)
    for name in set(ORDER_ROW.names or ()) - {"outcome", "mid_ticks", "regime", "purpose"}:
        rows[name] = frame[name].to_numpy()
    rows["purpose"] = _purposes(frame)
    rows["outcome"] = [OUTCOMES[outcome] for outcome in frame["outcome"].to_list()]
    deciding = _as_of(session.decisions, rows["placed_ns"])
    rows["mid_ticks"] = _floats(session.decisions["mid_ticks"])[deciding]
    rows["regime"] = regime_index(session.decisions["regime"].to_numpy())[deciding]
    return rows


def _sample_rows(decisions: pl.DataFrame, path: MidPath, start: int, end: int) -> Rows:
    """Return a sample each second and at each end, with the tape's mid and the state of the decision then in force.

    Where the lake holds no market data the decision's own mid stands in.
    """
    ts = np.unique(np.concatenate([np.arange(start, end, NS, dtype=np.int64), [start, end]]))
    rows = np.zeros(len(ts), SAMPLE_ROW)
    deciding = _as_of(decisions, ts)
    rows["ts"] = ts
    mid = path.at(ts)
    rows["mid_ticks"] = np.where(np.isfinite(mid), mid, _floats(decisions["mid_ticks"])[deciding])
    rows["sigma"] = _floats(decisions["sigma"])[deciding]
    rows["regime"] = regime_index(decisions["regime"].to_numpy())[deciding]
    rows["base_lots"] = decisions["base_lots"].to_numpy()[deciding]
    rows["quote_atoms"] = decisions["quote_atoms"].to_numpy()[deciding]
    return rows


def _as_of(decisions: pl.DataFrame, ts: NDArray[np.int64]) -> NDArray[Any]:
    return np.maximum(np.searchsorted(decisions["local_ts"].to_numpy(), ts, side="right") - 1, 0)


def _purposes(frame: pl.DataFrame) -> list[int]:
    return [PURPOSE_NAMES.index(name) for name in frame["purpose"].to_list()]


def _floats(series: pl.Series) -> NDArray[np.float64]:
    """Return a column with nulls as nan."""
    return series.cast(pl.Float64).fill_null(float("nan")).to_numpy()

"""The figures of strategy.md 9, by one implementation for replays and for live sessions.

Everything is first summed by regime into a `Tally` (which adds up over folds, stretches and days) and only then turned
into ratios. Money is in quote currency, quantity in base units, bps are of traded notional unless the name says more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.metrics.activity import Activity, Marks, walk
from analytics.metrics.markout import HORIZONS_S, MidPath, realised
from analytics.metrics.prediction import PredictionError
from strategy.kernel.records import REGIME_NAMES
from strategy.replay.tape import TapeInfo

F64 = NDArray[np.float64]
REGIMES: Final = len(REGIME_NAMES)
EDGE_HORIZON_S: Final = 30
OF_ORDERS: Final = ("orders", "rejected_orders", "filled_orders", "takes")  # in the order of strategy.replay.orders

# Sums by regime. `orders`, `rejected_orders` and `filled_orders` are of orders that rest; those that take are `takes`.
# Money is of all fills, `taker_*` of those that took. `known_*` hold the fills whose mid is known that far ahead.
SUMS: Final = (
    "seconds",
    *OF_ORDERS,
    "fills",
    "taker_fills",
    "taker_turnover",
    "taker_fees",
    "taker_capture",
    "turnover",
    "spread_capture",
    "quoted_capture",
    "fees",
    "inventory_pnl",
    "holding_pnl",
    "base_seconds",
    "base2_seconds",
    *(f"{name}_{h}s" for h in HORIZONS_S for name in ("realised", "known_turnover", "known_quoted")),
)


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums by regime (arrays of 5) of one or more activities, and the extremes that do not add up by regime.

    `residual` is the largest distance, in quote currency, between the PnL of the accounts and that of the identity.
    """

    sums: dict[str, F64]
    total_pnl: float
    residual: float
    max_drawdown: float
    max_base: float


@dataclass(frozen=True, slots=True)
class Metrics:
    """Figures of everything (`overall`) and of each regime that occurred (`regimes`); unknown ones are nan."""

    overall: dict[str, float]
    regimes: dict[str, dict[str, float]]

    @property
    def captures(self) -> list[float]:
        """Return the capture in bps of notional at the fill and at each horizon after it."""
        turnover = self.overall["turnover_quote"]
        at_fill = 1e4 * _ratio(self.overall["spread_capture_quote"], turnover)
        return [at_fill, *(self.overall[f"realised_capture_{h}s_bps"] for h in HORIZONS_S)]

    def rows(self) -> list[tuple[str, str, float]]:
        """Return (metric, regime, value) rows; regime is `all` for the overall figures."""
        everything = [(name, "all", value) for name, value in self.overall.items()]
        return everything + [
            (name, regime, value) for regime, figures in self.regimes.items() for name, value in figures.items()
        ]


def measure(
    activities: Sequence[Activity],
    path: MidPath,
    info: TapeInfo,
    prediction: PredictionError | None = None,
) -> Metrics:
    """Return the metrics of activities of one symbol; a markout is known as far as `path` reaches."""
    return metrics_of(combine([tally(activity, path, info) for activity in activities]), prediction)


def tally(activity: Activity, path: MidPath, info: TapeInfo) -> Tally:
    """Sum one activity. PnL identity: total = spread capture + inventory PnL - fees, to 1e-9 of turnover."""
    lot = float(info.lot_size)
    atom = float(info.tick_size) * lot
    marks = walk(activity)
    sums = {name: np.zeros(REGIMES) for name in SUMS}
    _add_time(sums, activity, marks, lot)
    _add_orders(sums, activity)
    _add_fills(sums, activity, path, atom)
    np.add.at(sums["inventory_pnl"], marks.regime, marks.carry * atom)
    steps = np.diff(np.concatenate([[activity.start_mid_ticks], marks.mid, [activity.end_mid_ticks]]))
    np.add.at(sums["holding_pnl"], marks.regime, steps * activity.start_base_lots * atom)
    total = (_equity_at_end(activity) - _equity_at_start(activity)) * atom
    parts = sums["spread_capture"].sum() + sums["inventory_pnl"].sum() - sums["fees"].sum()
    return Tally(
        sums=sums,
        total_pnl=total,
        residual=abs(total - float(parts)),
        max_drawdown=_drawdown(activity, marks) * atom,
        max_base=float(max(activity.start_base_lots, marks.position.max(initial=-np.inf))) * lot,
    )


def combine(tallies: Sequence[Tally]) -> Tally:
    """Add tallies up; no activity at all is a tally of zeros."""
    return Tally(
        sums={name: np.sum([each.sums[name] for each in tallies], axis=0) + np.zeros(REGIMES) for name in SUMS},
        total_pnl=sum(each.total_pnl for each in tallies),
        residual=max((each.residual for each in tallies), default=0.0),
        max_drawdown=max((each.max_drawdown for each in tallies), default=0.0),
        max_base=max((each.max_base for each in tallies), default=0.0),
    )


def metrics_of(total: Tally, prediction: PredictionError | None = None) -> Metrics:
    """Turn sums into figures, overall and for each regime with time, orders or fills."""
    everything = {name: float(values.sum()) for name, values in total.sums.items()}
    overall = _figures(everything, everything["seconds"])
    overall |= {
        "total_pnl_quote": total.total_pnl,
        "identity_error": _ratio(total.residual, everything["turnover"], total.residual),
        "max_drawdown_quote": total.max_drawdown,
        "inventory_max_base": total.max_base,
    }
    if prediction is not None:
        overall |= {
            "vol_bias": prediction.bias,
            "vol_rmse": prediction.rmse,
            "vol_qlike": prediction.qlike,
            "vol_samples": float(prediction.samples),
        }
    regimes = {}
    for index, name in enumerate(REGIME_NAMES):
        own = {key: float(values[index]) for key, values in total.sums.items()}
        if own["seconds"] > 0 or own["orders"] > 0 or own["fills"] > 0:
            regimes[name] = _figures(own, everything["seconds"])
    return Metrics(overall, regimes)


def _add_time(sums: dict[str, F64], activity: Activity, marks: Marks, lot: float) -> None:
    ends = np.clip(np.append(marks.ts, activity.end_ns), activity.start_ns, activity.end_ns)
    seconds = np.maximum(np.diff(np.concatenate([[activity.start_ns], ends])), 0) / 1e9
    held = np.concatenate([[activity.start_base_lots], marks.position]) * lot
    np.add.at(sums["seconds"], marks.regime, seconds)
    np.add.at(sums["base_seconds"], marks.regime, held * seconds)
    np.add.at(sums["base2_seconds"], marks.regime, held * held * seconds)


def _add_orders(sums: dict[str, F64], activity: Activity) -> None:
    for name, counts in zip(OF_ORDERS, activity.counted().T, strict=True):
        sums[name] += counts


def _add_fills(sums: dict[str, F64], activity: Activity, path: MidPath, atom: float) -> None:
    fills = activity.fills
    regime = fills["quoted_regime"].astype(np.int64)
    signed = fills["side"].astype(np.float64) * fills["qty_lots"] * atom
    price = fills["price_ticks"]
    turnover = price * fills["qty_lots"] * atom
    quoted = signed * (fills["quoted_mid_ticks"] - price)
    np.add.at(sums["fills"], regime, 1)
    np.add.at(sums["turnover"], regime, turnover)
    capture = signed * (fills["mid_ticks"] - price)
    fees = (fills["fee_quote_atoms"] + fills["fee_base_lots"] * fills["mid_ticks"]) * atom
    np.add.at(sums["spread_capture"], regime, capture)
    np.add.at(sums["quoted_capture"], regime, quoted)
    np.add.at(sums["fees"], regime, fees)
    took = fills["maker"] == 0
    for name, values in (("fills", 1.0), ("turnover", turnover), ("fees", fees), ("capture", capture)):
        np.add.at(sums[f"taker_{name}"], regime[took], np.broadcast_to(values, took.shape)[took])
    later = realised(path, fills["exch_ts"], fills["side"], price, fills["qty_lots"]) * atom
    for column, horizon in enumerate(HORIZONS_S):
        known = np.isfinite(later[:, column])
        np.add.at(sums[f"realised_{horizon}s"], regime[known], later[known, column])
        np.add.at(sums[f"known_turnover_{horizon}s"], regime[known], turnover[known])
        np.add.at(sums[f"known_quoted_{horizon}s"], regime[known], quoted[known])


def _figures(sums: dict[str, float], all_seconds: float) -> dict[str, float]:
    turnover = sums["turnover"]
    pnl = sums["spread_capture"] + sums["inventory_pnl"] - sums["fees"]
    mean_base = _ratio(sums["base_seconds"], sums["seconds"])
    figures = {
        "occupancy": _ratio(sums["seconds"], all_seconds),
        "seconds": sums["seconds"],
        "orders": sums["orders"],
        "rejected_orders": sums["rejected_orders"],
        "fills": sums["fills"],
        "fill_ratio": _ratio(sums["filled_orders"], sums["orders"]),
        "takes": sums["takes"],
        "taker_fills": sums["taker_fills"],
        "taker_turnover_quote": sums["taker_turnover"],
        "taker_fees_quote": sums["taker_fees"],
        "taker_capture_quote": sums["taker_capture"],  # of the spread: what crossing it cost, under 0
        "turnover_quote": turnover,
        "pnl_quote": pnl,
        "excess_pnl_quote": pnl - sums["holding_pnl"],  # against holding what was there at the start
        "spread_capture_quote": sums["spread_capture"],
        "inventory_pnl_quote": sums["inventory_pnl"],
        "fees_quote": sums["fees"],
        "quoted_capture_quote": sums["quoted_capture"],
        "quoted_capture_bps": 1e4 * _ratio(sums["quoted_capture"], turnover),
        "fees_bps": 1e4 * _ratio(sums["fees"], turnover),
        "inventory_mean_base": mean_base,
        "inventory_variance_base2": max(_ratio(sums["base2_seconds"], sums["seconds"]) - mean_base**2, 0.0)
        if sums["seconds"] > 0
        else np.nan,
    }
    for h in HORIZONS_S:
        known = sums[f"known_turnover_{h}s"]
        figures[f"realised_capture_{h}s_bps"] = 1e4 * _ratio(sums[f"realised_{h}s"], known)
        lost = sums[f"known_quoted_{h}s"] - sums[f"realised_{h}s"]
        figures[f"adverse_selection_{h}s_bps"] = 1e4 * _ratio(lost, known)
    figures["edge_bps"] = figures[f"realised_capture_{EDGE_HORIZON_S}s_bps"] - figures["fees_bps"]
    return figures


def _ratio(numerator: float, denominator: float, otherwise: float = np.nan) -> float:
    return numerator / denominator if denominator > 0 else otherwise


def _equity_at_start(activity: Activity) -> float:
    return activity.start_quote_atoms + activity.start_base_lots * activity.start_mid_ticks


def _equity_at_end(activity: Activity) -> float:
    return activity.end_quote_atoms + activity.end_base_lots * activity.end_mid_ticks


def _drawdown(activity: Activity, marks: Marks) -> float:
    """Return the deepest fall of the excess equity from its best so far, atoms.

    Excess: without what merely holding the start inventory earned or lost.
    """
    excess = marks.equity - activity.start_base_lots * (marks.mid - activity.start_mid_ticks)
    curve = np.concatenate([[_equity_at_start(activity)], excess])
    return float(np.max(np.maximum.accumulate(curve) - curve))

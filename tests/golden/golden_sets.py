"""The seeded tape and the parameter sets whose replays are compared, and how."""

import hashlib
from pathlib import Path

import numpy as np

from strategy.replay.driver import ReplayConfig, replay
from strategy.replay.synthetic import SyntheticMarket, synthetic_tape
from tests.unit.kernel_samples import parameter_set

GOLDEN = Path(__file__).with_name("replay.json")
QUICK = {"executor_refresh_time": 3.0, "cooldown_time": 1.0}
NARROW = {"spread_low": 2.0, "spread_medium": 4.0, "spread_high": 9.0}
REGIMES = NARROW | {"low_threshold": 2e-5, "medium_threshold": 4e-5, "high_threshold": 6e-5}
DOLLARS = {"low_threshold": 1.0, "medium_threshold": 3.0, "high_threshold": 6.0}
CURVE = {"policy": "linear", "spread_curve_points": [[1e-5, 1.5], [4e-5, 3.0], [8e-5, 9.0]]}
SETS = {
    "buy_only": parameter_set("buy_only", quoting=QUICK, regimes=REGIMES),
    "skewed": parameter_set("skewed", CURVE, quoting=QUICK, regimes=REGIMES),
    "neutral": parameter_set(
        quoting=QUICK, regimes=NARROW | DOLLARS, volatility={"policy": "rolling_std", "vol_mode": "absolute"}
    ),
}
BARRIERS = {
    "take_profit": 0.0003,
    "stop_loss": 0.0006,
    "time_limit": 8.0,
    "trailing_stop_activation": 0.0004,
    "trailing_stop_delta": 0.0002,
}
CLOSE = {"requote_tolerance_bps": 2.0, "max_concurrent_buys": 1}
SETS["barriers"] = parameter_set(
    quoting=QUICK | {"sell_spreads": [1, 2, 3, 4], "position_rebalance_threshold_pct": 0.3} | CLOSE,
    regimes=REGIMES,
    barriers=BARRIERS,
    signals=[
        {"policy": "imbalance", "source": "band", "imbalance_bps": 0.5},
        {"policy": "trade_burst", "mean_seconds": 10, "burst_ratio": 1.2},
    ],
    risk={"depth_band_bps": 0.5, "min_depth_base": 0.045, "panic_threshold": 6.4e-5, "lockout_seconds": 1.0},
)
SETS["volatility_pmm"] = parameter_set(
    "balanced",
    {"policy": "range", "min_spread": 2.0, "max_spread": 12.0, "vol_low": 5e-5, "vol_high": 4e-4},
    volatility={"policy": "bar_std", "bar_seconds": 1.0, "bar_periods": 10},
    signals=[{"policy": "trend", "bar_seconds": 1.0, "fast_periods": 3, "slow_periods": 8, "threshold": 1e-4}],
    quoting=QUICK | {"vol_size_ref": 1e-4, "vol_size_min": 0.25},
    regimes=REGIMES | {"low_threshold": 5e-5, "medium_threshold": 1e-4, "high_threshold": 4e-4},
)
MARKET = SyntheticMarket(seed=42, updates=600)
FEES = {"maker_fee_bps": 1.0, "taker_fee_bps": 5.0}
CONFIG = ReplayConfig(base=0.002, quote=200.0, record_decisions=True, record_events=True, **FEES)


def table_hash(table):
    """Return the SHA-256 over all fields of all rows, without the records' padding."""
    digest = hashlib.sha256()
    for name in table.dtype.names:
        digest.update(np.ascontiguousarray(table[name]).tobytes())
    return digest.hexdigest()


def statistics(result):
    """Return the hash and the numbers that say what a replay did."""
    equity = result.end_quote_atoms + result.end_base_lots * result.end_mid_ticks
    return {
        "decisions_sha256": table_hash(result.decisions),
        "decisions": len(result.decisions),
        "orders": len(result.orders),
        "fills": len(result.fills),
        "filled_lots": int(result.fills["qty_lots"].sum()),
        "cancelled": int((result.orders["outcome"] == 2).sum()),
        "takes": result.counters["takes"],
        "taken_lots": int(result.fills["qty_lots"][result.fills["maker"] == 0].sum()),
        "barriers": result.counters["barriers"],
        "timers": result.counters["timers"],
        "end_base_lots": result.end_base_lots,
        "end_quote_atoms": result.end_quote_atoms,
        "equity": equity,
        "fees": float(result.fills["fee_quote_atoms"].sum()),
    }


def replayed(name):
    """Replay one of the sets."""
    return replay(*synthetic_tape(MARKET), SETS[name], CONFIG)

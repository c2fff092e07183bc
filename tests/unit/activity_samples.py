"""Random activities with the accounts that follow from them, for the tests of metrics."""

import numpy as np

from analytics.metrics.activity import Activity
from analytics.metrics.markout import MidPath
from strategy.kernel.records import ENTRY, REBALANCE, STOP_LOSS, TIME_LIMIT
from strategy.replay.rows import FILL_ROW, ORDER_ROW, SAMPLE_ROW
from strategy.replay.tape import TapeInfo

SECOND = 1_000_000_000
INFO = TapeInfo("paper", "BTC/FDUSD", "0.01", "0.00001", "0.00001", "5", 0, 0, 0, 1, "f" * 64)


def random_path(rng, seconds: int) -> MidPath:
    """Return a mid that changes about four times a second."""
    ts = np.sort(rng.choice(seconds * 1_000, size=seconds * 4, replace=False)).astype(np.int64) * 1_000_000
    return MidPath(ts, 6_000_000.0 + np.cumsum(rng.integers(-40, 41, len(ts))) / 2)


def random_activity(rng, path: MidPath, fills: int, seconds: int) -> Activity:
    """Return an activity with random fills and regimes; the accounts at the end are summed fill by fill.

    One fill in five takes: it crosses the spread and pays twice the fee. Each is an order of its own.
    """
    rows = np.zeros(fills, FILL_ROW)
    rows["exch_ts"] = np.sort(rng.integers(path.ts[0], path.ts[-1], fills))
    rows["local_ts"] = rows["exch_ts"] + 5_000_000
    rows["side"] = rng.choice([-1, 1], fills)
    rows["qty_lots"] = rng.integers(1, 500, fills)
    rows["mid_ticks"] = path.at(rows["exch_ts"])
    rows["quoted_mid_ticks"] = path.at(np.maximum(rows["exch_ts"] - SECOND, path.ts[0]))
    rows["maker"] = rng.random(fills) > 0.2
    rows["purpose"] = np.where(rows["maker"] == 1, ENTRY, rng.choice([STOP_LOSS, TIME_LIMIT, REBALANCE], fills))
    away = np.where(rows["maker"] == 1, rng.integers(-50, 900, fills), -rng.integers(1, 900, fills))
    rows["price_ticks"] = np.rint(rows["mid_ticks"]) - rows["side"] * away
    fee = np.where(rows["maker"] == 1, 0.001, 0.002)
    rows["fee_base_lots"] = np.where(rows["side"] > 0, rows["qty_lots"] * fee, 0.0)
    rows["fee_quote_atoms"] = np.where(rows["side"] < 0, rows["qty_lots"] * rows["price_ticks"] * fee, 0.0)
    rows["quoted_regime"] = rng.integers(0, 5, fills)
    samples = np.zeros(seconds, SAMPLE_ROW)
    samples["ts"] = np.arange(seconds) * SECOND
    samples["mid_ticks"] = path.at(samples["ts"])
    samples["regime"] = rng.integers(0, 5, seconds)
    base, quote = 1_000.0, 1e10
    for fill in rows:
        base += float(fill["side"]) * float(fill["qty_lots"]) - float(fill["fee_base_lots"])
        quote -= float(fill["side"]) * float(fill["qty_lots"]) * float(fill["price_ticks"])
        quote -= float(fill["fee_quote_atoms"])
    orders = np.zeros(fills + 3, ORDER_ROW)
    orders["regime"][:fills] = rows["quoted_regime"]
    orders["filled_lots"][:fills] = rows["qty_lots"]
    orders["purpose"][:fills] = rows["purpose"]
    orders["outcome"] = [1] * fills + [2, 2, 3]
    start_mid, end_mid = float(path.at(path.ts[:1])[0]), float(path.mid[-1])
    return Activity(rows, orders, samples, 0, seconds * SECOND, 1_000.0, 1e10, start_mid, base, quote, end_mid)

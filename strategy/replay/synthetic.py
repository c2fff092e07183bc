"""A small seeded market as a tape: a random walk of the mid with a ladder of sizes and trades at the touch."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strategy.kernel.records import BUY, SELL
from strategy.replay.tape import Tape, TapeInfo


@dataclass(frozen=True, slots=True)
class SyntheticMarket:
    """What the market is like. `volatility_ticks` is the standard deviation of a step; it triples in busy minutes."""

    seed: int = 1
    updates: int = 2_000
    step_ns: int = 100_000_000
    trades_per_step: float = 3.0
    mid_ticks: int = 6_000_000
    volatility_ticks: float = 150.0
    half_spread_ticks: int = 1
    depth: int = 20
    gap_ticks: int = 40  # distance of neighbouring levels of the ladder
    feed_latency_ns: int = 3_000_000
    start_ns: int = 1_700_000_000_000_000_000
    scale: int = 1  # multiplies every price


def synthetic_tape(market: SyntheticMarket | None = None) -> tuple[Tape, TapeInfo]:
    """Return a tape and its info; the same market gives the same bytes."""
    m = market or SyntheticMarket()
    rng = np.random.default_rng(m.seed)
    steps = np.arange(m.updates)
    busy = 1.0 + 2.0 * (np.sin(steps / 300.0) > 0.5)
    walk = np.cumsum(rng.standard_normal(m.updates) * m.volatility_ticks * busy)
    mids = m.mid_ticks + np.rint(walk).astype(np.int64)
    exch = m.start_ns + steps * m.step_ns
    columns = _updates(m, rng, mids, exch) | _trades(m, rng, mids, exch)
    tape = Tape(gap_exch=np.zeros(0, np.int64), gap_local=np.zeros(0, np.int64), **columns)
    return tape, synthetic_info(tape)


def synthetic_info(tape: Tape) -> TapeInfo:
    """Return the info of a hand-made or synthetic tape: 0.01 ticks, 0.00001 lots, no offset."""
    digest = hashlib.sha256()
    for column in tape:
        digest.update(np.ascontiguousarray(column).tobytes())
    times = np.concatenate([tape.update_local, tape.trade_local, tape.gap_local])
    start, end = (int(times.min()), int(times.max()) + 1) if len(times) else (0, 0)
    return TapeInfo("synthetic", "BTC/USDT", "0.01", "0.00001", "0.00001", "5", start, end, 0, 0, digest.hexdigest())


def _updates(m: SyntheticMarket, rng: np.random.Generator, mids: NDArray[np.int64], exch: NDArray[np.int64]) -> Any:
    """Return the update and level columns; each update replaces the whole ladder by the next one."""
    rungs = m.half_spread_ticks + m.gap_ticks * np.arange(m.depth)
    bids = (mids[:, None] - rungs) * m.scale
    asks = (mids[:, None] + rungs) * m.scale
    lots = rng.integers(50, 2_000, (len(mids), 2, m.depth))
    sides, ticks, sizes, counts = [], [], [], []
    for i in range(len(mids)):
        parts = [_ladder_change(BUY, bids, lots[:, 0], i), _ladder_change(SELL, asks, lots[:, 1], i)]
        for side, prices, amounts in parts:
            sides.append(np.full(len(prices), side, np.int8))
            ticks.append(prices)
            sizes.append(amounts)
        counts.append(sum(len(prices) for _, prices, _ in parts))
    fresh = np.zeros(len(mids), np.int8)
    fresh[:1] = 1
    return {
        "update_exch": exch,
        "update_local": exch + m.feed_latency_ns,
        "fresh": fresh,
        "bid_ticks": bids[:, 0],
        "bid_lots": lots[:, 0, 0],
        "ask_ticks": asks[:, 0],
        "ask_lots": lots[:, 1, 0],
        "level_start": np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        "level_side": np.concatenate(sides),
        "level_ticks": np.concatenate(ticks),
        "level_lots": np.concatenate(sizes),
    }


def _ladder_change(
    side: int, prices: NDArray[np.int64], lots: NDArray[np.int64], i: int
) -> tuple[int, NDArray[np.int64], NDArray[np.int64]]:
    """Return the level changes that turn ladder i - 1 into ladder i: what is gone with 0 lots, then what stands."""
    gone = np.setdiff1d(prices[i - 1], prices[i]) if i else np.zeros(0, np.int64)
    return side, np.concatenate([gone, prices[i]]), np.concatenate([np.zeros(len(gone), np.int64), lots[i]])


def _trades(m: SyntheticMarket, rng: np.random.Generator, mids: NDArray[np.int64], exch: NDArray[np.int64]) -> Any:
    """Return the trade columns: at the touch or a few ticks through it, between two updates."""
    counts = rng.poisson(m.trades_per_step, len(mids))
    step = np.repeat(np.arange(len(mids)), counts)
    times = np.sort(exch[step] + rng.integers(0, m.step_ns, len(step)))
    side = rng.choice(np.array([BUY, SELL], np.int8), len(step))
    through = rng.geometric(0.01, len(step)) - 1
    return {
        "trade_exch": times,
        "trade_local": times + m.feed_latency_ns,
        "trade_side": side,
        "trade_ticks": (mids[step] + side * (m.half_spread_ticks + through)) * m.scale,
        "trade_lots": rng.integers(1, 500, len(step)),
    }

"""A market whose truth is known: market orders that reach the depth delta at A exp(-k delta), by regime.

The mid walks by a tick or more each second, whatever trades. Market orders of each side come at a Poisson rate A and
reach an exponential depth of mean 1 / k from the mid of that second, so a quote at the distance delta is filled at
A exp(-k delta). The book shows nothing near: no quote is filled by anything else. In busy times volatility, A and k
may be others; calm and busy stretches of random length take turns.

`fair_tape` takes the edge out: see there.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.truth.tapes import SECOND_NS, START_NS, Trades, named, tape_of
from strategy.kernel.records import BUY, SELL
from strategy.replay.tape import Tape, TapeInfo

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

MID_TICKS: Final = 6_000_000
TICKS_A_BPS: Final = MID_TICKS * 1e-4
FAR_TICKS: Final = MID_TICKS // 10
LOTS: Final = 100  # of a market order: as many as our largest quote


@dataclass(frozen=True, slots=True)
class Weather:
    """One regime: sigma of the mid in bps per root second, A in orders a second and side, 1 / k in bps."""

    sigma_bps: float
    rate: float
    reach_bps: float


@dataclass(frozen=True, slots=True)
class Market:
    """What to generate; `busy` None is a market of one regime."""

    seconds: int
    calm: Weather
    busy: Weather | None = None
    stretch_s: float = 300.0  # mean length of a calm or busy stretch


def arrival_tape(market: Market, seed: int) -> tuple[Tape, TapeInfo]:
    """Return a tape with an update a second and the market orders half way between two."""
    rng = np.random.default_rng(seed)
    busy = turns(rng, market)
    calm, other = market.calm, market.busy or market.calm
    sigma, rate, reach = (
        np.where(busy, getattr(other, name), getattr(calm, name)) for name in Weather.__dataclass_fields__
    )
    steps = rng.standard_normal(market.seconds) * sigma * TICKS_A_BPS
    mids = MID_TICKS + np.rint(np.cumsum(steps)).astype(np.int64)
    ts = START_NS + SECOND_NS * np.arange(market.seconds, dtype=np.int64)
    trades = market_orders(rng, ts, mids, rate, reach * TICKS_A_BPS)
    tape = tape_of(ts, mids - FAR_TICKS, mids + FAR_TICKS, 1, trades)
    return tape, named(tape, "0.01", "0.00001")


def fair_tape(seconds: int, weather: Weather, seed: int) -> tuple[Tape, TapeInfo]:
    """Return a tape on which no quote earns anything: every order knows exactly as much as it pays.

    An order reaches `reach_bps` at least, and on top of it an exponential depth of the same mean 1 / k; from the next
    update on the mid has moved its way by reach - 1 / k. What a quote at delta >= 1 / k earns on average is then
    delta - E[reach - 1 / k | reach >= delta] = 0, and less than that nearer to the mid.
    """
    rng = np.random.default_rng(seed)
    least = weather.reach_bps * TICKS_A_BPS
    steps = np.rint(rng.standard_normal(seconds) * weather.sigma_bps * TICKS_A_BPS).astype(np.int64)
    second = np.repeat(np.arange(seconds), rng.poisson(2.0 * weather.rate, seconds))
    side = rng.choice(np.array([BUY, SELL], np.int64), len(second))
    depth = np.rint(rng.exponential(least, len(second))).astype(np.int64)
    np.add.at(steps, np.minimum(second + 1, seconds - 1), side * depth)
    mids = MID_TICKS + np.cumsum(steps)
    ts = START_NS + SECOND_NS * np.arange(seconds, dtype=np.int64)
    orders = Trades(within(rng, ts, second), side, mids[second] + side * (round(least) + depth), full(second))
    tape = tape_of(ts, mids - FAR_TICKS, mids + FAR_TICKS, 1, orders)
    return tape, named(tape, "0.01", "0.00001")


def turns(rng: np.random.Generator, market: Market) -> NDArray[np.bool_]:
    """Return for each second whether it is a busy one; the tape begins calm."""
    if market.busy is None:
        return np.zeros(market.seconds, bool)
    return np.cumsum(rng.random(market.seconds) < 1.0 / market.stretch_s) % 2 == 1


def market_orders(rng: np.random.Generator, ts: I64, mids: I64, rate: F64, reach_ticks: F64) -> Trades:
    """Return the market orders of both sides, spread over each second after its update."""
    second = np.repeat(np.arange(len(ts)), rng.poisson(2.0 * rate))
    side = rng.choice(np.array([BUY, SELL], np.int64), len(second))
    depth = np.floor(rng.exponential(reach_ticks[second])).astype(np.int64)
    return Trades(within(rng, ts, second), side, mids[second] + side * depth, full(second))


def within(rng: np.random.Generator, ts: I64, second: I64) -> I64:
    """Return a time in each of the seconds (ascending), after its update and before the next, ascending."""
    return np.sort(ts[second] + 1 + (rng.random(len(second)) * (SECOND_NS - 2)).astype(np.int64))


def full(second: I64) -> I64:
    """Return the size of each market order."""
    return np.full(len(second), LOTS, np.int64)

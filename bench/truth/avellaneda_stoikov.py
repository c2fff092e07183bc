"""The simulation of Avellaneda and Stoikov (2008), section 3.3, as tapes through the replay with their policy.

"High-frequency trading in a limit order book", Quantitative Finance 8(3), 217-224: S = 100, T = 1, sigma = 2,
dt = 0.005, q = 0, gamma = 0.1, k = 1.5, A = 140. Units on the tape:

- T is 200 s, so dt is 1 s; sigma is sampled once a second: sqrt(200) = 14.1 bps per root second.
- 1 unit of price is 100 bps: gamma is 0.001 per bps and order, k is 0.015 per bps, A is 0.7 per second. The policy
  thinks in bps of the mid, the paper in price; that they part as the mid leaves 100 stays within 2 %.
- The policy's horizon is a constant, the paper's T - t is not: the horizon is set anew PARTS times, each time to the
  mean of T - t, and what is held is handed on. In between the market pauses for three updates without trades, which
  move by sigma sqrt(dt) and come back, so that sigma is known.
- In a step a market order of either side reaches as far from the mid as it reaches with the chance
  min(1, A dt exp(-k delta)). The book shows nothing near, so a quote is filled by these orders alone.
- The symmetric strategy is the same policy when the reservation price may not move.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.truth.tapes import SECOND_NS, START_NS, Trades, named, tape_of
from strategy.kernel.records import BUY, SELL
from strategy.kernel.state import Records
from strategy.policies.parameters import ParameterSet, parse_parameters
from strategy.replay.driver import ReplayConfig, replay
from strategy.replay.tape import Tape, TapeInfo

PRICE: Final = 100.0
SIGMA: Final = 2.0
DT: Final = 0.005
GAMMA: Final = 0.1
DECAY: Final = 1.5
RATE: Final = 140.0
STEPS: Final = 200
PARTS: Final = 20
PAUSE: Final = 3  # updates before each part
LENGTH: Final = STEPS // PARTS
STEP_S: Final = 1.0
STEP_NS: Final = int(STEP_S * SECOND_NS)
SESSION_NS: Final = STEPS * STEP_NS
TICK: Final = 0.0001
FAR_TICKS: Final = 300_000  # best prices from the mid: 30 % of it
HELD: Final = 1_000.0  # orders held at the start: a spot account sells what it has
QUOTE: Final = 1e6
NO_RULES: Final = {
    "lockout_seconds": 0.0,
    "stale_after_seconds": None,
    "collar_bps": None,
    "max_orders_per_second": None,
    "max_orders_per_day": None,
}

F64 = NDArray[np.float64]
UNMOVED: Final = 1e-9  # orders by which the symmetric strategy's reservation price follows what is held


@dataclass(frozen=True, slots=True)
class Simulation:
    """One path of the mid as a tape; part i of the session begins at `starts[i]` (ns, with its pause)."""

    tape: Tape
    info: TapeInfo
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    last_mid: float  # price


@dataclass(frozen=True, slots=True)
class Outcome:
    """One strategy over N simulations: width of the quotes, profit, and orders held in the end; shapes (N,)."""

    spread: F64
    profit: F64
    final_q: F64


def simulated(count: int, follows: float = HELD, seed: int = 0) -> Outcome:
    """Run a maker over simulations; its reservation price follows what is held up to so many orders."""
    parts = [maker(horizon_s, follows) for horizon_s in horizons()]
    found = np.array([run(simulation(seed + i), parts) for i in range(count)])
    return Outcome(*found.T)


def computed(count: int, follows: float = HELD, seed: int = 0) -> Outcome:
    """Return the paper's simulation as its equations say, without tape, replay or policy."""
    rng = np.random.default_rng(seed)
    q, cash, mid, spreads = np.zeros(count), np.zeros(count), np.full(count, PRICE), []
    for i in range(STEPS):
        left = 1.0 - i * DT
        spread = GAMMA * SIGMA**2 * left + 2.0 / GAMMA * np.log1p(GAMMA / DECAY)
        reservation = -np.clip(q, -follows, follows) * GAMMA * SIGMA**2 * left
        bid, ask = (0.5 * spread + side * reservation for side in (-1.0, 1.0))  # distances from the mid
        bought, sold = (rng.random(count) < RATE * DT * np.exp(-DECAY * delta) for delta in (bid, ask))
        cash += sold * (mid + ask) - bought * (mid - bid)
        q += bought.astype(float) - sold
        mid += SIGMA * DT**0.5 * rng.choice(np.array([-1.0, 1.0]), count)
        spreads.append(spread)
    return Outcome(np.full(count, np.mean(spreads)), cash + q * mid, q)


def agrees(found: F64, truth: F64) -> bool:
    """Say whether mean and deviation are within four standard errors of the truth's."""
    deviation, errors = float(np.std(truth)), 4.0 / len(found) ** 0.5
    mean = abs(np.mean(found) - np.mean(truth)) <= errors * deviation
    return bool(mean and abs(np.std(found) / deviation - 1.0) <= errors / 2**0.5)


def run(drawn: Simulation, parts: Sequence[ParameterSet]) -> tuple[float, float, float]:
    """Return (mean width, profit, final q) of one simulation, in the paper's units."""
    base, quote, widths = HELD, QUOTE, []
    for parameters, start, end in zip(parts, drawn.starts, drawn.ends, strict=True):
        config = ReplayConfig(
            entry_latency_ns=0, response_latency_ns=0, base=base, quote=quote, start_ns=start, end_ns=end,
            sample_interval_ns=SESSION_NS, driver="reference",
        )  # fmt: skip
        result = replay(drawn.tape, drawn.info, parameters, config)
        base, quote = result.end_base_lots, result.end_quote_atoms * TICK
        widths.append(width(result.orders, start))
    return float(np.mean(widths)), quote - QUOTE + (base - HELD) * drawn.last_mid, base - HELD


def width(orders: Records, start: int) -> float:
    """Return the mean distance of ask and bid as quoted after each update of a part, in price."""
    step, past = np.divmod(orders["placed_ns"] - start, STEP_NS)
    quoted = orders[(step >= PAUSE) & (past < STEP_NS // 2)]
    asked = quoted["side"] == SELL
    return float(np.mean(quoted["price_ticks"][asked]) - np.mean(quoted["price_ticks"][~asked])) * TICK


def horizons() -> list[float]:
    """Return the mean of T - t in each part, s."""
    return [STEP_S * (STEPS - part * LENGTH - 0.5 * (LENGTH - 1)) for part in range(PARTS)]


def simulation(seed: int) -> Simulation:
    """Draw one path and the market orders along it."""
    rng = np.random.default_rng(seed)
    step = round(SIGMA * DT**0.5 / TICK)
    mids = round(PRICE / TICK) + np.cumsum([0, *(step * rng.choice(np.array([-1, 1]), STEPS))])
    parts = mids[:-1].reshape(PARTS, LENGTH)
    there_and_back = step * (np.arange(PAUSE, 0, -1) % 2)
    shown = np.concatenate([parts[:, :1] + there_and_back, parts], axis=1).ravel()
    ts = START_NS + STEP_NS // 4 + STEP_NS * np.arange(len(shown) + 1)  # between two ticks of sigma's clock
    live = np.arange(len(shown)) % (PAUSE + LENGTH) >= PAUSE
    tape = tape_of(ts[:-1], shown - FAR_TICKS, shown + FAR_TICKS, 1, market_orders(rng, ts[:-1][live], shown[live]))
    begins = ts[:: PAUSE + LENGTH].tolist()
    return Simulation(tape, named(tape, str(TICK), "1"), tuple(begins[:-1]), tuple(begins[1:]), float(mids[-1]) * TICK)


def market_orders(rng: np.random.Generator, ts: NDArray[np.int64], mids: NDArray[np.int64]) -> Trades:
    """Return a market order of each side half a step after each update."""
    reach = (np.log(RATE * DT) - np.log1p(-rng.random((len(ts), 2)))) / DECAY / TICK
    side = np.tile(np.array([BUY, SELL], np.int64), (len(ts), 1))
    ticks = mids[:, None] + side * np.floor(reach).astype(np.int64)
    return Trades(np.repeat(ts + STEP_NS // 2, 2), side.ravel(), ticks.ravel(), np.ones(side.size, np.int64))


def maker(horizon_s: float, follows: float) -> ParameterSet:
    """Return the paper's maker with a horizon; its reservation price follows up to so many orders."""
    bps = 1e4 / PRICE  # of one unit of price
    policy = {"policy": "avellaneda_stoikov", "inventory_target_base": HELD, "max_inventory_orders": follows}
    policy |= {"risk_aversion": GAMMA / bps, "arrival_decay": DECAY / bps, "horizon_seconds": horizon_s}
    engine = {"policy": "ewma", "vol_sampling_interval": STEP_S, "half_life_seconds": 5.0, "min_samples": 1}
    quoting = {"order_qty": 1.0, "buy_spreads": [1.0], "sell_spreads": [1.0], "cooldown_time": 0.0}
    quoting |= {"spread_floor_bps": 0.0, "spread_cap_bps": 10_000.0}
    quoting |= {"executor_refresh_time": 3_600.0, "requote_tolerance_bps": 0.001}  # every quote follows at once
    return parse_parameters(
        {
            "volatility": engine,
            "spread": policy,
            "inventory": {"policy": "neutral"},
            "quoting": quoting,
            "risk": NO_RULES,
        }
    )

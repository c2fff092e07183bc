"""A seeded synthetic day as a tape, with the statistics of a busy perpetual future.

An update about every 100 ms changes 21 levels on average; 11 trades a second print at the touch, through it, or along
the way that the next update moves. The latent price has a volatility that wanders over half an hour, and rare jumps of
which most comes back. The book is never crossed, levels stand at most once in an update, and no two events share a
nanosecond, so that two engines cannot differ in what they call first.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from strategy.kernel.jit import jit, jit_entry
from strategy.kernel.records import BUY, SELL
from strategy.replay.synthetic import synthetic_info
from strategy.replay.tape import Tape, TapeInfo

STEP_NS: Final = 100_000_000
JITTER_NS: Final = 5_000_000
UPDATES_AN_HOUR: Final = 36_000
START_NS: Final = 1_700_000_000_000_000_000
MID_TICKS: Final = 600_000
LADDER_TICKS: Final = 3_000  # how far the first snapshot reaches
MARGIN_TICKS: Final = 20_000  # room in the book beyond the lowest and highest mid
NEAR_TICKS: Final = 40.0  # mean distance from the best at which sizes change
CHANGES: Final = 5.0  # mean of such changes a side and update
DENSITY: Final = 0.3  # share of ticks that hold a level
FRESH_LEVELS: Final = 12  # at most so many levels appear behind a best that has moved
GONE_SHARE: Final = 0.45  # of the changes of a level that stands
LEVEL_LOG_LOTS: Final = 4.0
TRADE_LOG_LOTS: Final = 2.5
LOG_DEVIATION: Final = 1.2


@dataclass(frozen=True, slots=True)
class Day:
    """What to generate. `volatility_ticks` is the median standard deviation of the latent price over one update."""

    hours: float = 24.0
    seed: int = 2
    volatility_ticks: float = 12.5
    trades_a_second: float = 8.75
    feed_latency_ns: int = 0

    @property
    def updates(self) -> int:
        """Return the number of updates."""
        return round(self.hours * UPDATES_AN_HOUR)


def day_tape(day: Day, folder: Path) -> tuple[Tape, TapeInfo]:
    """Return the day's tape and info, generated once and memory-mapped from `folder` afterwards."""
    place = folder / hashlib.sha256(repr(day).encode() + Path(__file__).read_bytes()).hexdigest()[:16]
    if not (place / "done").exists():
        place.mkdir(parents=True, exist_ok=True)
        for name, column in generated(day)._asdict().items():
            np.save(place / f"{name}.npy", column)
        (place / "done").touch()
    tape = Tape(**{name: np.load(place / f"{name}.npy", mmap_mode="r") for name in Tape._fields})
    return tape, synthetic_info(tape)._replace(tick_size="0.1", lot_size="0.001", min_qty="0.001", min_notional="5")


def generated(day: Day) -> Tape:
    """Generate the tape of a day."""
    rng = np.random.default_rng(day.seed)
    latent, log_vol = latent_price(day, rng)
    bid, ask = touch(rng, latent)
    exch = START_NS + np.arange(day.updates) * STEP_NS + rng.integers(-JITTER_NS, JITTER_NS, day.updates)
    trades = printed(day, rng, exch, bid, ask, log_vol)
    levels = walked(rng, bid, ask)
    fresh = np.zeros(day.updates, np.int8)
    fresh[0] = 1
    none = np.zeros(0, np.int64)
    return Tape(
        update_exch=exch, update_local=exch + day.feed_latency_ns, fresh=fresh, bid_ticks=bid, ask_ticks=ask,
        gap_exch=none, gap_local=none, **levels, **trades,
    )  # fmt: skip


def latent_price(day: Day, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the latent price (ticks) and the log of its volatility's factor at every update."""
    n, tau = day.updates, 1_800e9 / STEP_NS
    log_vol = decayed(0.75 * np.sqrt(2.0 / tau) * rng.standard_normal(n), 1.0 - 1.0 / tau)
    scale = day.volatility_ticks * np.exp(log_vol)
    jump = np.where(rng.random(n) < 5e-4, 8.0 * scale * rng.standard_normal(n), 0.0)
    back = np.zeros(n)
    back[1:] = -0.7 * jump[:-1]
    return MID_TICKS + decayed(scale * rng.standard_normal(n) + jump + back, 1.0 - 2e-6), log_vol


@jit_entry
def decayed(steps: NDArray[np.float64], keep: float) -> NDArray[np.float64]:
    """Return the running sum of steps that keeps the share `keep` of itself from one to the next."""
    total = np.empty_like(steps)
    at = 0.0
    for i in range(len(steps)):
        at = at * keep + steps[i]
        total[i] = at
    return total


def touch(rng: np.random.Generator, latent: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return best bid and ask (ticks): 1 tick apart mostly, moved only when the latent price has left the mid."""
    width = rng.choice(np.array([1, 2, 3]), len(latent), p=[0.85, 0.1, 0.05])
    bid, ask = np.empty(len(latent), np.int64), np.empty(len(latent), np.int64)
    follow(latent, width, bid, ask)
    return bid, ask


@jit_entry
def follow(latent: Any, width: Any, bid: Any, ask: Any) -> None:
    """Write the touch that follows the latent price."""
    low, high = int(latent[0]), int(latent[0]) + 1
    for i in range(len(latent)):
        if abs(latent[i] - 0.5 * (low + high)) > 0.6:
            low = int(np.floor(latent[i] - 0.5 * (width[i] - 1)))
            high = low + width[i]
        bid[i] = low
        ask[i] = high


def printed(
    day: Day, rng: np.random.Generator, exch: NDArray[np.int64], bid: Any, ask: Any, log_vol: Any
) -> dict[str, Any]:
    """Return the trade columns: Poisson between two updates, busier with volatility, leaning to where price goes."""
    mean = day.trades_a_second * STEP_NS / 1e9 * np.minimum(4.0, 0.5 + 0.5 * np.exp(log_vol))
    counts = rng.poisson(mean)
    counts[0] = 0
    after = np.repeat(np.arange(len(exch)), counts)  # the update that comes next
    times = distinct_between(rng, exch, after)
    move = bid[after] - bid[after - 1]
    side = np.where(rng.random(len(after)) < 0.5 + 0.3 * np.sign(move), BUY, SELL)
    best = np.where(side == BUY, ask[after - 1], bid[after - 1])
    reach = side * (np.where(side == BUY, ask[after], bid[after]) - best)
    along = (rng.random(len(after)) * (np.maximum(reach, 0) + 1)).astype(np.int64)
    through = np.where(rng.random(len(after)) < 0.1, (rng.exponential(2.0, len(after))).astype(np.int64), 0)
    ticks = best + side * np.where(side * move > 0, along, through)
    lots = rng.lognormal(TRADE_LOG_LOTS, LOG_DEVIATION, len(after)).astype(np.int64) + 1
    return {
        "trade_exch": times,
        "trade_local": times + day.feed_latency_ns,
        "trade_side": side.astype(np.int8),
        "trade_ticks": ticks,
        "trade_lots": lots,
    }


def distinct_between(rng: np.random.Generator, exch: NDArray[np.int64], after: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return times strictly between update after - 1 and update after, ascending, each once."""
    span = exch[after] - exch[after - 1] - 2_000_000
    times = np.sort(exch[after - 1] + 1_000_000 + (rng.random(len(after)) * span).astype(np.int64))
    order = np.arange(len(times))
    return np.maximum.accumulate(times - order) + order


def walked(rng: np.random.Generator, bid: NDArray[np.int64], ask: NDArray[np.int64]) -> dict[str, Any]:
    """Return the level columns and the sizes at the touch."""
    n = len(bid)
    lowest = int(bid.min()) - MARGIN_TICKS
    book = np.zeros((2, int(ask.max()) + MARGIN_TICKS - lowest), np.int64)
    rows = {"level_side": np.int8, "level_ticks": np.int64, "level_lots": np.int64}
    room = {name: np.zeros(40 * n + 4 * LADDER_TICKS, dtype) for name, dtype in rows.items()}
    start, best_lots = np.zeros(n + 1, np.int64), np.zeros((2, n), np.int64)
    used = walk(rng, book, np.full(book.shape, -1, np.int64), lowest, bid, ask, start, best_lots, *room.values())
    levels = {name: column[:used].copy() for name, column in room.items()}
    return {"level_start": start, "bid_lots": best_lots[0], "ask_lots": best_lots[1], **levels}


@jit
def lots_of_level(rng: Any) -> int:
    """Draw the size of a level."""
    return int(np.exp(LEVEL_LOG_LOTS + LOG_DEVIATION * rng.standard_normal())) + 1


@jit_entry
def walk(
    rng: Any, book: Any, told: Any, lowest: int, bid: Any, ask: Any, start: Any, best_lots: Any,
    sides: Any, ticks: Any, lots: Any,
) -> int:  # fmt: skip
    """Write the level rows of every update and return how many there are; `told` is when a level last changed."""
    used = 0
    for i in range(len(bid)):
        for s in range(2):
            side = BUY if s == 0 else SELL
            best = bid[i] if s == 0 else ask[i]
            before = used
            if i == 0:
                used = snapshot(rng, book[s], lowest, side, best, ticks, lots, used)
            else:
                last = bid[i - 1] if s == 0 else ask[i - 1]
                used = change(rng, book[s], told[s], i, lowest, side, last, best, ticks, lots, used)
            sides[before:used] = side
            best_lots[s, i] = book[s, best - lowest]
        start[i + 1] = used
    return used


@jit
def write(book: Any, lowest: int, tick: int, size: int, ticks: Any, lots: Any, used: int) -> int:
    """Set a level and append its row; return the rows in use."""
    book[tick - lowest] = size
    ticks[used] = tick
    lots[used] = size
    return used + 1


@jit
def snapshot(rng: Any, book: Any, lowest: int, side: int, best: int, ticks: Any, lots: Any, used: int) -> int:
    """Append the first ladder of a side; return the rows in use."""
    for away in range(LADDER_TICKS):
        if away == 0 or rng.random() < DENSITY:
            used = write(book, lowest, best - side * away, lots_of_level(rng), ticks, lots, used)
    return used


@jit
def change(
    rng: Any, book: Any, told: Any, now: int, lowest: int, side: int, last: int, best: int,
    ticks: Any, lots: Any, used: int,
) -> int:  # fmt: skip
    """Append what one update changes on a side; return the rows in use.

    Levels beyond the new best go, the new best and levels behind it up to the last one come, some sizes change.
    """
    tick = last
    while side * (tick - best) > 0:
        if book[tick - lowest] > 0:
            told[tick - lowest] = now
            used = write(book, lowest, tick, 0, ticks, lots, used)
        tick -= side
    if book[best - lowest] == 0:
        told[best - lowest] = now
        used = write(book, lowest, best, lots_of_level(rng), ticks, lots, used)
    tick, come = best - side, 0
    while side * (tick - last) > 0 and come < FRESH_LEVELS:
        if rng.random() < DENSITY:
            told[tick - lowest] = now
            used = write(book, lowest, tick, lots_of_level(rng), ticks, lots, used)
            come += 1
        tick -= side
    for _ in range(rng.poisson(CHANGES)):
        tick = best - side * int(rng.exponential(NEAR_TICKS))
        if told[tick - lowest] == now:
            continue
        told[tick - lowest] = now
        stays = tick == best or book[tick - lowest] == 0 or rng.random() >= GONE_SHARE
        used = write(book, lowest, tick, lots_of_level(rng) if stays else 0, ticks, lots, used)
    return used

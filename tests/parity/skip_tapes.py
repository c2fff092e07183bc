"""Random tapes on which everything happens: a walking book of small sizes, with all that recordings may hold.

Times lie on a grid so that many are equal, across streams too; sizes are small so that queues are used up.
"""

from dataclasses import dataclass
from math import floor
from random import Random
from typing import Final

import numpy as np

from strategy.kernel.records import BUY, SELL
from strategy.replay.tape import Tape

SECOND_NS: Final = 1_000_000_000
DAY_NS: Final = 86_400 * SECOND_NS
DAY: Final = 19_700  # days since the epoch on which, or before the end of which, tapes begin
LEAST_LEVELS: Final = 3  # a side with fewer is filled up by the next update that changes anything
REACH: Final = 40  # levels further from mid than so many rungs are forgotten

Row = tuple[int, int, int]  # side, ticks, lots
Trade = tuple[int, int, int, int]  # exchange time (ns), aggressor, ticks, lots


@dataclass(frozen=True, slots=True)
class Market:
    """What a tape is like."""

    updates: int
    mid_ticks: int
    rung_ticks: int  # distance of neighbouring levels
    volatility_rungs: float  # standard deviation of mid from one update to the next
    lots: int  # largest size of a level
    trades: float  # mean number between two updates
    pause_ns: int  # mean time between two updates
    grid_ns: int  # every exchange time is a multiple
    feed_ns: int  # least feed latency
    jitter_ns: int  # mean of what comes on top, 0 = constant
    odd: float  # share of updates that leave the book crossed, one-sided or fresh
    silences: int
    silence_ns: int
    gaps: int
    over_midnight: bool
    stamps_step_back: bool


def random_market(rng: Random, updates: int) -> Market:
    """Draw a market."""
    mid, rung, widest = rng.choice(PRICES)
    grid = rng.choice((1, 1_000_000, 1_000_000, 10_000_000))
    return Market(
        updates=updates,
        mid_ticks=mid,
        rung_ticks=rung,
        volatility_rungs=rng.uniform(0.1, widest),
        lots=rng.choice((4, 15, 40, 120)),
        trades=rng.choice((0.0, 0.4, 1.0, 1.0, 2.5)),
        pause_ns=rng.choice((20, 60, 100, 100, 250)) * 1_000_000,
        grid_ns=grid,
        feed_ns=rng.choice((0, 0, 3_000_000, 10_000_000, 50_000_000)),
        jitter_ns=rng.choice((0, 0, 2_000_000, 20_000_000, 200_000_000)),
        odd=rng.choice((0.0, 0.0, 0.005, 0.03)),
        silences=rng.choice((0, 0, 1, 3)),
        silence_ns=rng.choice((700_000_000, 3 * SECOND_NS, 12 * SECOND_NS)),
        gaps=rng.choice((0, 0, 1, 4)),
        over_midnight=rng.random() < 0.15,
        stamps_step_back=rng.random() < 0.05,
    )


# Mid and rung in ticks, and the largest volatility in rungs: from 20 bps a tick to 0.002.
PRICES: Final = (
    (500, 1, 0.3),
    (2_500, 1, 0.6),
    (12_000, 1, 0.8),
    (60_000, 1, 1.5),
    (60_000, 1, 5.0),
    (60_000, 5, 1.0),
    (6_000_000, 100, 1.0),
)


def pick(rng: Random, choices: tuple[int, ...]) -> int:
    """Return one of the choices; `Random.choice` takes three times as long."""
    return choices[int(rng.random() * len(choices))]


class WalkingBook:
    """A book around a random walk; `rows` are the level changes of the update that is being made."""

    def __init__(self, rng: Random, market: Market) -> None:
        """Start with an empty book."""
        self.rng, self.market = rng, market
        self.sides: dict[int, dict[int, int]] = {BUY: {}, SELL: {}}
        self.center = float(market.mid_ticks)
        self.busy = 1.0
        self.rows: list[Row] = []

    def best(self, side: int) -> int:
        """Return the best price of a side in ticks, 0 when it is empty."""
        levels = self.sides[side]
        return 0 if not levels else max(levels) if side == BUY else min(levels)

    def set_level(self, side: int, ticks: int, lots: int) -> None:
        """Change one level."""
        if ticks < 1:
            return
        self.rows.append((side, ticks, lots))
        if lots > 0:
            self.sides[side][ticks] = lots
        else:
            self.sides[side].pop(ticks, None)

    def size(self) -> int:
        """Draw the size of a level."""
        return 1 + int(self.rng.random() * self.market.lots)  # randint takes five times as long

    def walk(self) -> None:
        """Move mid; now and then its volatility changes."""
        if self.rng.random() < 0.01:
            self.busy = self.rng.choice((1.0, 1.0, 3.0, 6.0))
        self.center += self.rng.gauss(0.0, self.market.volatility_rungs * self.market.rung_ticks) * self.busy
        self.center = max(self.center, 20.0 * self.market.rung_ticks)

    def follow(self) -> None:
        """Bring the book to mid: what is in the way goes, the touch is set, thin sides are filled up."""
        rung = self.market.rung_ticks
        best_bid = floor(self.center / rung) * rung
        for side, touch in ((BUY, best_bid), (SELL, best_bid + rung * pick(self.rng, (1, 1, 1, 2, 3)))):
            levels = self.sides[side]
            for ticks in [t for t in levels if side * (t - touch) > 0 or side * (touch - t) > REACH * rung]:
                self.set_level(side, ticks, 0)
            away = 0
            while touch not in levels or len(levels) < LEAST_LEVELS:
                if touch - side * away not in levels:
                    self.set_level(side, touch - side * away, self.size())
                away += rung

    def churn(self) -> None:
        """Change up to four levels near the touch, some of them not at all, twice, or from nothing to nothing."""
        for _ in range(int(self.rng.random() * 5)):
            side, size = pick(self.rng, (BUY, SELL)), self.size()
            away = min(int(self.rng.expovariate(0.4)), REACH) * self.market.rung_ticks
            self.set_level(side, self.best(side) - side * away, pick(self.rng, (0, size, size)))

    def renew(self) -> None:
        """Replace all levels, as a snapshot does."""
        for side, levels in self.sides.items():
            for ticks in sorted(levels):
                self.set_level(side, ticks, 0)
        self.follow()

    def spoil(self) -> None:
        """Cross or lock the book, or empty a side."""
        side = pick(self.rng, (BUY, SELL))
        if self.rng.random() < 0.6:
            self.set_level(side, self.best(-side) + side * self.rng.randrange(3), self.size())
            return
        for ticks in sorted(self.sides[side]):
            self.set_level(side, ticks, 0)

    def trades(self, since_ns: int, until_ns: int) -> list[Trade]:
        """Draw the trades between two updates, in time order; some take from what the coming update shows."""
        found: list[Trade] = []
        if self.market.trades > 0.0 and self.best(BUY) and self.best(SELL):
            for _ in range(int(self.rng.expovariate(1.0 / self.market.trades) + 0.5)):
                found += self.sweep(self.moment(since_ns, until_ns))
        return sorted(found, key=lambda trade: trade[0])

    def moment(self, since_ns: int, until_ns: int) -> int:
        """Draw a time on the grid, often that of an update."""
        ticks = (until_ns - since_ns) // self.market.grid_ns
        return since_ns + pick(self.rng, (0, ticks, self.rng.randint(0, ticks))) * self.market.grid_ns

    def sweep(self, ts: int) -> list[Trade]:
        """Draw one trade, or a few of one moment: at the touch, inside it, through it."""
        rng, rung = self.rng, self.market.rung_ticks
        aggressor = pick(rng, (BUY, SELL))
        away = pick(rng, (-1, 0, 0, 0, 0, 0, 0, 1, 2, 12)) * pick(rng, (1, rung))
        ticks = max(self.best(-aggressor) + aggressor * away, 1)
        found = []
        for _ in range(pick(rng, (1, 1, 1, 1, 2, 4))):
            shown = self.sides[-aggressor].get(ticks, 0)
            lots = pick(rng, (self.size(), max(shown, 1), self.size()))
            found.append((ts, aggressor, ticks, lots))
            if shown > 0 and rng.random() < 0.5:
                self.set_level(-aggressor, ticks, max(shown - lots, 0))
            ticks = max(ticks + aggressor * pick(rng, (0, 0, rung)), 1)
        return found


class TapeWriter:
    """Makes the updates, trades and gaps of one tape."""

    def __init__(self, rng: Random, market: Market) -> None:
        """Begin at the tape's first moment."""
        self.rng, self.market, self.book = rng, market, WalkingBook(rng, market)
        length = market.updates * market.pause_ns
        early = rng.uniform(0.1, 0.9) * length if market.over_midnight else -rng.uniform(0, DAY_NS - 2 * length)
        self.now = (DAY * DAY_NS - int(early)) // market.grid_ns * market.grid_ns
        self.updates: list[tuple[int, int, int, int, int, int]] = []
        self.rows: list[Row] = []
        self.starts = [0]
        self.trades: list[Trade] = []
        self.gaps: list[int] = []
        self.unknown = 0  # updates until the fresh one that ends a gap

    def write(self) -> None:
        """Make the whole tape."""
        count = self.market.updates
        gaps = {self.rng.randrange(max(count, 1)) for _ in range(self.market.gaps)}
        silences = {self.rng.randrange(max(count, 1)) for _ in range(self.market.silences)}
        for i in range(count):
            before = self.now
            self.pause(i in silences)
            self.trades += self.book.trades(before, self.now)
            if i in gaps:
                self.gaps.append(self.book.moment(before, self.now))
                self.unknown = pick(self.rng, (1, 1, 2, 8))
            self.update(i)

    def pause(self, silent: bool) -> None:
        """Let time pass: none at all, a burst's few milliseconds, or the usual."""
        pause = self.rng.expovariate(1.0 / self.market.pause_ns) * self.rng.choice((0.0, 0.1, 1.0, 1.0, 1.5, 1.5))
        pause += self.rng.uniform(0.5, 1.5) * self.market.silence_ns if silent else 0
        self.now += int(pause) // self.market.grid_ns * self.market.grid_ns

    def update(self, i: int) -> None:
        """Make one update: most follow mid, some change nothing, a few spoil or renew the book."""
        book, odd = self.book, self.rng.random() < self.market.odd
        fresh = i == 0 or self.unknown == 1 or (odd and self.rng.random() < 0.2)
        self.unknown = max(self.unknown - 1, 0)
        book.walk()
        if fresh:
            book.renew()
        elif self.rng.random() > 0.15:
            book.follow()
            book.churn()
        if odd and not fresh:
            book.spoil()
        self.close(fresh)

    def close(self, fresh: bool) -> None:
        """Write down the update and what it leaves."""
        bid, ask, sides = self.book.best(BUY), self.book.best(SELL), self.book.sides
        self.updates.append((self.now, int(fresh), bid, sides[BUY].get(bid, 0), ask, sides[SELL].get(ask, 0)))
        self.rows += self.book.rows
        self.book.rows = []
        self.starts.append(len(self.rows))


def random_tape(rng: Random, market: Market) -> Tape:
    """Return a tape of a market; the same generator and market give the same bytes."""
    writer = TapeWriter(rng, market)
    writer.write()
    updates = np.array(writer.updates, np.int64).reshape(-1, 6)
    trades = np.array(writer.trades, np.int64).reshape(-1, 4)
    rows = np.array(writer.rows, np.int64).reshape(-1, 3)
    gaps = np.array(writer.gaps, np.int64)
    draws = np.random.default_rng(rng.getrandbits(32))
    return Tape(
        update_exch=_stamps(draws, market, updates[:, 0]),
        update_local=_received(draws, market, updates[:, 0]),
        fresh=updates[:, 1].astype(np.int8),
        bid_ticks=updates[:, 2].copy(),
        bid_lots=updates[:, 3].copy(),
        ask_ticks=updates[:, 4].copy(),
        ask_lots=updates[:, 5].copy(),
        level_start=np.array(writer.starts, np.int64),
        level_side=rows[:, 0].astype(np.int8),
        level_ticks=rows[:, 1].copy(),
        level_lots=rows[:, 2].copy(),
        trade_exch=_stamps(draws, market, trades[:, 0]),
        trade_local=_received(draws, market, trades[:, 0]),
        trade_side=trades[:, 1].astype(np.int8),
        trade_ticks=trades[:, 2].copy(),
        trade_lots=trades[:, 3].copy(),
        gap_exch=gaps,
        gap_local=_received(draws, market, gaps),
    )


def _stamps(draws: np.random.Generator, market: Market, exch: np.ndarray) -> np.ndarray:
    """Return the venue's stamps: of some venues they step back."""
    if not market.stamps_step_back:
        return exch.copy()
    return exch - market.grid_ns * (draws.random(len(exch)) < 0.1)


def _received(draws: np.random.Generator, market: Market, exch: np.ndarray) -> np.ndarray:
    """Return one stream's receive times: latency and jitter, in order, on the grid half of the time."""
    jitter = draws.exponential(market.jitter_ns, len(exch)) if market.jitter_ns else np.zeros(len(exch))
    late = jitter.astype(np.int64)
    late = np.where(draws.random(len(exch)) < 0.5, late // market.grid_ns * market.grid_ns, late)
    return np.maximum.accumulate(exch + market.feed_ns + late) if len(exch) else exch.copy()

"""A seeded recording with everything that happens to a book: many levels, old messages, holes, late snapshots."""

import random

from strategy.kernel.records import BUY, SELL
from strategy.venues.events import DepthDiff, DepthSnapshot
from strategy.venues.sequence import BookSequence
from strategy.venues.units import Units
from strategy.venues.wire import parse
from tests.unit import market_lines as lines

VENUE = "binance"
SYMBOL = "BTC/USDT"
TICK, LOT = "0.01", "0.001"
Levels = dict[tuple[int, int], int]


class Recording:
    """Writes what a venue would send; `lines` grow as it goes on."""

    def __init__(self, seed: int) -> None:
        """Begin with the symbol's sizes and a book."""
        self._rng = random.Random(seed)
        self._book: Levels = {}
        self._id, self._trade, self.second = 100, 0, 0.0
        self.lines = [lines.epoch(0.0), lines.exchange_info(0.0)]
        for _ in range(8):
            self._change()

    def go_on(self, updates: int, every: float = 0.1, fewest: int = 0) -> "Recording":
        """Add updates of at least so many changes, with a trade after every other one."""
        for i in range(updates):
            self.second = round(self.second + every * self._rng.uniform(0.5, 1.5), 6)
            first = self._id + 1
            self._id += self._rng.randint(1, 4)
            self._send(first, self._id, [self._change() for _ in range(self._rng.randint(fewest, 6))])
            if i % 2:
                self._print()
        return self

    def snapshot(self) -> "Recording":
        """Add a snapshot of the whole book."""
        self.second = round(self.second + 0.01, 6)
        self.lines.append(lines.snapshot(self.second, self._id, *self._sides(list(self._book.items()))))
        return self

    def hole(self) -> "Recording":
        """Let messages be lost."""
        for _ in range(5):
            self._change()
        self._id += 7
        return self

    def _send(self, first: int, final: int, changes: list[tuple[tuple[int, int], int]]) -> None:
        self.lines.append(lines.diff(self.second, first, final, *self._sides(changes)))

    def _print(self) -> None:
        self._trade += 1
        price, made = f"{100 + self._rng.randint(0, 9) / 100:.2f}", self._rng.random() < 0.5
        self.lines.append(lines.trade(self.second + 0.02, self._trade, price, "0.005", made))

    def _change(self) -> tuple[tuple[int, int], int]:
        side = self._rng.choice((BUY, SELL))
        level = (side, 10_000 - side * self._rng.randint(1, 25))
        lots = self._rng.choice((0, 0, *range(1, 9)))
        self._book[level] = lots
        self._book = {each: size for each, size in self._book.items() if size}
        return level, lots

    @staticmethod
    def _sides(changes: list[tuple[tuple[int, int], int]]) -> list[list[tuple[str, str]]]:
        return [
            [(f"{ticks / 100:.2f}", f"{lots / 1000:.3f}") for (side, ticks), lots in changes if side == wanted]
            for wanted in (BUY, SELL)
        ]


def recording(seed: int = 1) -> Recording:
    """Return a recording with two holes, one of them answered late, and a snapshot that nobody needs."""
    made = Recording(seed).go_on(3).snapshot().go_on(40).snapshot().go_on(30)
    made.hole().go_on(12).snapshot().go_on(40).hole().go_on(1).snapshot().go_on(25)
    return made.hole().snapshot().go_on(20)


def naive_book(raw: list[bytes], at_ns: int) -> Levels | None:
    """Return the book after all messages received up to a moment by plain dictionaries, None while unknown."""
    sequence, book = BookSequence(), {}
    for each in raw:
        stamp, _, payload = each.partition(b" ")
        for message in parse(int(stamp), payload) if int(stamp) <= at_ns else ():
            if isinstance(message, DepthDiff):
                progress = sequence.on_diff(message)
            elif isinstance(message, DepthSnapshot):
                progress = sequence.on_snapshot(message)
            else:
                continue
            if progress.snapshot is not None:
                book = _levels(progress.snapshot)
            for diff in progress.diffs:
                book |= _levels(diff)
    return {level: lots for level, lots in book.items() if lots} if sequence.known else None


def _levels(message: DepthDiff | DepthSnapshot) -> Levels:
    units = Units(TICK, LOT)
    sides = ((BUY, message.bids), (SELL, message.asks))
    return {(side, units.ticks(price)): units.lots(qty) for side, rows in sides for price, qty in rows}

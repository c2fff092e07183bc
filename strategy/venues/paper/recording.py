"""A recorded market in place of the simulated crowd: its book rests, its takers take, our orders stand among them.

- What a level grew by comes to the end of its queue, so behind our order if that was there first.
- What a level shrank by without a trade leaves from the end of its queue: it never advances our order.
- A recorded trade is an order of its size with its price as limit. It meets the queue: who came first trades first,
  and our better prices before that. What the recording took from others, it may so take from us instead.
- A recorded order that rests where ours would meet it takes ours first.
- The recording does not react: what we took away stands in the book again once the recording speaks of that price.
"""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

from strategy.errors import BadInput
from strategy.venues.paper.book import CROWD, Order
from strategy.venues.paper.config import PaperConfig
from strategy.venues.paper.engine import Engine
from strategy.venues.paper.tape_reader import Change, Step, Taker, read_tape
from strategy.venues.units import Units

RECORDED, ENDED = "recorded", "recording ended"


class Recording:
    """The background of a market: what a tape says, at the pace at which it was recorded."""

    def __init__(self, steps: Iterator[Step]) -> None:
        """Begin at the first moment at which the whole book is known; BadInput when there is none."""
        self._steps = steps
        self._ids = itertools.count(1)  # own orders count from the clock, far above
        first = next((step for step in steps if isinstance(step, Change) and step.whole), None)
        if first is None:
            raise BadInput("tape: no snapshot that the updates continue, so no book to begin with")
        self._next = next(steps, None)
        self._at_ns = first.at_ns
        self._sizes: dict[tuple[int, int], int] = {}
        self._orders: dict[tuple[int, int], list[Order]] = {}
        self._note(first)

    @property
    def regime(self) -> str:
        """Return whether the recording still speaks."""
        return RECORDED if self._next is not None else ENDED

    def attach(self, engine: Engine) -> None:
        """Let the recorded book of this moment rest in an engine, and everything that follows happen there."""
        self._engine = engine
        self._orders.clear()
        for side, ticks in self._sizes:
            self._settle(side, ticks)

    def step(self, seconds: float) -> None:
        """Let so much recorded time pass."""
        self._at_ns += round(seconds * 1e9)
        while self._next is not None and self._next.at_ns <= self._at_ns:
            if isinstance(self._next, Taker):
                self._take(self._next)
            else:
                self._change(self._next)
            self._next = next(self._steps, None)

    def _note(self, change: Change) -> list[tuple[int, int]]:
        """Take the recorded sizes over and return the levels that they concern."""
        touched = [(side, ticks) for side, ticks, _ in change.levels]
        if change.whole:
            touched += [level for level in self._sizes if level not in set(touched)]
            self._sizes.clear()
        for side, ticks, lots in change.levels:
            self._sizes[side, ticks] = lots
            if not lots:
                del self._sizes[side, ticks]
        return touched

    def _change(self, change: Change) -> None:
        """Bring the levels to their recorded sizes, what shrinks first: recorded orders never meet each other."""
        touched = self._note(change)
        for shrinking in (True, False):
            for side, ticks in touched:
                if (self._sizes.get((side, ticks), 0) < self._resting(side, ticks)) == shrinking:
                    self._settle(side, ticks)

    def _settle(self, side: int, ticks: int) -> None:
        missing = self._sizes.get((side, ticks), 0) - self._resting(side, ticks)
        if missing < 0:
            self._withdraw(side, ticks, -missing)
        elif missing > 0:
            self._add(side, ticks, missing)

    def _resting(self, side: int, ticks: int) -> int:
        """Return the recorded lots that rest at a price, and forget those that are gone."""
        live = [order for order in self._orders.pop((side, ticks), ()) if order.leaves]
        if live:
            self._orders[side, ticks] = live
        return sum(order.leaves for order in live)

    def _add(self, side: int, ticks: int, lots: int) -> None:
        left = lots
        if self._engine.book.crosses(side, ticks):
            left = self._engine.take(CROWD, side, ticks, lots).leaves
        if left:
            order = Order(next(self._ids), CROWD, side, ticks, left)
            self._engine.book.rest(order)
            self._orders.setdefault((side, ticks), []).append(order)

    def _withdraw(self, side: int, ticks: int, lots: int) -> None:
        """Take lots of the recorded orders at a price away, the newest first."""
        half = self._engine.book.half(side)
        for order in reversed(self._orders.get((side, ticks), ())):
            part = min(lots, order.leaves)
            if part:
                half.consume(order, part)
                lots -= part

    def _take(self, taker: Taker) -> None:
        """Trade; recorded orders at better prices must have gone before, since the trade was not with them."""
        better = [
            (side, ticks)
            for side, ticks in self._orders
            if side == -taker.side and (taker.ticks - ticks) * taker.side > 0
        ]
        for side, ticks in better:
            self._withdraw(side, ticks, self._resting(side, ticks))
        self._engine.take_recorded(taker.side, taker.ticks, taker.lots)


def open_recording(config: PaperConfig) -> Recording | None:
    """Open the configured tape, None where there is none; BadInput says what is wrong with it."""
    if not config.tape:
        return None
    return Recording(read_tape(_in_order(config.tape), config.venue_symbol, Units(config.tick_size, config.lot_size)))


def _in_order(paths: Sequence[Path]) -> list[Path]:
    """Return files as given, and those of a folder by name."""
    found: list[Path] = []
    for path in paths:
        found += sorted(each for each in path.iterdir() if each.name[0] != ".") if path.is_dir() else [path]
    return found

"""The paper venue's market on a clock that the test turns, with orders of ours in its real queues.

Its makers cancel order by order, wherever in a queue they stand, and their orders are of very different sizes: who
cancels is then less often in the longer part than lots alone would say. The truth is what all cancels say together,
each seen in the venue's own queue.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import numpy as np
import pytest

from analytics.fill_fit.own_orders import OwnOrder
from strategy.kernel.records import BUY, SELL
from strategy.replay.tape import Tape, empty_tape
from strategy.venues.paper.book import HalfBook, Order
from strategy.venues.paper.config import PaperConfig
from strategy.venues.paper.engine import Execution, Print
from strategy.venues.paper.market import DEPTH_NS, STEP_NS, Market

FIRST_NS = 1_700_000_000 * 10**9
MS = 1_000_000
OWN = 1
LOTS = 100
EVERY = 30  # depth intervals between one set of orders and the next
LEVELS = 4


class Session:
    """A market, what is recorded of it, and our orders: a set at the best prices every few seconds."""

    def __init__(self, seed: int) -> None:
        config = PaperConfig(seed=seed, regime="calm", tick_size="1", quote=Decimal(0))
        self.market = Market(config, FIRST_NS)
        self.market.engine.on_print.append(self._print)
        self.market.engine.on_maker = self._fill
        self.trades: list[tuple[int, int, int, int]] = []
        self.rows: list[tuple[int, int, int, int]] = []
        self.resting: list[tuple[Order, int, list[tuple[int, int]]]] = []
        self.done: list[OwnOrder] = []

    def run(self, intervals: int) -> tuple[Tape, list[OwnOrder]]:
        book = self.market.engine.book
        for half in (book.bids, book.asks):
            half.changed.update(half.levels)
        self._told(0)
        for interval in range(1, intervals):
            begin = FIRST_NS + (interval - 1) * DEPTH_NS
            for step in (1, 2):
                self.market.step(begin + step * STEP_NS - 3 * MS, STEP_NS / 1e9)
            if interval % EVERY == 0:
                self._renew(begin + DEPTH_NS - MS)
            self._told(interval)
        return self._tape(intervals), self.done

    def _told(self, interval: int) -> None:
        book = self.market.engine.book
        for side, half in ((BUY, book.bids), (SELL, book.asks)):
            self.rows += [(interval, side, price, half.size(price)) for price in half.changed]
            half.changed.clear()

    def _renew(self, now: int) -> None:
        """Take back what rests, and join the queues at the best prices."""
        book = self.market.engine.book
        for order, joined, fills in self.resting:
            if order.leaves:
                book.cancel(order)
                self._ended(order, joined, now, fills)
        self.resting = []
        for side in (BUY, SELL):
            for price in [ticks for ticks, _ in book.half(side).depth(LEVELS)]:
                order = Order(self.market.engine.next_order_id() + 10**9, OWN, side, price, LOTS)
                book.rest(order)
                self.resting.append((order, now, []))

    def _print(self, trade: Print) -> None:
        self.trades.append((trade.at_ns, trade.side, trade.price, trade.qty))

    def _fill(self, execution: Execution) -> None:
        order, joined, fills = next(each for each in self.resting if each[0] is execution.maker)
        fills.append((execution.public.at_ns, execution.public.qty))
        if order.leaves == 0:
            self._ended(order, joined, execution.public.at_ns, fills)

    def _ended(self, order: Order, joined: int, now: int, fills: list[tuple[int, int]]) -> None:
        ns, lots = np.array(fills, np.int64).reshape(-1, 2).T
        self.done.append(OwnOrder(order.side, order.price, LOTS, joined, now, ns, lots))

    def _tape(self, intervals: int) -> Tape:
        interval, side, ticks, lots = np.array(self.rows, np.int64).T
        trade_ns, trade_side, trade_ticks, trade_lots = np.array(self.trades, np.int64).T
        times = FIRST_NS + np.arange(intervals) * DEPTH_NS
        fresh = np.zeros(intervals, np.int8)
        fresh[0] = 1
        return empty_tape(
            update_exch=times,
            update_local=times,
            fresh=fresh,
            level_start=np.searchsorted(interval, np.arange(intervals + 1)),
            level_side=side.astype(np.int8),
            level_ticks=ticks,
            level_lots=lots,
            trade_exch=trade_ns,
            trade_local=trade_ns,
            trade_side=trade_side.astype(np.int8),
            trade_ticks=trade_ticks,
            trade_lots=trade_lots,
        )


def paper_session(seed: int, seconds: int) -> tuple[Tape, list[OwnOrder], list[tuple[int, int, bool]]]:
    """Return the tape of a calm paper market, our orders in it, and the cancels of others in their queues.

    A cancel is (lots ahead of us, lots behind, whether it was ahead), where somebody stood on either side.
    """
    with seen_cancels() as cancels:
        return *Session(seed).run(seconds * 10), cancels


@contextmanager
def seen_cancels() -> Iterator[list[tuple[int, int, bool]]]:
    seen: list[tuple[int, int, bool]] = []
    remove = HalfBook.remove

    def watched(half: HalfBook, order: Order) -> None:
        queue = list(half.levels[order.price].orders.values())
        ours = next((place for place, each in enumerate(queue) if each.owner == OWN), None)
        if ours is not None and order.owner != OWN:
            ahead, behind = (sum(each.leaves for each in part) for part in (queue[:ours], queue[ours + 1 :]))
            if ahead and behind:
                seen.append((ahead, behind, queue.index(order) < ours))
        remove(half, order)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HalfBook, "remove", watched)
        yield seen

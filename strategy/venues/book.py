"""The live order book of one symbol, in ticks and lots."""

from bisect import bisect_left
from collections.abc import Iterable
from typing import NamedTuple

from strategy.kernel.records import BUY, SELL
from strategy.venues.events import Level
from strategy.venues.units import Units


class Best(NamedTuple):
    """Best prices with sizes; 0 where a side is empty."""

    bid_ticks: int
    bid_lots: int
    ask_ticks: int
    ask_lots: int


class _Side:
    """One side: prices in ascending order and the size of each."""

    __slots__ = ("prices", "sizes")

    def __init__(self) -> None:
        self.prices: list[int] = []
        self.sizes: dict[int, int] = {}

    def set(self, ticks: int, lots: int) -> None:
        """Give a level its new size; 0 removes it, whether or not it is there."""
        known = ticks in self.sizes
        if lots:
            self.sizes[ticks] = lots
            if not known:
                self.prices.insert(bisect_left(self.prices, ticks), ticks)
        elif known:
            del self.sizes[ticks]
            del self.prices[bisect_left(self.prices, ticks)]


class LiveBook:
    """A whole book that snapshots replace and diffs change."""

    def __init__(self, units: Units) -> None:
        """Start empty."""
        self._units = units
        self._bids, self._asks = _Side(), _Side()

    def replace(self, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        """Take a snapshot's levels in place of everything held."""
        self._bids, self._asks = _Side(), _Side()
        self.change(bids, asks)

    def change(self, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        """Apply the levels of one diff; BadData, and nothing applied, when a value is off the grid."""
        changes = [
            (side, self._units.ticks(price), self._units.lots(qty))
            for side, levels in ((self._bids, bids), (self._asks, asks))
            for price, qty in levels
        ]
        for side, ticks, lots in changes:
            side.set(ticks, lots)

    def best(self) -> Best:
        """Return best bid and ask."""
        bid = self._bids.prices[-1] if self._bids.prices else 0
        ask = self._asks.prices[0] if self._asks.prices else 0
        return Best(bid, self._bids.sizes.get(bid, 0), ask, self._asks.sizes.get(ask, 0))

    def prices(self) -> list[tuple[int, int]]:
        """Return side and price of every level."""
        return [(side, ticks) for side, held in ((BUY, self._bids), (SELL, self._asks)) for ticks in held.prices]

    def depth(self, bid_from_ticks: int, ask_to_ticks: int) -> tuple[int, int]:
        """Return the lots of all bids at or over one price and of all asks at or under another."""
        bids, asks = self._bids, self._asks
        near_bids = bids.prices[bisect_left(bids.prices, bid_from_ticks) :]
        near_asks = asks.prices[: bisect_left(asks.prices, ask_to_ticks + 1)]
        return sum(bids.sizes[ticks] for ticks in near_bids), sum(asks.sizes[ticks] for ticks in near_asks)

"""A venue that answers orders in any order it likes, seeded, and keeps the only true account."""

from typing import Any

import numpy as np

from strategy.kernel.records import (
    ACK,
    BUY,
    CANCEL,
    CANCELLED,
    FILL,
    REJECT,
    REJECT_BALANCE,
    REJECT_OTHER,
    REJECT_POST_ONLY,
    SELL,
    TAKE,
)

Answer = tuple[int, dict[str, float]]


class UnrulyVenue:
    """Holds live orders; answers are late and overtake each other, fills race cancels, some orders are refused.

    Orders that take are filled at once, in pieces or in part or not at all, at their price or a little better.

    With `swaps` even the answers about one order change places: a fill may be told after its order's end. Only then
    can the strategy offer what it no longer holds, and the venue refuses that as venues do.
    """

    def __init__(self, rng: np.random.Generator, base: float, quote: float, swaps: bool) -> None:
        """Start with an account."""
        self.rng = rng
        self.swaps = swaps
        self.base = base
        self.quote = quote
        self.live: dict[int, list[int]] = {}  # order id: side, price, leaves
        self.cancels: list[int] = []
        self.news: list[Answer] = []
        self.position = 0
        self.trade_id = 0
        self.taken = 0

    def take(self, action: Any) -> None:
        """Take an order or a cancel; the account must cover every order that rests."""
        order_id = int(action["order_id"])
        if action["kind"] == CANCEL:
            self.cancels.append(order_id)
            return
        taking = action["kind"] == TAKE
        if self.rng.random() < 0.1:
            self.news.append((REJECT, {"order_id": order_id, "code": REJECT_OTHER if taking else REJECT_POST_ONLY}))
            return
        assert order_id not in self.live
        assert not (taking and self.live), "took while an order of ours rested"
        self.live[order_id] = [int(action["side"]), int(action["price_ticks"]), int(action["qty_lots"])]
        assert self._apart(), "our own orders crossed"
        if not self._covered():
            assert self.swaps, "offered what is not held"
            del self.live[order_id]
            self.news.append((REJECT, {"order_id": order_id, "code": REJECT_BALANCE}))
            return
        if taking:
            self._sweep(order_id)
            return
        self.news.append((ACK, {"order_id": order_id}))

    def _sweep(self, order_id: int) -> None:
        """Fill an order that takes in up to three pieces, each at no better a price, and cancel the rest."""
        side, limit, _ = self.live[order_id]
        for better in sorted((int(ticks) for ticks in self.rng.integers(0, 50, 3)), reverse=True):
            if order_id in self.live and self.rng.random() < 0.6:
                self.live[order_id][1] = limit - side * better
                self.taken += self._fill(order_id)
        if self.live.pop(order_id, None):
            self.news.append((CANCELLED, {"order_id": order_id}))

    def _apart(self) -> bool:
        """Return whether every bid that rests is under every ask."""
        prices = {side: [price for its, price, _ in self.live.values() if its == side] for side in (BUY, SELL)}
        return max(prices[BUY], default=0) < min(prices[SELL], default=2**62)

    def _covered(self) -> bool:
        """Return whether the account pays for every order that rests."""
        offered = sum(lots for side, _, lots in self.live.values() if side != BUY)
        bid = sum(price * lots for side, price, lots in self.live.values() if side == BUY)
        return offered <= self.base and bid <= self.quote

    def act(self) -> None:
        """Fill something, then carry out some of the cancels."""
        for order_id in list(self.live):
            if self.rng.random() < 0.15:
                self._fill(order_id)
        while self.cancels and self.rng.random() < 0.6:
            order_id = self.cancels.pop(0)
            if self.live.pop(order_id, None):
                self.news.append((CANCELLED, {"order_id": order_id}))

    def _fill(self, order_id: int) -> int:
        """Fill an order in full or in part and return how much of it."""
        side, price, leaves = self.live[order_id]
        lots = leaves if self.rng.random() < 0.5 else int(self.rng.integers(1, leaves + 1))
        self.trade_id += 1
        self.position += side * lots
        self.base += side * lots
        self.quote -= side * lots * price
        self.live[order_id][2] -= lots
        if lots == leaves:
            del self.live[order_id]
        fields = {"order_id": order_id, "side": side, "price_ticks": price, "qty_lots": lots}
        self.news.append((FILL, fields | {"leaves_lots": leaves - lots, "code": self.trade_id}))
        return lots

    def deliver(self) -> Answer | None:
        """Return one answer: mostly the oldest, sometimes one that overtakes it; None when there is none."""
        if not self.news or self.rng.random() < 0.3:
            return None
        if len(self.news) == 1 or self.rng.random() < 0.7:
            return self.news.pop(0)
        same_order = self.news[0][1]["order_id"] == self.news[1][1]["order_id"]
        return self.news.pop(0 if same_order and not self.swaps else 1)

"""Hard limits around the strategy: it can neither see nor widen them. A doubt is a veto; a cancel always passes."""

from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from strategy.kernel.records import BUY

WINDOW_NS: Final = 10_000_000_000


class Limits(BaseModel):
    """What a quoting process may do at most."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    max_order_notional: float = Field(1_000.0, gt=0, description="quote units")
    max_open_orders: int = Field(20, ge=1)
    collar_bps: float = Field(1_000.0, gt=0, le=10_000, description="furthest price from mid")
    orders_per_10s: int = Field(50, ge=1)


class Wish(NamedTuple):
    """An order that the strategy wants to send; `takes` = it fills at once or is cancelled, and may cross mid."""

    side: int
    price_ticks: int
    qty_lots: int
    takes: bool = False


class Guard:
    """Say for each order why it may not go out, or let it."""

    def __init__(self, limits: Limits, atom: float) -> None:
        """Take the limits and what one tick times one lot is worth in quote units."""
        self._limits, self._atom = limits, atom
        self._sent: deque[int] = deque()

    def veto(self, now_ns: int, wish: Wish, mid_ticks: float, ours: Sequence[tuple[int, int]]) -> str | None:
        """Return why an order is refused, None when it may go; then it counts as sent.

        `ours` holds side and price in ticks of every order of ours that rests or may rest.
        """
        reason = (
            self._size(wish.price_ticks, wish.qty_lots)
            or self._price(wish, mid_ticks)
            or self._number(now_ns, len(ours), wish.takes)
            or (self._self_trade(wish, ours) if wish.takes else None)
        )
        if reason is None:
            self._sent.append(now_ns)
        return reason

    def _size(self, price: int, qty: int) -> str | None:
        notional = price * qty * self._atom
        if qty <= 0 or price <= 0:
            return f"size: price was {price} ticks and quantity {qty} lots, both must be over 0"
        if notional > self._limits.max_order_notional:
            return f"notional was {notional:.2f}, the limit is {self._limits.max_order_notional:g}"
        return None

    def _price(self, wish: Wish, mid_ticks: float) -> str | None:
        side, price = wish.side, wish.price_ticks
        if not mid_ticks > 0:
            return f"collar: mid was {mid_ticks}, a price cannot be judged"
        bps = abs(price - mid_ticks) / mid_ticks * 1e4
        if bps > self._limits.collar_bps:
            return f"collar: price was {bps:.0f} bps from mid, the limit is {self._limits.collar_bps:g}"
        # a post-only bid one tick under the ask may reach mid, never pass it
        if not wish.takes and (price - mid_ticks) * side >= 1:
            return f"collar: a{' bid' if side == BUY else 'n ask'} at {price} ticks is beyond mid {mid_ticks:g}"
        return None

    def _self_trade(self, wish: Wish, ours: Sequence[tuple[int, int]]) -> str | None:
        reached = [price for side, price in ours if side != wish.side and (wish.price_ticks - price) * wish.side >= 0]
        if not reached:
            return None
        kind = "ask" if wish.side == BUY else "bid"
        return f"self-trade: a taker at {wish.price_ticks} ticks reaches our own {kind} at {reached[0]}"

    def _number(self, now_ns: int, open_orders: int, takes: bool) -> str | None:
        while self._sent and self._sent[0] <= now_ns - WINDOW_NS:
            self._sent.popleft()
        if open_orders >= self._limits.max_open_orders and not takes:
            return f"open orders were {open_orders}, the limit is {self._limits.max_open_orders}"
        if len(self._sent) >= self._limits.orders_per_10s:
            return f"rate: {len(self._sent)} orders in 10 s, the limit is {self._limits.orders_per_10s}"
        return None

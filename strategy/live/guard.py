"""Hard limits around the strategy: it can neither see nor widen them. A doubt is a veto; a cancel always passes."""

from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from strategy.kernel.records import BUY

WINDOW_NS: Final = 10_000_000_000
DAY_NS: Final = 86_400_000_000_000


class Limits(BaseModel):
    """What a quoting process may do at most, whatever its parameters say; money in quote units."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    max_order_notional: float = Field(1_000.0, gt=0, description="quote units")
    max_position: float = Field(10_000.0, gt=0, description="quote units, of the base held with all open bids filled")
    max_open_orders: int = Field(20, ge=1)
    max_daily_loss: float = Field(1_000.0, gt=0, description="quote units; over it the kill switch is thrown")
    max_drawdown: float = Field(0.3, gt=0, le=1, description="share of the highest equity; over it likewise")
    max_sigma: float = Field(0.0, ge=0, description="of one sample; over it nothing rests; 0 = no such limit")
    min_depth_base: float = Field(0.0, ge=0, description="base units a side within depth_band_bps; 0 = no such limit")
    depth_band_bps: float = Field(10.0, gt=0, le=10_000, description="how far from mid depth counts")
    collar_bps: float = Field(1_000.0, gt=0, le=10_000, description="furthest price from mid")
    orders_per_10s: int = Field(50, ge=1)
    orders_per_day: int = Field(100_000, ge=1)


class Wish(NamedTuple):
    """An order that the strategy wants to send; `takes` = it fills at once or is cancelled, and may cross mid.

    `takes_profit` = it rests at a price that follows from what was paid, wherever mid is by now.
    """

    side: int
    price_ticks: int
    qty_lots: int
    takes: bool = False
    takes_profit: bool = False


class Standing(NamedTuple):
    """What stands at the venue: the base held, our orders that rest or may rest, and those of others on the account."""

    base_lots: float = 0.0
    ours: Sequence[tuple[int, int, int]] = ()  # side, price in ticks, lots that may still fill
    others: Sequence[tuple[int, int]] = ()  # side, price in ticks


class Guard:
    """Say for each order why it may not go out, or let it."""

    def __init__(self, limits: Limits, atom: float) -> None:
        """Take the limits and what one tick times one lot is worth in quote units."""
        self._limits, self._atom = limits, atom
        self._sent: deque[int] = deque()
        self._day, self.orders_today = 0, 0

    def begin(self, day: int, orders_today: int) -> None:
        """Go on from what has been sent on a day (since the epoch, UTC) before a restart."""
        self._day, self.orders_today = day, orders_today

    def veto(self, now_ns: int, wish: Wish, mid_ticks: float, standing: Standing) -> str | None:
        """Return why an order is refused, None when it may go; then it counts as sent."""
        reason = (
            self._size(wish.price_ticks, wish.qty_lots)
            or self._price(wish, mid_ticks)
            or self._position(wish, standing)
            or self._number(now_ns, len(standing.ours), wish.takes)
            or (_self_trade(wish, standing) if wish.takes or standing.others else None)
        )
        if reason is None:
            self._sent.append(now_ns)
            self.orders_today += 1
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
        beyond_bps = (price - mid_ticks) * side / mid_ticks * 1e4
        # a take-profit that is far out waits; short of the touch in a wide book, mid may have passed it
        bps = beyond_bps if wish.takes_profit else abs(beyond_bps)
        if bps > self._limits.collar_bps:
            return f"collar: price was {bps:.0f} bps from mid, the limit is {self._limits.collar_bps:g}"
        # a post-only bid one tick under the ask may reach mid, never pass it
        if not (wish.takes or wish.takes_profit) and (price - mid_ticks) * side >= 1:
            return f"collar: a{' bid' if side == BUY else 'n ask'} at {price} ticks is beyond mid {mid_ticks:g}"
        return None

    def _position(self, wish: Wish, standing: Standing) -> str | None:
        """Judge the position as it would be with this order and all others of its side filled."""
        lots = wish.qty_lots + sum(left for side, _, left in standing.ours if side == wish.side)
        after = standing.base_lots + wish.side * lots
        value = abs(after) * wish.price_ticks * self._atom
        if abs(after) <= abs(standing.base_lots) or value <= self._limits.max_position:
            return None
        return f"position would be worth {value:.2f}, the limit is {self._limits.max_position:g}"

    def _number(self, now_ns: int, open_orders: int, takes: bool) -> str | None:
        while self._sent and self._sent[0] <= now_ns - WINDOW_NS:
            self._sent.popleft()
        if open_orders >= self._limits.max_open_orders and not takes:
            return f"open orders were {open_orders}, the limit is {self._limits.max_open_orders}"
        if len(self._sent) >= self._limits.orders_per_10s:
            return f"rate: {len(self._sent)} orders in 10 s, the limit is {self._limits.orders_per_10s}"
        if now_ns // DAY_NS != self._day:
            self._day, self.orders_today = now_ns // DAY_NS, 0
        if self.orders_today >= self._limits.orders_per_day:
            return f"rate: {self.orders_today} orders today, the limit is {self._limits.orders_per_day}"
        return None


def _self_trade(wish: Wish, standing: Standing) -> str | None:
    """Judge whether an order would meet another of this account: ours if it takes, somebody else's in any case."""
    resting = [(side, price) for side, price, _ in standing.ours if wish.takes] + list(standing.others)
    reached = [price for side, price in resting if side != wish.side and (wish.price_ticks - price) * wish.side >= 0]
    if not reached:
        return None
    kind = "ask" if wish.side == BUY else "bid"
    taker = "a taker" if wish.takes else "an order"
    return f"self-trade: {taker} at {wish.price_ticks} ticks reaches our own {kind} at {reached[0]}"

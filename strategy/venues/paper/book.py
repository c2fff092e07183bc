"""The matching core: a limit order book with real queues, price first, then time.

Prices are integer ticks, quantities integer lots, sides BUY and SELL. Rules:

- A taker meets the best opposite price first, and at one price the order that came first.
- A trade prints at the resting order's price.
- Self-trade prevention is EXPIRE_MAKER, the venue's default: when an account's order would meet the same account's
  resting order, the resting one expires untouched by any trade and the taker goes on. The crowd (owner 0) is many
  people and trades with itself.
- Every change of a level's size takes the next update id.
"""

from bisect import bisect_left, insort
from dataclasses import dataclass, field

from strategy.kernel.records import BUY, SELL

CROWD = 0


class Order:
    """A resting order; `leaves` is what is still open, 0 once it is gone."""

    __slots__ = ("leaves", "order_id", "owner", "price", "side")

    def __init__(self, order_id: int, owner: int, side: int, price: int, leaves: int) -> None:
        """Describe an order that is about to rest."""
        self.order_id = order_id
        self.owner = owner
        self.side = side
        self.price = price
        self.leaves = leaves


class Level:
    """The queue at one price, first come first; `total` is the sum of its leaves."""

    __slots__ = ("orders", "total")

    def __init__(self) -> None:
        """Start empty."""
        self.orders: dict[int, Order] = {}
        self.total = 0


@dataclass(frozen=True, slots=True)
class Match:
    """One execution: the resting order, its price and the quantity."""

    maker: Order
    price: int
    qty: int


@dataclass(slots=True)
class Taking:
    """The outcome of an aggressive order: its executions, own orders that expired on the way, and what is left."""

    leaves: int
    matches: list[Match] = field(default_factory=list)
    expired: list[Order] = field(default_factory=list)


class HalfBook:
    """One side. `keys` are prices signed so that the best is last; `changed` waits for the next depth diff."""

    __slots__ = ("changed", "keys", "levels", "sign", "update_id")

    def __init__(self, side: int) -> None:
        """Start empty on a side."""
        self.sign = side
        self.levels: dict[int, Level] = {}
        self.keys: list[int] = []
        self.changed: set[int] = set()
        self.update_id = 0

    @property
    def best(self) -> int:
        """Return the best price in ticks, 0 when the side is empty."""
        return self.keys[-1] * self.sign if self.keys else 0

    def add(self, order: Order) -> None:
        """Put an order at the end of its price's queue."""
        price = order.price
        level = self.levels.get(price)
        if level is None:
            level = self.levels[price] = Level()
            insort(self.keys, price * self.sign)
        level.orders[order.order_id] = order
        level.total += order.leaves
        self._touch(price)

    def remove(self, order: Order) -> None:
        """Take an order out of its queue; its `leaves` become 0."""
        level = self.levels[order.price]
        del level.orders[order.order_id]
        level.total -= order.leaves
        order.leaves = 0
        self._drop_if_empty(level, order.price)
        self._touch(order.price)

    def consume(self, order: Order, qty: int) -> None:
        """Execute part or all of a resting order."""
        level = self.levels[order.price]
        order.leaves -= qty
        level.total -= qty
        if order.leaves == 0:
            del level.orders[order.order_id]
            self._drop_if_empty(level, order.price)
        self._touch(order.price)

    def front(self) -> Order:
        """Return the order that trades next; the side must not be empty."""
        return next(iter(self.levels[self.best].orders.values()))

    def depth(self, limit: int) -> list[tuple[int, int]]:
        """Return up to `limit` (price, size) from the best on."""
        prices = (key * self.sign for key in reversed(self.keys[-limit:]))
        return [(price, self.levels[price].total) for price in prices]

    def size(self, price: int) -> int:
        """Return the size at a price, 0 where nothing rests."""
        level = self.levels.get(price)
        return level.total if level is not None else 0

    def _drop_if_empty(self, level: Level, price: int) -> None:
        if not level.orders:
            del self.levels[price]
            del self.keys[bisect_left(self.keys, price * self.sign)]

    def _touch(self, price: int) -> None:
        self.changed.add(price)
        self.update_id += 1


class Book:
    """Both sides of one symbol."""

    def __init__(self, first_update_id: int) -> None:
        """Start empty; update ids go on from `first_update_id`."""
        self.bids = HalfBook(BUY)
        self.asks = HalfBook(SELL)
        self._first_id = first_update_id

    @property
    def update_id(self) -> int:
        """Return the id of the last change."""
        return self._first_id + self.bids.update_id + self.asks.update_id

    def half(self, side: int) -> HalfBook:
        """Return the side on which orders of `side` rest."""
        return self.bids if side == BUY else self.asks

    def crosses(self, side: int, price: int) -> bool:
        """Say whether an order would trade at once."""
        opposite = self.half(-side)
        return bool(opposite.keys) and (price - opposite.best) * side >= 0

    def available(self, side: int, price: int, owner: int) -> int:
        """Return how many lots an order of `owner` could take at once within its limit."""
        total = 0
        opposite = self.half(-side)
        for key in reversed(opposite.keys):
            resting = key * opposite.sign
            if (price - resting) * side < 0:
                break
            orders = opposite.levels[resting].orders.values()
            total += sum(order.leaves for order in orders if owner == CROWD or order.owner != owner)
        return total

    def take(self, owner: int, side: int, limit: int, qty: int) -> Taking:
        """Match an aggressive order against the opposite side within its limit price."""
        opposite = self.half(-side)
        taking = Taking(qty)
        while taking.leaves > 0 and self.crosses(side, limit):
            maker = opposite.front()
            if owner != CROWD and maker.owner == owner:
                opposite.remove(maker)
                taking.expired.append(maker)
                continue
            traded = min(maker.leaves, taking.leaves)
            taking.matches.append(Match(maker, maker.price, traded))
            taking.leaves -= traded
            opposite.consume(maker, traded)
        return taking

    def rest(self, order: Order) -> None:
        """Let an order rest; it must not cross."""
        self.half(order.side).add(order)

    def cancel(self, order: Order) -> None:
        """Take a resting order out."""
        self.half(order.side).remove(order)

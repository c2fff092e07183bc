"""Matching with consequences: the book, the clock, ids, the public tape and who must hear of a fill.

`now_ns` is set by whoever drives the market, so the same code runs on a wall clock and on a simulated one. Ids start
from the clock (update ids from microseconds, trade and order ids from milliseconds), so a restart never uses one twice.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from strategy.venues.paper.book import CROWD, Book, Match, Order

TAPE_LENGTH = 1_000


@dataclass(frozen=True, slots=True)
class Print:
    """One public trade; `side` is the aggressor's."""

    trade_id: int
    price: int
    qty: int
    side: int
    at_ns: int


@dataclass(frozen=True, slots=True)
class Execution:
    """One trade between a taker and a resting order."""

    public: Print
    maker: Order


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an aggressive order did."""

    leaves: int
    executions: list[Execution]
    expired: list[Order]


class Engine:
    """The book with its clock and tape. `on_print` hears every trade, `on_maker` those that hit an account's order."""

    def __init__(self, now_ns: int, ids_ns: int = 0) -> None:
        """Start an empty market at a moment; ids go on from a later one when the clock has been set back since."""
        ids_ns = max(now_ns, ids_ns)
        self.book = Book(ids_ns // 1_000)
        self.now_ns = now_ns
        self.tape: deque[Print] = deque(maxlen=TAPE_LENGTH)
        self.on_print: list[Callable[[Print], None]] = []
        self.on_maker: Callable[[Execution], None] | None = None
        self._trade_id = self._order_id = ids_ns // 1_000_000

    @property
    def last_trade_id(self) -> int:
        """Return the id of the last trade."""
        return self._trade_id

    @property
    def ids_ns(self) -> int:
        """Return a moment from which a successor's ids may start without using one twice."""
        return max(1_000 * self.book.update_id, 1_000_000 * (max(self._trade_id, self._order_id) + 1))

    def next_order_id(self) -> int:
        """Return an order id that was never given before."""
        self._order_id += 1
        return self._order_id

    def take(self, owner: int, side: int, limit: int, qty: int) -> Outcome:
        """Match an aggressive order and tell the tape and the resting side of each trade."""
        leaves, executions, expired = qty, list[Execution](), list[Order]()
        while leaves > 0 and self.book.crosses(side, limit):
            # the crowd meets one order after the other: the account may change its own once it hears of a trade
            front = self.book.half(-side).front()
            taking = self.book.take(owner, side, limit, min(leaves, front.leaves) if owner == CROWD else leaves)
            expired += taking.expired
            executions += [self._execute(side, match) for match in taking.matches]
            leaves -= sum(match.qty for match in taking.matches)
        return Outcome(leaves, executions, expired)

    def take_recorded(self, side: int, price: int, qty: int) -> None:
        """Match an order that is known to have traded at a price; what it took from the crowd is one trade."""
        leaves, unprinted = qty, qty
        while leaves > 0 and self.book.crosses(side, price):
            front = self.book.half(-side).front()
            for match in self.book.take(CROWD, side, price, min(leaves, front.leaves)).matches:
                leaves -= match.qty
                if match.maker.owner != CROWD:
                    unprinted -= self._execute(side, match).public.qty
        if unprinted:
            self._print(side, price, unprinted)

    def _execute(self, side: int, match: Match) -> Execution:
        execution = Execution(self._print(side, match.price, match.qty), match.maker)
        if match.maker.owner != CROWD and self.on_maker is not None:
            self.on_maker(execution)
        return execution

    def _print(self, side: int, price: int, qty: int) -> Print:
        """Tell the tape of one trade and return it."""
        self._trade_id += 1
        public = Print(self._trade_id, price, qty, side, self.now_ns)
        self.tape.append(public)
        for hear in self.on_print:
            hear(public)
        return public

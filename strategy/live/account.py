"""The account under a session: what it should hold, what others have resting there, and what may be added to it."""

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import structlog

from strategy.kernel.records import TAKE_PROFIT
from strategy.live.books import Books, Executed
from strategy.live.desk import LiveOrder
from strategy.live.guard import Guard, Standing, Wish
from strategy.live.session_start import SessionStart
from strategy.policies.packing import atom_size
from strategy.venues.ports import Balance, OwnFill

log = structlog.get_logger("account")


class Account:
    """Books and guard of one session; whatever changes the holdings from outside comes in here."""

    def __init__(
        self, start: SessionStart, tell: Callable[[Balance], None], transferred: Callable[[float, float], None]
    ) -> None:
        """Begin with the session; `tell` gets the holdings when they are others, `transferred` what came in besides."""
        self._tell, self._transferred = tell, transferred
        self.books = Books(start.document.instrument, start.balance)
        self.guard = Guard(start.limits, float(atom_size(start.document.instrument)))
        self.foreign_orders: Sequence[tuple[int, int]] = ()  # side and price in ticks of what others have resting here

    def transfer(self, base_lots: Decimal, quote_atoms: Decimal, reason: str) -> None:
        """Take what came into the account (negative: went out) other than by an order of this session."""
        log.warning("holdings changed from outside", base_lots=base_lots, quote_atoms=quote_atoms, reason=reason)
        self.books.transfer(base_lots, quote_atoms)
        self._transferred(float(base_lots), float(quote_atoms))
        self._tell(self.books.balance())

    def outside_fill(self, fill: OwnFill) -> None:
        """Book an execution that is not of this session's orders."""
        change = Executed()
        change.add(fill)
        self.transfer(change.base_lots, change.quote_atoms, f"execution {fill.trade_id} of {fill.client_id!r}")

    def begin(self, balance: Balance) -> None:
        """Take the holdings for what they are and count from here on."""
        self.books.begin(balance)
        self._tell(balance)

    def differences(self, believed: Mapping[str, float]) -> list[str]:
        """Return where the strategy believes to hold other than the books say; it counts in floats."""
        books = self.books.balance()
        pairs = ((name, believed[name], getattr(books, name)) for name in ("base_lots", "quote_atoms"))
        return [
            f"the strategy's {name}: {held}, the books' {kept}, off by {held - kept:+g}"
            for name, held, kept in pairs
            if not math.isclose(held, kept, rel_tol=1e-9, abs_tol=1e-3)
        ]

    def veto(self, now_ns: int, order: LiveOrder, live: Sequence[LiveOrder]) -> str | None:
        """Return why the guard keeps an order from going out beside those that live, None when it may."""
        takes, takes_profit = order.kind == "ioc", order.purpose == TAKE_PROFIT
        wish = Wish(order.side, order.price_ticks, order.qty_lots, takes, takes_profit)
        ours = [(each.side, each.price_ticks, each.qty_lots - each.filled_lots) for each in live]
        standing = Standing(float(self.books.base_lots), ours, self.foreign_orders)
        return self.guard.veto(now_ns, wish, order.mid_ticks, standing)

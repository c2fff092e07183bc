"""The account's order desk: places, cancels and finds own orders, settles their fills, and tells the user stream."""

from collections import deque
from collections.abc import Callable
from typing import Any

from strategy.kernel.records import BUY
from strategy.venues.paper.accounts import Account
from strategy.venues.paper.book import Order
from strategy.venues.paper.engine import Engine, Execution, Print
from strategy.venues.paper.filters import Filters
from strategy.venues.paper.orders import OwnOrder, OwnTrade, Status, Ticket
from strategy.venues.paper.refusals import (
    duplicate_order,
    insufficient_balance,
    no_such_order,
    unknown_order,
    would_take,
)
from strategy.venues.paper.reports import Reports

OWNER = 1
KEPT = 20_000
UserEvent = dict[str, Any]


class Desk:
    """Own orders of the one account. Every call happens at the engine's present moment."""

    def __init__(self, engine: Engine, account: Account, filters: Filters, reports: Reports) -> None:
        """Open the desk; `on_user_event` may be set to hear the user stream."""
        self.filters = filters
        self.orders: dict[int, OwnOrder] = {}
        self.trades: deque[OwnTrade] = deque(maxlen=KEPT)
        self.on_user_event: Callable[[UserEvent], None] | None = None
        self._engine, self._account, self._reports = engine, account, reports
        self._open: dict[int, OwnOrder] = {}
        engine.on_maker = self._maker_filled

    def last_price(self) -> int:
        """Return the last trade's price in ticks, or the middle of the book before any trade."""
        if self._engine.tape:
            return self._engine.tape[-1].price
        return (self._engine.book.bids.best + self._engine.book.asks.best) // 2

    def open_orders(self) -> list[OwnOrder]:
        """Return what rests, oldest first."""
        return list(self._open.values())

    def find(self, order_id: int | None, client_id: str | None) -> OwnOrder:
        """Return an order by either id, the newest with that client id; refuse with -2013."""
        if order_id is not None and order_id in self.orders:
            return self.orders[order_id]
        if order_id is None:
            for order in reversed(self.orders.values()):
                if order.ticket.client_id == client_id:
                    return order
        raise no_such_order()

    def place(self, ticket: Ticket) -> OwnOrder:
        """Accept, match and perhaps rest an order; refuse it with the venue's code and no effect."""
        self.check(ticket)
        now_ns = self._engine.now_ns
        order = OwnOrder(self._engine.next_order_id(), ticket, now_ns, now_ns)
        self._remember(order)
        self._account.pays_with(ticket.side).lock(self._locked(order, order.leaves))
        self._tell(self._reports.execution(order, "NEW", now_ns))
        if ticket.time_in_force == "FOK" and self._takable(ticket) < ticket.qty:
            self._end(order, "EXPIRED")
        else:
            self._match(order)
        self._tell_account()
        return order

    def check(self, ticket: Ticket) -> None:
        """Refuse what place would refuse."""
        self.filters.check_notional(ticket.price or self.last_price(), ticket.qty)
        self.filters.check_count(len(self._open))
        if any(order.ticket.client_id == ticket.client_id for order in self._open.values()):
            raise duplicate_order()
        if self._price_of(ticket) > self._account.pays_with(ticket.side).free:
            raise insufficient_balance()
        if ticket.kind == "LIMIT_MAKER" and self._engine.book.crosses(ticket.side, ticket.price):
            raise would_take()

    def cancel(self, order_id: int | None, client_id: str | None, cancel_id: str) -> OwnOrder:
        """Cancel an open order by either id; refuse with -2011."""
        for order in self._open.values():
            if order.order_id == order_id or (order_id is None and order.ticket.client_id == client_id):
                self._cancel(order, cancel_id)
                self._tell_account()
                return order
        raise unknown_order()

    def cancel_all(self, new_cancel_id: Callable[[], str]) -> list[OwnOrder]:
        """Cancel everything that rests; refuse with -2011 when nothing does."""
        orders = self.open_orders()
        if not orders:
            raise unknown_order()
        for order in orders:
            self._cancel(order, new_cancel_id())
        self._tell_account()
        return orders

    def deposit(self, asset: str, amount_units: int) -> None:
        """Move free money in or out; raises ValueError for an asset that is not held or more than is free."""
        holding = next((held for held in (self._account.base, self._account.quote) if held.asset == asset), None)
        if holding is None or holding.free + amount_units < 0:
            raise ValueError(f"{asset} cannot change by {amount_units}e-8")
        holding.free += amount_units
        self._tell(self._reports.balance_update(holding, amount_units, self._engine.now_ns))

    def _cancel(self, order: OwnOrder, cancel_id: str) -> None:
        order.cancel_id = cancel_id
        if order.resting is not None:
            self._engine.book.cancel(order.resting)
        self._end(order, "CANCELED")

    def _match(self, order: OwnOrder) -> None:
        ticket, engine = order.ticket, self._engine
        limit = ticket.price or (2**62 if ticket.side == BUY else 1)
        outcome = engine.take(OWNER, ticket.side, limit, ticket.qty)
        for resting in outcome.expired:
            self._end(self.orders[resting.order_id], "EXPIRED_IN_MATCH")
        for execution in outcome.executions:
            self._fill(order, execution.public, maker=False)
        if order.leaves == 0:
            return
        if ticket.kind == "MARKET" or ticket.time_in_force != "GTC":
            self._end(order, "EXPIRED")
            return
        order.resting = Order(order.order_id, OWNER, ticket.side, ticket.price, order.leaves)
        engine.book.rest(order.resting)

    def _maker_filled(self, execution: Execution) -> None:
        self._fill(self.orders[execution.maker.order_id], execution.public, maker=True)
        self._tell_account()

    def _fill(self, order: OwnOrder, public: Print, maker: bool) -> None:
        account, side = self._account, order.ticket.side
        locked = self._locked(order, public.qty)
        commission = account.settle(side, public.price, public.qty, maker, locked)
        trade = OwnTrade(
            trade_id=public.trade_id,
            order_id=order.order_id,
            side=side,
            price=public.price,
            qty=public.qty,
            quote_units=account.cost(BUY, public.price, public.qty),
            commission_units=commission,
            commission_asset=account.pays_with(-side).asset,
            maker=maker,
            at_ns=public.at_ns,
        )
        order.fill(trade)
        self.trades.append(trade)
        if order.leaves == 0:
            self._open.pop(order.order_id, None)
        self._tell(self._reports.execution(order, "TRADE", public.at_ns, trade))

    def _end(self, order: OwnOrder, status: Status) -> None:
        self._account.pays_with(order.ticket.side).release(self._locked(order, order.leaves))
        order.end(status, self._engine.now_ns)
        self._open.pop(order.order_id, None)
        kind = "CANCELED" if status == "CANCELED" else "TRADE_PREVENTION" if status == "EXPIRED_IN_MATCH" else "EXPIRED"
        self._tell(self._reports.execution(order, kind, self._engine.now_ns))

    def _locked(self, order: OwnOrder, qty: int) -> int:
        """Return what is set aside for a quantity: a MARKET order pays from free funds as it goes."""
        if order.ticket.kind == "MARKET":
            return 0
        return self._account.cost(order.ticket.side, order.ticket.price, qty)

    def _price_of(self, ticket: Ticket) -> int:
        """Return the most that an order can spend, in the units of the asset it pays with."""
        if ticket.kind != "MARKET" or ticket.side != BUY:
            return self._account.cost(ticket.side, ticket.price, ticket.qty)
        return self._market_cost(ticket.qty)

    def _market_cost(self, qty: int) -> int:
        asks, cost = self._engine.book.asks, 0
        for price, _ in asks.depth(len(asks.keys)):
            resting = asks.levels[price].orders.values()
            lots = min(qty, sum(order.leaves for order in resting if order.owner != OWNER))
            cost += self._account.cost(BUY, price, lots)
            qty -= lots
        return cost

    def _takable(self, ticket: Ticket) -> int:
        return self._engine.book.available(ticket.side, ticket.price, OWNER)

    def _remember(self, order: OwnOrder) -> None:
        self.orders[order.order_id] = self._open[order.order_id] = order
        if len(self.orders) > KEPT:
            oldest = next(key for key, kept in self.orders.items() if not kept.is_open)
            del self.orders[oldest]

    def _tell_account(self) -> None:
        self._tell(self._reports.position(self._account, self._engine.now_ns))

    def _tell(self, event: UserEvent) -> None:
        if self.on_user_event is not None:
            self.on_user_event(event)

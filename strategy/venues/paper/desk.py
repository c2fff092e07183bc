"""The account's order desk: places, cancels and finds own orders, settles their fills, and tells the user stream."""

from collections import deque
from collections.abc import Callable
from typing import Any

from strategy.kernel.records import BUY
from strategy.venues.paper.accounts import Ledger
from strategy.venues.paper.book import Order
from strategy.venues.paper.engine import Engine, Execution, Print
from strategy.venues.paper.filters import Filters
from strategy.venues.paper.orders import OwnOrder, OwnTrade, Status, Ticket
from strategy.venues.paper.refusals import (
    duplicate_order,
    no_such_order,
    not_as_maker,
    nothing_to_reduce,
    unknown_order,
    would_take,
)
from strategy.venues.paper.reports import Reports

OWNER = 1
KEPT = 20_000
UserEvent = dict[str, Any]


class Desk:
    """Own orders of the one account. Every call happens at the engine's present moment."""

    def __init__(self, engine: Engine, account: Ledger, filters: Filters, reports: Reports) -> None:
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
        self._account.lock(ticket, order.leaves)
        self._tell(self._reports.execution(order, "NEW", now_ns))
        if ticket.time_in_force == "FOK" and self._takable(ticket) < ticket.qty:
            self._end(order, "EXPIRED")
        else:
            self._match(order)
        self._tell_account()
        return order

    def check(self, ticket: Ticket) -> None:
        """Refuse what place would refuse."""
        if not ticket.reduce_only:
            self.filters.check_notional(ticket.price or self.last_price(), ticket.qty)
        self.filters.check_count(len(self._open))
        if any(order.ticket.client_id == ticket.client_id for order in self._open.values()):
            raise duplicate_order()
        self._account.check(ticket, self._worth(ticket))
        if ticket.reduce_only and self._room(ticket) <= 0:
            raise nothing_to_reduce()
        if self._engine.book.crosses(ticket.side, ticket.price):
            if ticket.kind == "LIMIT_MAKER":
                raise would_take()
            if ticket.time_in_force == "GTX":
                raise not_as_maker()

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
        holding = self._account.deposit(asset, amount_units)
        self._tell(self._reports.balance_update(holding, amount_units, self._engine.now_ns))

    def _cancel(self, order: OwnOrder, cancel_id: str) -> None:
        order.cancel_id = cancel_id
        if order.resting is not None:
            self._engine.book.cancel(order.resting)
        self._end(order, "CANCELED")

    def _match(self, order: OwnOrder) -> None:
        ticket, engine = order.ticket, self._engine
        limit = ticket.price or (2**62 if ticket.side == BUY else 1)
        outcome = engine.take(OWNER, ticket.side, limit, min(ticket.qty, self._room(ticket)))
        for resting in outcome.expired:
            self._end(self.orders[resting.order_id], "EXPIRED_IN_MATCH")
        for execution in outcome.executions:
            self._fill(order, execution.public, maker=False)
        room = min(order.leaves, self._room(ticket))
        if order.leaves and (room == 0 or ticket.kind == "MARKET" or ticket.time_in_force in ("IOC", "FOK")):
            self._end(order, "EXPIRED")
        elif order.leaves:
            order.resting = Order(order.order_id, OWNER, ticket.side, ticket.price, room)
            engine.book.rest(order.resting)
        self._trim()

    def _room(self, ticket: Ticket) -> int:
        """Return how many lots an order may execute: one that only reduces, what no other such order is to close."""
        if not ticket.reduce_only:
            return ticket.qty
        others = sum(
            order.resting.leaves
            for order in self._open.values()
            if order.resting and order.ticket.reduce_only and _closes_the_same(order.ticket, ticket)
        )
        return self._account.closable(ticket) - others

    def _trim(self) -> None:
        """Cut orders that only reduce down to what is left to close, the newest first."""
        left: dict[tuple[str, int], int] = {}
        for order in self.open_orders():
            ticket, resting = order.ticket, order.resting
            if resting is None or not ticket.reduce_only:
                continue
            closing = (ticket.position_side, ticket.side)
            keeps = min(resting.leaves, left.get(closing, self._account.closable(ticket)))
            left[closing] = left.get(closing, self._account.closable(ticket)) - keeps
            if keeps < resting.leaves:
                self._engine.book.half(ticket.side).consume(resting, resting.leaves - keeps)
            if keeps == 0:
                self._end(order, "EXPIRED")

    def _maker_filled(self, execution: Execution) -> None:
        self._fill(self.orders[execution.maker.order_id], execution.public, maker=True)
        self._trim()
        self._tell_account()

    def _fill(self, order: OwnOrder, public: Print, maker: bool) -> None:
        ticket = order.ticket
        settled = self._account.settle(ticket, public.price, public.qty, maker)
        trade = OwnTrade(
            trade_id=public.trade_id,
            order_id=order.order_id,
            side=ticket.side,
            price=public.price,
            qty=public.qty,
            quote_units=self.filters.grid.quote_units(public.price, public.qty),
            commission_units=settled.commission_units,
            commission_asset=settled.commission_asset,
            maker=maker,
            at_ns=public.at_ns,
            realized_units=settled.realized_units,
            position_side=ticket.position_side,
        )
        order.fill(trade)
        self.trades.append(trade)
        if order.leaves == 0:
            self._open.pop(order.order_id, None)
        self._tell(self._reports.execution(order, "TRADE", public.at_ns, trade))

    def _end(self, order: OwnOrder, status: Status) -> None:
        self._account.release(order.ticket, order.leaves)
        order.end(status, self._engine.now_ns)
        self._open.pop(order.order_id, None)
        kind = "CANCELED" if status == "CANCELED" else "TRADE_PREVENTION" if status == "EXPIRED_IN_MATCH" else "EXPIRED"
        self._tell(self._reports.execution(order, kind, self._engine.now_ns))

    def _worth(self, ticket: Ticket) -> int:
        """Return what an order is worth in quote units: at its price, or at those that it would meet."""
        grid = self.filters.grid
        if ticket.kind != "MARKET":
            return grid.quote_units(ticket.price, ticket.qty)
        opposite, qty, worth = self._engine.book.half(-ticket.side), ticket.qty, 0
        for price, _ in opposite.depth(len(opposite.keys)):
            resting = opposite.levels[price].orders.values()
            lots = min(qty, sum(order.leaves for order in resting if order.owner != OWNER))
            worth += grid.quote_units(price, lots)
            qty -= lots
        return worth

    def _takable(self, ticket: Ticket) -> int:
        return self._engine.book.available(ticket.side, ticket.price, OWNER)

    def _remember(self, order: OwnOrder) -> None:
        self.orders[order.order_id] = self._open[order.order_id] = order
        if len(self.orders) > KEPT:
            oldest = next(key for key, kept in self.orders.items() if not kept.is_open)
            del self.orders[oldest]

    def _tell_account(self) -> None:
        event = self._reports.position(self._account, self._engine.now_ns)
        if event is not None:
            self._tell(event)

    def _tell(self, event: UserEvent) -> None:
        if self.on_user_event is not None:
            self.on_user_event(event)


def _closes_the_same(one: Ticket, other: Ticket) -> bool:
    return (one.position_side, one.side) == (other.position_side, other.side)

"""Orders on a simulated exchange, behind the same port as those of a real venue."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from strategy.errors import OrderRejected
from strategy.kernel.records import ACK, FILL, REJECT, REJECT_OTHER, REJECT_POST_ONLY
from strategy.live.alarm import Alarm
from strategy.live.simulation.account import SimulatedAccount
from strategy.live.simulation.assumptions import Assumptions
from strategy.live.simulation.exchange import CAPACITY, SimulatedExchange
from strategy.policies.document import Instrument
from strategy.venues.later import Later
from strategy.venues.ports import (
    Balance,
    OrderReport,
    OrderRequest,
    OrderStatus,
    OwnEvent,
    OwnFill,
    StreamReset,
    missing,
)

_KEPT: Final = 10_000  # orders that can be asked about
_PAGE: Final = 1_000


@dataclass(slots=True)
class _Order:
    """One order as far as we have heard; `told` is set with its first answer, `over` with its end."""

    request: OrderRequest
    filled_lots: int = 0
    status: OrderStatus | None = None  # None = nothing heard yet
    exch_ts: int = 0
    code: int = 0
    fills: list[OwnFill] = field(default_factory=list)
    told: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def report(self) -> OrderReport:
        """Return what the venue would say of it."""
        asked = self.request
        size = (asked.side, asked.price_ticks, asked.qty_lots, self.filled_lots)
        return OrderReport(asked.client_id, self.status or "missing", *size, self.exch_ts, tuple(self.fills))

    def become(self, status: OrderStatus, exch_ts: int) -> None:
        """Take an answer."""
        self.status, self.exch_ts = status, exch_ts
        self.told.set()
        if status != "open":
            self.over.set()


@dataclass(slots=True)
class _Opened:
    """What there is once the symbol's filters are known."""

    instrument: Instrument
    exchange: SimulatedExchange
    account: SimulatedAccount


class SimulatedBroker:
    """Broker that sends nothing. See `strategy.venues.ports.Broker`."""

    def __init__(
        self,
        instrument: Callable[[], Awaitable[Instrument]],
        folder: Path,
        assumptions: Assumptions,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        """Prepare; `instrument` is asked once, the account lies in `folder`."""
        self._ask_instrument, self._folder, self._assumptions, self._now = instrument, folder, assumptions, now
        self._opening = asyncio.Lock()
        self._opened: _Opened | None = None
        self._orders: dict[str, _Order] = {}
        self._numbers: dict[int, _Order] = {}  # of orders that are not over
        self._events: asyncio.Queue[OwnEvent | Exception | None] = asyncio.Queue()
        self._alarm = Alarm(self._wake, self._events.put_nowait, now)

    async def instrument(self) -> Instrument:
        """Return the symbol's filters."""
        return (await self._open()).instrument

    def frame(self, local_ns: int, payload: bytes) -> None:
        """Take one frame of the market."""
        if self._opened is not None:
            self._opened.exchange.frame(local_ns, payload)
            self._pump(self._opened)

    def place(self, request: OrderRequest) -> Later[OrderReport]:
        """Send one order when awaited; an `ioc` is reported when it is over."""
        return Later(partial(self._place, request))

    async def _place(self, request: OrderRequest) -> OrderReport:
        opened = await self._open()
        if request.client_id in self._orders:
            raise OrderRejected(f"order {request.client_id}: there is one already", REJECT_OTHER)
        if opened.exchange.crowded:
            raise OrderRejected(f"order {request.client_id}: {CAPACITY} orders rest or are under way", REJECT_OTHER)
        order = self._orders[request.client_id] = _Order(request)
        self._numbers[opened.exchange.place(request)] = order
        self._forget_oldest()
        self._pump(opened)
        await (order.over if request.kind == "ioc" else order.told).wait()
        if order.status == "rejected":
            why = "it would take" if order.code == REJECT_POST_ONLY else "the book is unknown"
            raise OrderRejected(f"order {request.client_id}: {why}", order.code)
        return order.report()

    async def cancel(self, client_id: str) -> OrderReport:
        """Cancel one order; its end comes by the cancel, or by whatever was faster."""
        opened, order = await self._open(), self._orders.get(client_id)
        if order is None or order.over.is_set():
            return missing(client_id)
        number = next(each for each, held in self._numbers.items() if held is order)
        opened.exchange.cancel(number)
        self._pump(opened)
        await order.over.wait()
        return order.report()

    async def cancel_all(self) -> int:
        """Cancel everything that rests."""
        resting = await self.open_orders()
        await asyncio.gather(*(self.cancel(each.client_id) for each in resting))
        return len(resting)

    async def order(self, client_id: str) -> OrderReport:
        """Return what is known of one order."""
        order = self._orders.get(client_id)
        if order is None:
            return missing(client_id)
        await order.told.wait()
        return order.report()

    async def open_orders(self) -> list[OrderReport]:
        """Return every order that rests as far as we have heard."""
        return [order.report() for order in self._numbers.values() if order.status == "open"]

    async def fills(self, since_trade_id: int) -> list[OwnFill]:
        """Return the account's executions after a trade id; for a negative one the newest alone."""
        fills = (await self._open()).account.fills
        return fills[-_PAGE:] if since_trade_id < 0 else [each for each in fills if each.trade_id > since_trade_id]

    async def balance(self) -> Balance:
        """Return the account's holdings."""
        return (await self._open()).account.balance

    async def own_events(self) -> AsyncIterator[OwnEvent]:
        """Yield news for ever; there is no connection that could be lost."""
        yield StreamReset("simulated")
        while (event := await self._events.get()) is not None:
            if isinstance(event, Exception):
                raise event
            yield event

    def renew_stream(self, reason: str) -> None:
        """Begin the news anew."""
        self._events.put_nowait(StreamReset(reason))

    async def rehearsal(self) -> None:
        """Return nothing: no order leaves the process."""

    async def close(self) -> None:
        """End."""
        self._alarm.cancel()
        self._events.put_nowait(None)

    async def _open(self) -> _Opened:
        async with self._opening:
            if self._opened is None:
                instrument, assumed = await self._ask_instrument(), self._assumptions
                account = SimulatedAccount(self._folder, instrument, assumed.base, assumed.quote, self._now())
                exchange = SimulatedExchange(instrument, assumed, self._now)
                exchange.begin_after(account.last_trade_id)
                self._opened = _Opened(instrument, exchange, account)
        return self._opened

    def _pump(self, opened: _Opened) -> None:
        """Take the answers that are due, and come back when the next one is."""
        for answer in opened.exchange.answers():
            self._hear(opened.account, answer)
        self._alarm.set(opened.exchange.due_ns)

    def _wake(self) -> None:
        if self._opened is not None:
            self._pump(self._opened)

    def _hear(self, account: SimulatedAccount, answer: np.void) -> None:
        """Take one answer: what the exchange says of an order, or of an execution."""
        kind, number, exch_ts = int(answer["kind"]), int(answer["order_id"]), int(answer["exch_ts"])
        order = self._numbers[number]
        if kind == REJECT:
            order.code = int(answer["code"])
            order.become("rejected", exch_ts)
        elif kind == FILL:
            self._execute(account, order, answer)
        else:
            order.become("open" if kind == ACK else "cancelled", exch_ts)
        if order.over.is_set():
            del self._numbers[number]
        if kind not in (REJECT, FILL) or order.status == "filled":
            self._events.put_nowait(order.report())

    def _execute(self, account: SimulatedAccount, order: _Order, answer: np.void) -> None:
        fill = OwnFill(
            trade_id=int(answer["code"]),
            client_id=order.request.client_id,
            side=order.request.side,
            price_ticks=int(answer["price_ticks"]),
            qty_lots=int(answer["qty_lots"]),
            leaves_lots=int(answer["leaves_lots"]),
            fee_base_lots=0.0,
            fee_quote_atoms=float(answer["fee_quote_atoms"]),
            maker=order.request.kind == "post_only",
            exch_ts=int(answer["exch_ts"]),
        )
        account.add(self._now(), fill)
        order.fills.append(fill)
        order.filled_lots += fill.qty_lots
        self._events.put_nowait(fill)
        if fill.leaves_lots == 0:
            order.become("filled", fill.exch_ts)

    def _forget_oldest(self) -> None:
        while len(self._orders) > _KEPT:
            oldest = next(iter(self._orders.values()))
            if not oldest.over.is_set():
                return
            del self._orders[oldest.request.client_id]

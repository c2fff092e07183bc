"""Orders of one symbol over ccxt: REST to act, the user stream to hear.

Requests go out as exact decimal strings made from ticks and lots. A request whose outcome is not certain raises
OutcomeUnknown, never a rejection.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from functools import partial
from typing import Any, Final

import ccxt.pro
import orjson
import structlog

from strategy.errors import OrderRejected, OutcomeUnknown, VenueError
from strategy.policies.document import Instrument
from strategy.venues import ccxt_user_stream, wire
from strategy.venues.account_questions import refuse_unfit_margin
from strategy.venues.budget import Budget
from strategy.venues.ccxt_user_stream import ListenKeyStream, UserStream
from strategy.venues.ccxt_venue import (
    is_unknown_order,
    json_alone,
    open_exchange,
    redacted,
    translated,
    venue_code,
)
from strategy.venues.dead_man import DeadMan
from strategy.venues.ending import end_tasks
from strategy.venues.endpoints import COUNTDOWN, Endpoint, endpoints
from strategy.venues.events import InstrumentInfo
from strategy.venues.futures_orders import FuturesOrderReader
from strategy.venues.later import Later
from strategy.venues.order_door import OrderDoor
from strategy.venues.order_sender import OrderSender, order_name
from strategy.venues.own_orders import OrderReader
from strategy.venues.ports import Balance, OrderReport, OrderRequest, OwnEvent, OwnFill, missing
from strategy.venues.rehearsal_orders import RehearsalOrders
from strategy.venues.replies import read, rows
from strategy.venues.settings import VenueConfig
from strategy.venues.units import Units

log = structlog.get_logger("broker")

_PAGE: Final = 1000
_FEW_LEVELS: Final = 5
_CLOCK_CODE: Final = -1021
_ORDERS_KEPT: Final = 2_000


class CcxtBroker:
    """Broker over ccxt. See `strategy.venues.ports.Broker`."""

    def __init__(self, config: VenueConfig) -> None:
        """Prepare; the first call opens the connection."""
        self._config, self._endpoints = config, endpoints(config)
        self._exchange: Any = None
        self._door: OrderDoor | None = None
        self._instrument: Instrument | None = None
        self._reader: OrderReader | None = None
        self._sender: OrderSender | None = None
        self._budget = Budget(self._venue_seconds)
        self._opening = asyncio.Lock()
        self._client_ids: dict[str, str] = {}  # venue's order id -> ours; REST executions name only the venue's
        self._events: asyncio.Queue[OwnEvent | None] = asyncio.Queue()
        self._stream: UserStream | None = None
        self._runners: list[asyncio.Task[None]] = []
        self._dead_man = DeadMan(self._count_down)
        self._fit = not config.is_futures  # spot has neither margin nor positions that could be unfit

    async def instrument(self) -> Instrument:
        """Return the symbol's filters."""
        await self._open()
        assert self._instrument is not None
        return self._instrument

    def place(self, request: OrderRequest) -> Awaitable[OrderReport]:
        """Send one order that rests or one that takes; OrderRejected when it would break a rate limit.

        Once the connection is open it leaves in this very call; whatever goes wrong is raised when awaited.
        """
        sent = None if self._sender is None else self._sender.send(request)
        return Later(partial(self._placed, request, sent))

    async def _placed(self, request: OrderRequest, sent: Awaitable[Any] | OrderRejected | None) -> OrderReport:
        reader, sender = await self._open()
        sent = sent or sender.send(request)
        if isinstance(sent, OrderRejected):
            raise sent
        return self._report(reader, await self._call(sent, order_name(request)), request.client_id, order_name(request))

    async def cancel(self, client_id: str) -> OrderReport:
        """Cancel one order, before anything else that waits to be asked."""
        reader, _ = await self._open()
        reply = await self._act(self._endpoints.cancel, f"cancel {client_id}", {"origClientOrderId": client_id})
        return missing(client_id) if reply is None else read(lambda: reader.report(reply, client_id), "cancel")

    async def cancel_all(self) -> int:
        """Cancel every open order on the symbol."""
        resting = len(await self.open_orders())
        await self._act(self._endpoints.cancel_all, "cancel all", {})
        return resting

    async def order(self, client_id: str) -> OrderReport:
        """Ask about one order; `missing` when the venue knows none."""
        reader, _ = await self._open()
        what = f"query {client_id}"
        reply = await self.ask(self._endpoints.order, what, self._symbol | {"origClientOrderId": client_id})
        return missing(client_id) if reply is None else self._report(reader, reply, client_id, what)

    async def open_orders(self) -> list[OrderReport]:
        """Return every open order on the symbol."""
        reader, _ = await self._open()
        what = "open orders"
        found = rows(await self.ask(self._endpoints.open_orders, what, self._symbol), what)
        return [self._report(reader, row, _client_id(row, what), what) for row in found]

    async def fills(self, since_trade_id: int) -> list[OwnFill]:
        """Return our executions after a trade id; a negative id asks for the newest page alone, without client ids."""
        reader, _ = await self._open()
        found: list[OwnFill] = []
        while True:
            since = {"fromId": since_trade_id + 1} if since_trade_id >= 0 else {}
            query = self._symbol | {"limit": _PAGE} | since
            page = rows(await self.ask(self._endpoints.executions, "executions", query), "executions")
            found += await self._executions(reader, page, named=since_trade_id >= 0)
            if len(page) < _PAGE or since_trade_id < 0:
                return found
            since_trade_id = found[-1].trade_id

    async def balance(self) -> Balance:
        """Return the account's total holdings in base and quote; BadInput when a futures account is unfit."""
        reader, _ = await self._open()
        if not self._fit:
            await refuse_unfit_margin(self, self._config)
            self._fit = True
        reply = await self.ask(self._endpoints.account, "account", {})
        return read(lambda: reader.balance(reply), "account")

    async def mid(self) -> float:
        """Return the middle of the best prices, quote units."""
        await self._open()
        what = f"best prices of {self._config.market_id}"
        query = self._symbol | {"limit": _FEW_LEVELS}
        reply = await self._call(self._endpoints.depth.of(self._exchange)(query), what)
        return read(lambda: (float(reply["bids"][0][0]) + float(reply["asks"][0][0])) / 2, what)

    async def ask(self, endpoint: Endpoint, what: str, query: dict[str, Any]) -> Any:
        """Return the reply to a question, which waits for the venue's limits; None = it knows no such order."""
        await self._open()
        await self._budget.ask(endpoint.weight)
        return await self._call(endpoint.of(self._exchange)(query), what)

    async def _act(self, endpoint: Endpoint, what: str, query: dict[str, Any]) -> Any:
        """Return the reply to a request that takes orders away, which waits for nothing but a ban's end."""
        await self._open()
        await self._budget.cancel(endpoint.weight)
        assert self._door is not None
        return await self._call(self._door.send(endpoint, self._symbol | query), what)

    async def _count_down(self, ms: int) -> None:
        """Have the venue cancel everything after so long, 0 = never."""
        what = "countdown"
        reply = await self._act(COUNTDOWN, what, {"countdownTime": ms})
        read(lambda: int(reply["countdownTime"]), what)

    async def own_events(self) -> AsyncIterator[OwnEvent]:
        """Yield the user stream's news for ever. See `strategy.venues.ports.Broker`."""
        reader, _ = await self._open()
        tell = self._events.put_nowait
        stream = ListenKeyStream if self._config.is_futures else UserStream
        self._stream = stream(self._exchange, self._config.name, reader, tell, self._named, self._resync)
        if self._config.is_futures:
            self._runners.append(await self._dead_man.begin())
        self._runners.append(asyncio.create_task(self._stream.run(), name=ccxt_user_stream.NAME))
        for runner in self._runners:
            runner.add_done_callback(lambda _: tell(None))
        while (event := await self._events.get()) is not None:
            yield event
        for runner in self._runners:
            if runner.done() and not runner.cancelled():
                runner.result()  # it never returns: what ended it must not pass for an end in order

    def renew_stream(self, reason: str) -> None:
        """Give up the user stream's connection and open another."""
        if self._stream is not None:
            self._stream.renew(reason)

    async def rehearsal(self) -> RehearsalOrders:
        """Return orders that are prepared as ours are and sent nowhere."""
        _, sender = await self._open()
        return await RehearsalOrders.beside(sender, self._exchange)

    async def close(self) -> None:
        """End every connection."""
        await end_tasks(self._runners)
        if self._runners:
            await self._dead_man.end()
        self._events.put_nowait(None)
        if self._door is not None:
            await self._door.close()
        if self._exchange is not None:
            await self._exchange.close()

    async def _open(self) -> tuple[OrderReader, OrderSender]:
        """Connect once: our clock against the venue's, and the symbol's filters."""
        async with self._opening:
            if self._reader is None or self._sender is None:
                self._exchange = self._exchange or self._new_exchange()
                await self._call(self._exchange.load_time_difference(), "clock")
                what = f"filters of {self._config.market_id}"
                reply = await self._call(self._endpoints.info.of(self._exchange)(self._symbol), what)
                read(lambda: self._learn(reply), what)
        assert self._reader is not None
        assert self._sender is not None
        return self._reader, self._sender

    def _new_exchange(self) -> Any:
        exchange = open_exchange(self._config)
        exchange.on_rest_response = self._heard
        self._door = OrderDoor(exchange, self._endpoints.place)
        return exchange

    def _learn(self, reply: dict[str, Any]) -> None:
        infos = [each for each in wire.parse(0, orjson.dumps(reply)) if isinstance(each, InstrumentInfo)]
        info = next((each for each in infos if each.symbol == self._config.market_id), None)
        if info is None:
            raise VenueError(f"{self._config.name} does not list {self._config.symbol}")
        self._budget.learn(reply.get("rateLimits", ()))
        self._instrument = Instrument(
            venue=self._config.name,
            symbol=self._config.symbol,
            tick_size=info.tick_size,
            lot_size=info.lot_size,
            min_qty=info.min_qty,
            min_notional=info.min_notional,
        )
        units = Units(info.tick_size, info.lot_size)
        assert self._door is not None
        self._sender = OrderSender(self._config, units, self._budget, self._door)
        kind = FuturesOrderReader if self._config.is_futures else OrderReader
        self._reader = kind(self._config.market_id, *self._config.assets, units)

    async def _call(self, call: Awaitable[Any], request: str) -> Any:
        """Return the reply; None when the venue answers that it knows no such order."""
        try:
            return await call
        except Exception as error:  # noqa: BLE001 (the library lets socket errors through unwrapped)
            if is_unknown_order(error):
                return None
            if venue_code(error) == _CLOCK_CODE:
                await self._resync()
            raise translated(error, request) from None

    @property
    def _symbol(self) -> dict[str, Any]:
        return {"symbol": self._config.market_id}

    def _heard(self, status: int, *reply: Any) -> str:
        """Have a reply's counters read; ccxt goes on with the text as it is."""
        self._budget.heard(status, reply[3])
        return json_alone(status, *reply)

    def _venue_seconds(self) -> float:
        """Return the venue's clock, as well as we know it."""
        late_ms = 0 if self._exchange is None else self._exchange.options.get("timeDifference") or 0
        return time.time() - late_ms / 1000

    async def _resync(self) -> None:
        """Measure our clock against the venue's anew; a failure leaves the old difference."""
        try:
            await self._exchange.load_time_difference()
        except (ccxt.pro.BaseError, OSError, TypeError) as error:  # TypeError: a reply without a time
            log.warning("clock difference unknown", error=redacted(error))

    def _named(self, order_id: str, client_id: str) -> None:
        """Keep which of our orders the venue means by an id of its own; the oldest go."""
        self._client_ids[order_id] = client_id
        while len(self._client_ids) > _ORDERS_KEPT:
            del self._client_ids[next(iter(self._client_ids))]

    def _report(self, reader: OrderReader, reply: Any, client_id: str, request: str) -> OrderReport:
        order_id = read(lambda: str(reply["orderId"]), request)
        self._named(order_id, client_id)
        return read(lambda: reader.report(reply, client_id), request)

    async def _executions(self, reader: OrderReader, page: list[Any], named: bool) -> list[OwnFill]:
        names = await self._names(page) if named else {}
        return read(lambda: [reader.fill(row, names.get(str(row["orderId"]), "")) for row in page], "executions")

    async def _names(self, page: list[Any]) -> dict[str, str]:
        """Return our ids of the orders of executions; OutcomeUnknown when the venue says that it knows one not."""
        order_ids = read(lambda: {str(row["orderId"]) for row in page}, "executions")
        for order_id in sorted(order_ids - self._client_ids.keys()):
            what = f"order {order_id}"
            reply = await self.ask(self._endpoints.order, what, self._symbol | {"orderId": order_id})
            if reply is None:
                raise OutcomeUnknown(f"{what}: the venue lists an execution of it and says that it knows no such order")
            self._named(order_id, _client_id(reply, what))
        return {order_id: self._client_ids[order_id] for order_id in order_ids}


def _client_id(reply: Any, request: str) -> str:
    return read(lambda: str(reply["clientOrderId"]), request)

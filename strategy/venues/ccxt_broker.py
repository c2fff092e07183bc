"""Orders of one symbol over ccxt: REST to act, the user stream to hear.

Requests go out as exact decimal strings made from ticks and lots. A request whose outcome is not certain raises
OutcomeUnknown, never a rejection.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, TypeVar

import ccxt.pro
import orjson
import structlog

from strategy.errors import BadData, OutcomeUnknown, VenueError
from strategy.kernel.records import BUY
from strategy.policies.document import Instrument
from strategy.venues import ccxt_user_stream, wire
from strategy.venues.budget import Budget
from strategy.venues.ccxt_user_stream import UserStream
from strategy.venues.ccxt_venue import is_unknown_order, json_alone, open_exchange, redacted, translated, venue_code
from strategy.venues.events import InstrumentInfo
from strategy.venues.own_orders import OrderReader
from strategy.venues.ports import Balance, OrderReport, OrderRequest, OwnEvent, OwnFill
from strategy.venues.settings import VenueConfig
from strategy.venues.units import Units

log = structlog.get_logger("broker")

_PAGE: Final = 1000
_CLOCK_CODE: Final = -1021
_ACTION: Final = 1  # weights of requests, by what they ask
_ONE_ORDER: Final = 4
_OPEN_ORDERS: Final = 6
_EXECUTIONS: Final = 20
_ACCOUNT: Final = 20
_ORDERS_KEPT: Final = 10_000

Read = TypeVar("Read")


class CcxtBroker:
    """Broker over ccxt. See `strategy.venues.ports.Broker`."""

    def __init__(self, config: VenueConfig) -> None:
        """Prepare; the first call opens the connection."""
        self._config = config
        self._exchange: Any = None
        self._instrument: Instrument | None = None
        self._reader: OrderReader | None = None
        self._units: Units | None = None
        self._budget = Budget(self._venue_seconds)
        self._opening = asyncio.Lock()
        self._client_ids: dict[str, str] = {}  # venue's order id -> ours; REST executions name only the venue's
        self._events: asyncio.Queue[OwnEvent | None] = asyncio.Queue()
        self._stream: UserStream | None = None
        self._runner: asyncio.Task[None] | None = None

    async def instrument(self) -> Instrument:
        """Return the symbol's filters."""
        await self._open()
        assert self._instrument is not None
        return self._instrument

    async def place(self, request: OrderRequest) -> OrderReport:
        """Send one order at once: LIMIT_MAKER, or LIMIT with IOC; OrderRejected when it would break a rate limit."""
        reader, units = await self._open()
        order = order_fields(self._config, units, request)
        what = f"order {request.client_id}"
        self._budget.send_order(what, _ACTION)
        reply = await self._call(self._exchange.privatePostOrder(order), what)
        return self._report(reader, reply, request.client_id, what)

    async def cancel(self, client_id: str) -> OrderReport:
        """Cancel one order, before anything else that waits to be asked."""
        reader, _ = await self._open()
        query = {"symbol": self._config.market_id, "origClientOrderId": client_id}
        await self._budget.cancel(_ACTION)
        reply = await self._call(self._exchange.privateDeleteOrder(query), f"cancel {client_id}")
        return _missing(client_id) if reply is None else _read(lambda: reader.report(reply, client_id), "cancel")

    async def cancel_all(self) -> int:
        """Cancel every open order on the symbol."""
        await self._open()
        await self._budget.cancel(_ACTION)
        query = {"symbol": self._config.market_id}
        reply = await self._call(self._exchange.privateDeleteOpenOrders(query), "cancel all")
        return (
            0
            if reply is None
            else _read(lambda: len({row["orderId"] for row in _rows(reply, "cancel all")}), "cancel all")
        )

    async def order(self, client_id: str) -> OrderReport:
        """Ask about one order; `missing` when the venue knows none."""
        reader, _ = await self._open()
        query = {"symbol": self._config.market_id, "origClientOrderId": client_id}
        await self._budget.ask(_ONE_ORDER)
        reply = await self._call(self._exchange.privateGetOrder(query), f"query {client_id}")
        if reply is None:
            return _missing(client_id)
        return self._report(reader, reply, client_id, f"query {client_id}")

    async def open_orders(self) -> list[OrderReport]:
        """Return every open order on the symbol."""
        reader, _ = await self._open()
        await self._budget.ask(_OPEN_ORDERS)
        query = {"symbol": self._config.market_id}
        rows = _rows(await self._call(self._exchange.privateGetOpenOrders(query), "open orders"), "open orders")
        names = _read(lambda: [str(row["clientOrderId"]) for row in rows], "open orders")
        return [self._report(reader, row, name, "open orders") for row, name in zip(rows, names, strict=True)]

    async def fills(self, since_trade_id: int) -> list[OwnFill]:
        """Return our executions after a trade id; a negative id asks for the newest page alone, without client ids."""
        reader, _ = await self._open()
        found: list[OwnFill] = []
        while True:
            query: dict[str, Any] = {"symbol": self._config.market_id, "limit": _PAGE}
            if since_trade_id >= 0:
                query["fromId"] = since_trade_id + 1
            await self._budget.ask(_EXECUTIONS)
            rows = _rows(await self._call(self._exchange.privateGetMyTrades(query), "executions"), "executions")
            found += await self._executions(reader, rows, named=since_trade_id >= 0)
            if len(rows) < _PAGE or since_trade_id < 0:
                return found
            since_trade_id = int(rows[-1]["id"])

    async def balance(self) -> Balance:
        """Return the account's total holdings in base and quote."""
        reader, _ = await self._open()
        await self._budget.ask(_ACCOUNT)
        reply = await self._call(self._exchange.privateGetAccount(), "account")
        return _read(lambda: reader.balance(reply), "account")

    async def own_events(self) -> AsyncIterator[OwnEvent]:
        """Yield the user stream's news for ever. See `strategy.venues.ports.Broker`."""
        reader, _ = await self._open()
        tell = self._events.put_nowait
        self._stream = UserStream(self._exchange, self._config.name, reader, tell, self._named, self._resync)
        self._runner = asyncio.create_task(self._stream.run(), name=ccxt_user_stream.NAME)
        self._runner.add_done_callback(lambda _: tell(None))
        while (event := await self._events.get()) is not None:
            yield event
        if self._runner.done() and not self._runner.cancelled():
            self._runner.result()  # it never returns: what ended it must not pass for an end in order

    def renew_stream(self, reason: str) -> None:
        """Give up the user stream's connection and open another."""
        if self._stream is not None:
            self._stream.renew(reason)

    async def close(self) -> None:
        """End every connection."""
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.wait([self._runner])
        self._events.put_nowait(None)
        if self._exchange is not None:
            await self._exchange.close()

    async def _open(self) -> tuple[OrderReader, Units]:
        """Connect once: our clock against the venue's, and the symbol's filters."""
        async with self._opening:
            if self._reader is None or self._units is None:
                self._exchange = self._exchange or open_exchange(self._config)
                self._exchange.on_rest_response = self._heard
                await self._call(self._exchange.load_time_difference(), "clock")
                query = {"symbol": self._config.market_id}
                reply = await self._call(self._exchange.publicGetExchangeInfo(query), f"filters of {query['symbol']}")
                _read(lambda: self._learn(reply), f"filters of {query['symbol']}")
        assert self._reader is not None
        assert self._units is not None
        return self._reader, self._units

    def _learn(self, reply: dict[str, Any]) -> None:
        infos = wire.parse(0, orjson.dumps(reply))
        info = next((each for each in infos if isinstance(each, InstrumentInfo)), None)
        if info is None or info.symbol != self._config.market_id:
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
        base, quote = self._config.symbol.split("/")
        self._units = Units(info.tick_size, info.lot_size)
        self._reader = OrderReader(self._config.market_id, base, quote, self._units)

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
        order_id = _read(lambda: str(reply["orderId"]), request)
        self._named(order_id, client_id)
        return _read(lambda: reader.report(reply, client_id), request)

    async def _executions(self, reader: OrderReader, rows: Any, named: bool) -> list[OwnFill]:
        names = await self._names(rows) if named else {}
        return _read(lambda: [reader.fill(row, names.get(str(row["orderId"]), "")) for row in rows], "executions")

    async def _names(self, rows: Any) -> dict[str, str]:
        """Return our ids of the orders that executions name by the venue's; "" where the venue does not say."""
        order_ids = _read(lambda: {str(row["orderId"]) for row in rows}, "executions")
        for order_id in sorted(order_ids - self._client_ids.keys()):
            query = {"symbol": self._config.market_id, "orderId": order_id}
            await self._budget.ask(_ONE_ORDER)
            reply = await self._call(self._exchange.privateGetOrder(query), f"order {order_id}")
            name = "" if reply is None else _read(lambda found=reply: str(found["clientOrderId"]), f"order {order_id}")
            self._named(order_id, name)
        return {order_id: self._client_ids[order_id] for order_id in order_ids}


def _read(reading: Callable[[], Read], request: str) -> Read:
    """Read a reply; one that is no reply (a page of HTML, a field missing) leaves the outcome unknown."""
    try:
        return reading()
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, BadData) as error:
        raise OutcomeUnknown(f"{request}: the reply was not understood ({redacted(error)})") from None


def _rows(reply: Any, request: str) -> list[Any]:
    """Return a list that was asked for; an object without rows is no empty list."""
    if not isinstance(reply, list):
        raise OutcomeUnknown(f"{request}: the reply was not understood (no list)")
    return reply


def order_fields(config: VenueConfig, units: Units, request: OrderRequest) -> dict[str, str]:
    """Return a request in the venue's words; only futures (`BASE/QUOTE:SETTLE`) know orders that reduce."""
    kind = {"type": "LIMIT", "timeInForce": "IOC"} if request.kind == "ioc" else {"type": "LIMIT_MAKER"}
    closing = {"reduceOnly": "true"} if request.reduce_only and ":" in config.symbol else {}
    return {
        "symbol": config.market_id,
        "side": "BUY" if request.side == BUY else "SELL",
        **kind,
        **closing,
        "price": units.price(request.price_ticks),
        "quantity": units.qty(request.qty_lots),
        "newClientOrderId": request.client_id,
        "newOrderRespType": "FULL",
    }


def _missing(client_id: str) -> OrderReport:
    return OrderReport(client_id, "missing", side=0, price_ticks=0, qty_lots=0, filled_lots=0, exch_ts=0)

"""Orders of one symbol over ccxt: REST to act, the user stream to hear.

Requests go out as exact decimal strings made from ticks and lots. A request whose outcome is not certain raises
OutcomeUnknown, never a rejection.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable
from typing import Any, Final

import ccxt.pro
import orjson
import structlog

from strategy.errors import OrderRejected, OutcomeUnknown, VenueError
from strategy.kernel.records import BUY
from strategy.policies.document import Instrument
from strategy.venues import wire
from strategy.venues.ccxt_venue import (
    PAUSE_SECONDS,
    Connection,
    Limiter,
    is_unknown_order,
    open_exchange,
    redacted,
    translated,
    venue_code,
    ws_api_url,
)
from strategy.venues.events import InstrumentInfo
from strategy.venues.own_orders import OrderReader
from strategy.venues.ports import Balance, OrderReport, OrderRequest, OwnEvent, OwnFill, StreamReset
from strategy.venues.settings import VenueConfig
from strategy.venues.units import Units

log = structlog.get_logger("broker")

_PAGE: Final = 1000
_CLOCK_CODE: Final = -1021
_BACKOFF_MAX: Final = 10.0
_USER_STREAM: Final = "user stream"


class CcxtBroker:
    """Broker over ccxt. See `strategy.venues.ports.Broker`."""

    def __init__(self, config: VenueConfig) -> None:
        """Prepare; the first call opens the connection."""
        self._config = config
        self._exchange: Any = None
        self._instrument: Instrument | None = None
        self._reader: OrderReader | None = None
        self._units: Units | None = None
        self._limiter = Limiter()
        self._opening = asyncio.Lock()
        self._client_ids: dict[str, str] = {}  # venue's order id -> ours; REST executions name only the venue's
        self._events: asyncio.Queue[OwnEvent | None] = asyncio.Queue()
        self._runner: asyncio.Task[None] | None = None

    async def instrument(self) -> Instrument:
        """Return the symbol's filters."""
        await self._open()
        assert self._instrument is not None
        return self._instrument

    async def place(self, request: OrderRequest) -> OrderReport:
        """Send one order: LIMIT_MAKER, or LIMIT with IOC."""
        reader, units = await self._open()
        order = order_fields(self._config, units, request)
        await self._limiter.take()
        reply = await self._call(self._exchange.privatePostOrder(order), f"order {request.client_id}")
        self._remember(reply, request.client_id)
        return reader.report(reply, request.client_id)

    async def cancel(self, client_id: str) -> OrderReport:
        """Cancel one order, never waiting for the limiter."""
        reader, _ = await self._open()
        query = {"symbol": self._config.market_id, "origClientOrderId": client_id}
        try:
            reply = await self._exchange.privateDeleteOrder(query)
        except Exception as error:  # noqa: BLE001 (the library lets socket errors through unwrapped)
            if is_unknown_order(error):
                return _missing(client_id)
            raise translated(error, f"cancel {client_id}") from None
        return reader.report(reply, client_id)

    async def cancel_all(self) -> int:
        """Cancel every open order on the symbol."""
        await self._open()
        query = {"symbol": self._config.market_id}
        try:
            return len(await self._exchange.privateDeleteOpenOrders(query))
        except Exception as error:  # noqa: BLE001 (as above)
            if is_unknown_order(error):  # the venue's way of saying that there were none
                return 0
            raise translated(error, "cancel all") from None

    async def order(self, client_id: str) -> OrderReport:
        """Ask about one order; `missing` when the venue knows none."""
        reader, _ = await self._open()
        query = {"symbol": self._config.market_id, "origClientOrderId": client_id}
        await self._limiter.take()
        try:
            reply = await self._exchange.privateGetOrder(query)
        except Exception as error:  # noqa: BLE001 (as above)
            if is_unknown_order(error):
                return _missing(client_id)
            raise translated(error, f"query {client_id}") from None
        self._remember(reply, client_id)
        return reader.report(reply, client_id)

    async def open_orders(self) -> list[OrderReport]:
        """Return every open order on the symbol."""
        reader, _ = await self._open()
        await self._limiter.take()
        query = {"symbol": self._config.market_id}
        rows = await self._call(self._exchange.privateGetOpenOrders(query), "open orders")
        for row in rows:
            self._remember(row, row["clientOrderId"])
        return [reader.report(row, row["clientOrderId"]) for row in rows]

    async def fills(self, since_trade_id: int) -> list[OwnFill]:
        """Return our executions after a trade id; a negative id asks for the newest page alone."""
        reader, _ = await self._open()
        found: list[OwnFill] = []
        while True:
            query: dict[str, Any] = {"symbol": self._config.market_id, "limit": _PAGE}
            if since_trade_id >= 0:
                query["fromId"] = since_trade_id + 1
            await self._limiter.take()
            rows = await self._call(self._exchange.privateGetMyTrades(query), "executions")
            found += [reader.fill(row, await self._client_id(str(row["orderId"]))) for row in rows]
            if len(rows) < _PAGE or since_trade_id < 0:
                return found
            since_trade_id = int(rows[-1]["id"])

    async def balance(self) -> Balance:
        """Return the account's total holdings in base and quote."""
        reader, _ = await self._open()
        await self._limiter.take()
        return reader.balance(await self._call(self._exchange.privateGetAccount(), "account"))

    async def own_events(self) -> AsyncIterator[OwnEvent]:
        """Yield the user stream's news for ever; each start of the stream is a StreamReset."""
        await self._open()
        self._runner = asyncio.create_task(self._listen(), name=_USER_STREAM)
        while (event := await self._events.get()) is not None:
            yield event

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
                await self._call(self._exchange.load_time_difference(), "clock")
                query = {"symbol": self._config.market_id}
                reply = await self._call(self._exchange.publicGetExchangeInfo(query), f"filters of {query['symbol']}")
                self._learn(reply)
        assert self._reader is not None
        assert self._units is not None
        return self._reader, self._units

    def _learn(self, reply: dict[str, Any]) -> None:
        infos = wire.parse(0, orjson.dumps(reply))
        info = next((each for each in infos if isinstance(each, InstrumentInfo)), None)
        if info is None or info.symbol != self._config.market_id:
            raise VenueError(f"{self._config.name} does not list {self._config.symbol}")
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
        try:
            return await call
        except Exception as error:  # noqa: BLE001 (the library lets socket errors through unwrapped)
            if venue_code(error) == _CLOCK_CODE:
                await self._resync()
            raise translated(error, request) from None

    async def _resync(self) -> None:
        """Measure our clock against the venue's anew; a failure leaves the old difference."""
        try:
            await self._exchange.load_time_difference()
        except ccxt.pro.BaseError as error:
            log.warning("clock difference unknown", error=redacted(error))

    def _remember(self, reply: dict[str, Any], client_id: str) -> None:
        if "orderId" in reply:
            self._client_ids[str(reply["orderId"])] = client_id

    async def _client_id(self, order_id: str) -> str:
        """Return our id of an order that REST names by the venue's id; "" when the venue does not say."""
        if order_id not in self._client_ids:
            query = {"symbol": self._config.market_id, "orderId": order_id}
            await self._limiter.take()
            try:
                reply = await self._call(self._exchange.privateGetOrder(query), f"order {order_id}")
            except OrderRejected:
                reply = {}
            self._client_ids[order_id] = str(reply.get("clientOrderId", ""))
        return self._client_ids[order_id]

    async def _listen(self) -> None:
        backoff = PAUSE_SECONDS
        while True:
            started = time.monotonic()
            connection = Connection(self._exchange, ws_api_url(self._exchange), self._tap)
            try:
                reason = await self._user_stream(connection)
            except (ccxt.pro.BaseError, VenueError, OutcomeUnknown, OSError) as error:
                reason = redacted(error)
            finally:
                await connection.close()
            backoff = PAUSE_SECONDS if time.monotonic() - started > _BACKOFF_MAX else min(2 * backoff, _BACKOFF_MAX)
            log.warning("user stream lost", venue=self._config.name, reason=reason, retry_s=round(backoff, 2))
            await asyncio.sleep(backoff * random.uniform(0.5, 1.0))

    async def _user_stream(self, connection: Connection) -> str:
        await connection.open()
        subscribed = asyncio.create_task(self._exchange.authenticate({"type": "spot"}))
        await asyncio.wait([subscribed, connection.ended], return_when=asyncio.FIRST_COMPLETED, timeout=_BACKOFF_MAX)
        if not subscribed.done():
            subscribed.cancel()
            await asyncio.wait([subscribed])
            return f"no answer to the subscription: {connection.reason()}"
        subscribed.result()
        self._events.put_nowait(StreamReset("subscribed"))
        return await connection.until_silent(1.0)

    def _tap(self, data: str | bytes) -> bool:
        """Take our own news; replies to requests are left to ccxt."""
        message = orjson.loads(data)
        event = message.get("event", message)
        kind = event.get("e")
        if kind == "executionReport":
            assert self._reader is not None
            if "i" in event and event.get("x") == "NEW":
                self._client_ids[str(event["i"])] = event["c"]
            for each in self._reader.stream(event):
                self._events.put_nowait(each)
        return kind is not None and kind != "eventStreamTerminated"


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
        "newOrderRespType": "RESULT",
    }


def _missing(client_id: str) -> OrderReport:
    return OrderReport(client_id, "missing", side=0, price_ticks=0, qty_lots=0, filled_lots=0, exch_ts=0)

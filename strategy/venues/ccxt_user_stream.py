"""The user stream of one account over ccxt: our orders' reports and executions, as they happen.

On spot it rides on the websocket API; on futures a listen key opens it, which has to be renewed every hour.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import orjson
import structlog

from strategy.errors import BadData
from strategy.venues.backoff import Backoff
from strategy.venues.ccxt_venue import PAUSE_SECONDS, Connection, listen_key_url, redacted, ws_api_url
from strategy.venues.endpoints import OPEN_LISTEN_KEY, RENEW_LISTEN_KEY
from strategy.venues.own_orders import OrderReader
from strategy.venues.ports import OwnEvent, StreamLost, StreamReset

log = structlog.get_logger("broker")

NAME: Final = "user stream"
_ANSWER_SECONDS: Final = 10.0
_KEY_EXPIRED: Final = "listenKeyExpired"
_RENEW_KEY_SECONDS: Final = 1_800.0  # half of a listen key's life
_TERMINATED: Final = "eventStreamTerminated"  # ccxt has to hear of it: it forgets the subscription then


class UserStream:
    """One connection after another, for ever; news is handed on in the order in which it comes."""

    def __init__(
        self,
        exchange: Any,
        venue: str,
        reader: OrderReader,
        tell: Callable[[OwnEvent], None],
        named: Callable[[str, str], None],
        resync: Callable[[], Awaitable[None]],
    ) -> None:
        """Listen on an exchange; `tell` takes news, `named` the venue's id of an order and ours.

        `resync` measures our clock against the venue's: one that is off may be why a connection was refused.
        """
        self._exchange, self._venue, self._reader = exchange, venue, reader
        self._tell, self._named, self._resync = tell, named, resync
        self._renew: str | None = None

    def renew(self, reason: str) -> None:
        """Give up the present connection."""
        self._renew = reason

    async def run(self) -> None:
        """Listen for ever; every connection begins with a StreamReset and ends with a StreamLost."""
        backoff = Backoff(PAUSE_SECONDS)
        while True:
            started, self._renew = time.monotonic(), None
            try:
                reason = await self._connection()
            except Exception as error:  # noqa: BLE001 (a refused subscription ends in whatever the library trips over)
                reason = redacted(error.__context__ or error)
            reason = self._renew or reason
            self._tell(StreamLost(reason))
            await self._resync()
            pause_s = backoff.after(time.monotonic() - started)
            log.warning("user stream lost", venue=self._venue, reason=reason, retry_s=round(pause_s, 2))
            await asyncio.sleep(pause_s)

    async def _connection(self) -> str:
        """Live through one connection and return why it ended."""
        connection = Connection(self._exchange, await self._address(), self._tap)
        try:
            await connection.open()
            refusal = await self._subscribe(connection)
            if refusal is not None:
                return refusal
            self._tell(StreamReset("subscribed"))
            return await connection.until_silent(0.5, lambda: self._renew is None)
        finally:
            await connection.close()

    async def _address(self) -> str:
        """Return where to connect to."""
        return ws_api_url(self._exchange)

    async def _subscribe(self, connection: Connection) -> str | None:
        """Ask for our news on an open connection; return why there will be none."""
        subscribed = asyncio.create_task(self._exchange.authenticate({"type": "spot"}))
        await asyncio.wait([subscribed, connection.ended], return_when=asyncio.FIRST_COMPLETED, timeout=_ANSWER_SECONDS)
        if not subscribed.done():
            subscribed.cancel()
            await asyncio.wait([subscribed], timeout=_ANSWER_SECONDS)
            return f"no answer to the subscription: {connection.reason()}"
        subscribed.result()
        return None

    def _tap(self, data: str | bytes) -> bool:
        """Take our own news; replies to requests are left to ccxt. What cannot be read has to be asked for."""
        message = orjson.loads(data)
        event = message.get("event", message)
        kind = event.get("e")
        try:
            if kind == _KEY_EXPIRED:
                self.renew("the listen key has expired")
            named = self._reader.named(event) if kind is not None else None
            if named is not None:
                self._named(*named)
            for each in self._reader.stream(event) if kind is not None else ():
                self._tell(each)
        except (KeyError, TypeError, ValueError, ArithmeticError, BadData) as error:
            log.error("user stream message not understood", kind=kind, error=repr(error))  # noqa: TRY400
            self._tell(StreamReset(f"not understood: {kind}"))
        return kind is not None and kind != _TERMINATED


class ListenKeyStream(UserStream):
    """The user stream of a futures account."""

    async def _connection(self) -> str:
        renewing = asyncio.create_task(self._keep_key(), name="listen key")
        try:
            return await super()._connection()
        finally:
            renewing.cancel()
            await asyncio.wait([renewing])

    async def _address(self) -> str:
        reply = await OPEN_LISTEN_KEY.of(self._exchange)()
        return listen_key_url(self._exchange, reply["listenKey"])

    async def _subscribe(self, connection: Connection) -> str | None:
        return None  # the address says it all

    async def _keep_key(self) -> None:
        """Renew the key while the connection lives; a key that cannot be renewed makes way for another."""
        while True:
            await asyncio.sleep(_RENEW_KEY_SECONDS)
            try:
                await RENEW_LISTEN_KEY.of(self._exchange)()
            except Exception as error:  # noqa: BLE001 (the library lets socket errors through unwrapped)
                self.renew(f"the listen key could not be renewed: {redacted(error)}")

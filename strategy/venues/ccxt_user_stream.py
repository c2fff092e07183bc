"""The user stream of one account over ccxt's websocket API: our orders' reports and executions, as they happen."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import orjson
import structlog

from strategy.errors import BadData
from strategy.venues.backoff import Backoff
from strategy.venues.ccxt_venue import PAUSE_SECONDS, Connection, redacted, ws_api_url
from strategy.venues.own_orders import OrderReader
from strategy.venues.ports import OwnEvent, StreamLost, StreamReset

log = structlog.get_logger("broker")

NAME: Final = "user stream"
_ANSWER_SECONDS: Final = 10.0
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
            connection = Connection(self._exchange, ws_api_url(self._exchange), self._tap)
            try:
                reason = await self._listen(connection)
            except Exception as error:  # noqa: BLE001 (a refused subscription ends in whatever the library trips over)
                reason = redacted(error.__context__ or error)
            finally:
                await connection.close()
            reason = self._renew or reason
            self._tell(StreamLost(reason))
            await self._resync()
            pause_s = backoff.after(time.monotonic() - started)
            log.warning("user stream lost", venue=self._venue, reason=reason, retry_s=round(pause_s, 2))
            await asyncio.sleep(pause_s)

    async def _listen(self, connection: Connection) -> str:
        await connection.open()
        subscribed = asyncio.create_task(self._exchange.authenticate({"type": "spot"}))
        await asyncio.wait([subscribed, connection.ended], return_when=asyncio.FIRST_COMPLETED, timeout=_ANSWER_SECONDS)
        if not subscribed.done():
            subscribed.cancel()
            await asyncio.wait([subscribed], timeout=_ANSWER_SECONDS)
            return f"no answer to the subscription: {connection.reason()}"
        subscribed.result()
        self._tell(StreamReset("subscribed"))
        return await connection.until_silent(0.5, lambda: self._renew is None)

    def _tap(self, data: str | bytes) -> bool:
        """Take our own news; replies to requests are left to ccxt. What cannot be read has to be asked for."""
        message = orjson.loads(data)
        event = message.get("event", message)
        kind = event.get("e")
        try:
            if kind == "executionReport" and event.get("x") == "NEW" and "i" in event:
                self._named(str(event["i"]), event["c"])
            for each in self._reader.stream(event) if kind is not None else ():
                self._tell(each)
        except (KeyError, TypeError, ValueError, ArithmeticError, BadData) as error:
            log.error("user stream message not understood", kind=kind, error=repr(error))  # noqa: TRY400
            self._tell(StreamReset(f"not understood: {kind}"))
        return kind is not None and kind != _TERMINATED

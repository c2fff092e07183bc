"""One websocket of market data, whose every message reaches us in the call that reads it from the socket."""

import asyncio
import ssl
import time
from collections.abc import Callable
from typing import Final, Self

import structlog
from picows import WSCloseCode, WSError, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from strategy.errors import VenueError

log = structlog.get_logger("socket")

KEEP_ALIVE_SECONDS: Final = 15.0  # without a word from the venue; then it is asked, and has as long to answer
OPEN_SECONDS: Final = 10.0
CLOSE_SECONDS: Final = 5.0  # a venue that talks on and never answers our close is left after so long
_ORDERLY: Final = (WSCloseCode.OK, WSCloseCode.GOING_AWAY)


class MarketSocket(WSListener):
    """A connection; `tap` gets every message with the time (ns) at which it was taken from the socket."""

    def __init__(self, url: str, context: ssl.SSLContext | None, tap: Callable[[int, bytes], None]) -> None:
        """Prepare; the address may carry a query."""
        self._url, self._context, self._tap = url, context, tap
        self._transport: WSTransport | None = None
        self._parts = bytearray()  # of a message that came in several frames
        self._said: str | None = None  # the venue's last word
        self._ended = asyncio.Event()

    async def open(self) -> Self:
        """Connect; VenueError when that fails."""
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                self._transport, _ = await ws_connect(
                    lambda: self,
                    self._url,
                    ssl_context=self._context,
                    enable_auto_ping=True,
                    auto_ping_idle_timeout=KEEP_ALIVE_SECONDS,
                    auto_ping_reply_timeout=KEEP_ALIVE_SECONDS,
                )
        except (WSError, OSError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
            raise VenueError(f"{self._url.split('?')[0]} cannot be reached: {reason}") from None
        return self

    async def until_silent(self, poll_s: float, fresh: Callable[[], bool]) -> str:
        """Wait for the end of the connection or of `fresh`; return the reason."""
        while True:
            try:
                await asyncio.wait_for(self._ended.wait(), poll_s)
            except TimeoutError:
                if not fresh():
                    return "silent"
                continue
            return self._said or "closed without a word"

    async def close(self) -> None:
        """Say goodbye and end the connection."""
        if self._transport is None:
            return
        self._transport.send_close(WSCloseCode.OK)
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._ended.wait()
        except TimeoutError:
            log.warning("close not answered", url=self._url.split("?")[0])
            self._transport.disconnect(graceful=False)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take one frame."""
        local_ns = time.time_ns()
        kind = frame.msg_type
        if kind in (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION):
            payload = frame.get_payload_as_bytes()
            if self._parts or not frame.fin:
                self._parts += payload
                if not frame.fin:
                    return
                payload = bytes(self._parts)
                self._parts.clear()
            self._tap(local_ns, payload)
        elif kind == WSMsgType.CLOSE:
            self._said = f"closed by the venue, code {frame.get_close_code()} {frame.get_close_reason() or ''}".strip()
            transport.send_close(WSCloseCode.OK)
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Tell whoever waits."""
        self._ended.set()

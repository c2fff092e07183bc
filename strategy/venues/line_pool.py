"""Connections to one host that are open before they are needed, so that a request leaves at once."""

import asyncio
import ssl
import time
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import structlog

from strategy.venues.backoff import Backoff
from strategy.venues.ending import end_tasks
from strategy.venues.http_line import HttpLine, Reply

log = structlog.get_logger("lines")

SPARE: Final = 4  # lines that stand open unused: two quotes, and room for cancels beside them
STALE_SECONDS: Final = 25.0  # venues close what is idle for a minute or so; a request must not meet that
_LOOK_SECONDS: Final = 1.0
_PAUSE_SECONDS: Final = 0.05


class Sent:
    """One request: on its way, or about to be when its reply is awaited."""

    def __init__(self, request: bytes, written: Callable[[], None] | None) -> None:
        """Take a whole request; `written` is called once it is written."""
        self._request, self._written = request, written
        self._line: HttpLine | None = None
        self.answer: asyncio.Future[Reply] | None = None

    def write(self, line: HttpLine) -> asyncio.Future[Reply]:
        """Write the request and return the reply to come."""
        self._line, self.answer = line, line.write(self._request)
        if self._written is not None:
            self._written()
        return self.answer

    def give_up(self) -> None:
        """Cut the line: the reply may still come and must not be taken for another's."""
        if self._line is not None:
            self._line.abort()


class LinePool:
    """Lines to the host of an address. Every request gets one of its own; more are opened when none is free."""

    def __init__(self, url: str, context: ssl.SSLContext | None, timeout_s: float) -> None:
        """Prepare for `http(s)://HOST[:PORT]/…`; a reply, connecting included, may take `timeout_s`."""
        place = urlsplit(url)
        self._context = context if place.scheme == "https" else None
        self._host, self._port = place.hostname or "", place.port or (443 if place.scheme == "https" else 80)
        self._timeout_s = timeout_s
        self._lines: list[HttpLine] = []
        self._short = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    @property
    def free(self) -> int:
        """Return how many requests would leave at once."""
        return sum(line.free for line in self._lines)

    def open(self) -> None:
        """Begin to keep spare lines open."""
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep(), name="lines")

    async def close(self) -> None:
        """Cut every line."""
        if self._keeper is not None:
            await end_tasks([self._keeper])
        lines, self._lines = self._lines, []
        for line in lines:
            line.abort()
        await asyncio.gather(*(line.lost for line in lines))

    def send(self, request: bytes, written: Callable[[], None] | None = None) -> Sent:
        """Write a request: now if a line is free, else when its reply is awaited."""
        sent = Sent(request, written)
        line = next((each for each in self._lines if each.free), None)
        if line is not None:
            sent.write(line)
            self._short.set()
        return sent

    async def reply(self, sent: Sent) -> Reply:
        """Return the reply to a request; TimeoutError or OSError mean that its outcome is unknown."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await (sent.answer or sent.write(await self._connect()))
        except BaseException:
            sent.give_up()
            raise

    async def _connect(self) -> HttpLine:
        loop = asyncio.get_running_loop()
        name = self._host if self._context else None
        _, line = await loop.create_connection(
            HttpLine, self._host, self._port, ssl=self._context, server_hostname=name
        )
        self._lines.append(line)
        line.lost.add_done_callback(lambda _: self._forget(line))
        return line

    def _forget(self, line: HttpLine) -> None:
        if line in self._lines:
            self._lines.remove(line)
        self._short.set()

    async def _keep(self) -> None:
        """Keep lines spare and fresh; a venue that cannot be reached is tried again with pauses."""
        backoff = Backoff(_PAUSE_SECONDS)
        while True:
            self._short.clear()
            started = time.monotonic()
            try:
                async with asyncio.timeout(self._timeout_s):
                    await self._renew()
            except (OSError, TimeoutError) as error:
                log.warning("no line to the venue", host=self._host, error=str(error) or type(error).__name__)
                await asyncio.sleep(backoff.after(time.monotonic() - started))
                continue
            try:
                await asyncio.wait_for(self._short.wait(), _LOOK_SECONDS)
            except TimeoutError:
                continue

    async def _renew(self) -> None:
        stale_s = asyncio.get_running_loop().time() - STALE_SECONDS
        free = [line for line in self._lines if line.free]
        stale = [line for line in free if line.idle_since_s < stale_s]
        for _ in range(SPARE - (len(free) - len(stale))):
            await self._connect()
        for line in stale:
            if line.free:
                line.abort()

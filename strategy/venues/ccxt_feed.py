"""The market of one symbol, frame by frame as the venue sent it."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from typing import Any, Final

import ccxt.pro
import orjson
import structlog

from strategy.errors import VenueError
from strategy.venues.ccxt_venue import PAUSE_SECONDS, Connection, open_exchange, redacted, stream_url
from strategy.venues.settings import VenueConfig

log = structlog.get_logger("feed")

STREAMS: Final = ("depth@100ms", "trade", "bookTicker")
SNAPSHOT_DEPTH: Final = 5000
_DEPTH_MARK: Final = b'"depthUpdate"'
_RESNAPSHOT_PAUSE: Final = 0.25  # a snapshot of this depth is dear: 250 of 6,000 weight a minute
_BACKOFF_MAX: Final = 10.0

Frame = tuple[int, bytes]


class CcxtFeed:
    """Feed over ccxt: every frame exactly once a connection, taken raw where the websocket client receives it.

    A connection starts with an epoch mark and the filters of the exchangeInfo reply; the REST snapshot is fetched
    after the first depth frame and again until it bridges. Its loss is an epoch mark too, so that nobody quotes on a
    dead book.
    """

    def __init__(self, config: VenueConfig, *, silence_seconds: float = 15.0) -> None:
        """Prepare; nothing is opened before `frames` is read. No depth for `silence_seconds` = a dead connection."""
        self._config = config
        self._silence_ns = int(silence_seconds * 1e9)
        self._queue: asyncio.Queue[Frame | None] = asyncio.Queue()
        self._wanted = asyncio.Event()
        self._first_id: int | None = None  # U of the first depth frame of this connection
        self._last_depth_ns = 0
        self._epoch = 0
        self._exchange: Any = None
        self._runner: asyncio.Task[None] | None = None

    async def frames(self) -> AsyncIterator[Frame]:
        """Yield (local_ns, json) for ever; reconnects with backoff. See `strategy.venues.ports.Feed`."""
        self._exchange = open_exchange(self._config)
        self._runner = asyncio.create_task(self._run(), name="feed")
        while (frame := await self._queue.get()) is not None:
            yield frame

    @property
    def backlog(self) -> int:
        """Return how many frames wait to be read."""
        return self._queue.qsize()

    async def resnapshot(self) -> None:
        """Have a REST snapshot fetched and delivered soon."""
        self._wanted.set()

    async def close(self) -> None:
        """End the connection; `frames` then returns."""
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.wait([self._runner])
        if self._exchange is not None:
            await self._exchange.close()
        self._queue.put_nowait(None)

    async def _run(self) -> None:
        backoff = PAUSE_SECONDS
        while True:
            started = time.monotonic()
            try:
                reason = await self._connection()
            except (ccxt.pro.BaseError, VenueError, OSError) as error:
                reason = redacted(error)
            backoff = PAUSE_SECONDS if time.monotonic() - started > _BACKOFF_MAX else min(2 * backoff, _BACKOFF_MAX)
            log.warning("connection lost", venue=self._config.name, reason=reason, retry_s=round(backoff, 2))
            await asyncio.sleep(backoff * random.uniform(0.5, 1.0))

    async def _connection(self) -> str:
        """Live through one connection and return why it ended."""
        reply = await self._exchange.publicGetExchangeInfo({"symbol": self._config.market_id})
        # clock and limits of the venue are left out: readers find the filters by the line's first word
        info = orjson.dumps({"symbols": reply["symbols"]})
        names = "/".join(f"{self._config.market_id.lower()}@{stream}" for stream in STREAMS)
        self._begin(info)
        connection = Connection(self._exchange, f"{stream_url(self._exchange)}?streams={names}", self._tap)
        snapshots = asyncio.create_task(self._snapshots(), name="snapshots")
        try:
            await connection.open()
            reason = await connection.until_silent(1.0, self._flowing)
        except VenueError as error:
            reason = redacted(error)
        finally:
            snapshots.cancel()
            await asyncio.wait([snapshots])
            await connection.close()
        self._mark(f"lost: {reason}")
        return reason

    def _begin(self, info: bytes) -> None:
        self._epoch += 1
        self._first_id = None
        self._wanted.clear()
        self._last_depth_ns = time.time_ns()
        self._mark("connected")
        self._put(info)

    def _flowing(self) -> bool:
        return time.time_ns() - self._last_depth_ns <= self._silence_ns

    def _tap(self, data: str | bytes) -> bool:
        """Queue one frame with its stamp; ccxt need not parse the market."""
        local_ns = time.time_ns()
        payload = data.encode() if isinstance(data, str) else data
        self._queue.put_nowait((local_ns, payload))
        if _DEPTH_MARK in payload:
            self._last_depth_ns = local_ns
            if self._first_id is None:
                self._first_id = int(orjson.loads(payload)["data"]["U"])
                self._wanted.set()
        return True

    async def _snapshots(self) -> None:
        """Fetch a snapshot whenever one is wanted; one that is older than the first diff is fetched again."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                call = self._exchange.publicGetDepth({"symbol": self._config.market_id, "limit": SNAPSHOT_DEPTH})
                payload = await self._raw(call)
                self._put(payload)
                if self._first_id is not None and orjson.loads(payload)["lastUpdateId"] + 1 < self._first_id:
                    self._wanted.set()
            except (ccxt.pro.BaseError, orjson.JSONDecodeError, KeyError) as error:
                log.warning("snapshot failed", error=redacted(error))
                self._wanted.set()
            await asyncio.sleep(_RESNAPSHOT_PAUSE)

    async def _raw(self, call: Any) -> bytes:
        """Await a REST call and return the reply as it came; this exchange object has one call in flight at a time."""
        await call
        return str(self._exchange.last_http_response).encode()

    def _mark(self, reason: str) -> None:
        self._put(orjson.dumps({"epoch": {"n": self._epoch, "reason": reason}}))

    def _put(self, payload: bytes) -> None:
        self._queue.put_nowait((time.time_ns(), payload))

"""The market of one symbol, frame by frame as the venue sent it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, Final

import ccxt.pro
import orjson
import structlog

from strategy.errors import VenueError
from strategy.venues.backoff import Backoff
from strategy.venues.ccxt_venue import PAUSE_SECONDS, open_exchange, redacted, stream_url
from strategy.venues.clock import SAMPLES, Asked, JumpWatch, estimate
from strategy.venues.ending import end_tasks
from strategy.venues.endpoints import endpoints
from strategy.venues.market_socket import MarketSocket
from strategy.venues.settings import VenueConfig
from strategy.venues.silence import Silence

log = structlog.get_logger("feed")

QUOTED: Final = ("depth@100ms", "trade")  # what a strategy takes in; the first is never quiet for long
STREAMS: Final = (*QUOTED, "bookTicker")
_DEPTH_MARK: Final = b'"depthUpdate"'
_STREAM_HEAD: Final = 80  # bytes of a frame within which its stream is named
_RESNAPSHOT_PAUSE: Final = 0.25  # a snapshot of this depth is dear: 250 of 6,000 weight a minute
_JUMP_POLL_SECONDS: Final = 1.0

Frame = tuple[int, bytes]
Take = Callable[[int, bytes], None]


class CcxtFeed:
    """Feed at ccxt's addresses: every frame exactly once a connection, raw, in the call that reads it from the socket.

    A connection starts with an epoch mark and the filters of the exchangeInfo reply; the REST snapshot is fetched
    after the first depth frame and again until it bridges. Its loss is an epoch mark too, so that nobody quotes on a
    dead book. Recorders have the venue's clock compared with ours among the frames: `{"clock": …}`.
    """

    def __init__(
        self,
        config: VenueConfig,
        *,
        streams: Sequence[str] = STREAMS,
        silence_seconds: float = 15.0,
        clock_seconds: float | None = None,
    ) -> None:
        """Prepare; nothing is opened before `frames` is read.

        No depth for `silence_seconds`, or another stream far more quiet than it ever was, is a dead connection. With
        `clock_seconds` the venue's clock is asked for so often, and again as soon as ours is set.
        """
        self._config, self._endpoints = config, endpoints(config)
        self._streams = streams
        self._marks = tuple((f'@{name}"'.encode(), name) for name in streams)
        self._silence = Silence(streams[0], streams[1:], silence_seconds)
        self._clock_seconds = clock_seconds
        self._rest = asyncio.Lock()  # ccxt keeps one last reply an exchange
        self._queue: asyncio.Queue[Frame | None] = asyncio.Queue()
        self._take: Take = self._queue_up
        self._refused: asyncio.Future[None] | None = None  # ends with what `deliver`'s taker raised
        self._wanted = asyncio.Event()
        self._first_id: int | None = None  # U of the first depth frame of this connection
        self._epoch = 0
        self._silent: str | None = None  # the stream whose silence ends this connection
        self._exchange: Any = None
        self._runner: asyncio.Task[None] | None = None

    async def frames(self) -> AsyncIterator[Frame]:
        """Yield (local_ns, json) for ever; reconnects with backoff."""
        self._begin_running()
        while (frame := await self._queue.get()) is not None:
            yield frame
        self._raise_what_ended()

    async def deliver(self, take: Take) -> None:
        """Hand over every frame as soon as it is there; reconnects for ever. See `strategy.venues.ports.Feed`."""
        self._refused = asyncio.get_running_loop().create_future()
        self._take = partial(self._hand_over, take, self._refused)
        runner = self._begin_running()
        await asyncio.wait([runner, self._refused], return_when=asyncio.FIRST_COMPLETED)
        if self._refused.done():
            self._refused.result()
        self._raise_what_ended()

    def _hand_over(self, take: Take, refused: asyncio.Future[None], local_ns: int, payload: bytes) -> None:
        """Hand over one frame; the caller is a connection, which must not end of what the taker raises."""
        if refused.done():
            return
        try:
            take(local_ns, payload)
        except Exception as error:  # noqa: BLE001 (raised by `deliver`)
            refused.set_exception(error)

    def _queue_up(self, local_ns: int, payload: bytes) -> None:
        self._queue.put_nowait((local_ns, payload))

    def _begin_running(self) -> asyncio.Task[None]:
        self._exchange = open_exchange(self._config)
        self._runner = asyncio.create_task(self._run(), name="feed")
        self._runner.add_done_callback(lambda _: self._queue.put_nowait(None))
        return self._runner

    def _raise_what_ended(self) -> None:
        if self._runner is not None and self._runner.done() and not self._runner.cancelled():
            self._runner.result()  # it never returns: what ended it must not pass for an end in order

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
            await end_tasks([self._runner])
        if self._exchange is not None:
            await self._exchange.close()
        self._queue.put_nowait(None)

    async def _run(self) -> None:
        backoff = Backoff(PAUSE_SECONDS)
        while True:
            started = time.monotonic()
            try:
                reason = await self._connection()
            except (ccxt.pro.BaseError, VenueError, OSError) as error:
                reason = redacted(error)
            pause_s = backoff.after(time.monotonic() - started)
            market = {"venue": self._config.name, "symbol": self._config.symbol}
            log.warning("connection lost", **market, reason=reason, retry_s=round(pause_s, 2))
            await asyncio.sleep(pause_s)

    async def _connection(self) -> str:
        """Live through one connection and return why it ended."""
        reply = await self._endpoints.info.of(self._exchange)({"symbol": self._config.market_id})
        # clock and limits of the venue are left out: readers find the filters by the line's first word
        info = orjson.dumps({"symbols": _symbols(reply, self._config.market_id)})
        names = "/".join(f"{self._config.market_id.lower()}@{stream}" for stream in self._streams)
        self._begin(info)
        self._exchange.open()  # makes what TLS needs
        context = self._exchange.ssl_context or None
        connection = MarketSocket(f"{stream_url(self._exchange)}?streams={names}", context, self._tap)
        asking = [asyncio.create_task(self._snapshots(), name="snapshots")]
        if self._clock_seconds is not None:
            asking.append(asyncio.create_task(self._clock(self._clock_seconds), name="clock"))
        try:
            await connection.open()
            reason = await connection.until_silent(1.0, self._flowing)
            reason = f"silent {self._silent}" if self._silent else reason
        except VenueError as error:
            reason = redacted(error)
        finally:
            await end_tasks(asking)
            await connection.close()
        self._mark(f"lost: {reason}")
        return reason

    def _begin(self, info: bytes) -> None:
        self._epoch += 1
        self._first_id = None
        self._wanted.clear()
        self._silent = None
        self._silence.begin()
        self._mark("connected")
        self._put(info)

    def _flowing(self) -> bool:
        self._silent = self._silence.alarm()
        return self._silent is None

    def _tap(self, local_ns: int, payload: bytes) -> None:
        """Pass on one frame with its stamp."""
        self._take(local_ns, payload)
        head = payload[:_STREAM_HEAD]
        for mark, stream in self._marks:
            if mark in head:
                self._silence.heard(stream)
        if self._first_id is None and _DEPTH_MARK in payload:
            self._begin_book(payload)

    def _begin_book(self, payload: bytes) -> None:
        """Have the snapshot fetched that the first depth frame of a connection follows."""
        try:
            self._first_id = int(orjson.loads(payload)["data"]["U"])
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            log.warning("frame refused", error=redacted(error), frame=payload[:80])
            return
        self._wanted.set()

    async def _snapshots(self) -> None:
        """Fetch a snapshot whenever one is wanted; one that is older than the first diff is fetched again."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                wanted = {"symbol": self._config.market_id, "limit": self._endpoints.snapshot_depth}
                payload = await self._raw(self._endpoints.depth.of(self._exchange), wanted)
                self._put(payload)
                if self._first_id is not None and orjson.loads(payload)["lastUpdateId"] + 1 < self._first_id:
                    self._wanted.set()
            except (ccxt.pro.BaseError, orjson.JSONDecodeError, KeyError, TypeError) as error:
                log.warning("snapshot failed", error=redacted(error))
                self._wanted.set()
            await asyncio.sleep(_RESNAPSHOT_PAUSE)

    async def _clock(self, period_s: float) -> None:
        """Compare the clocks at the start, every `period_s`, and at once when ours has been set."""
        while True:
            watch = JumpWatch()
            try:
                found = estimate([await self._ask_time() for _ in range(SAMPLES)])
                self._put(orjson.dumps({"clock": asdict(found)}))
            except (ccxt.pro.BaseError, orjson.JSONDecodeError, KeyError) as error:
                log.warning("venue's clock unknown", error=redacted(error))
            until = time.monotonic() + period_s
            while time.monotonic() < until:
                await asyncio.sleep(min(_JUMP_POLL_SECONDS, period_s))
                if jumped_ns := watch.jumped_ns():
                    log.warning("our clock was set", by_ms=jumped_ns // 1_000_000)
                    break

    async def _ask_time(self) -> Asked:
        """Ask for the venue's time once; the clock that only counts measures the way there and back."""
        async with self._rest:
            sent_ns, began = time.time_ns(), time.monotonic_ns()
            reply = await self._endpoints.time.of(self._exchange)()
            return Asked(sent_ns, int(reply["serverTime"]) * 1_000_000, sent_ns + time.monotonic_ns() - began)

    async def _raw(self, path: Any, parameters: dict[str, Any]) -> bytes:
        """Await a REST call and return the reply as it came; this exchange object has one call in flight at a time."""
        async with self._rest:
            await path(parameters)
            return str(self._exchange.last_http_response).encode()

    def _mark(self, reason: str) -> None:
        self._put(orjson.dumps({"epoch": {"n": self._epoch, "reason": reason}}))

    def _put(self, payload: bytes) -> None:
        self._take(time.time_ns(), payload)


def _symbols(reply: Any, market_id: str) -> list[Any]:
    """Return what an exchangeInfo reply lists of our symbol; futures list every symbol, whatever was asked for."""
    try:
        return [row for row in reply["symbols"] if row["symbol"] == market_id]
    except (KeyError, TypeError) as error:
        raise VenueError(f"filters of {market_id}: the reply was not understood ({str(reply)[:40]!r})") from error

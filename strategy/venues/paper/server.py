"""The paper venue as a server on loopback: one market in real time behind REST, streams and the WS API."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiohttp import web

from strategy.venues.paper.admin import Admin
from strategy.venues.paper.config import PaperConfig
from strategy.venues.paper.door import Door
from strategy.venues.paper.faults.replies import ReplyFaults
from strategy.venues.paper.frame_log import FrameLog
from strategy.venues.paper.gate import Gate
from strategy.venues.paper.hub import Hub
from strategy.venues.paper.market import DEPTH_NS, STEP_NS, Market
from strategy.venues.paper.misfortune import Misfortune
from strategy.venues.paper.operations import Venue
from strategy.venues.paper.recording import open_recording
from strategy.venues.paper.rest import RestApi
from strategy.venues.paper.streams import Streams
from strategy.venues.paper.wsapi import SocketApi

STEP_S = STEP_NS / 1e9
STEPS_PER_DEPTH = DEPTH_NS // STEP_NS
MOST_CATCH_UP = 20  # a machine that slept does not replay what it missed


class PaperServer:
    """A market, its clock, and everything that serves it."""

    def __init__(self, config: PaperConfig) -> None:
        """Open the market now."""
        self.config = config
        self.skew_ns = config.clock_skew_ms * 1_000_000
        self.hub = Hub(FrameLog(config.frame_log))
        self.gate = Gate(config)
        self.replies = ReplyFaults()
        market = Market(config, time.time_ns() + self.skew_ns, recording=open_recording(config))
        self.venue = Venue(self.listen_to(market))
        self.rest = RestApi(self.venue, self.gate, self.replies, self.turn_clock)
        self._streams = Streams(self.hub, config.venue_symbol, self.rest.listen_keys)
        self._socket_api = SocketApi(self.venue, self.gate, self.hub, self.replies, self.turn_clock)
        self.ticking: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.door = Door("paper venue", self._application(), config.port)
        admin = Admin(self.venue, self._describe, Misfortune(self).carry_out)
        self.admin_door = Door("paper venue admin", admin.application(), config.admin_port or 0)

    @property
    def market(self) -> Market:
        """Return the market as it is now; a restart may put another in its place."""
        return self.venue.market

    @property
    def url(self) -> str:
        """Return the address of the venue."""
        return self.door.url

    def listen_to(self, market: Market) -> Market:
        """Let a market's account be heard on the user streams; return the market."""
        market.desk.on_user_event = self.hub.events.tell
        return market

    def turn_clock(self) -> int:
        """Bring the market's clock to now; it runs back for nothing but a skew."""
        engine = self.market.engine
        engine.now_ns = max(engine.now_ns, time.time_ns() + self.skew_ns)
        return engine.now_ns

    async def tick(self) -> None:
        """Run the market in real time until cancelled; BadInput when a tape turns out to be unreadable."""
        started, steps = time.monotonic(), 0
        while True:
            due = int((time.monotonic() - started) / STEP_S) - steps
            if due > MOST_CATCH_UP:
                started += (due - MOST_CATCH_UP) * STEP_S
                due = MOST_CATCH_UP
            for _ in range(due):
                steps += 1
                self._step(steps)
            await asyncio.sleep(max(0.0, started + (steps + 1) * STEP_S - time.monotonic()))

    def flush(self) -> None:
        """Send the frames that are ready."""
        self.hub.publish(self.market.drain())

    def _application(self) -> web.Application:
        application = web.Application()
        application.router.add_get("/stream", self._streams.combined)
        application.router.add_get("/stream/{tail:.*}", self._streams.combined)
        application.router.add_get("/ws", self._streams.raw)
        application.router.add_get("/ws/{tail:.*}", self._streams.raw)
        application.router.add_route("*", "/sapi/{path:.*}", self.rest.handle)
        if self.config.is_futures:
            application.router.add_route("*", "/fapi/{path:.*}", self.rest.handle)
        else:
            application.router.add_get("/ws-api/v3", self._socket_api.handle)
            application.router.add_route("*", "/api/v3/{path:.*}", self.rest.handle)
        return application

    def _describe(self) -> dict[str, Any]:
        self.turn_clock()
        return {
            "sessions": len(self.hub.sessions),
            "frames_sent": dict(self.hub.sent),
            "reply_faults": len(self.replies),
            "clock_skew_ms": self.skew_ns // 1_000_000,
        }

    def _step(self, number: int) -> None:
        self.market.step(self.turn_clock(), STEP_S * self.config.speed)
        if number % STEPS_PER_DEPTH == 0:
            self.market.publish_depth(self.turn_clock())
        self.flush()

    async def close_sessions(self) -> None:
        """Say goodbye on every websocket."""
        for session in tuple(self.hub.sessions):
            await session.socket.close()


@asynccontextmanager
async def running(config: PaperConfig) -> AsyncIterator[PaperServer]:
    """Serve until the block ends; `url` holds the address. What stopped the market early is raised at the end."""
    server = PaperServer(config)
    await server.door.open()
    try:
        if config.admin_port is not None:
            await server.admin_door.open()
        server.ticking = asyncio.create_task(server.tick())
        try:
            yield server
        finally:
            server.ticking.cancel()
            with suppress(asyncio.CancelledError):
                await server.ticking
    finally:
        await server.admin_door.close()
        await server.door.close(server.close_sessions)


async def _until_signal(config: PaperConfig, ready: Callable[[str, str | None], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(config) as server:
        ready(server.url, server.admin_door.url or None)
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait((stopped, server.ticking), return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()


def serve(config: PaperConfig, ready: Callable[[str, str | None], None]) -> None:
    """Serve until SIGTERM or SIGINT; `ready` gets the addresses of venue and admin endpoint once both answer."""
    asyncio.run(_until_signal(config, ready))

"""The paper venue as a server on loopback: one market in real time behind REST, streams and the WS API."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from aiohttp import web

from strategy.errors import Failed
from strategy.venues.paper.config import PaperConfig
from strategy.venues.paper.faults import FrameLog
from strategy.venues.paper.gate import Gate
from strategy.venues.paper.hub import Hub
from strategy.venues.paper.market import DEPTH_NS, STEP_NS, Market
from strategy.venues.paper.operations import Venue
from strategy.venues.paper.rest import RestApi
from strategy.venues.paper.streams import Streams
from strategy.venues.paper.wsapi import SocketApi

HOST = "127.0.0.1"
STEP_S = STEP_NS / 1e9
STEPS_PER_DEPTH = DEPTH_NS // STEP_NS
MOST_CATCH_UP = 20  # a machine that slept does not replay what it missed


class PaperServer:
    """A market, its clock, and everything that serves it."""

    def __init__(self, config: PaperConfig) -> None:
        """Open the market now."""
        self.config = config
        self._skew_ns = config.clock_skew_ms * 1_000_000
        self.market = Market(config, time.time_ns() + self._skew_ns)
        self.hub = Hub(FrameLog(config.frame_log))
        self.gate = Gate(config)
        self.url = ""
        self.market.desk.on_user_event = self.hub.tell_user
        venue = Venue(self.market)
        self.rest = RestApi(venue, self.gate, self.hub, self.turn_clock)
        self._streams = Streams(self.hub, config.venue_symbol, self.rest.listen_keys)
        self._socket_api = SocketApi(venue, self.gate, self.hub, self.turn_clock)

    def turn_clock(self) -> int:
        """Bring the market's clock to now; it never runs back."""
        engine = self.market.engine
        engine.now_ns = max(engine.now_ns, time.time_ns() + self._skew_ns)
        return engine.now_ns

    def application(self) -> web.Application:
        """Return the routes."""
        application = web.Application()
        application.router.add_get("/stream", self._streams.combined)
        application.router.add_get("/stream/{tail:.*}", self._streams.combined)
        application.router.add_get("/ws", self._streams.raw)
        application.router.add_get("/ws/{tail:.*}", self._streams.raw)
        application.router.add_get("/ws-api/v3", self._socket_api.handle)
        application.router.add_get("/admin/state", self.rest.state)
        application.router.add_post("/admin/deposit", self.rest.deposit)
        application.router.add_post("/admin/fault", self.rest.fault)
        application.router.add_route("*", "/api/v3/{path:.*}", self.rest.handle)
        return application

    async def tick(self) -> None:
        """Run the market in real time until cancelled."""
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

    def _step(self, number: int) -> None:
        self.market.step(self.turn_clock(), STEP_S * self.config.speed)
        if number % STEPS_PER_DEPTH == 0:
            self.market.publish_depth(self.turn_clock())
        self.flush()


@asynccontextmanager
async def running(config: PaperConfig) -> AsyncIterator[PaperServer]:
    """Serve until the block ends; `url` holds the address."""
    server = PaperServer(config)
    runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, HOST, config.port)
    try:
        await site.start()
    except OSError as error:
        await runner.cleanup()
        raise Failed(f"paper venue: port {config.port} cannot be opened: {error.strerror or error}") from None
    server.url = f"http://{HOST}:{runner.addresses[0][1]}"
    ticking = asyncio.create_task(server.tick())
    try:
        yield server
    finally:
        ticking.cancel()
        with suppress(asyncio.CancelledError):
            await ticking
        for session in tuple(server.hub.sessions):
            await session.socket.close()
        await runner.cleanup()


async def _until_signal(config: PaperConfig, ready: Callable[[str], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(config) as server:
        ready(server.url)
        await stop.wait()


def serve(config: PaperConfig, ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; `ready` gets the address once the venue answers."""
    asyncio.run(_until_signal(config, ready))

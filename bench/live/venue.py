"""The venue under both clients: `python -m bench.live.venue TAPE SAMPLES…`, a server and a file of samples a client.

A sample is the time from the moment at which the tick is handed to the socket until the first order that answers it has
arrived, in ns, both taken here. The servers' ticks alternate, so that one client's work never meets the other's.
Prints a line with the addresses; SIGTERM ends it and writes the samples.
"""

import asyncio
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import orjson
from aiohttp import web

from bench.live.pulse import DEEP, SYMBOL
from strategy.venues.paper.config import PaperConfig
from strategy.venues.paper.server import STEP_S, PaperServer

_DEPTH: Final = "@depth@"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class StampedServer(PaperServer):
    """A paper venue that takes the time from each deep update to the first order after it."""

    def __init__(self, config: PaperConfig) -> None:
        """Open the market now."""
        self.samples: list[int] = []
        self._ticked_ns = 0
        super().__init__(config)

    def flush(self) -> None:
        """Send the frames that are ready and remember when."""
        frames = self.market.drain()
        if any(_DEPTH in frame.stream and f'"{DEEP}' in frame.payload for frame in frames):
            self._ticked_ns = time.perf_counter_ns()
        self.hub.publish(frames)

    def _application(self) -> web.Application:
        application = super()._application()

        @web.middleware
        async def stamp(request: web.Request, handler: Handler) -> web.StreamResponse:
            if self._ticked_ns and request.method == "POST" and request.path.endswith("/order"):
                self.samples.append(time.perf_counter_ns() - self._ticked_ns)
                self._ticked_ns = 0
            return await handler(request)

        application.middlewares.append(stamp)
        return application


async def serve(tape: Path, files: list[Path]) -> None:
    """Serve until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    config = PaperConfig.model_validate({"symbol": SYMBOL, "tape": (tape,)})
    servers = [StampedServer(config) for _ in files]
    ticking = []
    for server in servers:
        await server.door.open()
        ticking.append(asyncio.create_task(server.tick()))
        await asyncio.sleep(STEP_S / len(servers))
    sys.stdout.write(" ".join(server.url for server in servers) + "\n")
    sys.stdout.flush()
    await stop.wait()
    for server, task, file in zip(servers, ticking, files, strict=True):
        task.cancel()
        await server.door.close(server.close_sessions)
        file.write_bytes(orjson.dumps(server.samples))


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]]))

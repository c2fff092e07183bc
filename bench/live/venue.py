"""The venue under a client: `python -m bench.live.venue TAPE SAMPLES`.

A sample is the time from the moment at which the tick is handed to the socket until the first order that answers it has
arrived, in ns, both taken here. Prints a line with the address; SIGTERM ends it and writes the samples.
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
from strategy.venues.paper.server import PaperServer

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


async def serve(tape: Path) -> list[int]:
    """Serve until SIGTERM and return the samples."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = StampedServer(PaperConfig.model_validate({"symbol": SYMBOL, "tape": (tape,)}))
    await server.door.open()
    ticking = asyncio.create_task(server.tick())
    sys.stdout.write(f"{server.url}\n")
    sys.stdout.flush()
    await stop.wait()
    ticking.cancel()
    await server.door.close(server.close_sessions)
    return server.samples


if __name__ == "__main__":
    Path(sys.argv[2]).write_bytes(orjson.dumps(asyncio.run(serve(Path(sys.argv[1])))))

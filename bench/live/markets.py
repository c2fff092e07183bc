"""Busy markets: `python -m bench.live.markets N`, a paper venue each in one process; prints their addresses."""

import asyncio
import signal
import sys
from contextlib import AsyncExitStack

from strategy.venues.paper.config import PaperConfig
from strategy.venues.paper.server import running


def symbols(number: int) -> list[str]:
    """Return the names of so many symbols."""
    return [f"B{letter}C/FDUSD" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[:number]]


async def serve(number: int) -> None:
    """Serve until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with AsyncExitStack() as venues:
        found = []
        for seed, symbol in enumerate(symbols(number)):
            config = PaperConfig.model_validate({"symbol": symbol, "seed": seed, "regime": "busy"})
            found.append((await venues.enter_async_context(running(config))).url)
        sys.stdout.write(" ".join(found) + "\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))

"""A venue on loopback that sends one symbol's depth at a steady rate: `python -m bench.lake.flood --rate N`.

It prints its port as soon as it listens, and ends with SIGTERM. It answers what a recorder asks for: exchangeInfo, a
snapshot of 5,000 levels, the time, and one combined stream of depth diffs without a hole.
"""

import argparse
import asyncio
import random
import signal
import time
from collections.abc import Iterator
from typing import Any, Final

from aiohttp import web

MARKET: Final = "BTCUSDT"
SYMBOL: Final = "BTC/USDT"
PERIOD_S: Final = 0.001  # what is due is sent so often, at once
BOOK: Final = 2_500  # levels a side of the snapshot
POOL: Final = 4_096  # messages until the levels repeat: the venue must not be what is measured
MID: Final = 6_000_000  # in hundredths
FILTERS: Final = [
    {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00", "tickSize": "0.01"},
    {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000.00000000", "stepSize": "0.00001"},
    {"filterType": "NOTIONAL", "minNotional": "5.00000000"},
]


class Flood:
    """The market: diffs number `first`, `first` + 1, … of `levels` changes a side."""

    def __init__(self, rate: float, levels: int, seed: int = 1) -> None:
        """Prepare; the stream begins with the first connection."""
        self._rate, self._levels = rate, levels
        self._rng = random.Random(seed)
        self._pool = [(self._changes(-1), self._changes(1)) for _ in range(POOL)]
        self.number = 1_000_000

    async def instruments(self, request: web.Request) -> web.Response:
        """Answer exchangeInfo."""
        return web.json_response({"symbols": [{"symbol": MARKET, "status": "TRADING", "filters": FILTERS}]})

    async def clock(self, request: web.Request) -> web.Response:
        """Answer the time."""
        return web.json_response({"serverTime": time.time_ns() // 10**6})

    async def book(self, request: web.Request) -> web.Response:
        """Answer a snapshot that goes with the latest diff."""
        bids, asks = ([self._level(sign * (1 + i)) for i in range(BOOK)] for sign in (-1, 1))
        return web.json_response({"lastUpdateId": self.number, "bids": bids, "asks": asks})

    async def stream(self, request: web.Request) -> web.WebSocketResponse:
        """Send diffs to one connection until it ends."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        sending = asyncio.create_task(self._send(socket))
        await socket.receive()  # the end: this client has nothing else to say
        sending.cancel()
        await asyncio.wait([sending])
        return socket

    async def _send(self, socket: web.WebSocketResponse) -> None:
        begun, sent = time.monotonic(), 0
        while True:
            due = int((time.monotonic() - begun) * self._rate)
            for text in self._diffs(due - sent):
                await socket.send_str(text)
            sent = due
            await asyncio.sleep(PERIOD_S)

    def _diffs(self, count: int) -> Iterator[str]:
        for _ in range(count):
            self.number += 1
            bids, asks = self._pool[self.number % POOL]
            ids = f'"U":{self.number},"u":{self.number}'
            data = f'"e":"depthUpdate","E":{time.time_ns() // 10**6},"s":"{MARKET}",{ids},"b":[{bids}],"a":[{asks}]'
            yield f'{{"stream":"{MARKET.lower()}@depth@100ms","data":{{{data}}}}}'

    def _changes(self, sign: int) -> str:
        first = int(self._rng.random() * BOOK)
        return ",".join(
            [
                f'["{price}","{qty}"]'
                for price, qty in (self._level(sign * (1 + first + i)) for i in range(self._levels))
            ]
        )

    def _level(self, distance: int) -> tuple[str, str]:
        price = MID + distance
        return f"{price // 100}.{price % 100:02d}000000", f"{self._rng.random():.5f}000"


async def serve(flood: Flood) -> None:
    """Serve on a free port until SIGTERM."""
    app = web.Application()
    app.router.add_get("/api/v3/exchangeInfo", flood.instruments)
    app.router.add_get("/api/v3/time", flood.clock)
    app.router.add_get("/api/v3/depth", flood.book)
    app.router.add_get("/stream", flood.stream)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, shutdown_timeout=1.0)
    await site.start()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    print(port_of(runner), flush=True)
    await stop.wait()
    await runner.cleanup()


def port_of(runner: Any) -> int:
    """Return the port that was chosen."""
    return int(runner.addresses[0][1])


def main() -> None:
    """Serve as the options say."""
    parser = argparse.ArgumentParser(prog="python -m bench.lake.flood", description=__doc__)
    parser.add_argument("--rate", type=float, required=True, help="depth messages a second")
    parser.add_argument("--levels", type=int, required=True, help="changes a side and message")
    options = parser.parse_args()
    asyncio.run(serve(Flood(options.rate, options.levels)))


if __name__ == "__main__":
    main()

"""A scripted venue on loopback: just enough of Binance's addresses for ccxt, with faults on demand."""

import asyncio
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import WSMsgType, web

from strategy.venues.settings import VenueConfig, paper_venue

INFO = {
    "symbols": [
        {
            "symbol": "BTCFDUSD",
            "filters": [
                {"filterType": "PRICE_FILTER", "tickSize": "0.01000000"},
                {"filterType": "LOT_SIZE", "stepSize": "0.00001000", "minQty": "0.00001000"},
                {"filterType": "NOTIONAL", "minNotional": "5.00000000"},
            ],
        }
    ]
}


def diff(first: int, final: int) -> dict[str, Any]:
    data = {"e": "depthUpdate", "E": 1, "s": "BTCFDUSD", "U": first, "u": final, "b": [["1.00", "1"]], "a": []}
    return {"stream": "btcfdusd@depth@100ms", "data": data}


class FakeVenue:
    """REST replies by (method, path) in `replies`: a dict, or (status, dict), or a list of these used up in turn.

    A string in place of a dict goes out as a page of HTML; `headers` go with every reply.
    """

    def __init__(self) -> None:
        self.replies: dict[tuple[str, str], Any] = {
            ("GET", "/api/v3/exchangeInfo"): INFO,
            ("GET", "/api/v3/time"): {"serverTime": 1},
            ("GET", "/api/v3/depth"): {"lastUpdateId": 10, "bids": [["1.00", "1"]], "asks": [["2.00", "1"]]},
        }
        self.answers: list[dict[str, Any]] = []  # to requests over the websocket, in turn; then all is granted
        self.headers: dict[str, str] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.sockets: dict[str, list[web.WebSocketResponse]] = {"/stream": [], "/ws-api/v3": []}
        self.connected = asyncio.Condition()
        self.config: VenueConfig
        self.gone = False

    async def rest(self, request: web.Request) -> web.StreamResponse:
        fields = dict(request.query) | dict(await request.post())
        self.requests.append((request.method, request.path, {k: str(v) for k, v in fields.items()}))
        reply = self.replies[(request.method, request.path)]
        if isinstance(reply, list):
            reply = reply.pop(0) if len(reply) > 1 else reply[0]
        if reply == "hang up":
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        status, body = reply if isinstance(reply, tuple) else (200, reply)
        if isinstance(body, str):
            return web.Response(status=status, text=body, content_type="text/html", headers=self.headers)
        return web.json_response(body, status=status, headers=self.headers)

    async def socket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async with self.connected:
            self.sockets[request.path].append(socket)
            self.connected.notify_all()
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                asked = orjson.loads(message.data)
                answer = self.answers.pop(0) if self.answers else {"status": 200, "result": {"subscriptionId": 0}}
                await socket.send_json({"id": asked["id"], **answer})
        return socket

    async def stream(self, path: str, number: int = 1) -> web.WebSocketResponse:
        """Wait for the n-th connection to a websocket path."""
        async with self.connected:
            await asyncio.wait_for(self.connected.wait_for(lambda: len(self.sockets[path]) >= number), 10)
        return self.sockets[path][number - 1]


@asynccontextmanager
async def fake_venue():  # type: ignore[no-untyped-def]
    venue = FakeVenue()
    app = web.Application()
    app.router.add_get("/stream", venue.socket)
    app.router.add_get("/ws-api/v3", venue.socket)
    app.router.add_route("*", "/api/v3/{name}", venue.rest)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    venue.config = paper_venue(f"http://127.0.0.1:{port}", "BTC/FDUSD")
    try:
        yield venue
    finally:
        await runner.cleanup()

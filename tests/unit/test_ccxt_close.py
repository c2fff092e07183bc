"""The end of a connection to a venue that talks on and never answers the close."""

import asyncio

from aiohttp import web

from strategy.venues import ccxt_venue
from strategy.venues.ccxt_venue import Connection, open_exchange
from strategy.venues.settings import paper_venue

PATIENCE_S = 30.0


class DeafVenue:
    """It never reads: a close that it is sent stays unanswered."""

    def __init__(self) -> None:
        self.left = asyncio.Event()

    async def talk(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        while request.transport is not None and not request.transport.is_closing():
            await socket.send_str('{"stream":"btcusdt@trade","data":{}}')
            await asyncio.sleep(0.001)
        self.left.set()
        return socket


async def test_a_venue_that_never_answers_the_close_is_left_in_time(monkeypatch):
    monkeypatch.setattr(ccxt_venue, "CLOSE_SECONDS", 0.2)
    venue, app = DeafVenue(), web.Application()
    app.router.add_get("/stream", venue.talk)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    config = paper_venue(f"http://127.0.0.1:{runner.addresses[0][1]}", "BTC/USDT")
    exchange, heard = open_exchange(config), asyncio.Event()
    try:
        connection = Connection(exchange, f"{config.stream_url}?streams=x", lambda data: heard.set() or True)
        await connection.open()
        await asyncio.wait_for(heard.wait(), PATIENCE_S)
        await asyncio.wait_for(connection.close(), PATIENCE_S)
        await asyncio.wait_for(venue.left.wait(), PATIENCE_S)
    finally:
        await exchange.close()
        await runner.cleanup()

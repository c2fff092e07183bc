import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from strategy.errors import VenueError
from strategy.venues.market_socket import MarketSocket
from tests.rigs.tls import Tls, loopback_tls

pytestmark = pytest.mark.slow

LONG_S = 60.0
Talk = Callable[[web.WebSocketResponse], Awaitable[None]]


@asynccontextmanager
async def connected(talk: Talk, tls: Tls | None = None) -> AsyncIterator[tuple[MarketSocket, asyncio.Queue[bytes]]]:
    """A venue that talks once somebody listens, and what was heard of it."""
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def serve(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await talk(socket)
        async for _ in socket:
            pass
        return socket

    app = web.Application()
    app.router.add_get("/stream", serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls and tls.server).start()
    url = f"{'wss' if tls else 'ws'}://127.0.0.1:{runner.addresses[0][1]}/stream?streams=a/b"
    try:
        yield await MarketSocket(url, tls and tls.client, lambda _, payload: heard.put_nowait(payload)).open(), heard
    finally:
        await runner.cleanup()


async def test_messages_in_one_piece_or_several_reach_the_tap_whole() -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        await socket.send_frame(b"one ", web.WSMsgType.TEXT)
        transport = socket._req.transport
        transport.write(b"\x01\x02tw" + b"\x89\x00" + b"\x00\x01o" + b"\x80\x00")  # three parts, a ping between
        await socket.send_frame(b"three", web.WSMsgType.BINARY)

    async with connected(talk) as (socket, heard):
        async with asyncio.timeout(LONG_S):
            assert [await heard.get() for _ in range(3)] == [b"one ", b"two", b"three"]
        await socket.close()


async def test_a_close_is_told_with_the_venues_word() -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        await socket.close(code=1001, message=b"maintenance")

    async with connected(talk) as (socket, _):
        assert await socket.until_silent(LONG_S, lambda: True) == "closed by the venue, code 1001 maintenance"


async def test_a_cut_connection_is_told() -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        socket._req.transport.abort()

    async with connected(talk) as (socket, _):
        assert await socket.until_silent(LONG_S, lambda: True) == "closed without a word"


async def test_a_venue_that_is_not_there_is_an_error_that_names_it() -> None:
    with pytest.raises(VenueError, match=r"^ws://127.0.0.1:1/stream cannot be reached: .*refused|failed"):
        await MarketSocket("ws://127.0.0.1:1/stream?streams=x", None, lambda *_: None).open()


async def test_messages_come_encrypted_from_a_venue_that_proves_who_it_is(tmp_path: Path) -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        await socket.send_str("hello")

    tls = loopback_tls(tmp_path)
    async with connected(talk, tls) as (socket, heard):
        async with asyncio.timeout(LONG_S):
            assert await heard.get() == b"hello"
        await socket.close()
    with pytest.raises(VenueError, match="cannot be reached"):
        async with connected(talk, replace(tls, client=tls.stranger)):
            raise AssertionError("connected to a venue that proved nothing")

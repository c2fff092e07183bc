"""Lines on which orders leave: scripted replies byte by byte from a server on loopback."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from strategy.venues.http_line import Reply
from strategy.venues.line_pool import SPARE, LinePool
from tests.rigs.tls import loopback_tls

pytestmark = pytest.mark.slow

REQUEST = b"POST /order HTTP/1.1\r\nHost: venue\r\nContent-Length: 2\r\n\r\nhi"
OK = b"HTTP/1.1 200 OK\r\nX-MBX-USED-WEIGHT-1M: 7\r\nContent-Length: 4\r\n\r\ndone"
LONG_S = 60.0

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """What was asked, and on how many connections."""

    def __init__(self, serve: Serve) -> None:
        self.serve, self.connections, self.ended, self.asked = serve, 0, 0, 0
        self.url = ""
        self._tasks: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._tasks[asyncio.current_task()] = writer
        try:
            while await reader.readuntil(b"\r\n\r\nhi"):
                self.asked += 1
                await self.serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.ended += 1

    async def end(self) -> None:
        for writer in self._tasks.values():
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def serving(
    serve: Serve, timeout_s: float = LONG_S, tls: ssl.SSLContext | None = None, trust: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[Server, LinePool]]:
    server = Server(serve)
    listening = await asyncio.start_server(server.connected, "127.0.0.1", 0, ssl=tls)
    scheme = "http" if tls is None else "https"
    server.url = f"{scheme}://127.0.0.1:{listening.sockets[0].getsockname()[1]}/api"
    pool = LinePool(server.url, trust, timeout_s)
    try:
        yield server, pool
    finally:
        await pool.close()
        listening.close()
        await server.end()
        await listening.wait_closed()


def sending(*parts: bytes, then_close: bool = False) -> Serve:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.01)
        if then_close:
            writer.close()

    return serve


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(int(LONG_S / 0.01)):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("did not come to pass")


async def ready(pool: LinePool, server: Server, lines: int = SPARE) -> None:
    pool.open()
    await until(lambda: server.connections >= lines and pool.free >= SPARE)


@pytest.mark.parametrize(
    "parts",
    [
        (OK,),
        (OK[:9], OK[9:40], OK[40:]),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\ndo\r\n", b"2\r\nne\r\n0\r\n\r\n"),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n", OK),
    ],
)
async def test_replies_are_read_however_they_come_and_their_line_serves_again(parts: tuple[bytes, ...]) -> None:
    async with serving(sending(*parts)) as (server, pool):
        await ready(pool, server)
        for _ in range(3):
            reply = await pool.reply(pool.send(REQUEST))
            assert (reply.status, reply.text) == (200, "done")
        assert server.connections <= SPARE + 1  # one more was opened beside the one in use


async def test_a_request_is_written_in_the_call_that_sends_it() -> None:
    async with serving(sending(OK)) as (server, pool):
        await ready(pool, server)
        written: list[int] = []
        sent = pool.send(REQUEST, lambda: written.append(1))
        assert written == [1]
        assert await pool.reply(sent) == Reply(200, "OK", {"x-mbx-used-weight-1m": "7", "content-length": "4"}, "done")


async def test_without_a_free_line_the_request_is_written_once_one_is_open() -> None:
    async with serving(sending(OK)) as (server, pool):
        written: list[int] = []
        sent = pool.send(REQUEST, lambda: written.append(1))
        assert not written
        assert (await pool.reply(sent)).status == 200
        assert (written, server.asked) == ([1], 1)


async def test_requests_at_once_go_on_lines_of_their_own() -> None:
    gate = asyncio.Event()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gate.wait()
        writer.write(OK)

    async with serving(serve) as (server, pool):
        await ready(pool, server)
        replies = [asyncio.create_task(pool.reply(pool.send(REQUEST))) for _ in range(SPARE + 3)]
        await until(lambda: server.asked == SPARE + 3)
        gate.set()
        assert [reply.status for reply in await asyncio.gather(*replies)] == [200] * (SPARE + 3)


@pytest.mark.parametrize("reply", [b"", OK[:30], b"<html>\r\n\r\n"])
async def test_a_reply_that_is_cut_or_none_is_a_lost_connection(reply: bytes) -> None:
    async with serving(sending(reply, then_close=True)) as (server, pool):
        await ready(pool, server)
        with pytest.raises(ConnectionError):
            await pool.reply(pool.send(REQUEST))


async def test_a_reply_without_a_length_ends_with_its_connection() -> None:
    async with serving(sending(b"HTTP/1.1 502 Bad Gateway\r\n\r\n<html>", then_close=True)) as (server, pool):
        await ready(pool, server)
        reply = await pool.reply(pool.send(REQUEST))
        assert (reply.status, reply.reason, reply.text) == (502, "Bad Gateway", "<html>")


async def test_a_late_reply_is_never_taken_for_another_requests() -> None:
    late = asyncio.Event()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not late.is_set():
            await late.wait()
            writer.write(OK.replace(b"done", b"late"))
            return
        writer.write(OK)

    async with serving(serve, timeout_s=0.2) as (server, pool):
        await ready(pool, server)
        with pytest.raises(TimeoutError):
            await pool.reply(pool.send(REQUEST))
        late.set()
        assert [(await pool.reply(pool.send(REQUEST))).text for _ in range(2 * SPARE)] == ["done"] * 2 * SPARE


async def test_lines_that_the_venue_closes_are_opened_again() -> None:
    async with serving(sending(OK, then_close=True)) as (server, pool):
        await ready(pool, server)
        for number in range(1, 4):
            assert (await pool.reply(pool.send(REQUEST))).status == 200
            await until(lambda number=number: server.ended >= number and pool.free >= SPARE)


async def test_a_venue_that_talks_unasked_loses_its_line() -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + OK.replace(b"done", b"more"))

    async with serving(serve) as (server, pool):
        await ready(pool, server)
        assert [(await pool.reply(pool.send(REQUEST))).text for _ in range(SPARE)] == ["done"] * SPARE
        await ready(pool, server, SPARE + 1)


async def test_a_venue_that_is_gone_is_an_os_error_at_once() -> None:
    async with serving(sending(OK)) as (server, _):
        url = server.url
    with pytest.raises(OSError, match="Connect call failed"):
        await (pool := LinePool(url, None, LONG_S)).reply(pool.send(REQUEST))


async def test_requests_leave_encrypted_to_a_host_that_proves_who_it_is(tmp_path: Path) -> None:
    tls = loopback_tls(tmp_path)
    async with serving(sending(OK), tls=tls.server, trust=tls.client) as (server, pool):
        await ready(pool, server)
        for _ in range(3):
            reply = await pool.reply(pool.send(REQUEST))
            assert (reply.status, reply.text) == (200, "done")


async def test_nothing_is_said_to_a_host_that_cannot_prove_it(tmp_path: Path) -> None:
    tls = loopback_tls(tmp_path)
    async with serving(sending(OK), tls=tls.server, trust=tls.stranger) as (server, pool):
        with pytest.raises(ssl.SSLCertVerificationError):
            await pool.reply(pool.send(REQUEST))
        assert server.asked == 0

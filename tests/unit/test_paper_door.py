"""A paper venue's door: whoever was let in at the last moment is shown out as well."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from aiohttp import web

from strategy.venues.paper.door import HOST, Door

CALLERS = 5


@contextmanager
def callers(door: Door) -> Iterator[list[socket.socket]]:
    """Connections that the system has made, whatever the door knows of them."""
    with ExitStack() as held:
        port = int(door.url.rsplit(":", 1)[1])
        yield [held.enter_context(socket.create_connection((HOST, port), timeout=10.0)) for _ in range(CALLERS)]


def is_ended(caller: socket.socket) -> bool:
    try:
        return caller.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("end", [Door.shut, Door.close])
@pytest.mark.parametrize("turns", range(6))
async def test_nobody_stays_in_a_door_that_shuts_while_they_enter(
    turns: int, end: Callable[[Door], Awaitable[object]]
) -> None:
    door = Door("test", web.Application(), 0)
    await door.open()
    with callers(door) as outside:
        for _ in range(turns):
            await asyncio.sleep(0)
        await end(door)
        assert [await asyncio.to_thread(is_ended, caller) for caller in outside] == [True] * CALLERS
    await door.close()

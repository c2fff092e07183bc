"""A line that leads back into this process: for requests that are prepared, written, and go nowhere."""

import asyncio
import socket
from typing import Final, Self

from strategy.venues.http_line import HttpLine, Reply
from strategy.venues.line_pool import LinePool

_LARGEST: Final = 1 << 16  # bytes of a request


class OwnLine(HttpLine):
    """What is written is read at once at the other end and dropped; nobody answers. `taken` counts the bytes."""

    def __init__(self, far_end: socket.socket) -> None:
        """Take the other end."""
        super().__init__()
        self._far_end, self.taken = far_end, 0

    def write(self, request: bytes) -> asyncio.Future[Reply]:
        """Write a request and forget it: the line is free again."""
        answer = super().write(request)
        self.taken += len(self._far_end.recv(_LARGEST))
        self._answer = None
        return answer

    def connection_lost(self, error: Exception | None) -> None:
        """Close the other end too."""
        self._far_end.close()
        super().connection_lost(error)


class OwnLines(LinePool):
    """A pool of one such line; it never connects to anything."""

    def __init__(self, line: OwnLine) -> None:
        """Take the line."""
        super().__init__("http://localhost", None, 0.0)
        self._lines.append(line)
        self._line = line

    @classmethod
    async def opened(cls) -> Self:
        """Return a pool with an open line; OSError when there is no loopback."""
        near, far = _both_ends()
        _, line = await asyncio.get_running_loop().create_connection(lambda: OwnLine(far), sock=near)
        return cls(line)

    @property
    def taken(self) -> int:
        """Return how many bytes have been written."""
        return self._line.taken

    def open(self) -> None:
        """Keep nothing open besides."""

    async def _connect(self) -> HttpLine:
        raise ConnectionError("a line that leads nowhere was not free")


def _both_ends() -> tuple[socket.socket, socket.socket]:
    """Return a TCP connection within this process: the kernel's way of it is part of what a request takes."""
    with socket.create_server(("127.0.0.1", 0), backlog=1) as listening:
        near = socket.create_connection(listening.getsockname())
        far, address = listening.accept()
    if address != near.getsockname():
        near.close()
        far.close()
        raise ConnectionError(f"{address[0]}:{address[1]} connected in our place")
    near.setblocking(False)
    far.setblocking(False)
    return near, far

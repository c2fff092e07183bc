"""A listening address on loopback that can be shut and opened again while its application lives on."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from strategy.errors import Failed

HOST = "127.0.0.1"
_ENTERING_TURNS: Final = 8  # of the loop, more than asyncio takes from accepting a connection to telling of it


class Door:
    """One application's port; `url` holds its address from the first opening on."""

    def __init__(self, name: str, application: web.Application, port: int) -> None:
        """Stand ready to listen; port 0 picks a free one at the first opening and keeps it."""
        self.url = ""
        self._name, self._port = name, port
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        self._site: web.SockSite | None = None
        self._listener: socket.socket | None = None

    async def open(self) -> None:
        """Listen; Failed names a port that another process holds."""
        if self._runner.server is None:
            await self._runner.setup()
        try:
            self._listener = socket.create_server((HOST, self._port))
        except OSError as error:
            await self._runner.cleanup()
            reason = error.strerror or error
            raise Failed(f"{self._name}: port {self._port} cannot be opened: {reason}") from None
        self._site = web.SockSite(self._runner, self._listener)
        await self._site.start()
        self._port = self._listener.getsockname()[1]
        self.url = f"http://{HOST}:{self._port}"

    async def shut(self) -> int:
        """Refuse new connections and cut the open ones; return how many those were."""
        await self._stop_listening()
        return self.cut()

    def cut(self) -> int:
        """Cut every open connection without a word; return how many."""
        server = self._runner.server
        transports = [each.transport for each in server.connections if each.transport] if server else []
        for transport in transports:
            transport.abort()
        return len(transports)

    async def close(self, farewell: Callable[[], Awaitable[None]] | None = None) -> None:
        """End for good, after `farewell` to those who are connected."""
        if farewell is not None:
            await farewell()
        await self._stop_listening()
        await self._runner.cleanup()

    async def _stop_listening(self) -> None:
        """Let nobody else in, wait for those who are between having been let in and being known, then close.

        asyncio loses, open, a connection that it has accepted but not told of when its server closes.
        """
        if self._site is None or self._listener is None:
            return
        asyncio.get_running_loop().remove_reader(self._listener)
        for _ in range(_ENTERING_TURNS):
            await asyncio.sleep(0)
        await self._site.stop()
        self._site, self._listener = None, None

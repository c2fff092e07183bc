"""A listening address on loopback that can be shut and opened again while its application lives on."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from strategy.errors import Failed

HOST = "127.0.0.1"


class Door:
    """One application's port; `url` holds its address from the first opening on."""

    def __init__(self, name: str, application: web.Application, port: int) -> None:
        """Stand ready to listen; port 0 picks a free one at the first opening and keeps it."""
        self.url = ""
        self._name, self._port = name, port
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        self._site: web.TCPSite | None = None

    async def open(self) -> None:
        """Listen; Failed names a port that another process holds."""
        if self._runner.server is None:
            await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, self._port, reuse_address=True)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            reason = error.strerror or error
            raise Failed(f"{self._name}: port {self._port} cannot be opened: {reason}") from None
        self._site, self._port = site, self._runner.addresses[0][1]
        self.url = f"http://{HOST}:{self._port}"

    async def shut(self) -> int:
        """Refuse new connections and cut the open ones; return how many those were."""
        if self._site is not None:
            await self._site.stop()
            self._site = None
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
        await self._runner.cleanup()

"""Venue-side cancel-after: a countdown at the venue that we keep putting back while we live.

Once nobody does, the venue cancels every open order of the symbol by itself: then neither the process, nor its
supervisor, nor this machine is needed for it. It takes the orders of others on the same account and symbol too.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from strategy.errors import VenueError

log = structlog.get_logger("dead man")

COUNTDOWN_SECONDS: Final = 10.0
RENEW_SECONDS: Final = 3.0
_AGAIN_SECONDS: Final = 0.5
_END_SECONDS: Final = 2.0


class DeadMan:
    """One countdown; `arm` sends it in ms, 0 ends it."""

    def __init__(self, arm: Callable[[int], Awaitable[None]]) -> None:
        """Stand still until `begin`."""
        self._arm, self._armed = arm, asyncio.Event()

    async def begin(self) -> asyncio.Task[None]:
        """Return once the countdown runs for the first time; the task that puts it back never ends by itself."""
        renewer = asyncio.create_task(self._keep(), name="dead man")
        armed = asyncio.create_task(self._armed.wait())
        await asyncio.wait([armed, renewer], return_when=asyncio.FIRST_COMPLETED)
        armed.cancel()
        log.info("the venue cancels by itself", after_seconds=COUNTDOWN_SECONDS)
        return renewer

    async def end(self) -> None:
        """End the countdown, so that it takes nobody else's orders later; a venue that does not answer lets it run."""
        if not self._armed.is_set():
            return
        try:
            await asyncio.wait_for(self._arm(0), _END_SECONDS)
        except (VenueError, TimeoutError) as error:
            log.warning("the venue's countdown goes on", error=str(error))

    async def _keep(self) -> None:
        while True:
            renewed = await self._renewed()
            if renewed:
                self._armed.set()
            await asyncio.sleep(RENEW_SECONDS if renewed else _AGAIN_SECONDS)

    async def _renewed(self) -> bool:
        try:
            await self._arm(int(COUNTDOWN_SECONDS * 1000))
        except VenueError as error:
            log.warning("the venue's countdown was not put back", error=str(error))
            return False
        return True

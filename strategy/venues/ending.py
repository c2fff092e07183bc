"""The end of background tasks. Libraries swallow a cancellation now and then, so one request for it is not enough."""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

_AGAIN_SECONDS: Final = 2.0


async def end_tasks(tasks: Iterable[asyncio.Task[Any]], again_s: float = _AGAIN_SECONDS) -> None:
    """Cancel tasks until each of them has ended; those that do not end are asked again every `again_s`."""
    running = {task for task in tasks if not task.done()}
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=again_s)

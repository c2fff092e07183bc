"""The room that a recorder needs on its disk: it stops while every segment can still be closed whole."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from strategy.errors import NoSpace

log = structlog.get_logger("capture")

_PERIOD_SECONDS: Final = 0.5
MB: Final = 1_000_000


def free_bytes(folder: Path) -> int:
    """Return the free bytes of the file system that a folder is on."""
    return shutil.disk_usage(folder).free


class DiskSpace:
    """Keep at least so much free; NoSpace says how much there is."""

    def __init__(self, folder: Path, min_free_mb: float, free: Callable[[Path], int] = free_bytes) -> None:
        """Watch the file system of a folder, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._min_free_mb, self._free = folder, min_free_mb, free

    def check(self) -> None:
        """Raise NoSpace when less is free than must be."""
        free_mb = self._free(self._folder) / MB
        if free_mb < self._min_free_mb:
            need = f"capture.min_free_mb is {self._min_free_mb:g}"
            raise NoSpace(f"disk nearly full: {free_mb:.1f} MB free at {self._folder}, {need}; recording stops")

    async def watch(self, stop: asyncio.Event) -> None:
        """Check twice a second until `stop`; the failed check is an alert in the log and is raised."""
        while not stop.is_set():
            try:
                self.check()
            except NoSpace as error:
                log.critical("alert", what=str(error))
                raise
            try:
                await asyncio.wait_for(stop.wait(), _PERIOD_SECONDS)
            except TimeoutError:
                continue

"""One writer of market data and journals at a time: ingest and import take turns on a lock beside the lake's files."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from analytics.lake.store import Lake
from strategy.errors import Failed

_PATIENCE_S: Final = 600.0
_PAUSE_S: Final = 0.1


@contextmanager
def sole_writer(lake: Lake, patience_s: float = _PATIENCE_S) -> Iterator[None]:
    """Hold the writer's lock; the kernel releases it even when the holder is killed."""
    path = lake.settings.lock_file
    with path.open("a") as file:
        _acquire(file.fileno(), time.monotonic() + patience_s, str(path))
        yield


def _acquire(descriptor: int, deadline: float, name: str) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise Failed(f"another ingest or import still holds {name}") from error
        time.sleep(_PAUSE_S)

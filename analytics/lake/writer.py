"""One writer of market data and journals at a time: ingest, import and care take turns.

On one machine the turn is a lock on a file beside the catalogue; with a catalogue in PostgreSQL it is a lock of that
server, so that writers on several machines wait for each other.
"""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from analytics.lake.attachment import told
from analytics.lake.extensions import connected
from analytics.lake.settings import LakeSettings
from analytics.lake.statements import statement, with_literals
from analytics.lake.store import Lake
from strategy.errors import Failed

_PATIENCE_S: Final = 600.0
_PAUSE_S: Final = 0.1


@contextmanager
def sole_writer(lake: Lake, patience_s: float = _PATIENCE_S) -> Iterator[None]:
    """Hold the writer's lock; it is released even when the holder is killed."""
    file = lake.settings.catalog_file
    turn = _server_turn(lake.settings, patience_s) if file is None else _file_turn(file.parent, patience_s)
    with turn:
        yield


@contextmanager
def _file_turn(folder: Path, patience_s: float) -> Iterator[None]:
    path = folder / "writer.lock"
    with path.open("a") as file:
        _wait(lambda: _locked(file.fileno()), patience_s, str(path))
        yield


@contextmanager
def _server_turn(settings: LakeSettings, patience_s: float) -> Iterator[None]:
    """Hold the lock in a transaction of its own connection: the server ends both with the process."""
    attach = with_literals("staging/attach_turns", connection=settings.connection)
    with connected("postgres") as connection:
        told(settings, lambda: connection.execute(attach))
        connection.begin()
        take = statement("staging/take_turn")
        _wait(
            lambda: told(settings, lambda: connection.execute(take).fetchone() == (True,)),
            patience_s,
            "the writers' lock of the PostgreSQL catalogue",
        )
        yield


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait(take: Callable[[], bool], patience_s: float, name: str) -> None:
    deadline = time.monotonic() + patience_s
    while not take():
        if time.monotonic() > deadline:
            raise Failed(f"another ingest or import still holds {name}")
        time.sleep(_PAUSE_S)

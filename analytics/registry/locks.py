"""Who may move what at a time: locks on files, beside the records of MLflow that they guard."""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from analytics.registry.names import model_name
from strategy.errors import BadInput

SQLITE: Final = "sqlite:///"


def database_path(tracking_uri: str) -> Path | None:
    """Return the file of an SQLite tracking URI, None for every other store; a relative path is bad input."""
    if not tracking_uri.startswith(SQLITE):
        return None
    path = Path(tracking_uri.removeprefix(SQLITE))
    if not path.is_absolute():
        raise BadInput(f"tracking URI {tracking_uri} is relative, it must be sqlite:////absolute/path")
    return path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file; the kernel frees it when the process ends, however it ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def exclusive(folder: Path, venue: str, symbol: str) -> AbstractContextManager[None]:
    """Keep every other process from moving a symbol's aliases, by whichever door it reaches the registry."""
    return locked(folder / f"{model_name(venue, symbol)}.lock")


def lock_folder(tracking_uri: str) -> Path:
    """Return where locks of a store lie: beside an SQLite database, else in a folder of this user named by the URI."""
    path = database_path(tracking_uri)
    if path is not None:
        return path.parent
    name = hashlib.sha256(tracking_uri.encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"microvol-{os.getuid()}" / name

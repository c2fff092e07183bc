"""Where tests write: to memory where there is plenty; a fresh MLflow database alone waits 2,000 times for a disk."""

import os
from pathlib import Path
from typing import Final

import psutil

_MEMORY: Final = Path("/dev/shm")
_ENOUGH_BYTES: Final = 8 << 30  # a run of the whole suite writes less


def roomy_memory() -> Path | None:
    """Return a file system in memory that holds all that tests write, None where there is none."""
    if not os.access(_MEMORY, os.W_OK):
        return None
    found = os.statvfs(_MEMORY)
    if found.f_flag & os.ST_NOEXEC:  # a test loads a library that it has compiled
        return None
    room = min(found.f_bavail * found.f_frsize, psutil.virtual_memory().available)
    return _MEMORY if room >= _ENOUGH_BYTES else None

"""Lock and conflict errors of the catalogue are waited out here, for readers and writers alike, and nowhere else."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

import duckdb

from strategy.errors import Failed

T = TypeVar("T")

_RETRY_SECONDS: Final = 60.0
_FIRST_PAUSE_S: Final = 0.01
_LONGEST_PAUSE_S: Final = 0.5
_TRANSIENT: Final = (
    "database is locked",
    "transaction conflict",
    "conflict on",
    "could not serialize",
    "deadlock detected",
    "exceeded the maximum retry count",
    "another transaction",
    "pg_type_typname_nsp_index",  # two processes make the same lake in PostgreSQL
    'relation "ducklake_metadata" already exists',
)


def retried(call: Callable[[], T]) -> T:
    """Run `call` until it succeeds, with growing pauses while the catalogue is locked or in conflict."""
    deadline = time.monotonic() + _RETRY_SECONDS
    pause = _FIRST_PAUSE_S
    while True:
        try:
            return call()
        except duckdb.Error as error:
            if not _transient(error):
                raise
            if time.monotonic() + pause > deadline:
                raise Failed(f"the lake's catalogue stayed locked for {_RETRY_SECONDS:.0f} s ({error})") from error
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_S)


def _transient(error: duckdb.Error) -> bool:
    text = str(error).lower()
    return any(fragment in text for fragment in _TRANSIENT)

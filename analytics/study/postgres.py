"""Optuna's storage in PostgreSQL: its address, its tables, and locks that end with the process that holds them.

The password comes from where libpq looks for it, `PGPASSWORD` or a password file, and never from the address, which
stands in settings, messages and logs.
"""

import hashlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from sqlalchemy import URL, NullPool, create_engine, func, make_url, select
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from strategy.errors import BadInput, Failed

TRIES: Final = 5  # processes that may end with a replay before the study does
SIGNS: Final = 6  # of life within the time after which a silent process is given up
TABLES: Final = "set-up of Optuna's tables"
TABLES_S: Final = 300  # each process looks after them, one at a time
NOT_AVAILABLE: Final = "55P03"  # PostgreSQL's code for a lock that did not come free in time


def address(storage: str) -> URL:
    """Read an address; one that is refused is not repeated, because it may hold a password."""
    try:
        url = make_url(storage)
    except ArgumentError:
        raise BadInput("study.shared.storage is no address like postgresql://user@host/database") from None
    if url.drivername not in ("postgresql", "postgresql+psycopg"):
        raise BadInput(f"study.shared.storage was of {url.drivername}, it must be of postgresql")
    if url.password is not None or "password" in url.query:
        raise BadInput("study.shared.storage holds a password: leave it out and set PGPASSWORD")
    return url.set(drivername="postgresql+psycopg")


@contextmanager
def reached(storage: str, silence_s: int) -> Iterator[RDBStorage]:
    """Open a storage; a server that cannot be reached, now or later in the block, is a failure of one line.

    A process that gave no sign of life for `silence_s` is given up, and what it had taken is offered anew.
    """
    url = address(storage)
    try:
        with locked(url, TABLES, TABLES_S):  # two processes that make them at once would get in each other's way
            opened = _storage(url, silence_s)
        try:
            yield opened
        finally:
            opened.engine.dispose()
    except (SQLAlchemyError, StorageInternalError, psycopg.Error) as error:
        raise Failed(f"study storage {url.host}/{url.database}: {_reason(error)}") from error


@contextmanager
def locked(url: URL, what: str, patience_s: int) -> Iterator[None]:
    """Hold the lock of a name; it goes with the connection, so a killed process holds none."""
    engine = create_engine(
        url,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        connect_args={"options": f"-c lock_timeout={patience_s}s"},
    )
    with engine.connect() as connection:
        try:
            connection.execute(select(func.pg_advisory_lock(key_of(what))))
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != NOT_AVAILABLE:
                raise
            raise Failed(f"{what} is being run by another process") from None
        yield


def is_locked(storage: RDBStorage, what: str) -> bool:
    """Say whether any process holds the lock of a name."""
    with storage.engine.begin() as connection:
        free = connection.execute(select(func.pg_try_advisory_xact_lock_shared(key_of(what)))).scalar()
    return not free


def _storage(url: URL, silence_s: int) -> RDBStorage:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # of interfaces: Optuna is pinned
        return RDBStorage(
            url.render_as_string(),
            engine_kwargs={"pool_pre_ping": True},
            heartbeat_interval=max(1, silence_s // SIGNS),
            grace_period=silence_s,
            heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(max_retry=TRIES),
        )


def key_of(what: str) -> int:
    """Return the number by which PostgreSQL knows the lock of a name."""
    return int.from_bytes(hashlib.sha256(what.encode()).digest()[:8], "big", signed=True)


def _reason(error: BaseException) -> str:
    """Return what the server or its driver said, in one line."""
    inner = error.__cause__ if isinstance(error, StorageInternalError) and error.__cause__ else error
    said = str(getattr(inner, "orig", None) or inner).strip()
    return said.splitlines()[0] if said else type(inner).__name__

"""A bell between processes of a study: PostgreSQL's NOTIFY wakes who waits, and nobody has to ask over and over."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from optuna.storages import RDBStorage
from sqlalchemy import Connection, NullPool, create_engine, func, select

from analytics.study.postgres import key_of

PREFIX: Final = "microvol_"  # of the channel's name


class Bell:
    """One process's end of the bell; what is rung while nobody waits is heard by the next wait."""

    def __init__(self, connection: Connection, what: str) -> None:
        """Take a connection in autocommit that is used for nothing else, and what the bell is of."""
        self._connection, self._channel = connection, f"{PREFIX}{key_of(what) & (1 << 63) - 1:x}"
        self._driver: Any = connection.connection.driver_connection
        connection.exec_driver_sql(f"listen {self._channel}")

    def ring(self) -> None:
        """Wake every other process that waits."""
        self._connection.execute(select(func.pg_notify(self._channel, "")))

    def wait(self, seconds: float) -> bool:
        """Wait until another process rings, for so many seconds at most; say whether one did."""
        own = self._driver.info.backend_pid
        return any(each.pid != own for each in self._driver.notifies(timeout=seconds, stop_after=1))


@contextmanager
def bell(storage: RDBStorage, what: str) -> Iterator[Bell]:
    """Yield the bell of what is named, in the database of an open storage."""
    engine = create_engine(storage.engine.url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield Bell(connection, what)

"""The lake: DuckDB over a DuckLake catalogue, in SQLite by default, in PostgreSQL beyond one machine.

Statements live in `sql/`, one a file, and are called by name (`"queries/trades"`).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any, TypeVar

import duckdb
import polars as pl

from analytics.lake.attachment import attached, told
from analytics.lake.retry import retried
from analytics.lake.settings import LakeSettings
from analytics.lake.statements import SQL, statement

T = TypeVar("T")


class Lake:
    """One connection to the lake; use `Lake.open`, which closes it and brings the schema up to date."""

    def __init__(self, settings: LakeSettings, connection: duckdb.DuckDBPyConnection) -> None:
        """Wrap a connection whose default catalogue is the lake."""
        self.settings = settings
        self._connection = connection
        self._depth = 0

    @classmethod
    @contextmanager
    def open(cls, settings: LakeSettings, read_only: bool = False, snapshot: int | None = None) -> Iterator["Lake"]:
        """Attach the lake; a writer makes it when it does not exist and applies the migrations it lacks.

        With a `snapshot` a reader sees it as it was then, for as long as care keeps that snapshot.
        """
        with attached(settings, read_only, snapshot) as connection:
            lake = cls(settings, connection)
            if not read_only:
                lake.migrate()
            yield lake

    def query(self, name: str, /, **params: Any) -> pl.DataFrame:
        """Run the named statement with bound `$name` values and return its rows."""
        return self._try(lambda: _frame(self._connection, statement(name), params))

    def execute(self, name: str, /, **params: Any) -> int:
        """Run the named statement for its effect and return how many rows it changed."""
        return self._try(lambda: _changed(self._connection.execute(statement(name), params)))

    def append(self, table: str, frame: pl.DataFrame) -> int:
        """Append a frame, columns matched by name; every column of the table must be there."""
        return self.merge(f"staging/append_{table}", frame)

    def merge(self, name: str, frame: pl.DataFrame, /, **params: Any) -> int:
        """Run a statement that reads `frame` under the name `incoming`; return how many rows it changed."""
        if frame.is_empty():
            return 0
        self._try(lambda: self._connection.register("incoming", frame))  # making a view reads the catalogue
        try:
            return self.execute(name, **params)
        finally:
            self._connection.unregister("incoming")

    @contextmanager
    def transaction(self) -> Iterator["Lake"]:
        """Commit everything in the block at once, or nothing; a conflict at commit is raised, see `atomically`."""
        self._try(lambda: self._connection.begin())
        self._depth += 1
        try:
            yield self
            self._told(self._connection.commit)
        except BaseException:
            self._roll_back()
            raise
        finally:
            self._depth -= 1

    def atomically(self, work: Callable[["Lake"], T]) -> T:
        """Run `work` in one transaction, again from its start when the catalogue was locked or in conflict."""

        def attempt() -> T:
            with self.transaction():
                return work(self)

        return retried(attempt)

    def snapshot_id(self) -> int:
        """Return the id of the lake's latest committed snapshot."""
        return int(self.query("queries/snapshot_id").item())

    def migrate(self) -> list[int]:
        """Apply the migrations that the lake lacks, all or none, and return their numbers."""
        return self.atomically(Lake._apply_missing) if self._missing() else []

    def _apply_missing(self) -> list[int]:
        """Apply what is missing now: another process may have been faster."""
        self.execute("staging/create_schema_migration")
        missing = self._missing()
        for _, name in missing:
            self.execute(f"migrations/{name}")
        self.append("schema_migration", pl.DataFrame(missing, schema=("number", "name"), orient="row"))
        return [number for number, _ in missing]

    def _missing(self) -> list[tuple[int, str]]:
        try:
            held = set(self.query("queries/schema_migrations")["number"].to_list())
        except duckdb.CatalogException:  # a new lake has no tables
            held = set()
        return [each for each in migrations() if each[0] not in held]

    def _try(self, call: Callable[[], T]) -> T:
        """Retry a single statement; inside a transaction the whole transaction is what must be retried."""
        return self._told(call) if self._depth else retried(lambda: self._told(call))

    def _told(self, call: Callable[[], T]) -> T:
        return told(self.settings, call)

    def _roll_back(self) -> None:
        try:
            self._told(self._connection.rollback)
        except duckdb.TransactionException:
            return  # the failed commit ended the transaction already


def migrations() -> list[tuple[int, str]]:
    """Return number and name of every migration, in order."""
    return sorted((int(path.stem.split("_")[0]), path.stem) for path in (SQL / "migrations").glob("*.sql"))


def run_checks(lake: Lake, first_day: date = date.min) -> list[tuple[str, pl.DataFrame]]:
    """Run every check under sql/checks and return name and rows of those that found failures.

    Data of days before `first_day` are not looked at; checks of the lake's own tables always look at everything.
    """
    names = sorted(path.stem for path in (SQL / "checks").glob("*.sql"))
    found = [(name, _check(lake, f"checks/{name}", first_day)) for name in names]
    return [(name, rows) for name, rows in found if not rows.is_empty()]


def _check(lake: Lake, name: str, first_day: date) -> pl.DataFrame:
    # DuckDB refuses a value that its statement does not name
    return lake.query(name, **{"first_day": first_day} if "$first_day" in statement(name) else {})


def _frame(connection: duckdb.DuckDBPyConnection, text: str, params: dict[str, Any]) -> pl.DataFrame:
    # con.sql(text, params=…) would be the call that 2.x keeps, but it copies value by value: 1.1 s where this takes
    # 0.09 s for 100,000 rows with lists (1.5.5).
    result = connection.execute(text, params).to_arrow_table()
    return pl.DataFrame(pl.from_arrow(result))


def _changed(cursor: duckdb.DuckDBPyConnection) -> int:
    row = cursor.fetchone() if cursor.description else None
    return row[0] if row and isinstance(row[0], int) else 0

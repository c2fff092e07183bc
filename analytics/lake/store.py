"""The lake: DuckDB over a DuckLake catalogue, in SQLite by default, in PostgreSQL beyond one machine.

Statements live in `sql/`, one a file, and are called by name (`"queries/trades"`). Lock and conflict errors of the
catalogue are retried here, for readers and writers alike, and nowhere else.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import duckdb
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from analytics.lake.extensions import connected
from strategy.errors import BadInput, Failed

T = TypeVar("T")

SQL: Final = Path(__file__).resolve().parents[2] / "sql"
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
)


class LakeSettings(BaseModel):
    """Where the lake is: `sqlite:/path/catalog.sqlite` or `postgres:<libpq string>`, and the folder of its files."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    catalog: str = Field(pattern=r"^(sqlite|postgres):.+")
    data_path: Path

    @classmethod
    def under(cls, folder: Path) -> Self:
        """Return the default lake of a folder: a SQLite catalogue beside the data."""
        return cls(catalog=f"sqlite:{folder / 'catalog.sqlite'}", data_path=folder / "data")

    @property
    def catalog_file(self) -> Path | None:
        """Return the catalogue's file, None when it is a server."""
        kind, _, place = self.catalog.partition(":")
        return Path(place) if kind == "sqlite" else None

    @property
    def lock_file(self) -> Path:
        """Return the file on which writers take turns (`analytics.lake.writer`)."""
        file = self.catalog_file
        return (file.parent if file else self.data_path) / "writer.lock"


@cache
def statement(name: str) -> str:
    """Return the text of one statement under sql/; an unknown name is bad input."""
    path = SQL / f"{name}.sql"
    if not path.is_file():
        raise BadInput(f"no statement is named {name!r} under sql/")
    return path.read_text()


class Lake:
    """One connection to the lake; use `Lake.open`, which closes it and brings the schema up to date."""

    def __init__(self, settings: LakeSettings, connection: duckdb.DuckDBPyConnection) -> None:
        """Wrap a connection whose default catalogue is the lake."""
        self.settings = settings
        self._connection = connection
        self._depth = 0

    @classmethod
    @contextmanager
    def open(cls, settings: LakeSettings, read_only: bool = False) -> Iterator["Lake"]:
        """Attach the lake; a writer makes it when it does not exist and applies the migrations it lacks."""
        with connected("postgres" if settings.catalog_file is None else "sqlite") as connection:
            connection.execute("set enable_progress_bar = false")  # it would land in a command's output
            _attach(connection, settings, read_only)
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
            self._connection.commit()
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

        return _retried(attempt)

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
        return call() if self._depth else _retried(call)

    def _roll_back(self) -> None:
        try:
            self._connection.rollback()
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


def _attach(connection: duckdb.DuckDBPyConnection, settings: LakeSettings, read_only: bool) -> None:
    file = settings.catalog_file
    if read_only and file is not None and not file.exists():
        raise Failed(f"there is no lake at {file}; import or record something first")
    if not read_only and file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        settings.data_path.mkdir(parents=True, exist_ok=True)
    try:
        _retried(lambda: connection.execute(_attachment(settings, read_only)))
    except duckdb.Error as error:
        if file is None:
            # neither the error nor its cause is shown: both may carry the connection string with its password
            raise Failed("the lake's PostgreSQL catalogue cannot be opened") from None
        raise Failed(f"the lake's catalogue {file} cannot be opened: {str(error).splitlines()[0]}") from error
    _retried(lambda: connection.execute(statement("staging/use_lake")))


def _attachment(settings: LakeSettings, read_only: bool) -> str:
    # ATTACH takes no bound values, so the two settings are written in as literals
    text = statement("staging/attach_read_only" if read_only else "staging/attach")
    values = {"$catalog": f"ducklake:{settings.catalog}", "$data_path": f"{settings.data_path}/"}
    for mark, value in values.items():
        text = text.replace(mark, "'" + value.replace("'", "''") + "'")
    return text


def _frame(connection: duckdb.DuckDBPyConnection, text: str, params: dict[str, Any]) -> pl.DataFrame:
    # con.sql(text, params=…) would be the call that 2.x keeps, but it copies value by value: 1.1 s where this takes
    # 0.09 s for 100,000 rows with lists (1.5.5).
    result = connection.execute(text, params).to_arrow_table()
    return pl.DataFrame(pl.from_arrow(result))


def _changed(cursor: duckdb.DuckDBPyConnection) -> int:
    row = cursor.fetchone() if cursor.description else None
    return row[0] if row and isinstance(row[0], int) else 0


def _retried(call: Callable[[], T]) -> T:
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

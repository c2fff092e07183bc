"""How a connection gets its lake: the catalogue attached, the object store's key, and errors that tell no secret."""

import os
import re
from collections.abc import Callable
from typing import Final, TypeVar
from urllib.parse import urlsplit

import duckdb

from analytics.lake.extensions import connected
from analytics.lake.passwords import without_passwords
from analytics.lake.retry import retried
from analytics.lake.settings import LakeSettings
from analytics.lake.statements import statement, with_literals
from strategy.errors import BadInput, Failed

T = TypeVar("T")

_KEYS: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_SESSION: Final = "AWS_SESSION_TOKEN"
_AMAZON: Final = "https://s3.amazonaws.com"
_NO_SERVER: Final = re.compile(
    r"connection to server .*|server closed the connection.*|terminating connection.*|query \"[A-Z]+\":\s*$"
)
_NO_LAKE: Final = "creating a new DuckLake is explicitly disabled"


def attached(settings: LakeSettings, read_only: bool, snapshot: int | None = None) -> duckdb.DuckDBPyConnection:
    """Return a connection whose default catalogue is the lake; a writer makes it when it does not exist."""
    connection = connected(*_kinds(settings))
    try:
        connection.execute("set enable_progress_bar = false")  # it would land in a command's output
        if settings.folder is None:
            _give_key(connection, settings)
        _attach(connection, settings, read_only, snapshot)
    except BaseException:
        connection.close()
        raise
    return connection


def told(settings: LakeSettings, call: Callable[[], T]) -> T:
    """Run `call`; an error names no password, and a server that does not answer is one line (Failed)."""
    try:
        return call()
    except duckdb.Error as error:
        if settings.catalog_file is not None and settings.folder is not None:
            raise  # nothing secret is known here
        raise _explained(settings, error) from None


def _kinds(settings: LakeSettings) -> list[str]:
    catalog = "postgres" if settings.catalog_file is None else "sqlite"
    return [catalog] if settings.folder is not None else [catalog, "s3"]


def _give_key(connection: duckdb.DuckDBPyConnection, settings: LakeSettings) -> None:
    missing = [name for name in _KEYS if not os.environ.get(name)]
    if missing:
        raise BadInput(f"no key for {settings.data_path}: set {' and '.join(missing)} in the environment")
    endpoint = urlsplit(settings.endpoint or _AMAZON)
    key, secret = (os.environ[name] for name in _KEYS)
    place = {"scope": settings.data_path, "endpoint": endpoint.netloc, "region": settings.region}
    manner = {"url_style": "path" if settings.endpoint else "vhost", "use_ssl": endpoint.scheme == "https"}
    keys = {"key_id": key, "secret": secret, "session_token": os.environ.get(_SESSION, "")}
    connection.execute(statement("staging/object_store"), {**place, **manner, **keys})


def _attach(
    connection: duckdb.DuckDBPyConnection, settings: LakeSettings, read_only: bool, snapshot: int | None
) -> None:
    file, folder = settings.catalog_file, settings.folder
    if read_only and file is not None and not file.exists():
        raise Failed(f"there is no lake at {file}; import or record something first")
    if not read_only:
        for each in (file and file.parent, folder):
            if each is not None:
                each.mkdir(parents=True, exist_ok=True)
    name = "staging/attach_read_only" if read_only else "staging/attach"
    place = {"catalog": f"ducklake:{settings.catalog}", "data_path": f"{settings.data_path}/"}
    text = with_literals(name, **place)
    if snapshot is not None:
        text = with_literals("staging/attach_snapshot", **place).replace("$snapshot", str(snapshot))
    try:
        retried(lambda: told(settings, lambda: connection.execute(text)))
    except duckdb.Error as error:
        if "No snapshot found" in str(error):
            raise Failed(f"the lake's snapshot {snapshot} is gone: its care has expired it") from None
        if _NO_LAKE in str(error):
            raise Failed("there is no lake in the PostgreSQL catalogue; import or record something first") from None
        raise Failed(f"the lake's catalogue {file or 'in PostgreSQL'} cannot be opened: {_line(str(error))}") from error
    retried(lambda: told(settings, lambda: connection.execute(statement("staging/use_lake"))))


def _explained(settings: LakeSettings, error: duckdb.Error) -> Exception:
    text = without_passwords(str(error), settings.connection)
    if settings.catalog_file is None and (lost := _NO_SERVER.search(text)):
        reason = "the connection was lost" if lost[0].startswith("query") else lost[0].strip()
        return Failed(f"the lake's PostgreSQL catalogue cannot be reached: {reason}")
    if settings.folder is None and isinstance(error, duckdb.IOException) and "http" in text.lower():
        return Failed(f"the lake's object store failed: {_line(text)}")
    same: Exception = type(error)(text)
    return same


def _line(text: str) -> str:
    return text.splitlines()[0]

"""A real PostgreSQL server for tests: loopback, a port and a process of its own, every login with a password.

Tests take the session's server from the fixture `postgres` (tests/conftest.py) and a database of their own from it:
`postgres.database()`. PostgreSQL refuses to run as root, so root starts it as `nobody`.
"""

import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

HOST: Final = "127.0.0.1"
USER: Final = "keeper"
PASSWORD: Final = "not-for-any-log/it's"  # what a connection string or an address must quote is in it
_SETTINGS: Final = {"max_connections": "100", "fsync": "off", "timezone": "UTC"}
_START_S: Final = 120.0


@dataclass(frozen=True)
class Database:
    """One empty database; `password` may be another than the one that is right."""

    port: int
    name: str
    password: str = PASSWORD

    @property
    def libpq(self) -> str:
        """Return the connection string, as `psql` and DuckDB read it, with the password in it."""
        return f"{self.without_password} password={_quoted(self.password)}"

    @property
    def without_password(self) -> str:
        """Return the connection string of who has the password from `PGPASSWORD`."""
        return f"host={HOST} port={self.port} dbname={self.name} user={USER}"

    def url(self, driver: str = "") -> str:
        """Return SQLAlchemy's address, for a driver such as `psycopg`."""
        dialect = f"postgresql+{driver}" if driver else "postgresql"
        return f"{dialect}://{USER}:{quote(self.password, safe='')}@{HOST}:{self.port}/{self.name}"


@dataclass
class PostgresServer:
    """A running server."""

    binaries: Path
    port: int
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def database(self) -> Database:
        """Make an empty database."""
        database = Database(self.port, f"test_{next(self._numbers)}")
        self.sql(f"create database {database.name}", Database(self.port, "postgres"))
        return database

    def sql(self, text: str, database: Database) -> str:
        """Run statements with psql and return what they print, columns apart by `|`."""
        command = [str(self.binaries / "psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", database.without_password]
        environment = {**os.environ, "PGPASSWORD": PASSWORD}
        done = subprocess.run([*command, "-c", text], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Run a server on a free port, its data in a folder that goes with it."""
    binaries = _binaries()
    with tempfile.TemporaryDirectory(prefix="microvol-postgres-") as folder:
        home = Path(folder)
        if os.geteuid() == 0:
            shutil.chown(home, "nobody", _group())
        _initialise(binaries, home)
        port = _free_port()
        with _process(binaries, home, port) as process:
            server = PostgresServer(binaries, port)
            _wait(server, process, home)
            yield server


def _binaries() -> Path:
    """Return the folder of the newest server: on the path, or where Debian puts each version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    assert found or on_path, "initdb is not installed; on Debian it is in the package postgresql"
    return (found[-1] if found else Path(str(on_path)).resolve()).parent


def _initialise(binaries: Path, home: Path) -> None:
    password = home / "password"
    password.write_text(PASSWORD)
    password.chmod(0o644)  # the folder above lets nobody else in
    options = ["--username", USER, "--pwfile", str(password), "--auth", "scram-sha-256"]
    options += ["--encoding", "UTF8", "--locale", "C", "--no-sync"]
    command = [str(binaries / "initdb"), "--pgdata", str(home / "data"), *options]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False, **_unprivileged())
    assert done.returncode == 0, done.stderr


@contextmanager
def _process(binaries: Path, home: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    settings = _SETTINGS | {"listen_addresses": HOST, "port": str(port), "unix_socket_directories": str(home)}
    options = [f"--{name}={value}" for name, value in settings.items()]
    command = [str(binaries / "postgres"), "-D", str(home / "data"), *options]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=home, stderr=log, stdout=log, **_unprivileged())
    try:
        yield process
    finally:
        process.send_signal(signal.SIGQUIT)  # at once: clients are cut off, and the data go anyway
        process.wait(timeout=60)


def _wait(server: PostgresServer, process: subprocess.Popen[bytes], home: Path) -> None:
    """Wait until the server answers queries."""
    command = [str(server.binaries / "pg_isready"), "-q", "-h", HOST, "-p", str(server.port)]
    deadline = time.monotonic() + _START_S
    while subprocess.run(command, check=False).returncode != 0:
        log = (home / "log").read_text(errors="replace")
        assert process.poll() is None, f"PostgreSQL ended while starting: {log}"
        assert time.monotonic() < deadline, f"PostgreSQL did not answer within {_START_S:g} s: {log}"
        time.sleep(0.05)


def _unprivileged() -> dict[str, Any]:
    """Return how a process of PostgreSQL is started: never as root."""
    return {"user": "nobody", "group": _group(), "extra_groups": []} if os.geteuid() == 0 else {}


def _group() -> int:
    return pwd.getpwnam("nobody").pw_gid


def _free_port() -> int:
    with socket.socket() as one:
        one.bind((HOST, 0))
        return int(one.getsockname()[1])


def _quoted(value: str) -> str:
    """Quote a value of a connection string."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"

"""What every test shares: examples are drawn the same way in every run, and no example is timed."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings

from tests.rigs.objects import ObjectStore, object_store
from tests.rigs.postgres import PostgresServer, postgres_server
from tests.rigs.scratch import roomy_memory

settings.register_profile("seeded", derandomize=True, deadline=None, database=None)
settings.load_profile("seeded")


def pytest_configure() -> None:
    """Have tests and the processes they start write to memory where there is plenty, unless TMPDIR says otherwise."""
    if "TMPDIR" not in os.environ and (folder := roomy_memory()) is not None:
        os.environ["TMPDIR"] = tempfile.tempdir = str(folder)


@contextmanager
def environment_kept() -> Iterator[None]:
    """Leave the environment as it was: a command hands its settings to the processes that it may start."""
    environ, before = os.environ, dict(os.environ)
    yield
    os.environ = environ  # noqa: B003 (a test may have put another in its place)
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(autouse=True)
def same_environment(environment_of_the_file: None) -> Iterator[None]:
    """Keep what a test sets from the next one."""
    with environment_kept():
        yield


@pytest.fixture(scope="module", autouse=True)
def environment_of_the_file() -> Iterator[None]:
    """Keep what a file's own fixtures set from the next file."""
    with environment_kept():
        yield


@pytest.fixture
def command_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give commands a home of their own and nobody to talk to."""
    monkeypatch.setenv("MICROVOL_HOME", str(tmp_path))
    monkeypatch.setenv("MICROVOL_CONFIG", "")
    for name in ("PREFECT", "MLFLOW", "PAPER"):
        monkeypatch.setenv(f"MICROVOL_PORTS__{name}", "9")  # discard: nobody answers there
    return tmp_path


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Run one PostgreSQL server for every test that asks; each makes a database of its own in it."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def objects() -> Iterator[ObjectStore]:
    """Run one object store for every test that asks; each has a bucket of its own in it."""
    with object_store() as store:
        yield store

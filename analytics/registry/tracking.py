"""The one door to MLflow: client, experiment, and the translation of its errors into the project's."""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from strategy.errors import BadInput, Failed

SQLITE: Final = "sqlite:///"
MISSING: Final = "RESOURCE_DOES_NOT_EXIST"
_MODEL_TRAINING: Final = {"mlflow.experimentKind": "custom_model_development"}  # the page opens on runs, not on traces


def database_path(tracking_uri: str) -> Path | None:
    """Return the file of an SQLite tracking URI, None for every other store; a relative path is bad input."""
    if not tracking_uri.startswith(SQLITE):
        return None
    path = Path(tracking_uri.removeprefix(SQLITE))
    if not path.is_absolute():
        raise BadInput(f"tracking URI {tracking_uri} is relative, it must be sqlite:////absolute/path")
    return path


def open_client(tracking_uri: str) -> Any:
    """Return an MLflow client; a fresh SQLite database is created by one process while others wait for it.

    The URI also becomes the process's own: the registry store looks models up through the global client.
    """
    path = database_path(tracking_uri)
    with translated(tracking_uri):
        mlflow.set_tracking_uri(tracking_uri)
        mlflow.set_registry_uri(tracking_uri)
        if path is None:
            return MlflowClient(tracking_uri, tracking_uri)
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path.with_suffix(".init.lock")):
            client = MlflowClient(tracking_uri, tracking_uri)
            client.search_registered_models(max_results=1)
            return client


def experiment_id(client: Any, tracking_uri: str, name: str) -> str:
    """Return the id of an experiment, created when missing; an SQLite store keeps its artifacts beside the database."""
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    path = database_path(tracking_uri)
    location = None if path is None else (path.parent / "artifacts" / name).as_uri()
    try:
        return str(client.create_experiment(name, artifact_location=location, tags=_MODEL_TRAINING))
    except MlflowException as error:
        found = client.get_experiment_by_name(name)  # another process may have been first
        if found is None:
            raise error
        return str(found.experiment_id)


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn an MLflow error into one line that names `what`."""
    try:
        yield
    except MlflowException as error:
        raise Failed(f"MLflow, {what}: {reason(error)}") from error


def reason(error: MlflowException) -> str:
    """Return an MLflow error as one line; of a connection that failed, only what failed in the end."""
    lines = str(error).splitlines() or [str(error.error_code)]
    return lines[0].rsplit("Caused by ", 1)[-1]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file; the kernel frees it when the process ends, however it ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def lock_folder(tracking_uri: str) -> Path:
    """Return where locks of a store lie: beside an SQLite database, else in a folder of this user named by the URI."""
    path = database_path(tracking_uri)
    if path is not None:
        return path.parent
    name = hashlib.sha256(tracking_uri.encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"microvol-{os.getuid()}" / name

"""The one door to MLflow: client, experiment, and the translation of its errors into the project's."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from analytics.registry.locks import database_path, locked
from strategy.errors import Failed

MISSING: Final = "RESOURCE_DOES_NOT_EXIST"
_MODEL_TRAINING: Final = {"mlflow.experimentKind": "custom_model_development"}  # the page opens on runs, not on traces


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

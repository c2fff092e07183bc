"""One version for one registration, however often MLflow's client asks its server to make it.

The client repeats a request whose answer did not come in time, and the server makes a version for each.
"""

from typing import Any

from mlflow.exceptions import MlflowException

from analytics.registry.tracking import MISSING


def create_version(client: Any, name: str, model_id: str, **fields: Any) -> int:
    """Make a logged model, which is one registration's own, the next version of `name` and return its number.

    Of several that the server made the first stays. A failure of which the server made a version all the same is none.
    """
    source = f"models:/{model_id}"
    try:
        client.create_model_version(name, source, model_id=model_id, **fields)
    except MlflowException:
        made = _made(client, name, source)
        if not made:
            raise
    else:
        made = _made(client, name, source)
    for number in made[1:]:
        _delete(client, name, number)
    return made[0]


def _made(client: Any, name: str, source: str) -> list[int]:
    """Return the versions of one logged model, the first one first."""
    found = client.search_model_versions(f"name = '{name}' and source_path = '{source}'")
    return sorted(int(each.version) for each in found)


def _delete(client: Any, name: str, number: int) -> None:
    try:
        client.delete_model_version(name, str(number))
    except MlflowException as error:
        if error.error_code != MISSING:  # this request may have been repeated too
            raise

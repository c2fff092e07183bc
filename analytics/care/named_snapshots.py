"""The lake snapshots that registered versions name: care keeps them readable."""

from typing import Any, Final

import mlflow
import orjson

from analytics.registry.names import FILE
from analytics.registry.registry import Registry
from analytics.registry.tracking import translated
from strategy.errors import Failed

_PREFIX: Final = "microvol-"
_PAGE: Final = 1_000


def named_snapshots(registry: Registry) -> frozenset[int]:
    """Return the lake snapshot of every version of every symbol; one version that cannot be read is an error.

    Read from the documents themselves, unparsed: an old version may be of a policy that this program lacks.
    """
    with translated("reading the registered versions"):
        found = {_snapshot(registry.client, version) for version in _versions(registry.client)}
    return frozenset(each for each in found if each is not None)


def _versions(client: Any) -> list[Any]:
    found, token = [], None
    while True:
        page = client.search_model_versions(f"name LIKE '{_PREFIX}%'", max_results=_PAGE, page_token=token)
        found += list(page)
        token = page.token
        if not token:
            return found


def _snapshot(client: Any, version: Any) -> int | None:
    """Return a version's snapshot, None when it was not calibrated on a lake."""
    try:
        model = client.get_logged_model(str(version.source).removeprefix("models:/"))
        text = mlflow.artifacts.load_text(f"{model.artifact_location}/{FILE}")
        stated = orjson.loads(text)["provenance"]["lake_snapshot"]
        return None if stated is None else int(stated)
    except (OSError, KeyError, TypeError, ValueError) as error:
        what = f"{version.name} version {version.version} does not say its lake snapshot"
        raise Failed(f"{what} ({type(error).__name__}: {error}); nothing is expired") from error

"""A plain client of MLflow's REST API, for what needs no more than a look: importing MLflow takes seconds."""

from typing import Final

import httpx

from analytics.registry.names import model_name
from flows import access, rooms
from flows.platform import tracking_uri
from flows.settings import Settings
from strategy.errors import Failed

ANSWER_S: Final = 10.0


def aliases(settings: Settings) -> dict[str, int]:
    """Return version by alias, from the server where it answers; Failed when it refuses."""
    address = tracking_uri(settings)
    if address.startswith("http"):
        return _asked(address, model_name(settings.venue, settings.symbol))
    if address == settings.mlflow_store and not (settings.home / "mlflow" / "mlflow.db").exists():
        return {}  # nothing was ever registered, and a look makes no database
    return rooms.registry(settings).aliases(settings.venue, settings.symbol)


def _asked(address: str, name: str) -> dict[str, int]:
    url, auth = f"{address}/api/2.0/mlflow/registered-models/get", access.basic_auth()
    try:
        reply = httpx.get(url, params={"name": name}, timeout=ANSWER_S, auth=auth, trust_env=False)
        if reply.status_code == httpx.codes.NOT_FOUND:
            return {}
        reply.raise_for_status()
    except httpx.HTTPError as error:
        raise Failed(f"MLflow at {address} did not tell the versions of {name}: {error!r}") from error
    # the server writes a version as a number or as text
    return {each["alias"]: int(each["version"]) for each in reply.json()["registered_model"].get("aliases", [])}

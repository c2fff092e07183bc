"""From settings to the objects of the other rooms; nothing here is imported before it is needed."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

from flows import access
from flows.platform import tracking_uri
from flows.servers import quiet_env
from flows.settings import BINANCE, TESTNET, Settings, credentials
from strategy.errors import BadInput

if TYPE_CHECKING:
    from analytics.lake.store import Lake
    from analytics.registry.promotion import Aliases
    from analytics.registry.registry import Registry
    from strategy.venues.settings import VenueConfig

# what lets MLflow's own client alone into a server that is not ours
OTHER_KEYS: Final = tuple(
    f"MLFLOW_TRACKING_{name}" for name in ("TOKEN", "AUTH", "INSECURE_TLS", "SERVER_CERT_PATH", "CLIENT_CERT_PATH")
)


def lake(settings: Settings, read_only: bool = False, snapshot: int | None = None) -> AbstractContextManager[Lake]:
    """Open the lake of the settings, a reader's also as it was at a snapshot."""
    from analytics.lake.settings import LakeSettings
    from analytics.lake.store import Lake

    place = {"data": settings.lake_data, "endpoint": settings.lake_endpoint, "region": settings.lake_region}
    chosen = LakeSettings.chosen(settings.home / "lake", settings.catalog, **place)
    return Lake.open(chosen, read_only, snapshot)


def registry(settings: Settings) -> Registry:
    """Open the registry on the MLflow server when it answers, else on its database."""
    os.environ.update(quiet_env() | access.client_env())
    from analytics.registry.registry import Registry

    # one lock whether a process reaches the records through the server or directly
    return Registry(tracking_uri(settings), lock_dir=settings.home / "mlflow")


def moves(settings: Settings) -> Aliases:
    """Open what moving a champion needs of the registry: without MLflow's import where a server needs no more of it."""
    address, auth = tracking_uri(settings), access.basic_auth()
    others = OTHER_KEYS if auth else ("MLFLOW_TRACKING_USERNAME", *OTHER_KEYS)
    if not address.startswith("http") or any(os.environ.get(name) for name in others):
        return registry(settings)
    from analytics.registry.rest import RestRegistry

    return RestRegistry(address, auth, settings.home / "mlflow")


def venue(settings: Settings, trading: bool) -> VenueConfig:
    """Return where the venue is and, for trading, who we are there; keys come from the environment alone."""
    from strategy.venues.settings import VenueConfig

    table = settings.venue_table(settings.venue)
    key, secret = credentials(settings.venue)
    where = {"rest_url": table.rest_url, "stream_url": table.stream_url, "ws_api_url": table.ws_api_url}
    found = VenueConfig.model_validate({"name": settings.venue, "symbol": settings.symbol, **where})
    if found.is_futures and table.rest_url in (BINANCE.rest_url, TESTNET.rest_url):
        raise BadInput(
            f"{settings.symbol} is a perpetual and {table.rest_url} is spot: name futures addresses in [venues.NAME]"
        )
    if trading and not table.trading:
        quoted = "paper, paper-live, testnet or live"
        raise BadInput(f"venue {settings.venue} is only recorded from; quote on {quoted}")
    if not trading or found.is_simulated:
        return found
    if not (key and secret):
        name = settings.venue.upper()
        raise BadInput(f"no key for venue {settings.venue}: set MICROVOL_{name}_API_KEY and MICROVOL_{name}_API_SECRET")
    return found.model_copy(update={"api_key": SecretStr(key), "secret": SecretStr(secret)})

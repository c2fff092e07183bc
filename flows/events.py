"""What happened, told to Prefect, where automations and people listen."""

import datetime as dt
import time
import uuid
from typing import Any, Final

import httpx

from flows import access, log
from flows.settings import Settings
from strategy.live.doors import read_status
from strategy.live.layout import slug

TELL_S: Final = 30.0  # a server that is busy is not one that is down: what is told here is told once
ANSWER_S: Final = 10.0
PAUSE_S: Final = 0.5


def tell(settings: Settings, event: str, resource: str, facts: dict[str, Any]) -> bool:
    """Tell the Prefect server `microvol.<event>` about `microvol.<resource>`; say whether it took the event.

    Where no server listens there is nobody to tell, and none is started. One that is too busy to answer is asked again
    for half a minute, with the same id, so that it holds the event once.
    """
    name = f"microvol.{resource}"
    told = {
        "id": str(uuid.uuid4()),
        "occurred": dt.datetime.now(dt.UTC).isoformat(),
        "event": f"microvol.{event}",
        "resource": {"prefect.resource.id": name, "prefect.resource.name": name},
        "payload": facts,
    }
    deadline = time.monotonic() + TELL_S
    while True:
        try:
            address, auth = f"{settings.prefect_url}/events", access.basic_auth()
            reply = httpx.post(address, json=[told], timeout=ANSWER_S, auth=auth, trust_env=False)
            reply.raise_for_status()
            return True
        except httpx.ConnectError:
            return False
        except httpx.HTTPError as error:
            if time.monotonic() >= deadline:
                log.say("event not told", name=told["event"], resource=name, error=repr(error))
                return False
        time.sleep(PAUSE_S)


def alert(settings: Settings, event: str, *, value: Any, limit: Any, command: str, version: int | None = None) -> bool:
    """Tell an event that a person is to hear of: where, which version, what was seen, its limit, the command to use.

    What is about no version in particular names the one that quotes there, or quoted last.
    """
    named = _quoted(settings) if version is None else version
    place = {"venue": settings.venue, "symbol": settings.symbol, "version": named}
    log.say("alert", what=event, **place, value=value, limit=limit)
    facts = place | {"value": value, "limit": limit, "command": command}
    return tell(settings, event, f"market.{settings.venue}.{slug(settings.symbol)}", facts)


def _quoted(settings: Settings) -> int | None:
    status = read_status(settings.layout, settings.venue, settings.symbol)
    return None if status is None else status.version


def way(settings: Settings) -> str:
    """Return the options by which a command means this market."""
    return f"--venue {settings.venue} --symbol {settings.symbol}"

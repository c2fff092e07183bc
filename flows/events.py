"""What happened, told to Prefect, where automations and people listen."""

import datetime as dt
import time
import uuid
from typing import Any, Final

import httpx

from flows import log
from flows.settings import Settings

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
            reply = httpx.post(f"{settings.prefect_url}/events", json=[told], timeout=ANSWER_S, trust_env=False)
            reply.raise_for_status()
            return True
        except httpx.ConnectError:
            return False
        except httpx.HTTPError as error:
            if time.monotonic() >= deadline:
                log.say("event not told", name=told["event"], resource=name, error=repr(error))
                return False
        time.sleep(PAUSE_S)

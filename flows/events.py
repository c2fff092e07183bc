"""What happened, told to Prefect, where automations and people listen."""

import os
from typing import Any, Final

from flows import log
from flows.platform import client_env, prefect_answers
from flows.settings import Settings

BUSY_S: Final = 5.0  # a server that is busy is not one that is down: what is told here is told once


def tell(settings: Settings, event: str, resource: str, facts: dict[str, Any]) -> bool:
    """Emit `microvol.<event>` about `microvol.<resource>` when a Prefect server answers; say whether one did.

    Without a server there is nobody to tell, and Prefect must not start one of its own.
    """
    if not prefect_answers(settings, BUSY_S):
        return False
    os.environ.update(client_env(settings))  # before Prefect is imported: it reads its settings then
    from prefect.events import emit_event

    name = f"microvol.{resource}"
    emitted = emit_event(
        event=f"microvol.{event}",
        resource={"prefect.resource.id": name, "prefect.resource.name": name},
        payload=facts,
    )
    if emitted is None:
        log.say("event not emitted", name=f"microvol.{event}", resource=name)
    return emitted is not None

"""Flow: see every few seconds to what should run and does not, and to what people have to hear of."""

import time
from collections.abc import Callable
from typing import Any, Final

from prefect import flow

from flows import log, revival, watch
from flows.settings import Settings, load_settings
from strategy.errors import MicrovolError

EVERY_S: Final = 10.0


@flow
def reconcile(seconds: float = 45.0) -> dict[str, Any]:
    """Look for so long, then end: the next run is due a minute after this one began.

    Args:
        seconds: How long to look; once at least.
    """
    ends, started, told = time.monotonic() + seconds, list[str](), list[str]()
    while True:
        settings = load_settings()
        started += attempted(revival.revive, settings)
        told += attempted(watch.look, settings)
        if time.monotonic() + EVERY_S > ends:
            return {"started": started, "told": told}
        time.sleep(EVERY_S)


def attempted(part: Callable[[Settings], list[str]], settings: Settings) -> list[str]:
    """Do one part; what fails is said and tried again at the next look, and keeps no other part from its work."""
    try:
        return part(settings)
    except MicrovolError as error:
        log.say("not reconciled", part=part.__module__, error=error)
        return []

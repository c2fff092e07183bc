"""Flow: the supervised quoting process."""

import os
import threading
from typing import Any

from prefect import flow

from flows import canary, clearance, log, rooms
from flows.settings import Settings, load_settings
from flows.shadow import assume, challengers
from strategy.errors import Failed
from strategy.live import doors


@flow
def quote(
    seconds: float | None = None,
    allow_foreign: bool = False,
    venue: str | None = None,
    symbol: str | None = None,
    shadow: list[int] | None = None,
    i_understand: bool = False,
) -> dict[str, Any]:
    """Quote with the champion until stopped; a promotion reaches the process while it runs.

    Versions in its `shadow` (default the challenger) trade beside it on paper. Real money needs `i_understand`, and a
    doctor without complaint.
    """
    from flows.supervised import supervise
    from strategy.live.supervisor import Supervisor

    settings = load_settings(venue=venue, symbol=symbol)
    clearance.require(settings, i_understand)
    os.environ.update({"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"})
    registry = rooms.registry(settings)
    first = registry.champion(settings.venue, settings.symbol)
    # from here on a registry that does not answer must not keep the supervisor from watching its child
    os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] = "2"
    if first is None:
        raise Failed(f"{settings.symbol} on {settings.venue} has no champion: calibrate and promote first")
    assume(settings)
    log.say("quoting", venue=settings.venue, symbol=settings.symbol, version=first.version)
    supervisor = Supervisor.quote(
        rooms.venue(settings, trading=True),
        settings.layout,
        champion=lambda: registry.champion(settings.venue, settings.symbol),
        options=options(settings, allow_foreign),
        challengers=challengers(registry, settings, shadow or []),
    )
    done = threading.Event()
    watching = threading.Thread(target=canary.watch, args=(settings, done), name="canary")
    watching.start()
    try:
        supervise(settings, "quote", supervisor, seconds)
    finally:
        done.set()
        watching.join()
    return facts(settings)


def options(settings: Settings, allow_foreign: bool) -> tuple[str, ...]:
    """Return the hard limits as options of the quoting process."""
    limits = settings.live.model_dump(exclude={"acknowledge_seconds"})
    given = [part for name, value in limits.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    return (*given, "--allow-foreign") if allow_foreign else tuple(given)


def facts(settings: Settings) -> dict[str, Any]:
    """Return what the quoting process last said of itself."""
    last = doors.read_status(settings.layout, settings.venue, settings.symbol)
    if last is None:
        return {"session": None}
    return last.model_dump(include={"session", "version", "events", "fills", "open_orders", "note"})

"""Flows: move the champion alias forward or back; both return only when the quoting process runs the version."""

from dataclasses import asdict
from functools import partial
from typing import Any

from prefect import flow

from flows import log, rooms
from flows.runner import step
from flows.settings import Settings, load_settings
from strategy.live import doors
from strategy.policies.document import ParameterDocument


@flow
def promote(
    reason: str,
    version: int | None = None,
    venue: str | None = None,
    symbol: str | None = None,
    override: str | None = None,
) -> dict[str, Any]:
    """Make a version (default the challenger) the champion; `override` says why failed gates may be passed over."""
    return move("promote", version, reason, venue, symbol, override)


@flow
def rollback(
    reason: str, version: int | None = None, venue: str | None = None, symbol: str | None = None
) -> dict[str, Any]:
    """Make the version before (or a named one) the champion again."""
    return move("rollback", version, reason, venue, symbol)


@step
def move(
    what: str, version: int | None, reason: str, venue: str | None, symbol: str | None, override: str | None = None
) -> dict[str, Any]:
    """Call the registry; it asks the gates, and puts the alias back when the quoting process does not take the version.

    A rollback asks no gate.
    """
    from analytics.registry.audit import audit_writer

    settings = load_settings(venue=venue, symbol=symbol)
    registry = rooms.registry(settings)
    promoting = partial(registry.promote, override=override, require_all=settings.gates.require_all)
    change = promoting if what == "promote" else registry.rollback
    done = change(
        settings.venue,
        settings.symbol,
        version,
        reason=reason,
        acknowledge=lambda document: acknowledged(settings, document),
        audit=audit_writer(settings.layout),
    )
    log.say(what, **asdict(done))
    return asdict(done)


def acknowledged(settings: Settings, document: ParameterDocument) -> str:
    """Wait until the quoting process runs the document; without one there is nobody to wait for."""
    if not doors.is_running(settings.layout, settings.venue, settings.symbol):
        return "no quoting process: applies at its next start"
    wait_s = settings.live.acknowledge_seconds
    status = doors.wait_acknowledged(settings.layout, settings.venue, settings.symbol, document, wait_s)
    return f"acknowledged by session {status.session} (pid {status.pid})"

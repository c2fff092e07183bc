"""Flows: move the champion alias forward or back; both return only when the quoting process runs the version."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from prefect import flow

from flows import canary, log, rooms
from flows.forms import Reason, Symbol, Venue, Version, Who
from flows.runner import step
from flows.settings import Settings, load_settings
from strategy.live import doors
from strategy.live.audit_log import Audit, audit_writer
from strategy.live.sizing import at_size, read_sizes
from strategy.policies.document import ParameterDocument

if TYPE_CHECKING:
    from analytics.registry.registry import Registry


class Told(TypedDict):
    """What a move is told whichever way it goes."""

    reason: str
    who: str | None
    acknowledge: Callable[[ParameterDocument], str]
    audit: Audit


@flow
def promote(
    reason: Reason,
    version: Version | None = None,
    venue: Venue | None = None,
    symbol: Symbol | None = None,
    override: Reason | None = None,
    who: Who | None = None,
) -> dict[str, Any]:
    """Make a version the champion, on trial first where `[canary]` says so.

    Args:
        reason: Why; kept in the audit.
        version: Default the challenger.
        venue: Default from the settings.
        symbol: BASE/QUOTE; default from the settings.
        override: Why gates that were not passed may be passed over; kept in the audit.
        who: Your name, for the audit; else the user of this process.
    """
    settings = load_settings(venue=venue, symbol=symbol)
    return move("promote", settings, version, reason, who, override)


@flow
def rollback(
    reason: Reason,
    version: Version | None = None,
    venue: Venue | None = None,
    symbol: Symbol | None = None,
    who: Who | None = None,
) -> dict[str, Any]:
    """Make the version before the champion again; no gate is asked, and a trial ends.

    Args:
        reason: Why; kept in the audit.
        version: Default the champion before this one.
        venue: Default from the settings.
        symbol: BASE/QUOTE; default from the settings.
        who: Your name, for the audit; else the user of this process.
    """
    settings = load_settings(venue=venue, symbol=symbol)
    return move("rollback", settings, version, reason, who)


@step
def move(
    what: Literal["promote", "rollback"],
    settings: Settings,
    version: int | None,
    reason: str,
    who: str | None,
    override: str | None = None,
) -> dict[str, Any]:
    """Call the registry; it asks the gates, and puts the alias back when the quoting process does not take the version.

    A rollback asks no gate.
    """
    registry, place = rooms.registry(settings), (settings.venue, settings.symbol)
    audit = audit_writer(settings.layout)
    told: Told = {"reason": reason, "who": who, "acknowledge": partial(acknowledged, settings), "audit": audit}
    if what == "rollback":
        done = registry.rollback(*place, version, **told)
        canary.end(settings)
    else:
        with on_trial(settings, registry, version) as target:
            require_all = settings.gates.require_all
            done = registry.promote(*place, target, override=override, require_all=require_all, **told)
            if canary.wanted(settings, done.from_version, done.to_version):
                assert done.from_version is not None
                canary.begin(settings, done.to_version, done.from_version)
    log.say(what, **asdict(done))
    return asdict(done)


@contextmanager
def on_trial(settings: Settings, registry: "Registry", version: int | None) -> Iterator[int | None]:
    """Yield which version is to be promoted, its size for a trial set; a promotion that fails forgets the size."""
    aliases = registry.aliases(settings.venue, settings.symbol)
    target = aliases.get("challenger") if version is None else version
    if target is None or not canary.wanted(settings, aliases.get("champion"), target):
        yield target
        return
    canary.prepare(settings, registry.document(settings.venue, settings.symbol, target))
    try:
        yield target
    except BaseException:
        canary.withdraw(settings, target)
        raise


def acknowledged(settings: Settings, document: ParameterDocument) -> str:
    """Wait until the quoting process runs the document; without one there is nobody to wait for."""
    if not doors.is_running(settings.layout, settings.venue, settings.symbol):
        return "no quoting process: applies at its next start"
    wait_s, folder = settings.live.acknowledge_seconds, settings.layout.live(settings.venue, settings.symbol)
    document = at_size(document, read_sizes(folder).get(document.version, 1.0))
    status = doors.wait_acknowledged(settings.layout, settings.venue, settings.symbol, document, wait_s)
    return f"acknowledged by session {status.session} (pid {status.pid})"

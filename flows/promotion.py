"""Moving the champion alias forward or back, done only when the quoting process runs the version; on trial first."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from typing import Any, Literal

from analytics.registry.promotion import Aliases, Move, move_champion
from flows import canary, events, log, rooms
from flows.settings import Settings
from strategy.live import doors
from strategy.live.audit_log import audit_writer
from strategy.live.layout import slug
from strategy.live.sizing import at_size, read_sizes
from strategy.policies.document import ParameterDocument


def move(
    what: Literal["promote", "rollback"],
    settings: Settings,
    version: int | None,
    reason: str,
    who: str | None,
    override: str | None = None,
) -> dict[str, Any]:
    """Move the champion: gates are asked, and the alias goes back when the quoting process does not take the version.

    A rollback asks no gate.
    """
    registry = rooms.moves(settings)
    wanted = Move(
        settings.venue,
        settings.symbol,
        what,
        reason,
        who,
        acknowledge=partial(acknowledged, settings),
        audit=audit_writer(settings.layout),
        override=override,
        require_all=settings.gates.require_all,
    )
    if what == "rollback":
        done = move_champion(registry, wanted, version)
        canary.end(settings)
    else:
        with on_trial(settings, registry, version) as target:
            done = move_champion(registry, wanted, target)
            if canary.wanted(settings, done.from_version, done.to_version):
                assert done.from_version is not None
                canary.begin(settings, done.to_version, done.from_version)
    facts = asdict(done)
    log.say(what, **facts)
    market = f"version.{settings.venue}.{slug(settings.symbol)}.{done.to_version}"
    events.tell(settings, what, market, facts | {"reason": reason, "who": who})
    return facts


@contextmanager
def on_trial(settings: Settings, registry: Aliases, version: int | None) -> Iterator[int | None]:
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

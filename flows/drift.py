"""What is done when live has drifted from what was foretold of it: told always, more by `[drift] act`."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from flows import events, log, rooms
from flows.runner import inside
from flows.settings import Settings
from strategy.live.layout import slug

if TYPE_CHECKING:
    from analytics.report.drift import Drift

EVENT: Final = "drift"


def act(settings: Settings, found: "list[Drift]") -> list[str]:
    """Tell of every drift, then do once what the settings want; return what was done."""
    for each in found:
        log.say("drift", **asdict(each) | {"act": settings.drift.act})
        whose = f"market.{settings.venue}.{slug(settings.symbol)}"
        events.tell(settings, EVENT, whose, _facts(settings, each))
    if not found or settings.drift.act == "alert":
        return []
    return _recalibrated(settings) if settings.drift.act == "recalibrate" else _demoted(settings, found)


def _facts(settings: Settings, drift: "Drift") -> dict[str, Any]:
    """Return what an operator is told: what drifted, by how much, and the command to act with."""
    place = {"venue": settings.venue, "symbol": settings.symbol, "act": settings.drift.act}
    way = events.way(settings)
    commands = {
        "command": f'microvol rollback {way} --reason "drift on {drift.day}"',
        "look": f"microvol report {way} --day {drift.day}",
    }
    return place | asdict(drift) | {"day": drift.day.isoformat(), "reason": str(drift)} | commands


def _recalibrated(settings: Settings) -> list[str]:
    """Study anew; the challenger waits for its promotion as any other does."""
    from flows.calibrate import calibrate

    done = inside(calibrate, venue=settings.venue, symbol=settings.symbol)
    return [f"recalibrated: version {done['version']}, gates {done['gates']}"]


def _demoted(settings: Settings, found: "list[Drift]") -> list[str]:
    """Roll back, where the version that drifted is the champion still."""
    from flows.promote import rollback

    champion = rooms.registry(settings).aliases(settings.venue, settings.symbol).get("champion")
    own = next((each for each in found if each.version == champion), None)
    if own is None:
        return [f"not demoted: the champion is version {champion}, which did not drift"]
    done = inside(rollback, reason=f"drift: {own}", venue=settings.venue, symbol=settings.symbol)
    return [f"demoted: version {done['from_version']} -> {done['to_version']}, {done['outcome']}"]

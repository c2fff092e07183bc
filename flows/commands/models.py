"""Commands around parameter versions: promote, rollback, versions, report, nightly."""

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from flows import console, rooms
from flows.audit import audit
from flows.commands import options
from flows.runner import run

if TYPE_CHECKING:
    from analytics.registry.registry import Registry

LISTED: Final = ("version", "aliases", "created", "gates", "edge_bps", "moved", "at", "who", "why")
GATE_COLUMNS: Final = ("gate", "verdict", "value", "threshold", "how they compare, and why")

Version = Annotated[int | None, typer.Option("--version", min=1, help="A registered version.")]
Trials = Annotated[int | None, typer.Option("--trials", min=1, help="Default from the settings.")]
Override = Annotated[
    str | None, typer.Option("--override", help="Why a gate that was not passed may be passed over; kept in the audit.")
]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    for command in (promote, rollback, versions, report, nightly):
        app.command()(command)


def promote(
    reason: options.Reason,
    version: Version = None,
    override: Override = None,
    venue: options.Venue = None,
    symbol: options.Symbol = None,
) -> None:
    """Make a version (default the challenger) champion; returns when the quoting process runs it.

    A gate that the version did not pass blocks it; --override promotes all the same and keeps the reason in the audit.
    """
    settings = options.settings_for(venue, symbol)
    place = {"venue": settings.venue, "symbol": settings.symbol}
    _say("promote", run(settings, "promote", version=version, reason=reason, override=override, **place))


def rollback(
    reason: options.Reason, version: Version = None, venue: options.Venue = None, symbol: options.Symbol = None
) -> None:
    """Go back to the champion before (or to a version); returns when the quoting process runs it."""
    from flows.promotion import move

    # without Prefect, whose import and records would take longer than the rollback itself
    _say("rollback", move("rollback", options.settings_for(venue, symbol), version, reason, None))


def _say(what: str, done: dict[str, Any]) -> None:
    before = done["from_version"] or "none"
    console.line(f"{what}: version {before} -> {done['to_version']}, {done['outcome']}")


def versions(
    version: Version = None,
    moves: Annotated[
        bool, typer.Option("--moves", help="Every promotion, rollback, trial and refusal instead.")
    ] = False,
    venue: options.Venue = None,
    symbol: options.Symbol = None,
) -> None:
    """Show the registry: every version, its aliases, gates and last move; or one version's gates with their numbers."""
    settings = options.settings_for(venue, symbol)
    if moves:
        console.frame(f"moves of {settings.symbol} on {settings.venue}", audit(settings))
        return
    registry, place = rooms.registry(settings), (settings.venue, settings.symbol)
    if version is None:
        console.frame(f"{settings.symbol} on {settings.venue}", registry.versions(*place).select(LISTED))
    else:
        _one(registry, place, version)


def _one(registry: "Registry", place: tuple[str, str], version: int) -> None:
    """Show all that the registry's table holds of a version, and its gates."""
    from analytics.gates.verdicts import gate_rows

    document = registry.document(*place, version)
    title = f"version {version}, {place[1]} on {place[0]}"
    console.facts(title, registry.versions(*place).filter(version=version).row(0, named=True))
    console.table(f"gates of {title}", GATE_COLUMNS, gate_rows(document))


def report(
    day: Annotated[str | None, typer.Option("--day", help="UTC, like 2026-01-31; default yesterday.")] = None,
    venue: options.Venue = None,
    symbol: options.Symbol = None,
) -> None:
    """Write a day's report and log its metrics on the version that was live."""
    settings = options.settings_for(venue, symbol)
    chosen = options.day(day, "--day")
    console.facts("report", run(settings, "report", day=chosen, venue=settings.venue, symbol=settings.symbol))


def nightly(trials: Trials = None, venue: options.Venue = None, symbol: options.Symbol = None) -> None:
    """Ingest, calibrate, promote when every gate passes, report on yesterday: what the schedule runs."""
    settings = options.settings_for(venue, symbol)
    console.facts("nightly", run(settings, "nightly", trials=trials, venue=settings.venue, symbol=settings.symbol))

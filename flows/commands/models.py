"""Commands around parameter versions: calibrate, promote, rollback, versions, report, nightly."""

from pathlib import Path
from typing import Annotated, Final

import typer

from analytics.study.settings import Measure, SamplerName
from flows import console, rooms
from flows.commands import options
from flows.runner import run
from flows.settings import Settings

GATE_COLUMNS: Final = ("gate", "verdict", "value", "threshold", "how they compare, and why")

Version = Annotated[int | None, typer.Option("--version", min=1, help="A registered version.")]
Trials = Annotated[int | None, typer.Option("--trials", min=1, help="Default from the settings.")]
Override = Annotated[
    str | None, typer.Option("--override", help="Why a gate that was not passed may be passed over; kept in the audit.")
]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Default from the settings.")]
Minutes = Annotated[
    float | None,
    typer.Option("--minutes", min=0.01, help="Begin no batch after so many; without --trials the only limit."),
]
Sampler = Annotated[SamplerName | None, typer.Option("--sampler", help="Who proposes trials.")]
Goal = Annotated[Measure | None, typer.Option("--objective", help="What is maximised; docs/calibration.md.")]
Space = Annotated[Path | None, typer.Option("--space", help="A TOML file that says what is searched.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    for command in (calibrate, promote, rollback, versions, report, nightly):
        app.command()(command)


def calibrate(
    trials: Trials = None,
    seed: Seed = None,
    base: Annotated[
        str | None,
        typer.Option("--base", "--params", help="Where to start: a preset or a JSON file; default the champion."),
    ] = None,
    spread: Annotated[str | None, typer.Option("--spread", help="Its spread policy, any registered one.")] = None,
    changes: options.Changes = None,
    start: options.Start = None,
    end: options.End = None,
    minutes: Minutes = None,
    sampler: Sampler = None,
    objective: Goal = None,
    space: Space = None,
    resume: Annotated[str | None, typer.Option("--resume", help="Go on with an interrupted study.")] = None,
    latency: options.Latency = None,
    venue: options.Venue = None,
    symbol: options.Symbol = None,
) -> None:
    """Search for better parameters, check the gates, register the winner as challenger.

    Ctrl-C keeps the trials that are done and says how to go on.
    """
    settings = options.settings_for(venue, symbol)
    wanted = {"spread.policy": spread} if spread else {}
    done = run(
        settings,
        "calibrate",
        trials=trials,
        seed=seed,
        base=base,
        changes=wanted | options.changes(changes),
        start_ns=options.instant(start, "--start"),
        end_ns=options.instant(end, "--end"),
        resume=resume,
        minutes=minutes,
        sampler=sampler,
        objective=objective,
        space=None if space is None else str(space),
        latency=options.line(latency),
        venue=settings.venue,
        symbol=settings.symbol,
    )
    verdicts = done.pop("verdicts")
    console.facts("calibrated", done)
    console.table(f"gates of version {done['version']}", GATE_COLUMNS, verdicts)


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
    _move("promote", version, reason, venue, symbol, override=override)


def rollback(
    reason: options.Reason, version: Version = None, venue: options.Venue = None, symbol: options.Symbol = None
) -> None:
    """Go back to the champion before (or to a version); returns when the quoting process runs it."""
    _move("rollback", version, reason, venue, symbol)


def _move(
    what: str, version: int | None, reason: str, venue: str | None, symbol: str | None, **more: str | None
) -> None:
    settings = options.settings_for(venue, symbol)
    place = {"venue": settings.venue, "symbol": settings.symbol}
    done = run(settings, what, version=version, reason=reason, **place, **more)
    before = done["from_version"] or "none"
    console.line(f"{what}: version {before} -> {done['to_version']}, {done['outcome']}")


def versions(version: Version = None, venue: options.Venue = None, symbol: options.Symbol = None) -> None:
    """Show the registry: every version, its aliases, gates and last move; or one version's gates with their numbers."""
    settings = options.settings_for(venue, symbol)
    if version is not None:
        _gates(settings, version)
        return
    frame = rooms.registry(settings).versions(settings.venue, settings.symbol)
    shown = frame.with_columns(frame["content_hash"].str.head(12))
    console.frame(f"{settings.symbol} on {settings.venue}", shown)


def _gates(settings: Settings, version: int) -> None:
    from analytics.gates.verdicts import gate_rows

    document = rooms.registry(settings).document(settings.venue, settings.symbol, version)
    title = f"gates of version {version}, {settings.symbol} on {settings.venue}"
    console.table(title, GATE_COLUMNS, gate_rows(document))


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

"""Commands around the processes that meet a venue: record, quote, kill, rearm, parity."""

from pathlib import Path
from typing import Annotated, Final

import typer

from flows import console
from flows.commands import options
from flows.runner import run
from strategy.errors import BadInput

SHOWN: Final = 10
Seconds = Annotated[float | None, typer.Option("--seconds", min=0, help="Stop after so long; default never.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    for command in (record, quote, kill, rearm, parity):
        app.command()(command)


def record(seconds: Seconds = None, venue: options.Venue = None, symbol: options.Markets = None) -> None:
    """Record every raw frame of one or several markets and take it into the lake, until Ctrl-C."""
    from flows.markets import markets

    settings = options.settings_for(venue)
    names = [f"{each.venue}:{each.symbol}" for each in markets(settings, symbol or [])]
    console.facts("recorded", run(settings, "record", seconds=seconds, markets=names))


def quote(
    seconds: Seconds = None,
    allow_foreign: Annotated[
        bool, typer.Option("--allow-foreign", help="Quote beside open orders that are not ours.")
    ] = False,
    shadow: Annotated[
        list[int] | None,
        typer.Option(
            "--shadow",
            metavar="VERSION",
            min=1,
            help="Run a version beside the champion on paper; repeatable; default the challenger.",
        ),
    ] = None,
    i_understand: Annotated[
        bool, typer.Option("--i-understand", help="Trade with real money; the doctor has to pass too.")
    ] = False,
    venue: options.Venue = None,
    symbol: options.Markets = None,
) -> None:
    """Quote with the champion under supervision, until Ctrl-C; promote and rollback reach it while it runs.

    Several markets are quoted by one process, each with its own champion, files and kill switch; they begin and end
    together. On `paper-live` real market data is quoted on, and orders are matched here by the fill model: none leaves.
    """
    from flows.markets import markets

    settings = options.settings_for(venue)
    done = run(
        settings,
        "quote",
        seconds=seconds,
        allow_foreign=allow_foreign,
        shadow=shadow,
        i_understand=i_understand,
        markets=[f"{each.venue}:{each.symbol}" for each in markets(settings, symbol or [])],
    )
    console.facts("quoted", done)


def kill(reason: options.Reason, venue: options.Venue = None, symbol: options.Symbol = None) -> None:
    """Throw the kill switch: cancel everything and stay out, over every restart, until `rearm`."""
    from flows import kill_switch

    settings = options.settings_for(venue, symbol)
    console.line(f"{settings.symbol} on {settings.venue}: {kill_switch.throw(settings, reason)}")


def rearm(reason: options.Reason, venue: options.Venue = None, symbol: options.Symbol = None) -> None:
    """Arm the kill switch anew: the quoting process goes back in."""
    from flows import kill_switch

    settings = options.settings_for(venue, symbol)
    console.line(f"{settings.symbol} on {settings.venue}: {kill_switch.rearm(settings, reason)}")


def parity(
    journal: Annotated[Path | None, typer.Argument(help="A journal; default the newest of the symbol.")] = None,
    params: options.ParamsFile = None,
    venue: options.Venue = None,
    symbol: options.Symbol = None,
) -> None:
    """Replay a session's decisions from its journal and compare them field by field; exit 1 on a difference."""
    from strategy.live.parity import check
    from strategy.policies.document import read_document

    settings = options.settings_for(venue, symbol)
    path = journal or newest_journal(settings.layout.journal(settings.venue, settings.symbol))
    found = check(path, read_document(params) if params else None)
    compared = f"{found.events} events, {found.decisions} decisions, {found.actions} actions"
    end = "" if found.complete else ", the session did not end in order"
    console.line(f"{path.name}: {compared}, versions {', '.join(map(str, found.versions))}{end}")
    for difference in found.differences[:SHOWN]:
        console.line(str(difference))
    console.line("equal, field by field" if found.equal else f"{found.differing} fields differ")
    raise typer.Exit(0 if found.equal else 1)


def newest_journal(folder: Path) -> Path:
    """Return the newest journal of a symbol; their names begin with the time."""
    journals = sorted(folder.glob("[!.]*.log*"))
    if not journals:
        raise BadInput(f"no journal in {folder}: nothing has been quoted yet")
    return journals[-1]

"""The command that fits the fill model to live fills."""

from typing import Annotated, Final

import typer

from analytics.tape.line import read_days
from flows import console, rooms
from flows.commands import options
from flows.runner import run
from flows.settings import Settings

HELP = """Fit the fill model to live orders: where in the queue they stood and how long messages took, with intervals.

The fit becomes a version in the lake, which --fill-model of replay and calibrate, or the setting costs.fill_model,
names. What was live is replayed as assumed so far and with the fit.

Example: microvol fills --days 2026-01-30..2026-01-31
"""
FIT: Final = ("what", "value", "low", "high")
MODELS: Final = ("queue model", "log-likelihood", "AIC above the best")
COMPARED: Final = ("figure", "regime", "live", "before", "after")


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("fills", help=HELP)(fills)


def fills(
    days: Annotated[
        str | None, typer.Option("--days", metavar="DAY[..DAY]", help="UTC, both inclusive; default yesterday.")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="Fit nothing; show the versions that the lake holds.")] = False,
    venue: options.Venue = None,
    symbol: options.Symbol = None,
) -> None:
    """Fit."""
    settings = options.settings_for(venue, symbol)
    if listed:
        _list(settings)
        return
    if days is not None:
        read_days(days, "--days")
    done = run(settings, "fills", days=days, venue=settings.venue, symbol=settings.symbol)
    console.table(f"fill model {done['version']} of {settings.symbol} on {settings.venue}", FIT, done["fit"])
    console.table("what the fills say of each queue model", MODELS, done["models"])
    if done["compared"]:
        console.table("filled live, and in replays of the same", COMPARED, done["compared"])
    for note in done["notes"]:
        console.line(note)
    console.line(f"files in {done['folder']}: fills.png, model.json")


def _list(settings: Settings) -> None:
    """Show versions, newest last."""
    from analytics.fill_fit.model import versions

    place = (settings.venue, settings.symbol)
    with rooms.lake(settings, read_only=True) as lake:
        console.frame(f"fill models of {settings.symbol} on {settings.venue}", versions(lake, *place))

"""The command that compares."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer

from flows import console
from flows.commands import options
from strategy.errors import BadInput

HELP: Final = """Put two versions or runs side by side: what differs in them, their gates, both over the same window.

Each is a version's number or alias, or the id of an MLflow run of a study or a candidate. The page is one HTML file
that needs no network.

Example: microvol compare champion challenger --from 2026-01-31 --to 2026-02-02
"""
Named = Annotated[str, typer.Argument(metavar="VERSION|ALIAS|RUN", help="A version's number or alias, or a run's id.")]


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("compare", help=HELP)(compare)


def compare(
    first: Named,
    second: Named,
    out: Annotated[Path | None, typer.Option("--out", help="The page; default a file under <home>/compare.")] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="UTC, like 2026-01-31 or 2026-01-31T12:00; default the newest day.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="UTC, exclusive.")] = None,
    latency: options.Latency = None,
    fill_model: options.FillModel = None,
    venue: options.Venue = None,
    symbol: options.Symbol = None,
) -> None:
    """Compare."""
    from analytics.report.comparison import figure_rows, parameter_rows
    from flows import compare as comparing
    from flows.replay import Request

    settings = options.settings_for(venue, symbol)
    if out is not None and out.is_dir():
        raise BadInput(f"--out was {out}, which is a folder: name a file")
    request = Request(latency=options.line(latency), fill_model=options.fill_model(fill_model))
    window = options.window(start, end, ("--from", "--to"))
    asked = window if window != (None, None) else comparing.newest_day(settings)
    found = comparing.compare(settings, (first, second), replace(request, window=asked))
    path = out or comparing.page_of(settings, (first, second))
    comparing.write(found, path)
    differing = parameter_rows(found)
    if differing:
        console.table("parameters that differ", ("parameter", *found.names), differing)
    else:
        console.line(f"{found.names[0]} and {found.names[1]} have the same parameters")
    console.table("over the same window", ("figure", *found.names, "difference", "unit"), figure_rows(found))
    console.line(f"page: {path}")

"""Commands around the servers: up, down, serve, status, doctor, demo."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from flows import console, platform
from flows.access import LOOPBACK
from flows.commands import options
from flows.servers import SERVICES
from flows.settings import ROOT
from strategy.errors import BadInput

Host = Annotated[
    str, typer.Option("--host", help="Where to listen: 0.0.0.0 needs MICROVOL_AUTH=user:password in the environment.")
]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    for command in (up, down, serve, status, doctor, demo):
        app.command()(command)


def up(host: Host = LOOPBACK) -> None:
    """Start the Prefect server, MLflow, a worker, deployments and alerts, all on loopback unless told otherwise."""
    platform.up(options.settings_for(), console.line, host=host)


def serve(
    service: Annotated[str, typer.Argument(help=", ".join(SERVICES))],
    host: Host = LOOPBACK,
) -> None:
    """Run one service in the foreground, for systemd or a container to watch."""
    if service not in SERVICES:
        raise BadInput(f"service was {service!r}, it must be one of {', '.join(SERVICES)}")
    platform.serve(options.settings_for(), service, host, console.line)


def down() -> None:
    """Stop quoting and recording, then the servers that `microvol up` started."""
    platform.down(options.settings_for(), console.line)


def status(
    watch: Annotated[bool, typer.Option("--watch", help="Keep the table true until Ctrl-C, on a terminal.")] = False,
    venue: options.Venue = None,
    symbol: options.Symbol = None,
) -> None:
    """Show what runs, which version quotes, and how fresh the data is; exit 0 whatever it shows: the doctor judges."""
    settings = options.settings_for(venue, symbol)
    if watch and sys.stdout.isatty():
        from flows.status_watch import watch as watched

        watched(settings, console.out())
        return
    from flows.status import status as lines

    console.table(f"microvol at {settings.home}", ("what", "state", "detail"), lines(settings))


def doctor(venue: options.Venue = None, symbol: options.Symbol = None) -> None:
    """Check everything that must hold before quoting; exit 1 when something does not."""
    from flows.doctor import FAILED, examine

    settings = options.settings_for(venue, symbol)
    found = examine(settings)
    console.table(f"doctor: {settings.symbol} on {settings.venue}", ("check", "verdict", "detail"), found)
    if any(line.state == FAILED for line in found):
        raise typer.Exit(1)


def demo(
    home: Annotated[Path, typer.Option("--home", help="Wiped at the start.")] = ROOT / "var" / "demo",
    hours: Annotated[float, typer.Option("--hours", help="Simulated hours before the recording.")] = 3.0,
    record_seconds: Annotated[float, typer.Option("--record-seconds", help="How long to record.")] = 60.0,
    quote_seconds: Annotated[float, typer.Option("--quote-seconds", help="How long version 1 quotes alone.")] = 120.0,
    trials: Annotated[int, typer.Option("--trials", help="Trials of each calibration.")] = 60,
) -> None:
    """Run the whole loop on the paper venue: record, calibrate, promote, quote, promote again, roll back, report."""
    from flows import demo as loop

    plan = loop.Plan(hours=hours, record_seconds=record_seconds, quote_seconds=quote_seconds, trials=trials)
    loop.demo(home.resolve(), plan)

"""The command that replays."""

from pathlib import Path
from typing import Annotated

import typer

from flows import console
from flows.commands import options
from strategy.errors import BadInput

HELP = """Replay one parameter set over one window: its metrics, a plot, and what it did as Parquet files.

Example: microvol replay --params champion --from 2026-01-31 --to 2026-02-02
"""


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("replay", help=HELP)(replay)


def replay(
    params: Annotated[
        str | None,
        typer.Option(
            "--params",
            metavar="FILE|VERSION|PRESET",
            help="A file (JSON, TOML), a version's number or alias, a preset; default champion, else the defaults.",
        ),
    ] = None,
    version: Annotated[int | None, typer.Option("--version", min=1, help="The same as --params NUMBER.")] = None,
    changes: options.Changes = None,
    start: Annotated[
        str | None, typer.Option("--from", "--start", help="UTC, like 2026-01-31 or 2026-01-31T12:00.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", "--end", help="UTC, exclusive.")] = None,
    driver: Annotated[
        options.Driver,
        typer.Option("--driver", help="auto skips where the policies allow; reference walks every event."),
    ] = "auto",
    latency: options.Latency = None,
    fill_model: options.FillModel = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the files; default one of its own under <home>/replay.")
    ] = None,
    venue: options.Venue = None,
    symbol: options.Symbol = None,
) -> None:
    """Replay."""
    from flows.replay import Request, folder_of, replay_window, summary, write

    settings = options.settings_for(venue, symbol)
    if version is not None and params is not None:
        raise BadInput(f"--version was {version} and --params {params}: one of them says what to replay")
    if out is not None and out.exists() and not out.is_dir():
        raise BadInput(f"--out was {out}, which is a file: name a folder")
    window = options.window(start, end, ("--from", "--to"))
    assumed = (options.line(latency), options.fill_model(fill_model))
    request = Request(version, params, options.changes(changes), window, driver, *assumed)
    done = replay_window(settings, request)
    console.metrics(f"{done.replayed.title}, {done.seconds:.3f} s", done.replayed.metrics)
    folder = out or folder_of(settings, done.replayed)
    with console.waiting("writing"):
        rows = write(done, folder)
    console.line(summary(done))
    if done.replayed.round_trips is not None:
        console.line(f"latencies drawn from {done.replayed.round_trips.told()}")
    console.line(f"files in {folder}: {', '.join(rows)}")

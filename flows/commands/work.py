"""Command: replay for a study that another process runs."""

from typing import Annotated

import typer

from flows import console
from flows.commands import options
from flows.runner import run

Study = Annotated[str | None, typer.Option("--study", help="Its name, as calibrate prints it; default any that runs.")]
Threads = Annotated[int | None, typer.Option("--threads", min=0, help="That replay; 0 = one a processor.")]


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command()(work)


def work(study: Study = None, threads: Threads = None) -> None:
    """Replay for a study that calibrate runs elsewhere: until it is over, or without --study until Ctrl-C."""
    done = run(options.settings_for(), "work", study=study, threads=threads)
    console.line(f"work: {done['trials']} trials replayed, {'stopped' if done['stopped'] else 'the study is over'}")

"""`microvol`: the command line. Exit 0 good, 1 failed, 2 bad usage or bad input; an error is one line on stderr.

Rooms and Prefect are imported inside the commands that need them, so that `--help` answers at once.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from flows import log
from flows.commands import (
    calibrate,
    compare,
    data,
    export,
    fills,
    imports,
    live,
    models,
    platform,
    policies,
    replay,
    venue,
    work,
)
from strategy.errors import BadInput, MicrovolError

PANELS: Final = {
    "This machine": (platform, venue, work),
    "Data": (data, imports, export),
    "Parameters": (policies, replay, calibrate, fills),
    "Versions": (models, compare),
    "Recording and quoting": (live,),
}

app = typer.Typer(
    name="microvol",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for title, parts in PANELS.items():
    panel = typer.Typer()
    for part in parts:
        part.register(panel)
    for command in panel.registered_commands:
        command.rich_help_panel = title
    for group in panel.registered_groups:
        group.rich_help_panel = title
    app.registered_commands += panel.registered_commands
    app.registered_groups += panel.registered_groups


@app.callback()
def everywhere(
    policy_path: Annotated[
        list[Path] | None, typer.Option("--policy-path", help="File or folder with policies of yours; repeatable.")
    ] = None,
) -> None:
    """Calibrate-deploy pipeline for volatility-adaptive market making."""
    if policy_path:
        from strategy.policies.plugins import add_to_path

        for path in policy_path:
            if not path.exists():
                raise BadInput(f"--policy-path was {path}, which does not exist")
            add_to_path(path)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; an unexpected exception keeps its traceback."""
    log.to_stderr()
    try:
        app(list(arguments), prog_name="microvol")
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else int(done.code is not None)
    except MicrovolError as error:
        sys.stderr.write(f"microvol: {error}\n")
        return error.exit_code
    return 0


def main() -> None:
    """Be the `microvol` command."""
    sys.exit(run(sys.argv[1:]))

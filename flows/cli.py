"""`microvol`: the command line. Exit 0 good, 1 failed, 2 bad usage or bad input; an error is one line on stderr.

Rooms and Prefect are imported inside the commands that need them, so that `--help` answers at once.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

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

app = typer.Typer(
    name="microvol",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for part in (data, imports, export, replay, calibrate, fills, models, compare, policies, live, platform, venue, work):
    part.register(app)


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

"""The paper venue as a command, and the faults that it can be asked for while it runs."""

from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

from flows import console
from flows.commands import options


class Group(typer.core.TyperGroup):
    """The command with every fault at the end of its help."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help; the faults come from where they are carried out."""
        from strategy.venues.paper.faults.menu import menu

        faults = "; ".join(f"{line.names} ({line.fields})" if line.fields else line.names for line in menu())
        self.epilog = f"Faults: {faults}. `microvol venue fault` says what each does."
        super().format_help(ctx, formatter)


venue = typer.Typer(cls=Group)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(venue, name="venue")


@venue.callback(invoke_without_command=True)
def run(
    context: typer.Context,
    port: Annotated[int | None, typer.Option("--port", help="0 picks a free one; default from the settings.")] = None,
    symbol: options.Symbol = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of the market.")] = None,
    tape: Annotated[
        list[Path] | None,
        typer.Option("--tape", help="File or folder of a recording that stands in for the crowd; repeatable."),
    ] = None,
    admin: Annotated[bool, typer.Option("--admin", help="Open the admin endpoint: state, deposits, faults.")] = False,
) -> None:
    """Run the paper venue alone, until Ctrl-C."""
    if context.invoked_subcommand is not None:
        return
    from flows.paper import Choice, serve

    serve(options.settings_for("paper", symbol), Choice(port=port, seed=seed, tape=tuple(tape or ()), admin=admin))


@venue.command()
def fault(
    what: Annotated[str | None, typer.Argument(help="The fault; without it all of them are listed.")] = None,
    fields: Annotated[list[str] | None, typer.Argument(metavar="[FIELD=VALUE]…", help="How much of it.")] = None,
    port: Annotated[
        int | None, typer.Option("--port", help="The admin endpoint's; default ports.paper_admin of the settings.")
    ] = None,
) -> None:
    """Make something go wrong at the paper venue that runs with --admin."""
    from flows import paper

    if what is None:
        console.table("faults of the paper venue", ("fault", "fields", "what it does"), paper.faults())
        return
    ended = paper.ask_fault(options.settings_for("paper"), what, fields or [], port)
    console.line(f"{what}: {ended} connections ended" if ended else what)

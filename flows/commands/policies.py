"""Commands around what may be set: policies, presets, parameters."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows import console
from flows.commands import options
from strategy.errors import BadInput

if TYPE_CHECKING:
    from strategy.policies.fields import Setting
    from strategy.policies.registry import Policy

COLUMNS = ("parameter", "unit", "default", "bounds", "search range", "meaning", "source")


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    for command in (policies, presets, parameters):
        app.command()(command)


def policies(
    name: Annotated[
        str | None, typer.Argument(help="A policy, or a section: regimes, quoting, barriers, risk.")
    ] = None,
    kind: Annotated[str | None, typer.Option("--kind", help="volatility, spreads, inventory or signals.")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="The page docs/policies.md.")] = False,
) -> None:
    """Show the registered policies, or one policy's parameters: unit, default, bounds, search range, source."""
    from strategy.policies.table import policy_tables, summary

    if markdown:
        typer.echo(policy_tables(), nl=False)
        return
    found = list(_found(kind, name))
    if name is None:
        rows = [(each.kind, each.name, summary(each), each.source) for each in found]
        console.table("policies", ("kind", "name", "what it is", "source"), rows)
        return
    for each in found:
        console.table(f"{each.kind} policy {each.name}: {summary(each)}", COLUMNS, _rows(_settings(each.parameters)))
    if not found and (kind is not None or not _section(name)):
        raise BadInput(f"policy {name!r} is unknown{f' among {kind}' if kind else ''}, known are {_known(kind)}")


def presets() -> None:
    """Show the parameter sets to start from."""
    from strategy.policies.presets import about, preset_names

    console.table("presets", ("name", "what it is"), [(name, about(name)) for name in preset_names()])


def parameters(
    named: Annotated[str, typer.Argument(metavar="PRESET|FILE", help="A preset, or a parameter set or document.")],
    changes: options.Changes = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write it there instead.")] = None,
) -> None:
    """Print a parameter set as JSON, checked, with every default written out and single values changed."""
    from flows.parameters import as_file, read_parameters
    from strategy.policies.document import write_atomically
    from strategy.policies.dotted import changed

    wanted = options.changes(changes)
    found = read_parameters(named)
    data = as_file(changed(found, wanted) if wanted else found)
    if out is None:
        typer.echo(data.decode(), nl=False)
    else:
        write_atomically(out, data)


def _found(kind: str | None, name: str | None) -> "Iterator[Policy]":
    """Yield the policies of a kind (all kinds) and a name (all names)."""
    from strategy.policies import registry

    if kind is not None and kind not in registry.KINDS:
        raise BadInput(f"--kind was {kind!r}, kinds are {', '.join(registry.KINDS)}")
    for each in registry.KINDS:
        if kind in (None, each):
            yield from (policy for _, policy in sorted(registry.policies(each).items()) if name in (None, policy.name))


def _known(kind: str | None) -> str:
    from strategy.policies.dotted import SECTIONS

    sections = () if kind else SECTIONS
    return ", ".join([*(policy.name for policy in _found(kind, None)), *sections])


def _section(name: str) -> bool:
    """Show a section's parameters; say whether there is one of that name."""
    from strategy.policies.dotted import SECTIONS
    from strategy.policies.parameters import ParameterSet

    if name not in SECTIONS:
        return False
    console.table(f"section {name}", COLUMNS, _rows(_settings(type(getattr(ParameterSet(), name)))))
    return True


def _settings(model: Any) -> "Iterable[Setting]":
    from strategy.policies.fields import settings_of

    return settings_of(model)


def _rows(settings: "Iterable[Setting]") -> list[tuple[str, ...]]:
    return [
        (each.name, each.unit, each.default_text, each.allowed, each.search_text, each.description, each.source)
        for each in settings
    ]

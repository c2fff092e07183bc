"""Which parameter set a researcher means: a set, a preset, a file, or a version of the registry."""

from pathlib import Path
from typing import TYPE_CHECKING

from strategy.errors import BadInput
from strategy.policies.document import read_document
from strategy.policies.parameters import ParameterSet
from strategy.policies.presets import preset, preset_names

if TYPE_CHECKING:
    from analytics.registry.registry import Registry

Choice = ParameterSet | str | int | None


def chosen_set(choice: Choice, venue: str, symbol: str, tracking_uri: str) -> ParameterSet:
    """Return the set that is meant: None = the defaults, a name = preset, alias or file, a number = version."""
    if choice is None:
        return ParameterSet()
    if isinstance(choice, ParameterSet):
        return choice
    if isinstance(choice, str) and choice in preset_names():
        return preset(choice)
    if isinstance(choice, str) and choice.endswith(".json"):
        return read_document(Path(choice)).parameters
    return _registered(choice, venue, symbol, tracking_uri)


def _registered(choice: str | int, venue: str, symbol: str, tracking_uri: str) -> ParameterSet:
    registry = _registry(tracking_uri, choice)
    if isinstance(choice, int) or choice.isdecimal():
        return registry.document(venue, symbol, int(choice)).parameters
    known = registry.aliases(venue, symbol)
    if choice not in known:
        names = ", ".join((*preset_names(), *sorted(known)))
        raise BadInput(
            f"parameters was {choice!r}: write a version's number, a file ending in .json, or one of {names}"
        )
    return registry.document(venue, symbol, known[choice]).parameters


def _registry(tracking_uri: str, choice: str | int) -> "Registry":
    """Open the registry; a database that is not there is not made by looking for it."""
    kind, _, path = tracking_uri.partition(":///")
    if kind == "sqlite" and not Path(path).exists():
        raise BadInput(f"parameters was {choice!r}, no preset, and there are no versions yet ({path} does not exist)")
    from analytics.registry.registry import Registry

    return Registry(tracking_uri)

"""Which parameter set a command means: a version or its alias, a preset, a file, the champion, or the defaults."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from flows import rooms
from flows.settings import Settings
from strategy.errors import BadInput, BadParameters
from strategy.policies.document import parse_document
from strategy.policies.dotted import changed
from strategy.policies.parameters import ParameterSet, parse_parameters
from strategy.policies.presets import preset, preset_names

ALIASES: Final = ("champion", "challenger", "previous")


def parameters_of(
    settings: Settings, version: int | None, named: str | None, changes: Mapping[str, Any]
) -> tuple[str, ParameterSet]:
    """Return the parameters that a command means, single values changed, and a title for them.

    `named` is a version's number or alias, a preset or a file; without it or a version, the champion or else the
    defaults.
    """
    title, found = _chosen(settings, version, named)
    if not changes:
        return title, found
    return f"{title} with {', '.join(f'{name}={value}' for name, value in changes.items())}", changed(found, changes)


def _chosen(settings: Settings, version: int | None, named: str | None) -> tuple[str, ParameterSet]:
    if named is not None and named.isdecimal() and version is None:
        version, named = int(named), None
    if named is not None and named not in ALIASES:
        return named, read_parameters(named)
    registry = rooms.registry(settings)
    if named is not None:
        version = _version_of(named, registry.aliases(settings.venue, settings.symbol), settings)
    if version is not None:
        title = f"version {version}" if named is None else f"{named} (version {version})"
        return title, registry.document(settings.venue, settings.symbol, version).parameters
    champion = registry.champion(settings.venue, settings.symbol)
    return (f"version {champion.version}", champion.parameters) if champion else ("defaults", ParameterSet())


def _version_of(alias: str, known: Mapping[str, int], settings: Settings) -> int:
    if alias not in known:
        held = ", ".join(f"{name} is version {version}" for name, version in sorted(known.items())) or "none is set"
        raise BadInput(f"{settings.venue} {settings.symbol} has no {alias}: {held}")
    return known[alias]


def read_parameters(named: str) -> ParameterSet:
    """Return a preset, a file's parameter set, or the one inside a file's parameter document."""
    if named in preset_names():
        return preset(named)
    try:
        data = Path(named).read_bytes()
        content = _decoded(data, named)
    except FileNotFoundError as error:
        presets = ", ".join(preset_names())
        raise BadInput(f"parameter file {named} does not exist, and the presets are {presets}") from error
    except OSError as error:
        raise BadInput(f"parameter file {named} cannot be read: {error.strerror}") from error
    if isinstance(content, dict) and "parameters" in content:
        return parse_document(orjson.dumps(content), named).parameters
    try:
        return parse_parameters(content)
    except BadParameters as error:
        raise BadParameters(f"{named}: {error}") from error


def _decoded(data: bytes, named: str) -> Any:
    """Decode a file by its suffix: TOML, else JSON."""
    try:
        return tomllib.loads(data.decode()) if named.endswith(".toml") else orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"{named} is not JSON ({error})") from error
    except ValueError as error:
        raise BadInput(f"{named} is not TOML ({error})") from error


def as_file(parameters: ParameterSet) -> bytes:
    """Return a set as people keep it: canonical JSON, indented, ending in a newline."""
    option = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(parameters.model_dump(mode="json"), option=option)

"""Parameter sets to start from, one TOML file each beside this one: its first comment line says what it is."""

import tomllib
from pathlib import Path
from typing import Final

from strategy.errors import BadParameters
from strategy.policies.parameters import ParameterSet, parse_parameters

FOLDER: Final = Path(__file__).parent


def preset_names() -> tuple[str, ...]:
    """Return the presets' names."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.toml")))


def preset(name: str) -> ParameterSet:
    """Return a preset; an unknown name is bad input that lists the known ones."""
    return parse_parameters(tomllib.loads(_text(name)))


def about(name: str) -> str:
    """Return what a preset is, one line."""
    return _text(name).splitlines()[0].removeprefix("#").strip()


def _text(name: str) -> str:
    if name not in preset_names():
        raise BadParameters(f"preset {name!r} is unknown, known are {', '.join(preset_names())}")
    return (FOLDER / f"{name}.toml").read_text(encoding="utf-8")

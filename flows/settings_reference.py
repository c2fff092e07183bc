"""Every setting as one page: `python -m flows.settings_reference` writes `docs/settings.md` from the models."""

import inspect
import json
import types
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from flows.settings import ROOT, Settings, Venue
from strategy.policies.fields import Setting, settings_of

PAGE: Final = ROOT / "docs" / "settings.md"
COLUMNS: Final = ("setting", "environment", "type", "unit", "default", "allowed", "meaning")
NAMED: Final = "NAME"  # stands for the name that a table of somebody's own has
UNITS: Final[Mapping[str, str]] = {
    "seconds": "s",
    "s": "s",
    "ms": "ms",
    "minutes": "min",
    "hours": "h",
    "days": "days",
    "bps": "bps",
    "mb": "MB",
    "base": "base",
    "base2": "base²",
    "share": "share",
}
WORDS: Final[Mapping[Any, str]] = {
    str: "text",
    Path: "path",
    bool: "true or false",
    int: "whole number",
    float: "number",
}
HEAD: Final = """# Settings

Written from the models by `python -m flows.settings_reference`; a test fails when it is not current.

`microvol.toml` in the checkout, or the file that `MICROVOL_CONFIG` names, holds settings as TOML; what it leaves out
has its default. [microvol.example.toml](../microvol.example.toml) is such a file with everything in it. The environment
wins over the file: each setting has a variable, in which tables are parted by two underscores. A list, or a table of
names, is written there as JSON: `MICROVOL_STUDY__OBJECTIVE__ALSO='["pnl"]'`. A setting that does not exist, or a value
that is not allowed, is one line and exit code 2.

Units: `quote` and `base` are amounts of the symbol's two currencies, `share` is a fraction of 1, `bps` are hundredths
of a percent. Parameters of the strategy are no settings: versions carry them, and [policies](policies.md) lists them.

## In the environment alone

| variable | what it is |
| --- | --- |
| `MICROVOL_CONFIG` | the settings file |
| `MICROVOL_<VENUE>_API_KEY`, `MICROVOL_<VENUE>_API_SECRET` | the keys of a venue: `MICROVOL_TESTNET_API_KEY` |
| `MICROVOL_AUTH` | `user:password` that [both servers](operations.md#a-server) ask for, 12 characters or more |
| `MICROVOL_ALERTS_WEBHOOK` | where [alerts](operations.md#alerts) go |
| `MICROVOL_POLICY_PATH` | files or folders with [policies of your own](policies.md), parted by `:` |
| `MICROVOL_JIT_CACHE` | folder of compiled code; default `var/jit` in the checkout |
| `PREFECT_API_URL` | Prefect's API, where `prefect_api_url` is not set |
| `PGPASSWORD`, `AWS_ACCESS_KEY_ID`, … | secrets of a lake [beyond one machine](lake.md#beyond-one-machine) |
"""


def page() -> str:
    """Return the page as Markdown."""
    parts = [HEAD, "## At the top of the file\n", _rows(Settings, ())]
    for path, table in tables():
        parts += [f"## `[{'.'.join(path)}]`\n", f"{_summary(table)}\n", _rows(table, path)]
    return "\n".join(parts)


def tables(
    table: type[BaseModel] = Settings, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], type[BaseModel]]]:
    """Yield every table of the file by its path, outer ones first."""
    for each in settings_of(table):
        if (inner := _table_of(each)) is not None:
            name = path + inner[0]
            yield name, inner[1]
            yield from tables(inner[1], name)


def variable(path: Iterable[str]) -> str:
    """Return the environment variable of a setting."""
    return "MICROVOL_" + "__".join(part.upper() for part in path)


def unit(each: Setting) -> str:
    """Return a setting's unit: the one it declares, else the one that its name ends in."""
    return each.unit or UNITS.get(each.name.rpartition("_")[2], "")


def settings_in(table: type[BaseModel]) -> list[Setting]:
    """Return what a table holds beside tables."""
    return [each for each in settings_of(table) if _table_of(each) is None]


def _table_of(each: Setting) -> tuple[tuple[str, ...], type[BaseModel]] | None:
    """Return the table that a setting is, by its path from there; one table stands for those of all venues."""
    if each.annotation == dict[str, Venue]:
        return (each.name, NAMED), Venue
    kind = each.annotation
    return ((each.name,), kind) if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _summary(table: type[BaseModel]) -> str:
    """Return the first paragraph of a table's docstring as one line."""
    return " ".join(inspect.cleandoc(table.__doc__ or "").split("\n\n")[0].split())


def _rows(table: type[BaseModel], path: tuple[str, ...]) -> str:
    lines = [_row(COLUMNS), _row(["---"] * len(COLUMNS))]
    lines += [_row(_cells(each, (*path, each.name))) for each in settings_in(table)]
    return "\n".join(lines) + "\n"


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _cells(each: Setting, path: tuple[str, ...]) -> list[str]:
    named = f"`{variable(path)}`"
    kind, default = _type(each.annotation), _default(each)
    return [f"`{each.name}`", named, kind, unit(each), default, _allowed(each), each.description]


def _type(kind: Any) -> str:
    """Return a type in words: `list of texts`, `two numbers`, `number or none`."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return "word"
    if origin in (Union, types.UnionType):
        return " or ".join("none" if each is type(None) else _type(each) for each in inner)
    if origin is dict:
        return f"table of {_plural(_type(inner[1]))}"
    if origin is tuple:
        return f"{'list of' if inner[-1] is Ellipsis else 'two'} {_plural(_type(inner[0]))}"
    return WORDS[kind]


def _plural(words: str) -> str:
    return words if words.endswith("s") else f"{words}s"


def _default(each: Setting) -> str:
    return "none" if each.default is None else f"`{json.dumps(each.default, default=str)}`"


def _allowed(each: Setting) -> str:
    return "not empty" if each.annotation is str and each.bounds else each.allowed


if __name__ == "__main__":
    PAGE.write_text(page())

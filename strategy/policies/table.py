"""Every policy and every parameter as one page: `python -m strategy.policies.table` writes `docs/policies.md`."""

import inspect
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from strategy.kernel.records import MAX_SIGNALS
from strategy.policies.fields import Setting, settings_of
from strategy.policies.registry import KINDS, EngineParameters, Kind, Policy, built_in, policies
from strategy.policies.sections import Barriers, Quoting, Regimes, Risk

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "policies.md"
COLUMNS: Final = ("parameter", "unit", "default", "allowed", "search range", "meaning", "source")
SECTIONS: Final[dict[str, type[BaseModel]]] = {
    "regimes": Regimes,
    "quoting": Quoting,
    "barriers": Barriers,
    "risk": Risk,
}
KIND_TITLES: Final[dict[Kind, str]] = {
    "volatility": "Volatility engines: `volatility`",
    "spreads": "Spread policies: `spread`",
    "inventory": "Inventory policies: `inventory`",
    "signals": f"Signals: `signals`, up to {MAX_SIGNALS} in their order",
}
HEAD: Final = """# Policies and parameters

Written from the registry by `python -m strategy.policies.table`; a test fails when it is not current.

A parameter set names one policy each for `volatility`, `spread` and `inventory`, and any `signals`, with that policy's
own fields beside its name. The other sections hold the rules that all policies share. Whatever is left out has its
default. A study explores the search range of every parameter that has one and is switched on.

Policies of your own are one Python file each: name it, or a folder of such files, by `--policy-path` or in
`MICROVOL_POLICY_PATH`, or announce it in an installed package (entry point group `microvol.policies`). They show up in
`microvol policies` and are used like those below; [decision 003](decisions/003-plug-ins-and-signals.md) says how.
"""


def policy_tables(find: Callable[[Kind], dict[str, Policy]] = policies) -> str:
    """Return the page as Markdown: the policies that `find` knows, by default plug-ins too, and the fixed sections."""
    parts = [HEAD]
    for kind in KINDS:
        parts.append(f"## {KIND_TITLES[kind]}\n")
        if kind == "volatility":
            parts.append(f"Every engine also has:\n\n{_table(settings_of(EngineParameters))}")
        parts += [_policy(each) for _, each in sorted(find(kind).items())]
    parts.append("## Sections that are not policies\n")
    parts += [f"### `{name}`\n\n{_text(model)}\n\n{_table(settings_of(model))}" for name, model in SECTIONS.items()]
    return "\n".join(parts)


def _policy(each: Policy) -> str:
    """Return a policy's part of the page; what all engines share is not repeated."""
    shared = EngineParameters.model_fields if each.kind == "volatility" else {}
    own = [setting for setting in settings_of(each.parameters) if setting.name not in shared]
    source = f" Source: {each.source}." if each.source else ""
    rows = _table(own) if own else "No parameters of its own.\n"
    return f"### `{each.name}`\n\n{summary(each)}{source}\n\n{rows}"


def summary(each: Policy) -> str:
    """Return what a policy is, in the words of its own file."""
    return _text(inspect.getmodule(each.pack))


def _text(documented: Any) -> str:
    """Return the first paragraph of a docstring as one line that ends in a full stop, without where the rule stands."""
    first, *_ = inspect.cleandoc(documented.__doc__ or "").split("\n\n")
    bare = re.sub(r" \(\)", "", re.sub(r"strategy\.md [\d.]+[;,]? ?", "", first))
    return " ".join(bare.split()).rstrip(".:") + "."


def _table(settings: Iterable[Setting]) -> str:
    lines = [_row(COLUMNS), _row(["---"] * len(COLUMNS)), *(_row(_cells(each)) for each in settings)]
    return "\n".join(lines) + "\n"


def _cells(each: Setting) -> list[str]:
    name = f"`{each.name}`"
    return [name, each.unit, each.default_text, each.allowed, each.search_text, each.description, each.source]


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    PAGE.write_text(policy_tables(built_in))

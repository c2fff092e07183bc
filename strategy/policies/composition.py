"""Policies bound into the kernel at compile time (docs/decisions/001-compile-time-policies.md).

A template module is an ordinary module that imports from `strategy.kernel.contract`, or from a `step` built on it. It
is loaded once more from a generated source file in which those imports name a generated module of the chosen policies'
functions instead. The files live in the compile cache, so numba's disk cache serves them to every later process.
"""

import ast
import contextlib
import hashlib
import importlib.util
import os
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Final, NamedTuple

import numba

from strategy.errors import Failed
from strategy.kernel import contract, jit
from strategy.policies.parameters import GROUPS, ParameterSet
from strategy.policies.registry import Kind, policy

STEP: Final = "strategy.kernel.step"
# Templates that templates import from, each from those before it alone.
TEMPLATES: Final = (STEP, *(f"strategy.replay.skip_{part}" for part in ("quiet", "renew", "next", "signals")))
READABLE: Final = 80  # characters of a generated module's name before it becomes a digest alone


class Names(NamedTuple):
    """The policies of a composition: one a group, in the order of GROUPS, and the signals in theirs."""

    volatility: str
    spread: str
    inventory: str
    signals: tuple[str, ...] = ()


def policy_names(parameters: ParameterSet) -> Names:
    """Return the policies that a parameter set chooses."""
    volatility, spread, inventory, *signals = (each.name for each in parameters.policies())
    return Names(volatility, spread, inventory, tuple(signals))


@cache
def compose(template: str, names: Names) -> ModuleType:
    """Return the template module with the named policies bound into it; the same object for the same names."""
    elsewhere = {contract.__name__: seams(names).__name__}
    for earlier in TEMPLATES[: TEMPLATES.index(template)] if template in TEMPLATES else TEMPLATES:
        if f"from {earlier} import" in _source(template):
            elsewhere[earlier] = compose(earlier, names).__name__
    return _generated(module_name(template, names), rebound(template, elsewhere))


def has_code(template: str, names: Names) -> bool:
    """Return whether a template's `run` with these policies has been compiled, or needs no compiler."""
    if numba.config.DISABLE_JIT:
        return True
    return any(jit.cache_dir().glob(f"*/{module_name(template, names)}.run-*.nbi"))


@cache
def seams(names: Names) -> ModuleType:
    """Return the generated module that has every name of the contract, from the named policies."""
    return _generated(module_name("seams", names), seams_source(names))


def module_name(template: str, names: Names) -> str:
    """Return a name of its own for each template and choice: readable where that is short, and a digest."""
    digest = hashlib.sha256(repr((template, tuple(names))).encode()).hexdigest()[:10]
    short = f"microvol_{template.rsplit('.', 1)[-1]}"
    readable = "_".join([short, *names[:3], *names.signals])
    return f"{readable if len(readable) <= READABLE else short}_{digest}"


def seams_source(names: Names) -> str:
    """Return the source of the seams; its dtypes come first, for asking the registry makes plug-ins importable."""
    groups = list(zip(GROUPS.values(), names[:3], strict=True))
    lines = [f'"""The seams of {", ".join([*names[:3], *names.signals])}."""', *_dtypes(names)]
    lines += [_import(kind, name, seam) for kind, name in groups for seam in policy(kind, name).functions]
    if not names.signals:
        neutral = "signal_records_at, signal_states_at, signals_decide, signals_observe"
        return "\n".join([*lines, f"from {contract.__name__} import {neutral}", ""])
    for i, name in enumerate(names.signals):
        lines += [_import("signals", name, f"signal_{verb}", f"{verb}_{i}") for verb in ("observe", "decide")]
    lines += [f"from {jit.__name__} import jit", "from numba import carray"]
    lines += [*_views("state", names), *_views("record", names)]
    return "\n".join([*lines, *_chain("observe", "event, mid_ticks", names), *_chain("decide", "context, out", names)])


def _dtypes(names: Names) -> list[str]:
    """Return the lines that give the contract's constants their values."""
    signals = {what: "".join(f"policy('signals', {each!r}).{what}, " for each in names.signals) for what in _RECORDS}
    return [
        "from strategy.policies.registry import policy",
        f"VOLATILITY_STATE = policy('volatility', {names.volatility!r}).state",
        f"VOLATILITY_RECORD = policy('volatility', {names.volatility!r}).record",
        f"SPREAD_RECORD = policy('spreads', {names.spread!r}).record",
        f"INVENTORY_RECORD = policy('inventory', {names.inventory!r}).record",
        f"SIGNAL_STATES = ({signals['state']})",
        f"SIGNAL_RECORDS = ({signals['record']})",
        f"SIDES_FOLLOW_MID = {policy('inventory', names.inventory).follows_mid}",
    ]


_RECORDS: Final = ("state", "record")


def _import(kind: Kind, name: str, seam: str, as_name: str | None = None) -> str:
    """Return the line that imports a policy's function under the seam's name, or another."""
    function = policy(kind, name).functions[seam]
    plain = getattr(function, "py_func", function)
    return f"from {plain.__module__} import {plain.__name__} as {as_name or seam}"


def _chain(verb: str, rest: str, names: Names) -> list[str]:
    """Return the lines of a function that calls each signal's own function on its own records, in order."""
    calls = [f"    {verb}_{i}(states[{i}][0], params[{i}][0], {rest})" for i in range(len(names.signals))]
    return ["", "", "@jit", f"def signals_{verb}(states, params, {rest}):", *calls, ""]


def _views(what: str, names: Names) -> list[str]:
    """Return the lines of a function that sees each signal's record of a kind behind its address."""
    numbers = range(len(names.signals))
    constants = [f"SIGNAL_{what.upper()}_{i} = SIGNAL_{what.upper()}S[{i}]" for i in numbers]
    views = "".join(f"carray(at[first + {i}], (1,), SIGNAL_{what.upper()}_{i}), " for i in numbers)
    return [*constants, "", "", "@jit", f"def signal_{what}s_at(at, first):", f"    return ({views})", ""]


def rebound(template: str, elsewhere: Mapping[str, str]) -> str:
    """Return the template's source with every import from the modules named in `elsewhere` pointed there."""
    tree = ast.parse(_source(template))
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            node.module = elsewhere.get(node.module, node.module)
    return ast.unparse(tree) + "\n"


@cache
def _source(template: str) -> str:
    spec = importlib.util.find_spec(template)
    if spec is None or spec.origin is None:
        raise Failed(f"template module {template} has no source file")
    return Path(spec.origin).read_text()


def _generated(name: str, source: str) -> ModuleType:
    """Return the module of a generated source, from the compile cache when it stands there already."""
    path = jit.cache_dir() / f"{name}.py"
    if not path.exists():
        _write(path, source)
    return _load(name, path)


def _write(path: Path, source: str) -> None:
    """Write a generated module so that no other process ever sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(source)
    with contextlib.suppress(FileExistsError):  # another process was first: its time stamp keys numba's cache
        os.link(temporary, path)
    temporary.unlink()


def _load(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise Failed(f"generated module {path} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module

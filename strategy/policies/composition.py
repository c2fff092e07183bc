"""Policies bound into the kernel at compile time (docs/decisions/001-compile-time-policies.md).

A template module is an ordinary module that imports neutral functions from `strategy.kernel.contract`, or a `step`
built on them. It is loaded once more from a generated source file in which those imports name the chosen policies'
functions. The file lives in the compile cache, so numba's disk cache serves it to every later process.
"""

import ast
import contextlib
import importlib.util
import os
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from strategy.errors import Failed
from strategy.kernel import contract, jit
from strategy.policies.parameters import GROUPS, ParameterSet
from strategy.policies.registry import policy

STEP: Final = "strategy.kernel.step"

Names = tuple[str, ...]  # one policy name a group, in the order of GROUPS


def policy_names(parameters: ParameterSet) -> Names:
    """Return the policies that a parameter set chooses."""
    return tuple(getattr(parameters, group)["policy"] for group in GROUPS)


@cache
def compose(template: str, names: Names) -> ModuleType:
    """Return the template module with the named policies bound into it; the same object for the same names."""
    sources = {contract.__name__: bindings(names)}
    if template != STEP:
        step = compose(STEP, names)
        sources[STEP] = {name: (step.__name__, name) for name in vars(step)}
    name = "_".join(["microvol", template.rsplit(".", 1)[-1], *names])
    path = jit.cache_dir() / f"{name}.py"
    if not path.exists():
        _write(path, rebound(template, sources))
    return _load(name, path)


def bindings(names: Names) -> Mapping[str, tuple[str, str]]:
    """Return for each name of the contract the module and the name of the function that implements it."""
    functions: dict[str, Any] = {}
    for kind, name in zip(GROUPS.values(), names, strict=True):
        functions |= policy(kind, name).functions
    plain = {seam: getattr(function, "py_func", function) for seam, function in functions.items()}
    return {seam: (function.__module__, function.__name__) for seam, function in plain.items()}


def rebound(template: str, sources: Mapping[str, Mapping[str, tuple[str, str]]]) -> str:
    """Return the template's source with every import from the modules in `sources` pointed elsewhere."""
    spec = importlib.util.find_spec(template)
    if spec is None or spec.origin is None:
        raise Failed(f"template module {template} has no source file")
    tree = ast.parse(Path(spec.origin).read_text())
    body: list[ast.stmt] = []
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module is not None and node.module in sources:
            targets = sources[node.module]
            body.extend(_import(*targets[alias.name], alias.asname or alias.name) for alias in node.names)
        else:
            body.append(node)
    tree.body = body
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def _import(module: str, name: str, as_name: str) -> ast.stmt:
    return ast.ImportFrom(module=module, names=[ast.alias(name=name, asname=as_name)], level=0)


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

"""One file out of many: a template and all that it reaches in the kernel and the policies, without compiler and NumPy.

There is one source of the strategy's rules, the kernel, and it reads its records by field names; so the same functions
run in plain Python on dictionaries. Functions and classes are taken as they stand, without the decorators that compile
them; module-level constants by their value. What a reached function uses of other modules must be in `STANDARD`.
"""

import ast
import importlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from strategy.errors import BadInput
from strategy.kernel import borrowing, contract, jit

SEAMS: Final = "analytics.export.hummingbot.seams"
# Modules whose names come from the seams instead: policies looked up by name, tuples handed on as they are.
ELSEWHERE: Final = {contract.__name__: SEAMS, borrowing.__name__: SEAMS}
STANDARD: Final = frozenset({"collections.abc", "copy", "decimal", "math", "typing"})
COMPILING: Final = frozenset(each.__name__ for each in (jit.jit, jit.jit_apart, jit.jit_entry))
Place = tuple[str, str]  # module and name


@dataclass(slots=True)
class Module:
    """A module's source: its top-level definitions and what it imports, by name."""

    definitions: dict[str, ast.stmt] = field(default_factory=dict)
    imported: dict[str, Place] = field(default_factory=dict)
    modules: set[str] = field(default_factory=set)  # imported whole, like math


class Bundle:
    """Definitions gathered so far, each under a name of its own."""

    def __init__(self, constants: Mapping[Place, Any]) -> None:
        """Gather with these values in place of a module's own constants."""
        self._given = constants
        self._modules: dict[str, Module] = {}
        self._names: dict[Place, str] = {}
        self._taken: dict[str, str] = {}  # by name: its text, empty for what is no constant
        self.imports: set[tuple[str, str]] = set()
        self.constants: list[str] = []
        self.definitions: list[str] = []
        self.tables: list[str] = []  # constants that hold functions: after these

    def need(self, module: str, name: str) -> str:
        """Return the name under which something stands in the bundle, with all that it needs."""
        module = ELSEWHERE.get(module, module)
        source = self._module(module)
        if name in source.imported and name not in source.definitions:
            return self._import(*source.imported[name], module)
        place = (module, name)
        if place not in self._names:
            if name not in source.definitions:
                raise BadInput(f"{module} uses {name!r}, which it does not define")
            self._gather(place, source.definitions[name])
        return self._names[place]

    def text(self, about: str) -> str:
        """Return the file."""
        whole = sorted(name for module, name in self.imports if not module)
        parts: dict[str, list[str]] = {}
        for module, name in sorted(self.imports):
            if module:
                parts.setdefault(module, []).append(name)
        imports = [f"import {name}" for name in whole]
        imports += [f"from {module} import {', '.join(names)}" for module, names in parts.items()]
        head = [f'"""{about}"""', "", *imports, "", *self.constants]
        return "\n".join(head) + "\n\n\n" + "\n\n\n".join([*self.definitions, "\n".join(self.tables)]) + "\n"

    def rendered(self, value: Any) -> str:
        """Return a constant as source; functions by their names in the bundle."""
        if isinstance(value, float) and not math.isfinite(value):
            self.imports.add(("", "math"))
            return "math.nan" if math.isnan(value) else ("math.inf" if value > 0 else "-math.inf")
        if value is None or isinstance(value, bool | int | float | str):
            return repr(value)
        if isinstance(value, type):
            return self.need(value.__module__, value.__name__)
        if isinstance(value, Mapping):
            return "{" + ", ".join(f"{self.rendered(k)}: {self.rendered(v)}" for k, v in value.items()) + "}"
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return f"{self.rendered(type(value))}({', '.join(map(self.rendered, value))})"
        if isinstance(value, tuple | list | frozenset):
            return self._sequence(value)
        plain = getattr(value, "py_func", value)
        if callable(plain):
            return self.need(plain.__module__, plain.__name__)
        raise BadInput(f"a constant of type {type(value).__name__} cannot be exported")

    def _sequence(self, value: tuple[Any, ...] | list[Any] | frozenset[Any]) -> str:
        inner = ", ".join(map(self.rendered, value))
        if isinstance(value, list):
            return f"[{inner}]"
        return f"({inner},)" if len(value) == 1 else f"({inner})"

    def _import(self, module: str, name: str, by: str) -> str:
        if module in STANDARD:
            self.imports.add((module, name))
            return name
        if module.partition(".")[0] in ("numpy", "numba") or not _has_source(module):
            raise BadInput(f"{by} uses {module}.{name}, which plain Python has not")
        return self.need(module, name)

    def _gather(self, place: Place, node: ast.stmt) -> None:
        module, name = place
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            self._names[place] = self._free_name(place)
            self.definitions.append(ast.unparse(self._translated(module, node)))
            return
        value = self._given.get(place, getattr(_imported(module), name))
        holds_functions = bool(place in self._given and isinstance(value, Mapping))
        text = self.rendered(value)
        if self._taken.get(name) == text:  # the same constant of another module
            self._names[place] = name
            return
        self._names[place] = self._free_name(place, text)
        (self.tables if holds_functions else self.constants).append(f"{self._names[place]} = {text}")

    def _free_name(self, place: Place, text: str = "") -> str:
        module, name = place
        free = name if name not in self._taken else f"{module.rpartition('.')[2]}_{name}"
        if free in self._taken:
            raise BadInput(f"{module}.{name} and another stand for {free!r}: rename one")
        self._taken[free] = text
        return free

    def _translated(self, module: str, node: ast.FunctionDef | ast.ClassDef) -> ast.stmt:
        """Return a copy of a definition in the bundle's names."""
        copied = ast.parse(ast.unparse(node)).body[0]
        assert isinstance(copied, ast.FunctionDef | ast.ClassDef)
        copied.name = self._names[module, node.name]
        copied.decorator_list = [each for each in copied.decorator_list if not _compiles(each)]
        _Names(lambda name: self._resolved(module, name)).visit(copied)
        return copied

    def _resolved(self, module: str, name: str) -> str | None:
        """Return what a name of a module is called in the bundle, None where it is a builtin."""
        source = self._module(module)
        if name in source.modules:
            if name not in STANDARD:
                raise BadInput(f"{module} uses {name}, which plain Python has not")
            self.imports.add(("", name))
            return name
        return self.need(module, name) if name in source.definitions or name in source.imported else None

    def _module(self, name: str) -> Module:
        if name not in self._modules:
            self._modules[name] = _read(name)
        return self._modules[name]


class _Names(ast.NodeTransformer):
    """Renames what a definition takes from its module; names of its own stay. Annotations of fields become `Any`."""

    def __init__(self, resolve: Callable[[str], str | None]) -> None:
        self._resolve = resolve
        self._own: list[set[str]] = []

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Rename within a function, but for its arguments and what it assigns."""
        self._own.append(_own_names(node))
        self.generic_visit(node)
        self._own.pop()
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """Rename within a class; fields of a named tuple are whatever they hold."""
        for each in node.body:
            if isinstance(each, ast.AnnAssign):
                each.annotation = ast.Name(self._resolve_any(), ast.Load())
        self.generic_visit(node)
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """Rename one."""
        if not any(node.id in names for names in self._own):
            node.id = self._resolve(node.id) or node.id
        return node

    def _resolve_any(self) -> str:
        return self._resolve("Any") or "object"


def _own_names(node: ast.FunctionDef) -> set[str]:
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    names = {each.arg for each in [*arguments, node.args.vararg, node.args.kwarg] if each is not None}
    return names | {
        each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
    }


def _compiles(decorator: ast.expr) -> bool:
    """Return whether a decorator only says that a function is compiled."""
    return isinstance(decorator, ast.Name) and getattr(jit, decorator.id, None) in (
        jit.jit,
        jit.jit_apart,
        jit.jit_entry,
    )


def _read(name: str) -> Module:
    path = _imported(name).__file__
    if path is None:
        raise BadInput(f"{name} has no source file")
    found = Module()
    for node in ast.parse(Path(path).read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.definitions[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found.definitions.update({each.id: node for each in targets if isinstance(each, ast.Name)})
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            found.imported.update({each.asname or each.name: (node.module, each.name) for each in node.names})
        elif isinstance(node, ast.Import):
            found.modules.update(each.asname or each.name for each in node.names)
    return found


def _imported(name: str) -> ModuleType:
    return importlib.import_module(name)


def _has_source(name: str) -> bool:
    return getattr(_imported(name), "__file__", None) is not None

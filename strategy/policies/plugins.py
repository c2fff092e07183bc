"""Policies from outside: files and folders that the environment names, and entry points of installed packages."""

import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Final

from strategy.errors import BadInput
from strategy.kernel.sources import GROUP, POLICY_PATH, announced, policy_files, policy_paths

PREFIX: Final = "microvol_plugin_"  # generated modules import a file's functions from a module of this name


def offered() -> Iterator[tuple[str, object]]:
    """Yield what every plug-in in sight offers as its policy, with where it comes from."""
    for path in policy_paths():
        if not path.exists():
            raise BadInput(f"{POLICY_PATH} names {path}, which does not exist")
    for file in policy_files():
        yield str(file), _policy_in(plugin_module(file), str(file))
    for point in announced():
        origin = f"entry point {point.name} = {point.value} ({GROUP})"
        yield origin, _announced(point, origin)


def plugin_module(file: Path) -> ModuleType:
    """Return a plug-in file as a module of a name of its own, so that compiled code finds it in every process."""
    name = PREFIX + file.stem
    known = sys.modules.get(name)
    if known is not None:
        if known.__file__ != str(file):
            raise BadInput(f"policy file {file} has the name of {known.__file__}, a plug-in's file name is its own")
        return known
    spec = importlib.util.spec_from_file_location(name, file)
    if not file.stem.isidentifier() or spec is None or spec.loader is None:
        raise BadInput(f"policy file {file} must be named like a Python module: letters, digits and underscores, .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise BadInput(f"policy file {file} cannot be loaded: {_reason(error)}") from error
    return module


def add_to_path(path: Path) -> Callable[[], None]:
    """Put a file or folder on the policy path of this process and its children, and return what undoes it."""
    before = os.environ.get(POLICY_PATH, "")
    parts = dict.fromkeys([*filter(None, before.split(os.pathsep)), str(path.resolve())])
    os.environ[POLICY_PATH] = os.pathsep.join(parts)
    return lambda: os.environ.update({POLICY_PATH: before})


def _announced(point: EntryPoint, origin: str) -> object:
    """Return what an entry point names: a policy, or a module's POLICY."""
    try:
        found = point.load()
    except Exception as error:
        raise BadInput(f"{origin} cannot be loaded: {_reason(error)}") from error
    return _policy_in(found, origin) if isinstance(found, ModuleType) else found


def _policy_in(module: ModuleType, origin: str) -> object:
    if not hasattr(module, "POLICY"):
        raise BadInput(f"{origin} has no POLICY")
    return module.POLICY


def _reason(error: Exception) -> str:
    """Return an exception as one line."""
    first, *_ = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {first}"

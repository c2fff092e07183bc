"""Which sources can be compiled into a decision: three rooms of this package, and the plug-ins that are in sight.

A plug-in is in sight when a distribution on `sys.path` announces it (entry point group `microvol.policies`), or when
the environment names its file or folder: an environment is what every child process has in common with its parent.
"""

import hashlib
import importlib.util
import os
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Final

POLICY_PATH: Final = "MICROVOL_POLICY_PATH"  # files and folders, separated like those of PATH
GROUP: Final = "microvol.policies"

_STRATEGY: Final = Path(__file__).resolve().parent.parent
_ROOMS: Final = ("kernel", "policies", "replay")


def room_sources() -> list[tuple[str, Path]]:
    """Return the sources of kernel, policies and replay in path order, each with its name."""
    paths = [path for room in _ROOMS for path in sorted((_STRATEGY / room).rglob("*.py"))]
    return [(str(path.relative_to(_STRATEGY)), path) for path in paths]


def policy_paths() -> list[Path]:
    """Return the files and folders that the environment names."""
    return [Path(part) for part in os.environ.get(POLICY_PATH, "").split(os.pathsep) if part]


def policy_files() -> list[Path]:
    """Return the plug-in files: those named, and of a folder every `*.py` that does not begin with an underscore."""
    found: dict[Path, None] = {}
    for path in policy_paths():
        inside = sorted(each for each in path.glob("*.py") if each.name[0] != "_") if path.is_dir() else [path]
        found |= dict.fromkeys(each.resolve() for each in inside)
    return list(found)


def announced() -> list[EntryPoint]:
    """Return the entry points of all distributions on `sys.path`, in the order of their names."""
    return sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value))


def plugin_sources() -> list[tuple[str, Path]]:
    """Return the sources of all plug-ins in sight, each with a name that does not depend on where it lies.

    Of an announced plug-in that is everything in its top-level package, found without importing it.
    """
    found = [(path.name, path) for path in policy_files() if path.is_file()]
    for package in sorted({point.module.partition(".")[0] for point in announced()}):
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            found += [(str(path.relative_to(folder)), path) for path in sorted(Path(folder).rglob("*.py"))]
        if spec and spec.origin and not spec.submodule_search_locations:
            found.append((package, Path(spec.origin)))
    return found


def digest_of(sources: list[tuple[str, Path]], seed: str) -> str:
    """Return the SHA-256 (hex) of names and contents, begun with `seed`."""
    digest = hashlib.sha256(seed.encode())
    for name, path in sources:
        digest.update(name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()

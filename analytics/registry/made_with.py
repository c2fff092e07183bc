"""What a calibration was computed with: commit, kernel, interpreter, machine and the packages that make numbers."""

import os
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Final

from strategy.kernel import jit

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGES: Final = ("numpy", "numba", "llvmlite", "scipy", "optuna", "cmaes", "polars", "duckdb", "pydantic")
UNKNOWN: Final = "unknown"


def made_with() -> dict[str, str]:
    """Return it by name; a checkout without git has an unknown commit."""
    found = {
        "git commit": git_commit(),
        "kernel digest": jit.KERNEL_DIGEST,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "numba compiles": "no" if os.environ.get("NUMBA_DISABLE_JIT") == "1" else "yes",
    }
    return found | {f"package {name}": version(name) for name in PACKAGES}


def git_commit() -> str:
    """Return the commit of the checkout, and whether its files are as committed."""
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return UNKNOWN
    return f"{commit} with changes" if _git("status", "--porcelain", "--untracked-files=no") else commit


def differences(then: Mapping[str, str], now: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Return what is another now: name, then, now."""
    names = list(dict.fromkeys([*then, *now]))
    pairs = [(name, then.get(name, UNKNOWN), now.get(name, UNKNOWN)) for name in names]
    return [pair for pair in pairs if pair[1] != pair[2]]


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):  # no git here, or no checkout of it
        return None
    return done.stdout.strip()

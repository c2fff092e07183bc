"""The one place where functions become machine code.

numba's disk cache keys a function by its own file and does not see that a callee in another file changed. So the
cache directory is keyed by the digest of every source that can be compiled into a decision, plug-ins included, and that
digest is stored with every parameter set.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, ParamSpec, TypeVar, cast

import numba

from strategy.kernel.sources import digest_of, plugin_sources, room_sources

P = ParamSpec("P")
R = TypeVar("R")

_VAR: Final = Path(__file__).resolve().parents[2] / "var"
_ROOMS_DIGEST: Final = digest_of(room_sources(), numba.__version__)


def source_digest() -> str:
    """Return the digest of the rooms as imported and the plug-ins in sight now; without any, that of the rooms."""
    plugins = plugin_sources()
    return digest_of(plugins, _ROOMS_DIGEST) if plugins else _ROOMS_DIGEST


def cache_dir() -> Path:
    """Return the directory of compiled code for these sources."""
    return Path(os.environ.get("MICROVOL_JIT_CACHE") or _VAR / "jit") / KERNEL_DIGEST[:16]


def rekey() -> None:
    """Take plug-ins into account that came into sight after this module was imported.

    Modules that took `KERNEL_DIGEST` by name before keep the old one: processes are told of plug-ins by environment.
    """
    global KERNEL_DIGEST
    KERNEL_DIGEST = source_digest()
    numba.config.CACHE_DIR = str(cache_dir())


KERNEL_DIGEST = source_digest()

# numba reads this setting when a function is decorated, so it has to stand before the first decoration.
numba.config.CACHE_DIR = str(cache_dir())


def jit(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` in nopython mode, cached on disk, without fast-math (results must not depend on it).

    Calls between compiled functions are inlined by LLVM: most of a call's cost is counting references to the arrays in
    its arguments, and only inlining lets the compiler drop the pairs (a replay takes two thirds of the time).
    """
    return cast(Callable[P, R], numba.njit(cache=True, forceinline=True, nogil=True)(function))


def jit_apart(function: Callable[P, R]) -> Callable[P, R]:
    """Compile like `jit`, but as a function of its own: for what is long and seldom runs."""
    return cast(Callable[P, R], numba.njit(cache=True, nogil=True)(function))

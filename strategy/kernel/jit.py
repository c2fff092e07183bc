"""The one place where functions become machine code.

numba's disk cache keys a function by its own file and does not see that a callee in another file changed. So the
cache directory is keyed by the digest of every source that can be compiled into a decision, and that digest is stored
with every parameter set.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")

_STRATEGY: Final = Path(__file__).resolve().parent.parent
_ROOMS: Final = ("kernel", "policies", "replay")


def source_digest() -> str:
    """Return the SHA-256 (hex) of the sources of kernel, policies and replay, in path order."""
    digest = hashlib.sha256(numba.__version__.encode())
    for room in _ROOMS:
        for path in sorted((_STRATEGY / room).rglob("*.py")):
            digest.update(str(path.relative_to(_STRATEGY)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


KERNEL_DIGEST: Final = source_digest()


def cache_dir() -> Path:
    """Return the directory of compiled code for the sources as they are now."""
    base = os.environ.get("MICROVOL_JIT_CACHE") or str(_STRATEGY.parent / "var" / "jit")
    return Path(base) / KERNEL_DIGEST[:16]


# numba reads this setting when a function is decorated, so it has to stand before the first decoration.
numba.config.CACHE_DIR = str(cache_dir())


def jit(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` in nopython mode, cached on disk, without fast-math (results must not depend on it).

    Calls between compiled functions are inlined by LLVM: most of a call's cost is counting references to the arrays in
    its arguments, and only inlining lets the compiler drop the pairs (a replay takes two thirds of the time).
    """
    return cast(Callable[P, R], numba.njit(cache=True, forceinline=True)(function))


def jit_apart(function: Callable[P, R]) -> Callable[P, R]:
    """Compile like `jit`, but as a function of its own: for what is long and seldom runs."""
    return cast(Callable[P, R], numba.njit(cache=True)(function))

"""The one place where functions become machine code.

numba's disk cache keys a function by its own file and does not see that a callee in another file changed. So the
cache directory is keyed by the digest of every source that can be compiled into a decision, plug-ins included, and that
digest is stored with every parameter set.
"""

import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar, cast

import numba
from numba.core.registry import CPUDispatcher

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


class Inner(CPUDispatcher):  # type: ignore[misc]
    """A compiled function that compiled code calls: it has no wrappers by which Python or C could call it.

    Those wrappers are two fifths of what there is to compile. Called from Python all the same (a test, a notebook), it
    goes through a function that is compiled for the occasion; without it the process would crash.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it from Python, slowly."""
        if not hasattr(self, "_outer"):
            inner = self

            def outer(*args: Any) -> Any:
                return inner(*args)

            self._outer = numba.njit(nogil=True)(outer)
        return self._outer(*inspect.signature(self.py_func).bind(*args, **kwargs).args)


def _inner(function: Callable[P, R], **options: bool) -> Callable[P, R]:
    if numba.config.DISABLE_JIT:
        return function
    bare = {"nopython": True, "nogil": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    compiled = Inner(py_func=function, targetoptions={**bare, **options})
    compiled.enable_caching()
    return cast(Callable[P, R], compiled)


def jit(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` for compiled callers: nopython, cached on disk, no fast-math (results must not depend on it).

    Calls between compiled functions are inlined by LLVM, whatever their length: nothing has to be put together for a
    call, and what is constant where it is called drops branches in what is called.
    """
    return _inner(function, forceinline=True)


def jit_apart(function: Callable[P, R]) -> Callable[P, R]:
    """Compile like `jit`, but as a function of its own: for what is long and seldom runs."""
    return _inner(function)


def jit_entry(function: Callable[P, R]) -> Callable[P, R]:
    """Compile like `jit_apart`, with the wrapper by which Python calls it."""
    return cast(Callable[P, R], numba.njit(cache=True, nogil=True)(function))

"""Memory for what replays write, used again: what a result no longer holds goes to the next one's logs.

A day's logs are a megabyte and more a set. Fresh from the system, each page of them is zeroed and costs a fault: a
tenth of a set's time, and more where a virtual machine has to ask its host. What was in use a moment ago costs nothing.
"""

import weakref
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

SMALL: Final = 1 << 14  # bytes; less than this the allocator has at hand anyway
KEPT: Final = 1 << 28  # bytes that wait for use, at most

_waiting: Final[dict[int, list[NDArray[np.uint8]]]] = {}  # by size


class _Lease:
    """Who holds a block: every array over it does, and when the last one goes, the block waits for use again."""

    def __init__(self, block: NDArray[np.uint8]) -> None:
        self.__array_interface__ = block.__array_interface__
        weakref.finalize(self, _give_back, block).atexit = False


def leased(rows: int, dtype: np.dtype[np.void]) -> NDArray[Any]:
    """Return `rows` records of any content; their memory is theirs as long as they, or a view of them, are held."""
    size = rows * dtype.itemsize
    if size < SMALL:
        return np.empty(rows, dtype)
    whole = -(-size // SMALL) * SMALL
    try:
        block = _waiting[whole].pop()
    except (KeyError, IndexError):
        block = np.empty(whole, np.uint8)
    return np.asarray(_Lease(block))[:size].view(dtype)


def waiting() -> int:
    """Return the bytes that wait for use."""
    return sum(size * len(blocks) for size, blocks in list(_waiting.items()))


def _give_back(block: NDArray[np.uint8]) -> None:
    if waiting() + len(block) <= KEPT:
        _waiting.setdefault(len(block), []).append(block)

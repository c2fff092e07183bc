"""The memory of one parameter set, laid out once and printed for each further one.

Dozens of arrays, each asked of the system, zeroed and handed to compiled code by itself, cost a set of a search as much
as some hundred fills. Sets of the same policies over the same window begin with the same memory but for parameters. So
the first one's arrays are laid side by side in one block; the others copy it, and with it the tuple that is lent, where
all addresses move by as much.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from strategy.kernel.borrowing import lend, lend_moved
from strategy.replay.memory import leased

LINE: Final = 64  # bytes of the cache: every array begins on one
BYTE: Final = np.dtype([("byte", "u1")])


@dataclass(frozen=True, slots=True)
class Leaf:
    """An array's place in the block; `shared` is the array itself where all prints have the same one."""

    first: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    shared: NDArray[Any] | None

    def within(self, block: NDArray[np.uint8]) -> NDArray[Any]:
        """Return the array of a block."""
        if self.shared is not None:
            return self.shared
        return np.ndarray(self.shape, self.dtype, block, self.first)


class Views:
    """A named tuple whose arrays lie in a block, each seen when it is first asked for."""

    def __init__(self, plan: Any, block: NDArray[np.uint8]) -> None:
        """See the tuple of this plan."""
        self._plan, self._block = plan, block

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._plan, name)
        found = found.within(self._block) if isinstance(found, Leaf) else _nested(found, self._block)
        setattr(self, name, found)
        return found

    def write(self, name: str, value: Any) -> None:
        """Copy a member, a tuple as well, into its place."""
        mapped_pairs(getattr(self._plan, name), value, lambda leaf, array: _put(self._block, leaf.first, array))

    def whole(self) -> Any:
        """Return the tuple itself."""
        return mapped(self._plan, lambda leaf: leaf.within(self._block))


def mapped_pairs(plan: Any, value: Any, each: Callable[[Leaf, NDArray[Any]], None]) -> None:
    """Do something with every pair of leaves of a plan and of a tuple alike."""
    if isinstance(plan, Leaf):
        each(plan, value)
        return
    for part, member in zip(plan, value, strict=True):
        mapped_pairs(part, member, each)


def _nested(plan: Any, block: NDArray[np.uint8]) -> Any:
    return Views(plan, block) if hasattr(plan, "_fields") else mapped(plan, lambda leaf: leaf.within(block))


def mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return a tuple of tuples with every leaf changed."""
    if not isinstance(value, tuple):
        return change(value)
    parts = [mapped(each, change) for each in value]
    return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)


class Stamp:
    """A named tuple of arrays to be printed again and again."""

    def __init__(self, value: Any, shared: Collection[NDArray[Any]], blank: Collection[NDArray[Any]]) -> None:
        """Lay out a tuple as it stands.

        Prints have those arrays in common that are `shared` or read-only; what `blank` ones hold is not copied.
        """
        leaves: list[NDArray[Any]] = []
        mapped(value, leaves.append)
        apart = set(map(id, shared)) | {id(leaf) for leaf in leaves if not leaf.flags.writeable}
        empty, places, size = set(map(id, blank)), {}, 0
        for leaf in sorted(leaves, key=lambda leaf: id(leaf) in empty):  # what is copied comes first
            if id(leaf) in apart:
                continue
            places[id(leaf)] = size
            size += -(-leaf.nbytes // LINE) * LINE
            if id(leaf) not in empty:
                self._copied = size
        self._size, self._block = size, _memory(size)
        self._plan = mapped(value, lambda leaf: _leaf(places.get(id(leaf)), leaf))
        for leaf in leaves:
            if id(leaf) not in apart and id(leaf) not in empty:
                _put(self._block, places[id(leaf)], leaf)
        self._lent = lend(Views(self._plan, self._block).whole())

    def printed(self) -> tuple[Views, Any]:
        """Return a further tuple, as views and as it is lent."""
        block = _memory(self._size)
        block[: self._copied] = self._block[: self._copied]
        views = Views(self._plan, block)
        return views, lend_moved(self._lent, self._block, block, views.whole)


def _leaf(first: int | None, array: NDArray[Any]) -> Leaf:
    return Leaf(first or 0, array.dtype, array.shape, array if first is None else None)


def _memory(size: int) -> NDArray[np.uint8]:
    room: NDArray[np.uint8] = leased(size + LINE, BYTE).view(np.uint8)
    first = -room.ctypes.data % LINE
    return room[first : first + size]


def _put(block: NDArray[np.uint8], first: int, array: NDArray[Any]) -> None:
    """Copy an array as bytes: numpy copies records one by one."""
    block[first : first + array.nbytes] = array.reshape(-1).view(np.uint8)

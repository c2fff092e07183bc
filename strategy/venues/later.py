"""What can be awaited, but need not be."""

from collections.abc import Callable, Coroutine, Generator
from typing import Any, Generic, TypeVar

Found = TypeVar("Found")


class Later(Generic[Found]):
    """A coroutine that is made when it is awaited: unlike one made already, it may be dropped without a warning."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[[], Coroutine[Any, Any, Found]]) -> None:
        """Take what makes it."""
        self._make = make

    def __await__(self) -> Generator[Any, None, Found]:
        """Make it and wait for it."""
        return self._make().__await__()

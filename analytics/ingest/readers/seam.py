"""The seam: a reader turns files of its format into recordings, a recording states facts about one market in order.

Facts carry both clocks in ns and the file's own decimals; ids, ticks and lots are `readers.chain`'s and the
lake's business. Whatever a file does not say (a receive time, a side, a snapshot) is its reader's to settle or refuse.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol, TypeAlias

from strategy.errors import BadData
from strategy.venues.events import Level

Levels: TypeAlias = tuple[Level, ...]


class Fresh(NamedTuple):
    """The whole book as it stands now; whatever was known before is void. `reason` says why the file begins anew."""

    exch_ts: int
    local_ts: int
    bids: Levels
    asks: Levels
    reason: str


class Change(NamedTuple):
    """The new size of each level that one message names, 0 = gone."""

    exch_ts: int
    local_ts: int
    bids: Levels
    asks: Levels


class Print(NamedTuple):
    """One public trade; `side` is the aggressor's. `number` counts a symbol's trades one by one, None = it does not."""

    exch_ts: int
    local_ts: int
    price: str
    qty: str
    side: int
    number: int | None = None


Fact: TypeAlias = Fresh | Change | Print


class Row(NamedTuple):
    """A fact and the lines (or rows) of the file that state it, both ends inclusive, counted from 1."""

    first: int
    last: int
    fact: Fact


class WrongRow(BadData):
    """A row is wrong: where it is and why."""

    def __init__(self, path: Path, row: int, reason: str, what: str = "line") -> None:
        """Say `path, line N: reason`."""
        super().__init__(f"{path}, {what} {row}: {reason}")


class Truncated(BadData):
    """A file ends too early; what came before is good."""


@dataclass(slots=True)
class Heard:
    """What a recording has to say about itself once it has been read."""

    left_out: dict[str, int] = field(default_factory=dict)  # why rows were passed over, and how many

    def leave_out(self, reason: str) -> None:
        """Count one row that is passed over on purpose."""
        self.left_out[reason] = self.left_out.get(reason, 0) + 1


class Recording(Protocol):
    """One file, or files that belong together, of one symbol."""

    @property
    def paths(self) -> Sequence[Path]:
        """Return its files; rows are counted in the first one."""

    @property
    def what(self) -> str:
        """Return what its rows are called: line or row."""

    @property
    def share(self) -> float:
        """Return how much of it has been read, 0 to 1."""

    @property
    def heard(self) -> Heard:
        """Return what the last pass had to say."""

    def rows(self) -> Iterator[Row]:
        """Read it once from its start, with bounded memory; BadData where it is wrong."""


class Reader(Protocol):
    """One format."""

    @property
    def reading(self) -> str:
        """Return the options that decide what the rows mean: the same file read otherwise is another recording."""

    def recordings(self, paths: Sequence[Path]) -> tuple[list[Recording], list[str]]:
        """Return what the files hold, in order of time, and one line for each that is not of this format."""

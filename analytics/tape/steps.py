"""Which messages make up which update of a tape: the sequence rules of the live book, over a whole window at once."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analytics.tape.book import Steps
from strategy.venues.events import DepthDiff, DepthSnapshot
from strategy.venues.sequence import BookSequence, Progress

I64 = NDArray[np.int64]
_SNAPSHOT, _DIFF = 1, 0


@dataclass(frozen=True, slots=True)
class Plan:
    """The updates of a tape and their raw times; `update_exch` is 0 where no message had told the venue's time yet."""

    steps: Steps
    update_local: I64
    update_exch: I64
    gap_local: I64
    gap_exch: I64


@dataclass(frozen=True, slots=True)
class _Diff(DepthDiff):
    """A diff without its levels that knows its row."""

    row: int


@dataclass(frozen=True, slots=True)
class _Snapshot(DepthSnapshot):
    """A snapshot without its levels that knows its row."""

    row: int


@dataclass(slots=True)
class _Draft:
    """A plan in the making."""

    local: list[int] = field(default_factory=list)
    exch: list[int] = field(default_factory=list)
    fresh: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=lambda: [0])
    kinds: list[int] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    gap_local: list[int] = field(default_factory=list)
    gap_exch: list[int] = field(default_factory=list)

    def update(self, times: tuple[int, int], fresh: bool, steps: list[tuple[int, int]]) -> None:
        """Append one update of the given steps (kind and row)."""
        self.local.append(times[0])
        self.exch.append(times[1])
        self.fresh.append(fresh)
        for kind, row in steps:
            self.kinds.append(kind)
            self.rows.append(row)
        self.starts.append(len(self.rows))

    def gap(self, times: tuple[int, int]) -> None:
        """Append the moment from which the book is unknown."""
        self.gap_local.append(times[0])
        self.gap_exch.append(times[1])

    def plan(self) -> Plan:
        """Return the finished plan."""
        steps = Steps(
            _ints(self.starts), np.array(self.fresh, np.int8), np.array(self.kinds, np.int8), _ints(self.rows)
        )
        return Plan(steps, _ints(self.local), _ints(self.exch), _ints(self.gap_local), _ints(self.gap_exch))


def plan(updates: pl.DataFrame, snapshots: pl.DataFrame, start_ns: int) -> Plan:
    """Return the updates from `start_ns` on; what came before becomes the one fresh update that the window begins with.

    Rows are in order of receipt and may begin before the window, so that the book at its start is known.
    """
    draft, sequence = _Draft(), BookSequence()
    before: list[tuple[int, int]] = []  # the steps to the book as it stood when the window began
    seen_exch = 0
    for message in _messages(updates, snapshots):
        if isinstance(message, _Diff):
            seen_exch = message.exch_ts
            progress = sequence.on_diff(message)
        else:
            progress = sequence.on_snapshot(message)
        steps, times = _steps(progress), (message.local_ts, seen_exch)
        if message.local_ts < start_ns:
            before = _carried(before, progress, steps)
            continue
        if before:
            draft.update((start_ns, min(seen_exch, start_ns)), True, before)
            before = []
        if progress.gap is not None:
            draft.gap(times)
        if steps:
            draft.update(times, progress.snapshot is not None, steps)
    if before:
        draft.update((start_ns, seen_exch), True, before)
    return draft.plan()


def _carried(before: list[tuple[int, int]], progress: Progress, steps: list[tuple[int, int]]) -> list[tuple[int, int]]:
    if progress.snapshot is not None:
        return steps
    if progress.gap is not None:
        return []
    before += steps
    return before


def _steps(progress: Progress) -> list[tuple[int, int]]:
    steps = [(_SNAPSHOT, progress.snapshot.row)] if isinstance(progress.snapshot, _Snapshot) else []
    return steps + [(_DIFF, diff.row) for diff in progress.diffs if isinstance(diff, _Diff)]


def _messages(updates: pl.DataFrame, snapshots: pl.DataFrame) -> Iterator[_Diff | _Snapshot]:
    """Yield both kinds in order of receipt; at equal stamps a snapshot comes after the diffs."""
    waiting = _snapshots(snapshots)
    upcoming = next(waiting, None)
    columns = ("local_ts", "exch_ts", "first_update_id", "final_update_id", "prev_update_id")
    for row, (local, exch, first, final, prev) in enumerate(updates.select(columns).iter_rows()):
        while upcoming is not None and upcoming.local_ts < local:
            yield upcoming
            upcoming = next(waiting, None)
        yield _Diff("", exch, local, first, final, prev, (), (), row)
    while upcoming is not None:
        yield upcoming
        upcoming = next(waiting, None)


def _snapshots(snapshots: pl.DataFrame) -> Iterator[_Snapshot]:
    for row, (local, last) in enumerate(snapshots.select("local_ts", "last_update_id").iter_rows()):
        yield _Snapshot(local, last, (), (), row)


def _ints(values: list[int]) -> I64:
    return np.array(values, np.int64)

"""Which messages make up which update of a tape: the sequence rules of the live book, over a whole window at once.

The rules are those of `BookSequence`. It decides message by message wherever anything is out of the ordinary; of diffs
that only continue one another it is told the last, since a day has nearly a million of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analytics.tape.book import Steps
from strategy.venues.events import DepthDiff, DepthSnapshot
from strategy.venues.sequence import BookSequence, Progress

I64 = NDArray[np.int64]
_SNAPSHOT, _DIFF = 1, 0
_NEVER: Final = np.iinfo(np.int64).min  # no id
_COLUMNS: Final = ("local_ts", "exch_ts", "first_update_id", "final_update_id", "prev_update_id")


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

    def run(self, local: I64, exch: I64, rows: range) -> None:
        """Append one update a diff."""
        self.local += local.tolist()
        self.exch += exch.tolist()
        self.fresh += [0] * len(rows)
        self.starts += range(len(self.rows) + 1, len(self.rows) + len(rows) + 1)
        self.kinds += [_DIFF] * len(rows)
        self.rows += rows

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
    return _Planning(_Diffs.of(updates), start_ns).plan(_snapshots(snapshots))


@dataclass(frozen=True, slots=True)
class _Diffs:
    """The diffs of a window as columns; `breaks` are the rows that do not just continue the row before, and the end."""

    local: I64
    exch: I64
    first: I64
    final: I64
    prev: I64
    breaks: I64

    @classmethod
    def of(cls, updates: pl.DataFrame) -> "_Diffs":
        """Take the columns of depth rows."""
        local, exch, first, final, prev = (updates[name].cast(pl.Int64).to_numpy() for name in _COLUMNS)
        last = np.append(_NEVER, final[:-1])[: len(final)]
        continues = np.where(prev >= 0, prev == last, first <= last + 1) & (final > last) & (last != _NEVER)
        return cls(local, exch, first, final, prev, np.append(np.flatnonzero(~continues), len(final)))

    def __getitem__(self, row: int) -> _Diff:
        """Return one row as a diff."""
        ids = (int(self.first[row]), int(self.final[row]), int(self.prev[row]))
        return _Diff("", int(self.exch[row]), int(self.local[row]), *ids, (), (), row)


class _Planning:
    """A walk along the messages of a window."""

    def __init__(self, diffs: _Diffs, start_ns: int) -> None:
        self._diffs, self._start_ns = diffs, start_ns
        self._start_row = int(np.searchsorted(diffs.local, start_ns))
        self._draft, self._sequence = _Draft(), BookSequence()
        self._before: list[tuple[int, int]] = []  # the steps to the book as it stood when the window began
        self._seen_exch = 0

    def plan(self, snapshots: Iterator[_Snapshot]) -> Plan:
        """Take all messages in order of receipt; at equal stamps a snapshot comes after the diffs."""
        row = 0
        for snapshot in snapshots:
            end = int(np.searchsorted(self._diffs.local, snapshot.local_ts, "right"))
            self._take_diffs(row, end)
            self._take(snapshot, self._sequence.on_snapshot(snapshot))
            row = end
        self._take_diffs(row, len(self._diffs.local))
        if self._before:
            self._draft.update((self._start_ns, self._seen_exch), True, self._before)
        return self._draft.plan()

    def _take_diffs(self, row: int, end: int) -> None:
        while row < end:
            stop = self._run_end(row, end)
            if stop == row:
                diff = self._diffs[row]
                self._seen_exch = diff.exch_ts
                self._take(diff, self._sequence.on_diff(diff))
                stop += 1
            else:
                self._take_run(row, stop)
            row = stop

    def _run_end(self, row: int, end: int) -> int:
        """Return the end of the rows that only continue the book one after the other, `row` where that one does not."""
        begun = row >= self._start_row
        if row == 0 or (begun and self._before) or not self._sequence.stands_at(int(self._diffs.final[row - 1])):
            return row
        stop = int(self._diffs.breaks[np.searchsorted(self._diffs.breaks, row)])
        return min(stop, end) if begun else min(stop, end, self._start_row)

    def _take_run(self, row: int, stop: int) -> None:
        last = self._diffs[stop - 1]
        self._sequence.stand_at(last)
        self._seen_exch = last.exch_ts
        if row >= self._start_row:
            self._draft.run(self._diffs.local[row:stop], self._diffs.exch[row:stop], range(row, stop))
        else:
            self._before += [(_DIFF, each) for each in range(row, stop)]

    def _take(self, message: _Diff | _Snapshot, progress: Progress) -> None:
        steps, times = _steps(progress), (message.local_ts, self._seen_exch)
        if message.local_ts < self._start_ns:
            self._before = _carried(self._before, progress, steps)
            return
        if self._before:
            self._draft.update((self._start_ns, min(self._seen_exch, self._start_ns)), True, self._before)
            self._before = []
        if progress.gap is not None:
            self._draft.gap(times)
        if steps:
            self._draft.update(times, progress.snapshot is not None, steps)


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


def _snapshots(snapshots: pl.DataFrame) -> Iterator[_Snapshot]:
    for row, (local, last) in enumerate(snapshots.select("local_ts", "last_update_id").iter_rows()):
        yield _Snapshot(local, last, (), (), row)


def _ints(values: list[int]) -> I64:
    return np.array(values, np.int64)

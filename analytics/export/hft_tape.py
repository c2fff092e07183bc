"""A tape as hftbacktest's events, a chunk at a time.

A fresh update (a start, or the first after a gap) empties the book and shows all of it as a snapshot; a gap empties it
too, since that library knows no gaps and an unknown book must not be quoted on. Other updates are the tape's own level
changes. At equal times a trade comes before an update, as in `strategy.replay.loop`: its size is still in the queue.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.export.hft_rows import (
    DEPTH_CLEAR_EVENT,
    DEPTH_EVENT,
    DEPTH_SNAPSHOT_EVENT,
    EVENT_ROW,
    TRADE_EVENT,
    ordered,
    side_flags,
    spread,
)
from analytics.tape.book import Levels
from strategy.replay.tape import I64, Tape

CHUNK: Final = 50_000  # events turned into rows at once; about 70 MB of a busy market
_PIECE: Final = 1_000_000

Rows = NDArray[np.void]


@dataclass(frozen=True, slots=True)
class BookEvents:
    """Gaps and updates as they follow one another: `row` is the gap's or the update's; times never step back."""

    is_gap: NDArray[np.bool_]
    row: I64
    exch: I64
    local: I64


def book_events(tape: Tape) -> BookEvents:
    """Put the gaps of a tape between its updates: the k-th ends the k-th book, so the next fresh update follows it."""
    updates, gaps = len(tape.fresh), len(tape.gap_exch)
    starts = np.append(np.flatnonzero(tape.fresh == 1), [updates] * (gaps + 1))
    before = starts[1 : gaps + 1]
    times = []
    for of_updates, of_gaps in ((tape.update_exch, tape.gap_exch), (tape.update_local, tape.gap_local)):
        times.append(np.maximum.accumulate(np.insert(np.asarray(of_updates), before, of_gaps)))
    is_gap = np.insert(np.zeros(updates, bool), before, True)
    return BookEvents(is_gap, np.insert(np.arange(updates), before, np.arange(gaps)), *times)


def fresh_books(tape: Tape) -> Levels:
    """Return the whole book after each fresh update of a tape: bids, then asks, the best first."""
    book: dict[tuple[int, int], int] = {}
    rows: list[tuple[int, int, int]] = []
    start, done = [0], 0
    for update in np.flatnonzero(tape.fresh == 1):
        end = int(tape.level_start[update + 1])
        _bring_up(book, tape, done, end)
        done = end
        rows += sorted(((side, ticks, lots) for (side, ticks), lots in book.items()), key=_bids_first)
        start.append(len(rows))
    table = np.array(rows, np.int64).reshape(-1, 3)
    return Levels(np.array(start, np.int64), table[:, 0].astype(np.int8), table[:, 1].copy(), table[:, 2].copy())


def _bids_first(level: tuple[int, int, int]) -> tuple[int, int]:
    side, ticks, _ = level
    return -side, -side * ticks


def _bring_up(book: dict[tuple[int, int], int], tape: Tape, first: int, end: int) -> None:
    """Apply level rows [first, end) to a book: of each price the last row counts."""
    for begin in range(first, end, _PIECE):
        rows = slice(begin, min(end, begin + _PIECE))
        signed = tape.level_side[rows].astype(np.int64) * tape.level_ticks[rows]
        prices, last = np.unique(signed[::-1], return_index=True)
        for price, lots in zip(prices.tolist(), tape.level_lots[rows][::-1][last].tolist(), strict=True):
            level = (1, price) if price > 0 else (-1, -price)
            book[level] = lots
            if lots == 0:
                del book[level]


class TapeRows:
    """The rows of a tape; `count` of them, made by `chunks` in the order of the file."""

    def __init__(self, tape: Tape) -> None:
        """Order trades, gaps and updates; their rows are made later."""
        self._tape, self._book, self._fresh = tape, book_events(tape), fresh_books(tape)
        self._trades = len(tape.trade_exch)
        self._exch = np.concatenate((tape.trade_exch, self._book.exch))
        self._local = np.concatenate((tape.trade_local, self._book.local))
        self._order = ordered(self._exch, self._local)
        self._nth = np.cumsum(tape.fresh, dtype=np.int64) - 1
        self._is_fresh = ~self._book.is_gap
        self._is_fresh[self._is_fresh] = tape.fresh[self._book.row[self._is_fresh]] == 1
        self._is_plain = ~self._book.is_gap & ~self._is_fresh
        self._size = np.concatenate((np.ones(self._trades, np.int64), self._book_sizes()))
        self.count = int(self._size[self._order.event].sum())

    def chunks(self) -> Iterator[Rows]:
        """Yield the rows in order; prices are ticks and sizes lots."""
        for first in range(0, len(self._order.event), CHUNK):
            part = slice(first, first + CHUNK)
            yield self._rows(self._order.event[part], self._order.clocks[part])

    def _book_sizes(self) -> I64:
        """Return how many rows each gap and update takes."""
        sizes = np.ones(len(self._book.row), np.int64)
        plain, fresh = self._book.row[self._is_plain], self._nth[self._book.row[self._is_fresh]]
        sizes[self._is_plain] = np.diff(self._tape.level_start)[plain]
        sizes[self._is_fresh] = 1 + np.diff(self._fresh.start)[fresh]
        return sizes

    def _rows(self, events: I64, clocks: NDArray[np.uint64]) -> Rows:
        sizes = self._size[events]
        start = np.cumsum(sizes) - sizes
        rows = np.zeros(int(sizes.sum()), EVENT_ROW)
        rows["exch_ts"], rows["local_ts"] = np.repeat(self._exch[events], sizes), np.repeat(self._local[events], sizes)
        of_book = events >= self._trades
        self._write_trades(rows, start[~of_book], events[~of_book])
        self._write_book(rows, start[of_book], events[of_book] - self._trades)
        rows["ev"] |= np.repeat(clocks, sizes)
        return rows

    def _write_trades(self, rows: Rows, at: I64, which: I64) -> None:
        tape = self._tape
        rows["ev"][at] = side_flags(tape.trade_side[which], TRADE_EVENT)
        rows["px"][at], rows["qty"][at] = tape.trade_ticks[which], tape.trade_lots[which]

    def _write_book(self, rows: Rows, at: I64, which: I64) -> None:
        plain, fresh, row = self._is_plain[which], self._is_fresh[which], self._book.row[which]
        tape = self._tape
        changes = Levels(tape.level_start, tape.level_side, tape.level_ticks, tape.level_lots)
        _write_levels(rows, at[plain], row[plain], changes, DEPTH_EVENT)
        rows["ev"][at[~plain]] = DEPTH_CLEAR_EVENT
        _write_levels(rows, at[fresh] + 1, self._nth[row[fresh]], self._fresh, DEPTH_SNAPSHOT_EVENT)


def _write_levels(rows: Rows, at: I64, which: I64, levels: Levels, kind: int) -> None:
    """Write the level rows of the given books or changes, each from its place on."""
    size = levels.start[which + 1] - levels.start[which]
    to, source = spread(at, size), spread(levels.start[which], size)
    rows["ev"][to] = side_flags(levels.side[source], kind)
    rows["px"][to], rows["qty"][to] = levels.ticks[source], levels.lots[source]

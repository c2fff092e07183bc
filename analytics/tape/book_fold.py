"""Apply depth messages to a book and write down its best levels at chosen moments, a stretch at a time."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.tape.book import Levels, apply_message
from strategy.kernel.book import Book, clear, grown
from strategy.kernel.jit import jit, jit_entry

I64 = NDArray[np.int64]
I8 = NDArray[np.int8]


class Stretch(NamedTuple):
    """Steps in order: a snapshot or a diff, and its row in the `Levels` of its kind."""

    is_snapshot: I8
    row: I64
    snapshots: Levels
    diffs: Levels


class Tops(NamedTuple):
    """Marks in order: after how many steps of all a book is wanted, and its levels then.

    `levels` is int64 (marks, depth, 4): bid ticks, bid lots, ask ticks, ask lots, the best first, 0 where there is
    none.
    """

    after: I64
    levels: I64


def with_room(book: Book, more: int) -> Book:
    """Return the book, or a larger copy, with room for so many more levels a side."""
    while int(book.counts.max()) + more > len(book.bids):
        book = grown(book)
    return book


@jit_entry
def fold(stretch: Stretch, done: int, book: Book, tops: Tops, mark: int) -> int:
    """Apply a stretch, the first step of which is number `done`, and fill the marks from `mark` on; return the next.

    The book has room for every level of the stretch.
    """
    for step in range(len(stretch.row)):
        while mark < len(tops.after) and tops.after[mark] == done + step:
            write_top(book, tops.levels[mark])
            mark += 1
        if stretch.is_snapshot[step] == 1:
            clear(book)
            apply_message(book, stretch.snapshots, stretch.row[step])
        else:
            apply_message(book, stretch.diffs, stretch.row[step])
    while mark < len(tops.after) and tops.after[mark] == done + len(stretch.row):
        write_top(book, tops.levels[mark])
        mark += 1
    return mark


@jit
def write_top(book: Book, out: Any) -> None:
    """Write the best levels of both sides; `out` is (depth, 4) of zeros."""
    for which in range(2):
        rows = book.bids if which == 0 else book.asks
        count = book.counts[which]
        for level in range(min(count, len(out))):
            out[level, 2 * which] = rows[count - 1 - level, 0]
            out[level, 2 * which + 1] = rows[count - 1 - level, 1]

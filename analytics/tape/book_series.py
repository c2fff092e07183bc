"""Books along a symbol's depth messages: which messages make the book at a moment, and its best levels over time.

A first pass reads update ids alone and decides by the live book's own sequence rules what counts; a second one reads
levels a stretch at a time. Everything is of one snapshot of the lake, read by its number: no transaction stays open, so
that ingest is never held up and late rows never shift what was planned.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
import polars as pl
from numpy.typing import NDArray

from analytics.lake.store import Lake
from analytics.tape.book import Levels
from analytics.tape.book_fold import Stretch, Tops, fold, with_room
from analytics.tape.steps import Plan, plan
from analytics.tape.tape import levels_of
from strategy.errors import Failed
from strategy.kernel.book import new_book

I64 = NDArray[np.int64]

WARM_UP_NS: Final = 60_000_000_000  # diffs that a snapshot continues from are received at most so much before it
STRETCH: Final = 50_000  # messages whose levels are held at once, about 100 MB
_NOWHERE: Final = -1


@dataclass(frozen=True, slots=True)
class Market:
    """One symbol as one snapshot of the lake holds it."""

    lake: Lake
    venue: str
    symbol: str
    version: int

    def query(self, name: str, start_ns: int, end_ns: int) -> pl.DataFrame:
        """Run a query over a window of receive time, both ends inclusive."""
        return self.ask(name, start_ns=start_ns, end_ns=end_ns)

    def ask(self, name: str, **params: int) -> pl.DataFrame:
        """Run a query that takes venue, symbol and version; a snapshot that was expired meanwhile is a failure."""
        try:
            return self.lake.query(name, venue=self.venue, symbol=self.symbol, version=self.version, **params)
        except duckdb.InvalidInputException as error:
            if "No snapshot found" not in str(error):
                raise
            raise Failed(f"snapshot {self.version} of the lake was expired while it was read: ask again") from error


@dataclass(frozen=True, slots=True)
class Messages:
    """The ids of all depth messages that a window's books need, and the plan made of them."""

    market: Market
    updates: pl.DataFrame
    snapshots: pl.DataFrame
    plan: Plan

    @classmethod
    def of(cls, market: Market, start_ns: int, end_ns: int) -> "Messages":
        """Read the ids of a window, both ends inclusive, from the last snapshot before it on."""
        begin = market.ask("queries/book_start_of_version", before_ns=start_ns).item()
        first = start_ns if begin is None else begin - WARM_UP_NS
        updates = market.query("queries/depth_ids", first, end_ns)
        snapshots = market.query("queries/snapshot_ids", first, end_ns)
        return cls(market, updates, snapshots, plan(updates, snapshots, start_ns))


def book_at(market: Market, at_ns: int) -> pl.DataFrame | None:
    """Return the levels (side, level, ticks, lots) of the book that all messages up to a moment make, None if unknown.

    Sides are 1 and -1, bids come first, the best first.
    """
    messages = Messages.of(market, at_ns + 1, at_ns + 1)
    known = messages.plan.steps
    if len(known.fresh) == 0:
        return None
    rows = known.message[known.is_snapshot == 0]
    (snapshot,) = messages.snapshots[int(known.message[0])].rows()
    diffs = messages.updates[int(rows[0]) : int(rows[-1]) + 1] if len(rows) else None
    times = (diffs[0, "local_ts"], diffs[-1, "local_ts"]) if diffs is not None else (0, _NOWHERE)
    ids = (diffs[0, "final_update_id"], diffs[-1, "final_update_id"]) if diffs is not None else (0, _NOWHERE)
    return market.ask(
        "queries/book_at",
        snapshot_ns=snapshot[0],
        snapshot_id=snapshot[1],
        first_ns=times[0],
        last_ns=times[1],
        first_id=ids[0],
        last_id=ids[1],
    )


@dataclass(frozen=True, slots=True)
class TopSeries:
    """Best levels at moments: `levels` as in `Tops`, all 0 where the book is unknown."""

    ts: I64
    known: NDArray[np.bool_]
    levels: I64


def top_at(messages: Messages, times: I64, depth: int) -> TopSeries:
    """Return the best levels at ascending moments (ns); each book holds all messages received up to its moment."""
    steps = messages.plan.steps
    last = np.searchsorted(messages.plan.update_local, times, side="right") - 1
    known = (last >= 0) & (times < _unknown_from(messages.plan)[np.maximum(last, 0)]) if len(steps.fresh) else last >= 0
    levels = np.zeros((len(times), depth, 4), np.int64)
    found = _tops(messages, steps.start[last[known] + 1], depth)
    levels[known] = found.levels
    return TopSeries(times, known, levels)


def top_by_update(messages: Messages, depth: int) -> TopSeries:
    """Return the best levels after every update, and a row without any at every moment the book becomes unknown."""
    steps = messages.plan.steps
    found = _tops(messages, steps.start[1:], depth)
    holes = messages.plan.gap_local
    epoch = np.cumsum(steps.fresh)
    # the k-th hole ends the k-th book: it stands before the update that begins the next one
    place = np.searchsorted(epoch, np.arange(1, len(holes) + 1), side="right")
    known = np.insert(np.ones(len(found.after), bool), place, False)
    ts = np.insert(messages.plan.update_local, place, holes)
    return TopSeries(ts, known, np.insert(found.levels, place, 0, axis=0))


def _unknown_from(made: Plan) -> I64:
    """Return for each update when the book that it belongs to became unknown; the k-th hole ends the k-th book."""
    never = np.full(int(made.steps.fresh.sum()) + 1, np.iinfo(np.int64).max)
    never[: len(made.gap_local)] = made.gap_local
    ends: I64 = never[np.cumsum(made.steps.fresh) - 1]
    return ends


def _tops(messages: Messages, after: I64, depth: int) -> Tops:
    """Return the best levels after so many steps, ascending."""
    tops = Tops(after, np.zeros((len(after), depth, 4), np.int64))
    book, mark, done = new_book(1), 0, 0
    for stretch in _stretches(messages, int(after[-1]) if len(after) else 0):
        book = with_room(book, len(stretch.diffs.ticks) + len(stretch.snapshots.ticks))
        mark = fold(stretch, done, book, tops, mark)
        done += len(stretch.row)
    return tops


def _stretches(messages: Messages, end: int) -> Iterator[Stretch]:
    """Yield the first steps of the plan with their levels, a stretch at a time."""
    steps = messages.plan.steps
    for first in range(0, end, STRETCH):
        kinds = steps.is_snapshot[first : min(first + STRETCH, end)]
        rows = steps.message[first : min(first + STRETCH, end)].copy()
        held = {}
        for kind, (name, ids) in _KINDS.items():
            wanted = rows[kinds == kind]
            held[kind], base = _levels(messages.market, name, getattr(messages, ids)["local_ts"], wanted)
            rows[kinds == kind] -= base
        yield Stretch(kinds, rows, held[1], held[0])


_KINDS: Final = {
    1: ("queries/depth_snapshots_of_version", "snapshots"),
    0: ("queries/depth_updates_of_version", "updates"),
}


def _levels(market: Market, name: str, local_ts: pl.Series, rows: I64) -> tuple[Levels, int]:
    """Return the levels of a range of messages and the number of the first; rows are in order of receipt."""
    if len(rows) == 0:
        return Levels(np.zeros(1, np.int64), np.zeros(0, np.int8), np.zeros(0, np.int64), np.zeros(0, np.int64)), 0
    first_ns, last_ns = local_ts[int(rows[0])], local_ts[int(rows[-1])]
    frame = market.query(name, first_ns, last_ns)
    return levels_of(frame), int(local_ts.search_sorted(first_ns, side="left"))

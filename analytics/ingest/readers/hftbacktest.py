"""hftbacktest's event arrays (.npz with a member `data`, or .npy): depth, clear, snapshot and trade events.

A row is for the exchange's clock, the strategy's clock or both; each event stands once among the rows for the
strategy's, so the others are passed over. Rows without either flag have not been through that library's validation and
are taken as they are. Both times are ns. A clear empties a side from its best price to the row's, both sides without a
side flag; the snapshot rows after it fill it again: together they become one fresh book.
Sizes are doubles: the decimals they were written for are taken, and must be whole ticks and lots.
"""

import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.lib import format as npy

from analytics.ingest.readers.decimals import from_double
from analytics.ingest.readers.seam import Change, Fresh, Heard, Levels, Print, Recording, Row, Truncated, WrongRow
from strategy.errors import BadData
from strategy.kernel.records import BUY, SELL

DEPTH: Final = 1
TRADE: Final = 2
CLEAR: Final = 3
SNAPSHOT: Final = 4
BBO: Final = 5
EXCH: Final = 1 << 31
LOCAL: Final = 1 << 30
BUY_FLAG: Final = 1 << 29
SELL_FLAG: Final = 1 << 28
_KIND: Final = 0xFF
_SIDES: Final = {BUY_FLAG: BUY, SELL_FLAG: SELL}
_MEMBER: Final = "data.npy"
_FIELDS: Final = {"ev": "u", "exch_ts": "i", "local_ts": "i", "px": "f", "qty": "f"}
_CHUNK_ROWS: Final = 65_536


class HftbacktestReader:
    """Event arrays of one symbol; the files do not name it."""

    reading = "hftbacktest"

    def recordings(self, paths: Sequence[Path]) -> tuple[list[Recording], list[str]]:
        """Return the files in order of their first receive times."""
        found: list[EventFile] = []
        refused = []
        for path in paths:
            try:
                found.append(EventFile(path))
            except BadData as error:
                refused.append(str(error))
        return [*sorted(found, key=lambda file: file.first_local)], refused


class EventFile:
    """One event array."""

    what = "row"

    def __init__(self, path: Path) -> None:
        """Look at the array's type and first row; BadData when it is another kind of file."""
        self.paths = (path,)
        self.share = 0.0
        self.heard = Heard()
        self._path = path
        first = next(self._chunks(), None)
        if first is None:
            raise BadData(f"{path}: nothing usable, it has no rows")
        self.first_local = int(first[1]["local_ts"][0])

    def rows(self) -> Iterator[Row]:
        """Read the array from its start."""
        self.heard = Heard()
        events = _Events(self.heard)
        number = 0
        try:
            for start, chunk in self._chunks():
                columns = (chunk[name].tolist() for name in _FIELDS)
                for number, row in enumerate(zip(*columns, strict=True), start + 1):
                    yield from events.take(number, *row)
            yield from events.end()
        except (WrongRow, Truncated):
            raise
        except BadData as error:
            raise WrongRow(self._path, number, str(error), self.what) from error

    def _chunks(self) -> Iterator[tuple[int, np.ndarray[Any, Any]]]:
        """Yield blocks of rows and the number of rows before each."""
        with _opened(self._path) as file:
            dtype, total = _array(file, self._path)
            for start in range(0, total, _CHUNK_ROWS):
                count = min(_CHUNK_ROWS, total - start)
                data = _read(file, count * dtype.itemsize, self._path, start)
                rows = np.frombuffer(data, dtype, len(data) // dtype.itemsize)
                self.share = (start + len(rows)) / total
                if len(rows):
                    yield start, rows
                if len(rows) < count:
                    raise Truncated(f"{self._path}: truncated after row {start + len(rows)} of {total}")


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """Open the array's stream: the whole file, or the member of an archive, which is unpacked as it is read."""
    try:
        if not zipfile.is_zipfile(path):
            with path.open("rb") as plain:
                yield plain
            return
        with zipfile.ZipFile(path) as archive, archive.open(_MEMBER) as member:
            yield member
    except KeyError as error:
        raise BadData(f"{path}: nothing usable, it holds no array `data`") from error
    except zipfile.BadZipFile as error:
        raise Truncated(f"{path}: damaged archive ({error})") from error


def _array(file: IO[bytes], path: Path) -> tuple[np.dtype[Any], int]:
    """Read an array's header; BadData unless it is one row of events after another."""
    try:
        version = npy.read_magic(file)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read(file)
    except ValueError as error:
        raise BadData(f"{path}: nothing usable, it is neither .npz nor .npy ({error})") from error
    kinds = {name: dtype.fields[name][0].kind for name in dtype.names or () if dtype.fields is not None}
    wrong = [name for name, kind in _FIELDS.items() if kinds.get(name) != kind]
    if wrong or len(shape) != 1 or dtype.hasobject:
        raise BadData(
            f"{path}: nothing usable, its rows are no events: {', '.join(wrong) or shape} is not as it must be"
        )
    return dtype, shape[0]


def _read(file: IO[bytes], size: int, path: Path, start: int) -> bytes:
    """Read so many bytes, fewer at the end of a truncated file."""
    try:
        return file.read(size)
    except (EOFError, OSError, zipfile.BadZipFile) as error:
        raise Truncated(f"{path}: damaged archive ({error}) after row {start}") from error


class _Events:
    """Rows to facts: messages of equal times, and the book that clears and snapshots leave."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self._book: dict[int, dict[float, str]] = {BUY: {}, SELL: {}}
        self._times = (0, 0)
        self._first = self._last = 0
        self._changes: dict[int, list[tuple[str, str]]] = {BUY: [], SELL: []}
        self._anew = False  # the message at hand is of clears and snapshots

    def take(self, number: int, flags: int, exch_ts: int, local_ts: int, px: float, qty: float) -> Iterator[Row]:
        """Take one row and yield what it completes."""
        if flags & EXCH and not flags & LOCAL:
            return
        kind, side = flags & _KIND, _SIDES.get(flags & (BUY_FLAG | SELL_FLAG), 0)
        if kind not in (DEPTH, TRADE, CLEAR, SNAPSHOT, BBO):
            raise BadData(f"event kind {kind} is no depth by price and no trade")
        if exch_ts <= 0 or local_ts <= 0:
            raise BadData(f"times were {exch_ts} and {local_ts}, both must be ns since the epoch")
        times = (exch_ts, local_ts)
        if kind == TRADE:
            yield from self._trade(number, times, px, qty, side)
        elif kind == BBO:
            self._heard.leave_out("best bid and ask events")
        else:
            anew = kind != DEPTH
            if self._first and (times != self._times or anew != self._anew):
                yield from self.end()
            self._times, self._anew = times, anew
            self._first, self._last = self._first or number, number
            self._apply(kind, side, px, qty)

    def _trade(self, number: int, times: tuple[int, int], px: float, qty: float, side: int) -> Iterator[Row]:
        if side == 0:
            self._heard.leave_out("trades without a side")
            return
        yield Row(number, number, Print(*times, from_double(px), from_double(qty), side))

    def _apply(self, kind: int, side: int, px: float, qty: float) -> None:
        if kind == CLEAR:
            self._clear(side, px)
            return
        if side == 0:
            raise BadData("a depth event has neither or both of the flags for buy and sell")
        size = from_double(qty)
        book = self._book[side]
        if size == "0":
            book.pop(px, None)
        else:
            book[px] = size
        if not self._anew:
            self._changes[side].append((from_double(px), size))

    def _clear(self, side: int, px: float) -> None:
        if side == 0:
            self._book = {BUY: {}, SELL: {}}
            return
        self._book[side] = {price: qty for price, qty in self._book[side].items() if side * (price - px) < 0}

    def end(self) -> Iterator[Row]:
        """Yield the message at hand."""
        if not self._first:
            return
        bids, asks = (self._levels(side) for side in (BUY, SELL))
        fact = (
            Fresh(*self._times, bids, asks, "cleared in the file") if self._anew else Change(*self._times, bids, asks)
        )
        yield Row(self._first, self._last, fact)
        self._first = 0
        self._changes = {BUY: [], SELL: []}

    def _levels(self, side: int) -> Levels:
        if not self._anew:
            return tuple(self._changes[side])
        return tuple((from_double(px), qty) for px, qty in sorted(self._book[side].items(), reverse=side == BUY))

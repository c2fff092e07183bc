"""Tardis CSV: incremental_book_L2, book_snapshot_N and trades (https://docs.tardis.dev, "Data types").

All times are µs since the epoch. Rows of one message share local_timestamp and timestamp. A run of is_snapshot rows
after other rows voids the book; rows before the first one are left out, as the format's description asks.
A trade's id is used where it counts one by one (Binance); elsewhere ids are of any kind.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

from analytics.ingest.readers.csv_rows import CsvRows, NumberedRow, chosen, integer, places
from analytics.ingest.readers.decimals import from_text
from analytics.ingest.readers.seam import Change, Fresh, Heard, Levels, Print, Recording, Row
from analytics.ingest.readers.top_levels import TopLevels
from strategy.errors import BadData
from strategy.kernel.records import BUY, SELL

_SHARED: Final = ("symbol", "timestamp", "local_timestamp")
_L2: Final = ("is_snapshot", "side", "price", "amount")
_TRADES: Final = ("exchange", "id", "side", "price", "amount")
_LEVEL: Final = re.compile(r"asks\[(\d+)\]\.price")
_BOOK_SIDES: Final = {"bid": BUY, "ask": SELL, "buy": BUY, "sell": SELL}
_TAKERS: Final = {"buy": BUY, "sell": SELL, "unknown": 0, "": 0}
_TRUTH: Final = {"true": 1, "false": 0}
_COUNTED: Final = "binance"  # exchange ids that begin so number a symbol's trades one by one
_US: Final = 1_000


class TardisReader:
    """Files of one symbol; which data type a file holds is told by its header."""

    def __init__(self, wire_symbol: str, source_symbol: str | None = None) -> None:
        """Take one symbol: rows of others are wrong, or passed over where the files' own name of it is given."""
        self._symbol = _bare(source_symbol or wire_symbol)
        self._passing = source_symbol is not None
        self.reading = f"tardis {self._symbol}"

    def recordings(self, paths: Sequence[Path]) -> tuple[list[Recording], list[str]]:
        """Return the files in order of their first receive times."""
        found: list[TardisFile] = []
        refused = []
        for path in paths:
            try:
                found.append(TardisFile(path, self._symbol, self._passing))
            except BadData as error:
                refused.append(str(error))
        return [*sorted(found, key=lambda file: file.first_local)], refused


class TardisFile:
    """One file of one of the three data types."""

    what = "line"

    def __init__(self, path: Path, symbol: str, passing: bool) -> None:
        """Look at the header and the first row; BadData when the file is of another kind."""
        self.paths = (path,)
        self.heard = Heard()
        self._symbol, self._passing = symbol, passing
        self._csv = CsvRows(path)
        header = self._csv.header()
        shared = places(header, _SHARED)
        if shared is None:
            raise BadData(f"{path}: nothing usable, its first line names no columns {', '.join(_SHARED)}")
        self._own, self._exch, self._local = shared
        self._read = self._reading(header)
        first = self._csv.first()[1]
        try:
            self.first_local = self._times(first)[1]
        except BadData as error:
            raise self._csv.wrong(error) from error

    @property
    def share(self) -> float:
        """Return how much of the file has been read, 0 to 1."""
        return self._csv.share

    def rows(self) -> Iterator[Row]:
        """Read the file from its start."""
        self.heard = Heard()
        try:
            yield from self._read()
        except BadData as error:
            raise self._csv.wrong(error) from error

    def _reading(self, header: list[str]) -> Callable[[], Iterator[Row]]:
        if (l2 := places(header, _L2)) is not None:
            return lambda: self._messages(l2)
        if (trades := places(header, _TRADES)) is not None:
            return lambda: self._trades(trades)
        depth = sum(_LEVEL.fullmatch(name) is not None for name in header)
        bids, asks = (places(header, _names(side, depth)) for side in ("bids", "asks"))
        if depth and bids is not None and asks is not None:
            return lambda: self._books(bids, asks)
        path = self._csv.path
        raise BadData(f"{path}: nothing usable, its columns are not of incremental_book_L2, book_snapshot_N or trades")

    def _rows(self) -> Iterator[NumberedRow]:
        """Yield the rows of our symbol."""
        for number, cells in self._csv:
            if _bare(cells[self._own]) == self._symbol:
                yield number, cells
            elif self._passing:
                self.heard.leave_out("rows of other symbols")
            else:
                raise BadData(f"is of {cells[self._own]}, not of {self._symbol}")

    def _times(self, cells: list[str]) -> tuple[int, int]:
        exch, local = integer("timestamp", cells[self._exch]), integer("local_timestamp", cells[self._local])
        return exch * _US, local * _US

    def _messages(self, where: list[int]) -> Iterator[Row]:
        """Group the rows of incremental_book_L2 by message."""
        message: _Message | None = None
        begun = False  # a snapshot has been seen
        after_snapshot = False
        key: tuple[str, str, str] | None = None
        snapshot, side, price, amount = where
        for number, cells in self._rows():
            here = (cells[self._exch], cells[self._local], cells[snapshot])
            if here != key:
                if message is not None:
                    yield message.row(fresh=message.is_snapshot and not after_snapshot)
                    after_snapshot = message.is_snapshot
                key, message = here, None
                is_snapshot = bool(chosen("is_snapshot", cells[snapshot], _TRUTH))
                begun = begun or is_snapshot
                if begun:
                    message = _Message(self._times(cells), is_snapshot, number)
            if message is None:
                self.heard.leave_out("rows before the first snapshot")
                continue
            message.add(number, chosen("side", cells[side], _BOOK_SIDES), cells[price], from_text(cells[amount]))
        if message is not None:
            yield message.row(fresh=message.is_snapshot and not after_snapshot)

    def _books(self, bids: list[int], asks: list[int]) -> Iterator[Row]:
        book = TopLevels("the first book of the file")
        for number, cells in self._rows():
            fact = book.take(self._times(cells), _levels(cells, bids), _levels(cells, asks))
            if fact is not None:
                yield Row(number, number, fact)

    def _trades(self, where: list[int]) -> Iterator[Row]:
        for number, cells in self._rows():
            exchange, ident, side, price, amount = (cells[place] for place in where)
            taker = chosen("side", side, _TAKERS)
            if taker == 0:
                self.heard.leave_out("trades without a side")
                continue
            count = integer("id", ident) if exchange.startswith(_COUNTED) else None
            yield Row(number, number, Print(*self._times(cells), from_text(price), from_text(amount), taker, count))


class _Message:
    """The rows of one depth message."""

    def __init__(self, times: tuple[int, int], is_snapshot: bool, first: int) -> None:
        self.is_snapshot = is_snapshot
        self._times = times
        self._first = self._last = first
        self._sides: dict[int, list[tuple[str, str]]] = {BUY: [], SELL: []}

    def add(self, number: int, side: int, price: str, amount: str) -> None:
        """Add one level; an empty one of a snapshot is no level."""
        self._last = number
        if not self.is_snapshot or amount.strip("0."):
            self._sides[side].append((from_text(price), amount))

    def row(self, fresh: bool) -> Row:
        """Return the message as a fact; a snapshot's later messages add to its first."""
        times, bids, asks = self._times, tuple(self._sides[BUY]), tuple(self._sides[SELL])
        fact = Fresh(*times, bids, asks, "a snapshot of the file") if fresh else Change(*times, bids, asks)
        return Row(self._first, self._last, fact)


@lru_cache
def _bare(symbol: str) -> str:
    """Return a symbol as it is compared: capitals and digits alone."""
    return re.sub(r"[^A-Z0-9]", "", symbol.upper())


def _names(side: str, depth: int) -> list[str]:
    return [f"{side}[{level}].{what}" for level in range(depth) for what in ("price", "amount")]


def _levels(cells: list[str], where: list[int]) -> Levels:
    """Return the levels of a side; a thin book leaves the cells of the deeper ones empty."""
    pairs = zip(where[::2], where[1::2], strict=True)
    return tuple((from_text(cells[price]), from_text(cells[qty])) for price, qty in pairs if cells[price])

"""Tables of whole books and of trades, CSV or Parquet, whose columns a mapping names (`readers.mapping`)."""

from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final, Protocol

from analytics.ingest.readers.csv_rows import CsvRows, integer
from analytics.ingest.readers.decimals import from_value
from analytics.ingest.readers.mapping import UNITS_NS, Mapping, Snapshots, Times, Trades
from analytics.ingest.readers.parquet_rows import ParquetRows
from analytics.ingest.readers.seam import Heard, Levels, Print, Recording, Row
from analytics.ingest.readers.top_levels import TopLevels
from strategy.errors import BadData
from strategy.kernel.records import BUY, SELL

_PARQUET: Final = b"PAR1"
_EMPTY: Final = (None, "")


class GenericReader:
    """Files of one symbol; a file is of the kind whose columns it has."""

    def __init__(self, mapping: Mapping) -> None:
        """Take what a mapping says."""
        self.reading = f"generic {mapping.model_dump_json()}"
        self._kinds = [kind for kind in (mapping.snapshots, mapping.trades) if kind is not None]

    def recordings(self, paths: Sequence[Path]) -> tuple[list[Recording], list[str]]:
        """Return the files in order of their first receive times."""
        found: list[TableFile] = []
        refused = []
        for path in paths:
            try:
                found.append(self._file(path))
            except BadData as error:
                refused.append(str(error))
        return [*sorted(found, key=lambda file: file.first_local)], refused

    def _file(self, path: Path) -> "TableFile":
        table = _table(path)
        header = table.header()
        lacks = {kind: [name for name in _columns(kind) if name not in header] for kind in self._kinds}
        whole = [kind for kind, missing in lacks.items() if not missing]
        if len(whole) == 1:
            return TableFile(table, whole[0])
        if whole:
            raise BadData(f"{path}: nothing usable, it has the columns of [snapshots] and of [trades]: which is it?")
        missing = "; ".join(f"[{type(kind).__name__.lower()}] {names[0]!r}" for kind, names in lacks.items())
        raise BadData(f"{path}: nothing usable, it lacks columns that the mapping names: {missing}")


class Table(Protocol):
    """Rows of named columns."""

    path: Path

    @property
    def share(self) -> float:
        """Return how much of the file has been read, 0 to 1."""

    def header(self) -> list[str]:
        """Return the names of the columns."""

    def stamped(self, name: str) -> bool:
        """Say whether a column is of timestamps in ns."""

    def rows(self, columns: Sequence[str]) -> Iterator[tuple[int, list[Any]]]:
        """Yield number and the named cells of every row."""

    def wrong(self, fault: BadData) -> BadData:
        """Return a fault with its place."""


class _CsvTable(CsvRows):
    """A CSV file as a table: its numbers know no unit."""

    def stamped(self, name: str) -> bool:
        return False

    def rows(self, columns: Sequence[str]) -> Iterator[tuple[int, list[Any]]]:
        header = self.header()
        where = [header.index(name) for name in columns]
        for number, cells in self:
            yield number, [cells[place] for place in where]


def _table(path: Path) -> Table:
    with path.open("rb") as file:
        is_parquet = file.read(len(_PARQUET)) == _PARQUET
    return ParquetRows(path) if is_parquet else _CsvTable(path)


class TableFile:
    """One table."""

    def __init__(self, table: Table, kind: Times) -> None:
        """Look at the first row; BadData when there is none."""
        self.paths = (table.path,)
        self.what = "row" if isinstance(table, ParquetRows) else "line"
        self.heard = Heard()
        self._table, self._kind = table, kind
        self._clocks = [kind.exch_ts, kind.local_ts or kind.exch_ts]
        self._scales = [1 if table.stamped(name) else UNITS_NS[kind.unit] for name in self._clocks]
        self.first_local = self._first_local()

    def _first_local(self) -> int:
        try:
            for _, cells in self._table.rows(self._clocks):
                return self._times(cells)[1]
        except BadData as error:
            raise self._table.wrong(error) from error
        raise BadData(f"{self._table.path}: nothing usable, it has no rows")

    @property
    def share(self) -> float:
        """Return how much of the file has been read, 0 to 1."""
        return self._table.share

    def rows(self) -> Iterator[Row]:
        """Read the table from its start."""
        self.heard = Heard()
        try:
            if isinstance(self._kind, Snapshots):
                yield from self._books(self._kind)
            elif isinstance(self._kind, Trades):
                yield from self._trades(self._kind)
        except BadData as error:
            raise self._table.wrong(error) from error

    def _times(self, cells: Sequence[Any]) -> tuple[int, int]:
        exch, local = (_ns(*each) for each in zip(self._clocks, cells[:2], self._scales, strict=True))
        return exch, local

    def _books(self, kind: Snapshots) -> Iterator[Row]:
        book = TopLevels("the first book of the file")
        half = 2 + 2 * kind.levels
        for number, cells in self._table.rows([*self._clocks, *kind.columns("bid"), *kind.columns("ask")]):
            fact = book.take(self._times(cells), _levels(cells[2:half]), _levels(cells[half:]))
            if fact is not None:
                yield Row(number, number, fact)

    def _trades(self, kind: Trades) -> Iterator[Row]:
        sides = dict.fromkeys(kind.buy, BUY) | dict.fromkeys(kind.sell, SELL)
        for number, cells in self._table.rows([*self._clocks, *kind.columns()]):
            price, qty, side, *count = cells[2:]
            word = str(side).lower() if isinstance(side, bool) else str(side)
            if word not in sides:
                raise BadData(f"{kind.side} was {word!r}, it must be one of {', '.join(map(repr, sides))}")
            counted = integer(str(kind.number), str(count[0])) if count else None
            yield Row(
                number, number, Print(*self._times(cells), from_value(price), from_value(qty), sides[word], counted)
            )


def _columns(kind: Times) -> list[str]:
    clocks = [kind.exch_ts, *([kind.local_ts] if kind.local_ts else [])]
    if isinstance(kind, Snapshots):
        return [*clocks, *kind.columns("bid"), *kind.columns("ask")]
    return [*clocks, *kind.columns()] if isinstance(kind, Trades) else clocks


def _levels(cells: Sequence[Any]) -> Levels:
    """Return the levels of a side; a level without price, or of size 0, is not there."""
    pairs = ((price, qty) for price, qty in zip(cells[::2], cells[1::2], strict=True) if price not in _EMPTY)
    levels = ((from_value(price), from_value(qty)) for price, qty in pairs)
    return tuple((price, qty) for price, qty in levels if qty.strip("0."))


def _ns(name: str, value: Any, scale: int) -> int:
    """Read a time as ns since the epoch."""
    if isinstance(value, int):
        stamp = value * scale
    else:
        try:
            exact = Decimal(repr(value) if isinstance(value, float) else value) * scale
        except (InvalidOperation, TypeError, ValueError) as error:
            raise BadData(f"{name} was {value!r}, it must be a time since the epoch") from error
        stamp = int(exact) if exact.is_finite() else 0
        if stamp != exact:
            raise BadData(f"{name} was {value!r}, it must be a whole number of ns")
    if stamp <= 0:
        raise BadData(f"{name} was {value!r}, it must be a time after 1970")
    return stamp

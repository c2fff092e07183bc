"""Parquet files, a row at a time; timestamps become ns since the epoch, everything else stays what it is."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from analytics.ingest.readers.seam import Truncated, WrongRow
from strategy.errors import BadData

_BATCH_ROWS: Final = 16_384


class ParquetRows:
    """One pass over a file after another."""

    def __init__(self, path: Path) -> None:
        """Open a file; BadData when it is no Parquet."""
        self.path = path
        self.line = 0
        self.share = 0.0
        try:
            self._file = pq.ParquetFile(path)
        except (pa.ArrowInvalid, OSError) as error:
            raise BadData(f"{path}: nothing usable, it is not Parquet ({str(error).splitlines()[0]})") from error

    def header(self) -> list[str]:
        """Return the names of the columns."""
        return list(self._file.schema_arrow.names)

    def stamped(self, name: str) -> bool:
        """Say whether a column is of timestamps, which are read in ns."""
        return bool(pa.types.is_timestamp(self._file.schema_arrow.field(name).type))

    def rows(self, columns: Sequence[str]) -> Iterator[tuple[int, list[Any]]]:
        """Yield number and cells of every row, cells in the order of the named columns."""
        total = max(1, self._file.metadata.num_rows)
        self.line = 0
        try:
            for batch in self._file.iter_batches(_BATCH_ROWS, columns=list(dict.fromkeys(columns))):
                cells = [_plain(batch.column(name)) for name in columns]
                for row in zip(*cells, strict=True):
                    self.line += 1
                    self.share = self.line / total
                    yield self.line, list(row)
        except (pa.ArrowException, OSError) as error:
            raise Truncated(f"{self.path}: damaged ({str(error).splitlines()[0]}) after row {self.line}") from error

    def wrong(self, fault: BadData) -> BadData:
        """Return a fault with the row that was reached, unless it names one."""
        return fault if isinstance(fault, WrongRow | Truncated) else WrongRow(self.path, self.line, str(fault), "row")


def _plain(column: Any) -> list[Any]:
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("ns", column.type.tz)).cast(pa.int64())
    return list(column.to_pylist())

"""CSV files, plain or gzip, a row at a time with its line number; cells stay text, so that decimals stay exact."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final

from analytics.ingest.readers.seam import Truncated, WrongRow
from strategy.errors import BadData

_GZIP: Final = b"\x1f\x8b"

NumberedRow = tuple[int, list[str]]


class CsvRows:
    """One pass over a file; every row has as many cells as the first one."""

    def __init__(self, path: Path, has_header: bool = True) -> None:
        """Read a file whose first row names the columns, or one without such a row."""
        self.path = path
        self.line = 0
        self._has_header = has_header
        self._size = max(1, path.stat().st_size)
        self._raw: BinaryIO | None = None
        self._read = 0

    @property
    def share(self) -> float:
        """Return how much of the file has been read, 0 to 1."""
        return (self._read if self._raw is None else self._raw.tell()) / self._size

    def header(self) -> list[str]:
        """Return the first row, names or not; empty for an empty file."""
        first = next(self._lines(), None)
        return first[1] if first else []

    def first(self) -> NumberedRow:
        """Return the first row after the header; BadData where there is none."""
        for row in self:
            return row
        raise BadData(f"{self.path}: nothing usable, it has no rows")

    def __iter__(self) -> Iterator[NumberedRow]:
        """Yield line number and cells of every row after the header; blank lines are passed over."""
        lines = self._lines()
        first = next(lines, None)
        if first is None:
            return
        rows = lines if self._has_header else chain([first], lines)
        width = len(first[1])
        for number, cells in rows:
            if len(cells) != width:
                raise WrongRow(self.path, number, f"has {len(cells)} columns, the first line has {width}")
            yield number, cells

    def wrong(self, fault: BadData) -> BadData:
        """Return a fault with the place in the file that was reached, unless it names one."""
        return fault if isinstance(fault, WrongRow | Truncated) else WrongRow(self.path, self.line, str(fault))

    def _lines(self) -> Iterator[NumberedRow]:
        self.line = 0
        with self.path.open("rb") as raw:
            self._raw = raw
            reader = csv.reader(_text(raw), strict=True)
            try:
                for cells in reader:
                    self.line = reader.line_num
                    if cells:
                        yield self.line, cells
            except EOFError as error:
                raise Truncated(f"{self.path}: truncated compression after line {self.line}") from error
            except (zlib.error, gzip.BadGzipFile) as error:
                raise Truncated(f"{self.path}: damaged compression ({error}) after line {self.line}") from error
            except (csv.Error, UnicodeDecodeError) as error:
                raise WrongRow(self.path, self.line + 1, f"is not CSV ({error})") from error
            finally:
                self._read, self._raw = raw.tell(), None


def _text(raw: BinaryIO) -> io.TextIOWrapper:
    compressed = raw.read(2) == _GZIP
    raw.seek(0)
    return io.TextIOWrapper(gzip.GzipFile(fileobj=raw) if compressed else raw, encoding="utf-8", newline="")


def places(header: Sequence[str], names: Sequence[str]) -> list[int] | None:
    """Return where the named columns stand, None when one is missing."""
    return [header.index(name) for name in names] if set(names) <= set(header) else None


def integer(name: str, text: str) -> int:
    """Read a cell as a whole number."""
    if not (text.isascii() and text.removeprefix("-").isdigit()):
        raise BadData(f"{name} was {text!r}, it must be a whole number")
    return int(text)


def chosen(name: str, text: str, meanings: Mapping[str, int]) -> int:
    """Read a cell that says one of a few words."""
    try:
        return meanings[text]
    except KeyError:
        raise BadData(f"{name} was {text!r}, it must be one of {', '.join(map(repr, meanings))}") from None

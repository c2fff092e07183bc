"""Read `<local_ns> <json>` lines of public collectors and of our own segments: plain, .gz or .zst.

Older collectors stamp in µs or ms; what cannot be ns since the epoch becomes ns.

Only whole lines count. Bytes after the last newline are a torn tail (a file that still grows, or a crash); a
compressed stream that ends before its end mark is truncated. Offsets are of the uncompressed stream, so that a segment
keeps its offsets when it is compressed after rotation.
"""

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import zstandard

_CHUNK: Final = 1 << 20
_NO_STAMP: Final = -1
_CENTURY_MS: Final = 946_684_800_000  # 2000-01-01
COMPRESSIONS: Final = (".gz", ".zst")


class Line(NamedTuple):
    """One whole line; `local_ns` is -1 when it does not begin with a stamp (payload is then the whole line)."""

    number: int
    end_offset: int
    local_ns: int
    payload: bytes


class CollectorFile:
    """One pass over a file; `torn_bytes` and `truncated` are known once it has been read to its end."""

    def __init__(self, path: Path, start_offset: int = 0, start_line: int = 0, whole: bool = False) -> None:
        """Begin after `start_offset` bytes and `start_line` lines of the uncompressed stream.

        `whole` says that the file no longer grows: a last line without newline then counts, unless compression broke.
        """
        self.path = path
        self.torn_bytes = 0
        self.truncated: str | None = None
        self.lines = start_line
        self._offset = start_offset
        self._complete = whole

    @property
    def compressed(self) -> bool:
        """Say whether the file is compressed, so that it no longer grows."""
        return self.path.suffix in COMPRESSIONS

    def __iter__(self) -> Iterator[Line]:
        """Yield every whole line from the start offset on."""
        rest = b""
        skip = self._offset if self.compressed else 0
        for chunk in self._chunks():
            if skip >= len(chunk):
                skip -= len(chunk)
                continue
            lines = (rest + chunk[skip:]).split(b"\n")
            skip = 0
            rest = lines.pop()
            for line in lines:
                yield self._line(line)
        if rest and self._complete and self.truncated is None:
            yield self._line(rest, newline=0)
        else:
            self.torn_bytes = len(rest)

    def _line(self, line: bytes, newline: int = 1) -> Line:
        self._offset += len(line) + newline
        self.lines += 1
        stamp, _, payload = line.partition(b" ")
        if stamp.isdigit():
            return Line(self.lines, self._offset, _nanoseconds(int(stamp)), payload)
        return Line(self.lines, self._offset, _NO_STAMP, line)

    def _chunks(self) -> Iterator[bytes]:
        start: Callable[[], Any] | None = _DECODERS.get(self.path.suffix)
        with self.path.open("rb") as file:
            if start is None:
                file.seek(self._offset)
                while chunk := file.read(_CHUNK):
                    yield chunk
            else:
                yield from self._inflated(iter(lambda: file.read(_CHUNK), b""), start)

    def _inflated(self, blocks: Iterator[bytes], start: Callable[[], Any]) -> Iterator[bytes]:
        """Decompress frame after frame (both formats allow several in a file)."""
        decoder, fed = start(), False
        try:
            for block in blocks:
                while block:
                    fed = True
                    yield decoder.decompress(block)
                    block = decoder.unused_data if decoder.eof else b""
                    if decoder.eof:
                        decoder, fed = start(), False
        except (zlib.error, zstandard.ZstdError) as error:
            self.truncated = f"damaged compression ({error})"
            return
        if fed:
            self.truncated = "truncated compression"


def _nanoseconds(stamp: int) -> int:
    """Return a stamp in ns; one of this century tells its unit by its size, a small number is taken as it is."""
    if stamp < _CENTURY_MS or stamp >= _CENTURY_MS * 1_000_000:
        return stamp
    return stamp * (1_000_000 if stamp < _CENTURY_MS * 1_000 else 1_000)


def _gzip() -> Any:
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)


def _zstd() -> Any:
    return zstandard.ZstdDecompressor().decompressobj()


_DECODERS: Final[dict[str, Callable[[], Any]]] = {".gz": _gzip, ".zst": _zstd}


def first_stamp(path: Path) -> int | None:
    """Return the first receive stamp of a file, None when it holds none."""
    return next((line.local_ns for line in CollectorFile(path) if line.local_ns != _NO_STAMP), None)


def stream_name(path: Path) -> str:
    """Return the file's name without its compression suffix: a segment's name stays when it is compressed."""
    return path.name.removesuffix(path.suffix) if path.suffix in COMPRESSIONS else path.name

"""Raw frames on disk: whole lines in a plain active file, fsynced every second, compressed once closed.

A line is written by one `os.write` and acknowledged after the fsync that follows. A process killed in the middle of
that write may leave a torn line at the end, never one that was acknowledged; readers stop before it. Slow disk work
(fsync, compression) is done by one background thread: the caller's stamps do not wait for it.
"""

import errno
import fcntl
import os
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

import structlog
import zstandard

from strategy.errors import Failed, NoSpace

log = structlog.get_logger("segment")

SUFFIX: Final = ".log"
_BLOCK: Final = 1 << 20
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)


class Mark(NamedTuple):
    """How far a segment is safely on disk: every line that ends at or before `offset`."""

    name: str
    offset: int


class LineFile:
    """An append-only file of `<local_ns> <json>` lines; a write that fails takes back what it had begun."""

    def __init__(self, path: Path) -> None:
        """Create the file; one that exists already is an error, it belongs to another session."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.offset = 0
        self._broken = False
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)

    def append(self, local_ns: int, payload: bytes) -> None:
        """Append one line. See `append_all`."""
        self.append_all(((local_ns, payload),))

    def append_all(self, lines: Iterable[tuple[int, bytes]]) -> None:
        """Append lines in one write; a full disk takes back what it had begun and raises Failed.

        After one failure every further line is refused: a file with a hole would pass for a whole one.
        """
        if self._broken:
            raise Failed(f"{self.path} lacks a line: nothing more is written")
        text = b"".join([b"%d %b\n" % (local_ns, payload.replace(b"\n", b" ")) for local_ns, payload in lines])
        self._broken = True
        try:
            written = os.write(self._fd, text)
        except OSError as error:
            raise Failed(f"{self.path} cannot be written: {error.strerror}") from error
        if written != len(text):
            os.ftruncate(self._fd, self.offset)
            raise Failed(f"{self.path} took {written} of {len(text)} bytes: is the disk full?")
        self._broken = False
        self.offset += written

    def rename(self, path: Path) -> None:
        """Put everything on disk and give the file another name in its folder, at once and for good."""
        self.sync()
        self.path.rename(path)
        self.path = path
        _sync_folder(path.parent)

    def sync(self) -> int:
        """Put everything appended so far on disk and return the offset that is safe."""
        offset = self.offset
        os.fsync(self._fd)
        return offset

    def close(self) -> None:
        """Sync and close."""
        os.fsync(self._fd)
        os.close(self._fd)


class SegmentWriter:
    """Write a symbol's segments into one folder; the folder is locked against a second writer."""

    def __init__(
        self,
        folder: Path,
        *,
        rotate_seconds: float = 900.0,
        rotate_bytes: int = 64 << 20,
        fsync_seconds: float = 1.0,
    ) -> None:
        """Lock the folder, compress what a dead writer left, and wait for the first line."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.acknowledged = Mark("", 0)
        self._rotate_ns, self._rotate_bytes = int(rotate_seconds * 1e9), rotate_bytes
        self._lock = lock_folder(folder)
        self._active: LineFile | None = None
        self._opened_ns = 0
        self._guard = threading.Lock()  # the active file: the writer replaces it, the worker syncs it
        self._closed: list[Path] = sorted(folder.glob(f"*{SUFFIX}"))
        self._cramped = False  # there was no room to compress: plain files stay until the next writer comes
        self._stop = threading.Event()
        self._fault: Exception | None = None
        self._worker = threading.Thread(target=self._work, args=(fsync_seconds,), name="segment", daemon=True)
        self._worker.start()

    def write(self, local_ns: int, payload: bytes) -> None:
        """Append one frame; raises Failed as soon as anything, an fsync too, has gone wrong: NoSpace on a full disk."""
        if self._fault is not None:
            raise self._unsafe(self._fault) from self._fault
        try:
            if self._active is None or self._due(self._active, local_ns):
                self.rotate()
                self._open(local_ns)
            assert self._active is not None
            self._active.append(local_ns, payload)
        except OSError as error:
            raise self._unsafe(error) from error
        except Failed as error:
            # a file takes part of a line only when there is no room for the rest
            full = error.__cause__ is None or _no_room(error.__cause__)
            raise (NoSpace(str(error)) if full else error) from error.__cause__

    def rotate(self) -> None:
        """Close the active file, if any, and have it compressed."""
        with self._guard:
            if self._active is None:
                return
            self._active.close()
            self.acknowledged = Mark(self._active.path.name, self._active.offset)
            self._closed.append(self._active.path)
            self._active = None

    def sync(self) -> Mark:
        """Put every line on disk; `acknowledged` says how far that is."""
        with self._guard:
            if self._active is not None:
                self.acknowledged = Mark(self._active.path.name, self._active.sync())
        return self.acknowledged

    def close(self) -> None:
        """Close and compress everything and unlock the folder; without room for it a plain file stays as it is."""
        self._stop.set()
        self._worker.join()
        self._cramped = False
        try:
            self.rotate()
            self._compress()
        except (OSError, zstandard.ZstdError) as error:
            self._fault = self._fault or error
        finally:
            os.close(self._lock)
        if self._fault is not None:
            raise self._unsafe(self._fault) from self._fault

    def __enter__(self) -> Self:
        """Return the writer."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def _due(self, active: LineFile, local_ns: int) -> bool:
        # a clock that was set back begins a new segment too, once it is off by as much
        return abs(local_ns - self._opened_ns) >= self._rotate_ns or active.offset >= self._rotate_bytes

    def _open(self, local_ns: int) -> None:
        with self._guard:
            self._active = LineFile(self.folder / f"{time_name(local_ns)}{SUFFIX}")
            self._opened_ns = local_ns
            _sync_folder(self.folder)

    def _work(self, period: float) -> None:
        try:
            while True:
                self._compress()
                if self._stop.wait(period):
                    return
                self.sync()
        except (OSError, zstandard.ZstdError) as error:
            self._fault = error

    def _compress(self) -> None:
        while self._closed and not self._cramped:
            try:
                compress(self._closed[0])
            except OSError as error:
                if not _no_room(error):
                    raise
                log.warning("no room to compress, the plain file stays", file=str(self._closed[0]))
                self._cramped = True
                return
            self._closed.pop(0)

    def _unsafe(self, error: Exception) -> Failed:
        kind = NoSpace if _no_room(error) else Failed
        return kind(f"segments in {self.folder} are not safe: {error}")


def compress(path: Path) -> Path:
    """Replace a closed file by its .zst, which is on disk under its name before the plain file goes."""
    target = path.with_name(path.name + ".zst")
    temporary = path.with_name(f".{target.name}.tmp")
    try:
        with path.open("rb") as source, temporary.open("wb") as file:
            # the size stands in the copy's head: readers see what they lack without unpacking it
            sizes = {"size": path.stat().st_size, "read_size": _BLOCK, "write_size": _BLOCK}
            zstandard.ZstdCompressor(level=9).copy_stream(source, file, **sizes)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)
    path.unlink()
    return target


def _no_room(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno in _NO_ROOM


def time_name(local_ns: int) -> str:
    """Return a file name that sorts by time: `20261121T094638_000000123`."""
    seconds, rest = divmod(local_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y%m%dT%H%M%S}_{rest:09d}"


def lock_folder(folder: Path) -> int:
    """Take the folder's lock for as long as the returned descriptor is open; a second taker is refused."""
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise Failed(f"{folder} is being written by another process") from None
    return handle


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

"""A folder of columns, whole or absent: how tapes and their indices are kept between processes.

Every column is one memory-mapped `.npy` file. `info.json` says what the folder is of, and size and checksum of every
file. A folder is written beside its place and moved there in one step, so that any number of processes may build it at
once: the first one in wins, all others are as good. What a crash, a full disk or a bad sector leaves behind is noticed
when the folder is opened; it is then removed, and whoever wanted it builds it anew.
"""

import functools
import hashlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from strategy.errors import Failed

log = logging.getLogger("microvol.cache")

Column = NDArray[Any]
Kept = tuple[dict[str, Column], dict[str, Any]]

LIMIT_BYTES: Final = 40_000_000_000
_INFO: Final = "info.json"
_DRAFT: Final = ".draft-"
_GONE: Final = ".gone-"
_ABANDONED_S: Final = 3_600.0  # a draft that nobody has added a file to for so long has no writer any more
_PAGE: Final = 4_096


class _Broken(Exception):
    """What is wrong with a folder."""


def open_columns(folder: Path) -> Kept | None:
    """Return columns and info of a folder, None when it is not there or was broken and has been removed.

    Sizes are checked every time, contents once per process and folder (a third of a second per GB).
    """
    try:
        return _opened(folder) if folder.is_dir() else None
    except FileNotFoundError:
        if folder.is_dir():
            _discard(folder, "a file is missing")
        return None
    except _Broken as fault:
        _discard(folder, str(fault))
        return None
    except OSError as error:
        raise Failed(f"{folder} cannot be read: {error.strerror or error}") from error


def _opened(folder: Path) -> Kept:
    manifest = _manifest(folder)
    _check(folder, manifest)
    columns = {name: _mapped(folder / f"{name}.npy") for name in manifest["files"]}
    with suppress(OSError):  # when it was last used; a cache that we may only read does without
        os.utime(folder / _INFO)
    return columns, manifest["info"]


def keep(folder: Path, columns: Mapping[str, Column], info: Mapping[str, Any]) -> None:
    """Write a folder of columns; one that is there already is as good. A failure leaves nothing behind.

    Nothing is forced to the disk: after a power cut the checksums tell.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=_DRAFT, dir=folder.parent))
        try:
            _write(draft, columns, info)
            os.rename(draft, folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        if not (folder / _INFO).is_file():
            size = sum(column.nbytes for column in columns.values())
            reason = error.strerror or error
            raise Failed(f"{folder} cannot be kept, it takes {size:,} bytes: {reason}") from error


def kept(folder: Path, columns: Mapping[str, Column], info: Mapping[str, Any], limit: int = LIMIT_BYTES) -> Kept:
    """Keep columns and return them mapped; where that fails it is said, and those in memory do as well."""
    try:
        keep(folder, columns, info)
    except Failed as error:
        log.warning("%s; going on without", error)
        return dict(columns), dict(info)
    make_room(folder.parent, limit, folder)
    return open_columns(folder) or (dict(columns), dict(info))


def make_room(cache: Path, limit: int, spared: Path) -> None:
    """Remove the folders that were not used for longest until at most `limit` bytes are left, and abandoned drafts.

    Who has a removed folder open keeps what is mapped. `spared` stays whatever its size.
    """
    for draft in cache.glob(f"{_DRAFT}*"):
        with suppress(OSError):
            if time.time() - draft.stat().st_mtime > _ABANDONED_S:
                shutil.rmtree(draft, ignore_errors=True)
    room = limit - _size(spared)
    for folder in sorted((each.parent for each in cache.glob(f"[!.]*/{_INFO}")), key=_last_used, reverse=True):
        if folder == spared:
            continue
        room -= _size(folder)
        if room < 0:
            remove(folder)


def remove(folder: Path) -> None:
    """Take a folder out of sight in one step, then delete it; one that is gone already is fine."""
    try:
        place = Path(tempfile.mkdtemp(prefix=_GONE, dir=folder.parent))
        try:
            os.rename(folder, place)
        finally:
            shutil.rmtree(place, ignore_errors=True)
    except FileNotFoundError:
        return
    except OSError as error:
        raise Failed(f"{folder} cannot be removed: {error.strerror or error}") from error


def _discard(folder: Path, fault: str) -> None:
    log.warning("cache %s is broken (%s): removed, to be built anew", folder, fault)
    remove(folder)


def _write(draft: Path, columns: Mapping[str, Column], info: Mapping[str, Any]) -> None:
    files = {}
    for name, column in columns.items():
        path = draft / f"{name}.npy"
        np.save(path, column)
        files[name] = {"bytes": path.stat().st_size, "checksum": checksum(path)}
    content: dict[str, Any] = {"info": dict(info), "files": files}
    (draft / _INFO).write_bytes(orjson.dumps(content | {"seal": _seal(content)}, option=orjson.OPT_INDENT_2))


def _manifest(folder: Path) -> dict[str, Any]:
    """Read `info.json`; it carries a digest of itself."""
    try:
        manifest: dict[str, Any] = orjson.loads((folder / _INFO).read_bytes())
        seal = manifest.pop("seal")
    except (orjson.JSONDecodeError, AttributeError, KeyError) as error:
        raise _Broken(f"{_INFO} is not whole") from error
    if seal != _seal(manifest):
        raise _Broken(f"{_INFO} is not what was written")
    return manifest | {"seal": seal}


def _seal(content: Mapping[str, Any]) -> str:
    return hashlib.blake2b(orjson.dumps(dict(content), option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()


def _check(folder: Path, manifest: Mapping[str, Any]) -> None:
    for name, written in manifest["files"].items():
        size = (folder / f"{name}.npy").stat().st_size
        if size != written["bytes"]:
            raise _Broken(f"{name}.npy has {size} bytes, {written['bytes']} were written")
    _check_contents(folder, manifest["seal"], (folder / _INFO).stat().st_ino)


@functools.cache
def _check_contents(folder: Path, seal: str, inode: int) -> None:
    """Compare every file with its checksum; what has passed once under the same `info.json` is not read again."""
    for name, written in _manifest(folder)["files"].items():
        if checksum(folder / f"{name}.npy") != written["checksum"]:
            raise _Broken(f"{name}.npy is not what was written")


def checksum(path: Path) -> str:
    """Return a checksum of a file: the digest of its pages' sums and of what follows the last whole page.

    A page's sum is that of its 8-byte words (mod 2^64). A cryptographic hash of every byte takes ten times as long; an
    error that leaves a page's sum as it was is not what disks make.
    """
    content = np.memmap(path, np.uint8, "r") if path.stat().st_size else np.zeros(0, np.uint8)
    whole = len(content) - len(content) % _PAGE
    sums = content[:whole].view(np.uint64).reshape(-1, _PAGE // 8).sum(axis=1)
    digest = hashlib.blake2b(sums.tobytes(), digest_size=16)
    digest.update(content[whole:].tobytes())
    return digest.hexdigest()


def _mapped(path: Path) -> Column:
    """Map a column; copy-on-write, because compiled code would be made once more for read-only arrays."""
    return np.asarray(np.load(path, mmap_mode="c"))


def _size(folder: Path) -> int:
    sizes = 0
    for path in folder.glob("*"):
        with suppress(FileNotFoundError):
            sizes += path.stat().st_size
    return sizes


def _last_used(folder: Path) -> float:
    try:
        return (folder / _INFO).stat().st_mtime
    except FileNotFoundError:
        return 0.0

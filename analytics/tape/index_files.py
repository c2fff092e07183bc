"""The skip driver's index beside the tape that it is of: built once for all processes, mapped by every other."""

import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeVar, get_type_hints

import numpy as np
import orjson

from analytics.tape.columns import Column, kept, open_columns
from strategy.replay import index, tape
from strategy.replay.index import Index, build_index
from strategy.replay.tape import Tape, TapeInfo

T = TypeVar("T")

_READ_ONLY: Final = "read_only"
_SOURCES: Final = (index, tape)  # all that an index is made by


def index_of(tape: Tape, info: TapeInfo, cache: Path) -> Index:
    """Return the index of the tape that `info` tells of, or of an excerpt of it; built when `cache` has none."""
    folder = cache / f"index-{_key(tape, info)}"
    found = open_columns(folder)
    if found is None:
        columns = dict(flat(build_index(tape)))
        locked = [name for name, column in columns.items() if not column.flags.writeable]
        found = kept(folder, columns, {_READ_ONLY: locked, "fingerprint": info.fingerprint})
    columns, told = found
    for name in told[_READ_ONLY]:  # compiled code is another one for read-only columns
        columns[name].setflags(write=False)
    return folded(Index, columns)


def flat(record: Any, within: str = "") -> Iterator[tuple[str, Column]]:
    """Yield the columns of records within records by dotted name."""
    for name, value in record._asdict().items():
        if isinstance(value, tuple):
            yield from flat(value, f"{within}{name}.")
        else:
            yield f"{within}{name}", np.asarray(value)


def folded(kind: type[T], columns: dict[str, Column], within: str = "") -> T:
    """Return the record that `flat` took apart."""
    parts = {}
    for name, part in get_type_hints(kind).items():
        nested = isinstance(part, type) and issubclass(part, tuple)
        parts[name] = folded(part, columns, f"{within}{name}.") if nested else columns[f"{within}{name}"]
    return kind(**parts)


def _key(tape: Tape, info: TapeInfo) -> str:
    """Return what names an index: the tape, which part of it, and the code that builds it."""
    part = [(len(column), int(column[0]), int(column[-1])) for column in tape if len(column)]
    return hashlib.sha256(orjson.dumps([_code_digest(), info.fingerprint, part])).hexdigest()


@functools.cache
def _code_digest() -> str:
    sources = (Path(module.__file__ or "").read_bytes() for module in _SOURCES)
    return hashlib.sha256(b"".join(sources)).hexdigest()

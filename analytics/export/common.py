"""What every export has in common: where it goes, what it says of itself, and files that are whole or absent."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from strategy.errors import BadInput, Failed

FORMATS: Final = ("hftbacktest", "parquet")
Progress = Callable[[float], None]  # the share that is done, 0 to 1


@dataclass(frozen=True, slots=True)
class Exported:
    """The files written and how many rows each has."""

    rows: Mapping[Path, int]
    metadata: Path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yield a draft beside a file's place and move it there at the end; a failure leaves nothing behind."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield draft
        draft.replace(path)
    except OSError as error:
        raise Failed(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        draft.unlink(missing_ok=True)


def write_metadata(path: Path, content: Mapping[str, Any]) -> Path:
    """Write what an export is of beside it, as JSON."""
    with whole(path) as draft:
        draft.write_bytes(orjson.dumps(dict(content), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    return path


def check_file(out: Path, suffix: str) -> None:
    """Refuse a place where no such file can be."""
    if out.suffix != suffix:
        raise BadInput(f"--out was {out}: name a file ending in {suffix}")
    if out.is_dir():
        raise BadInput(f"--out was {out}, which is a folder: name a file")


def check_folder(out: Path) -> None:
    """Refuse a place where no folder can be."""
    if out.exists() and not out.is_dir():
        raise BadInput(f"--out was {out}, which is a file: name a folder")

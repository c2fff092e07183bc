"""The line files under a home folder: which there are, and how long their streams are."""

from collections.abc import Iterator
from pathlib import Path

import zstandard

from strategy.live.capture_status import unslug
from strategy.venues.collector import COMPRESSIONS, stream_name

_HEAD_BYTES = 32


def market_folders(root: Path) -> Iterator[tuple[str, str, Path]]:
    """Yield venue, symbol and folder of every symbol under a root, in order."""
    for folder in sorted(root.glob("*/*")):
        if folder.is_dir():
            yield folder.parent.name, unslug(folder.name), folder


def streams(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield name and path of a folder's line files in order of their names; a plain file goes before its copy."""
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*.log*")):
        if path.suffix == ".log" or path.suffix in COMPRESSIONS:
            found.setdefault(stream_name(path), path)
    yield from sorted(found.items())


def stream_bytes(path: Path) -> int:
    """Return the length of a file's uncompressed stream; that of the file where the compression does not say."""
    size = path.stat().st_size
    if path.suffix != ".zst":
        return size
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    try:
        said = zstandard.frame_content_size(head)
    except zstandard.ZstdError:
        return size
    return size if said < 0 else int(said)

"""Which versions run in the shadow: a file each in the live folder. The supervisor writes, the process reads."""

from collections.abc import Sequence
from pathlib import Path

from strategy.policies.document import ParameterDocument, write_atomically


def shadow_file(folder: Path, version: int) -> Path:
    """Return the file of a version in a live folder."""
    return folder / f"shadow-{version}.json"


def shadow_files(folder: Path) -> list[Path]:
    """Return the files that are there now."""
    return sorted(folder.glob("shadow-*.json"))


def want_shadows(folder: Path, documents: Sequence[ParameterDocument]) -> list[int]:
    """Make the files be of exactly these versions; return those that came or changed."""
    wanted = {shadow_file(folder, document.version): document for document in documents}
    for path in shadow_files(folder):
        if path not in wanted:
            path.unlink(missing_ok=True)
    changed = {path: document for path, document in wanted.items() if not _holds(path, document)}
    for path, document in changed.items():
        write_atomically(path, document.to_json())
    return [document.version for document in changed.values()]


def _holds(path: Path, document: ParameterDocument) -> bool:
    return path.exists() and path.read_bytes() == document.to_json()

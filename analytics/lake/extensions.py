"""DuckDB and its extensions, which come from their PyPI wheels: pinned with everything else, nothing is downloaded."""

import importlib.util
from pathlib import Path
from typing import Final

import duckdb

from strategy.errors import Failed

_NEEDED: Final = {
    "sqlite": ("sqlite_scanner", "ducklake"),
    "postgres": ("postgres_scanner", "ducklake"),
    "s3": ("httpfs",),
}
_CONFIG: Final = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
_checked: Final[set[Path]] = set()  # files whose signature this process has seen; they stay mapped as they were then


def connected(*kinds: str) -> duckdb.DuckDBPyConnection:
    """Return a database in memory that has what catalogues (`sqlite`, `postgres`) and object stores (`s3`) need.

    DuckDB checks a file's signature at every load, an eighth of a second for each; here the first of a process counts.
    This is the one place that knows where the files are; DuckDB 2.x, whose wheels do not exist yet, changes it alone.
    """
    files = [_extension_file(name) for kind in kinds for name in _NEEDED[kind]]
    unsigned = "true" if _checked.issuperset(files) else "false"
    connection = duckdb.connect(":memory:", config={**_CONFIG, "allow_unsigned_extensions": unsigned})
    for file in files:
        connection.load_extension(str(file))
    _checked.update(files)
    return connection


def _extension_file(name: str) -> Path:
    spec = importlib.util.find_spec(f"duckdb_extension_{name}")
    if spec is None or spec.origin is None:
        raise Failed(f"the wheel duckdb-extension-{name.replace('_', '-')} is not installed")
    file = Path(spec.origin).parent / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
    if not file.is_file():
        raise Failed(f"extension {name} is not built for DuckDB {duckdb.__version__}: {file} does not exist")
    return file

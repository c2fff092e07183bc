"""DuckDB's extensions come from their PyPI wheels: pinned with everything else, and nothing is downloaded."""

import importlib.util
from pathlib import Path
from typing import Final

import duckdb

from strategy.errors import Failed

_NEEDED: Final = {
    "sqlite": ("sqlite_scanner", "ducklake"),
    "postgres": ("postgres_scanner", "httpfs", "ducklake"),
}


def load_extensions(connection: duckdb.DuckDBPyConnection, catalog: str) -> None:
    """Load what a catalogue of one kind (`sqlite`, `postgres`) needs, from the installed wheels.

    This is the one place that knows where the files are; DuckDB 2.x, whose wheels do not exist yet, changes it alone.
    """
    for name in _NEEDED[catalog]:
        connection.load_extension(str(_extension_file(name)))


def _extension_file(name: str) -> Path:
    spec = importlib.util.find_spec(f"duckdb_extension_{name}")
    if spec is None or spec.origin is None:
        raise Failed(f"the wheel duckdb-extension-{name.replace('_', '-')} is not installed")
    file = Path(spec.origin).parent / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
    if not file.is_file():
        raise Failed(f"extension {name} is not built for DuckDB {duckdb.__version__}: {file} does not exist")
    return file

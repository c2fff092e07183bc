"""The statements under `sql/`, one a file, called by name: `"queries/trades"`."""

from functools import cache
from pathlib import Path
from typing import Final

from strategy.errors import BadInput

SQL: Final = Path(__file__).resolve().parents[2] / "sql"


@cache
def statement(name: str) -> str:
    """Return the text of one statement under sql/; an unknown name is bad input."""
    path = SQL / f"{name}.sql"
    if not path.is_file():
        raise BadInput(f"no statement is named {name!r} under sql/")
    return path.read_text()


def with_literals(name: str, **values: str) -> str:
    """Return a statement with its `$name` values written in, for the few (ATTACH) that take no bound ones."""
    text = statement(name)
    for mark, value in values.items():
        text = text.replace(f"${mark}", "'" + value.replace("'", "''") + "'")
    return text

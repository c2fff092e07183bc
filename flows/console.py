"""What people see: tables on standard output, progress on standard error, plain text when nobody watches."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

if TYPE_CHECKING:
    import polars as pl

    from analytics.metrics import Metrics

PIPED_WIDTH = 180


def out() -> Console:
    """Return the console of results; in a pipe lines are wide, so that no column is cut."""
    return Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, highlight=False)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows as a table; numbers stand on the right."""
    kept = [list(row) for row in rows]
    shown = Table(title=title, title_justify="left", header_style="bold")
    for index, column in enumerate(columns):
        numeric = bool(kept) and all(isinstance(row[index], int | float | None) for row in kept)
        shown.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in kept:
        shown.add_row(*(cell(value) for value in row))
    out().print(shown)


def cell(value: object) -> str:
    """Return a value as it stands in a table."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,.6g}" if isinstance(value, float) else str(value)


def line(text: str) -> None:
    """Print one line of result, unwrapped and without markup."""
    out().print(text, markup=False, soft_wrap=True)


def complain(text: str) -> None:
    """Print one line on standard error."""
    Console(stderr=True, highlight=False).print(text, markup=False, soft_wrap=True)


def facts(title: str, values: Mapping[str, Any]) -> None:
    """Print names and values, one a line."""
    table(title, ("what", "value"), [(name, flat(value)) for name, value in values.items()])


def frame(title: str, rows: "pl.DataFrame") -> None:
    """Print a frame as a table."""
    table(title, rows.columns, [[flat(value) for value in row] for row in rows.iter_rows()])


def metrics(title: str, measured: "Metrics") -> None:
    """Print metrics: a line each, a column for all and for every regime that occurred."""
    regimes = list(measured.regimes)
    names = list(measured.overall)
    rows = [[name, measured.overall[name], *(measured.regimes[each].get(name) for each in regimes)] for name in names]
    table(title, ("metric", "all", *regimes), rows)


def flat(value: Any) -> object:
    """Return a value that fits into one cell: times to the second, collections joined."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, list | tuple):
        return ", ".join(str(each) for each in value)
    return value


@contextmanager
def progress(title: str, total: float | None = None) -> Iterator[Callable[..., None]]:
    """Show a bar on standard error; the yielded call sets `completed`, and `total` or `note` when they change."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    extra = (TimeRemainingColumn(), TextColumn("{task.fields[note]}"))
    with Progress(*columns, *extra, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=total, note="")

        def advance(completed: float, total: float | None = None, note: str = "") -> None:
            bar.update(task, completed=completed, total=total if total is not None else bar.tasks[0].total, note=note)

        yield advance

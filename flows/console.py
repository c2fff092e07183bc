"""What people see: tables on standard output, progress on standard error, plain text when nobody watches."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

if TYPE_CHECKING:
    import polars as pl

    from analytics.metrics.figures import Metrics

PIPED_WIDTH: Final = 180
PLAIN_SECONDS: Final = 5.0


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
    """Print a frame as a table; `*_ns` columns are moments and are shown as UTC."""
    moments = [column.endswith("_ns") for column in rows.columns]
    columns = [column.removesuffix("_ns") for column in rows.columns]
    shown = (zip(row, moments, strict=True) for row in rows.iter_rows())
    table(title, columns, [[_moment(value) if at else flat(value) for value, at in row] for row in shown])


def _moment(ns: int | None) -> str | None:
    return None if ns is None else f"{datetime.fromtimestamp(ns / 1e9, UTC):%Y-%m-%d %H:%M:%S}"


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


Advance = Callable[[float, float | None, str], None]


@contextmanager
def progress(title: str) -> Iterator[Advance]:
    """Yield a call (completed, total, note) that shows how far a long work is, on standard error.

    A terminal gets a bar; a pipe or a log gets a line every few seconds.
    """
    if not sys.stderr.isatty():
        yield _plain(title)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    extra = (TimeRemainingColumn(), TextColumn("{task.fields[note]}"))
    with Progress(*columns, *extra, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=None, note="")
        yield lambda completed, total, note: bar.update(task, completed=completed, total=total, note=note)


@contextmanager
def waiting(title: str) -> Iterator[None]:
    """Show on a terminal what takes its time, for as long as it does; a pipe or a log stays quiet."""
    if not sys.stderr.isatty():
        yield
        return
    with Console(stderr=True).status(title):
        yield


def _plain(title: str) -> Advance:
    said = time.monotonic()

    def advance(completed: float, total: float | None, note: str) -> None:
        nonlocal said
        if completed == total or time.monotonic() - said >= PLAIN_SECONDS:
            said = time.monotonic()
            sys.stderr.write(f"{title} {completed:g}{'' if total is None else f' of {total:g}'} {note}".rstrip() + "\n")

    return advance

"""Options that several commands share, and the settings they lead to."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from analytics.tape.line import read_line
from flows.settings import Settings, load_settings
from strategy.errors import BadInput

Venue = Annotated[str | None, typer.Option("--venue", help="Venue; default from the settings (paper).")]
Symbol = Annotated[str | None, typer.Option("--symbol", help="Symbol, BASE/QUOTE; default from the settings.")]
Markets = Annotated[
    list[str] | None,
    typer.Option("--symbol", metavar="[VENUE:]BASE/QUOTE", help="Market; repeatable; default the settings'."),
]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept in the audit.")]
Start = Annotated[str | None, typer.Option("--start", help="UTC, like 2026-01-31 or 2026-01-31T12:00.")]
End = Annotated[str | None, typer.Option("--end", help="UTC, exclusive.")]
ParamsFile = Annotated[Path | None, typer.Option("--params", help="A parameter document, JSON.")]
Params = Annotated[str | None, typer.Option("--params", help="A preset, or a parameter set or document, JSON.")]
Changes = Annotated[
    list[str] | None, typer.Option("--set", metavar="GROUP.FIELD=VALUE", help="Change one value of it; repeatable.")
]
Latency = Annotated[
    str | None,
    typer.Option(
        "--latency",
        metavar="recorded[:DAY[..DAY]]|ENTRY_MS,RESPONSE_MS",
        help="Draw from round trips of live sessions, or constants; default from the settings.",
    ),
]
FillModel = Annotated[
    str | None,
    typer.Option(
        "--fill-model",
        metavar="VERSION|latest|none",
        help="Queue and latencies as microvol fills fitted them; default from the settings.",
    ),
]
Driver = Literal["auto", "skip", "reference"]


def settings_for(venue: str | None = None, symbol: str | None = None) -> Settings:
    """Return the settings with the command's venue and symbol put in; an unknown venue is named at once."""
    settings = load_settings(venue=venue, symbol=symbol)
    settings.venue_table(settings.venue)
    return settings


def instant(text: str | None, option: str) -> int | None:
    """Read a UTC date or time as ns since the epoch."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"{option} was {text!r}: write a UTC date or time, like 2026-01-31T12:00") from error
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1_000


def line(text: str | None) -> str | None:
    """Check what is said of a line and return it as given."""
    if text is not None:
        read_line(text, "--latency")
    return text


def fill_model(text: str | None) -> str | None:
    """Check what names a fill model and return it as given."""
    if text is not None and not re.fullmatch("none|latest|[1-9][0-9]*", text):
        raise BadInput(f"--fill-model was {text!r}: write none, latest or a version's number")
    return text


def window(start: str | None, end: str | None, names: tuple[str, str]) -> tuple[int | None, int | None]:
    """Read both ends of a half-open window, by the names of their options."""
    first, last = instant(start, names[0]), instant(end, names[1])
    if first is not None and last is not None and first >= last:
        raise BadInput(f"{names[0]} was {start}, it must be before {names[1]} {end}")
    return first, last


def changes(texts: list[str] | None) -> dict[str, Any]:
    """Read the values of `--set` by dotted name."""
    from strategy.policies.dotted import assignments

    return assignments(texts or [])


def day(text: str | None, option: str) -> str | None:
    """Check a UTC date and return it as given."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise BadInput(f"{option} was {text!r}: write a UTC date, like 2026-01-31") from error

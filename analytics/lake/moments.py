"""Times as people write them, as ns since the epoch, and back as columns."""

import re
from datetime import UTC, date, datetime
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from strategy.errors import BadInput

Moment = int | str | datetime | date | np.datetime64
UNITS_NS: Final = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 10**9, "m": 60 * 10**9, "h": 3_600 * 10**9}
_FIRST_NS: Final = 10**17  # 1973: a smaller number is seconds or ms by mistake
_MOMENT: Final = "write ns since the epoch, a datetime, or UTC like '2026-01-31T12:00'"


def nanoseconds(moment: Moment, name: str) -> int:
    """Return a moment as ns since the epoch; what names no zone is UTC.

    Only an integer, a `numpy.datetime64` or a text with up to nine decimals is exact to the ns: a datetime has us.
    """
    if isinstance(moment, bool):
        raise BadInput(f"{name} was {moment!r}: {_MOMENT}")
    if isinstance(moment, np.datetime64):
        return _after_epoch(int(moment.astype("datetime64[ns]").astype(np.int64)), moment, name)
    if isinstance(moment, int | np.integer):
        return _after_epoch(int(moment), moment, name)
    if isinstance(moment, str):
        return _read(moment, name)
    if isinstance(moment, datetime):
        return _after_epoch(_of_datetime(moment), moment, name)
    if isinstance(moment, date):
        return _of_datetime(datetime(moment.year, moment.month, moment.day))
    raise BadInput(f"{name} was {moment!r}: {_MOMENT}")


def duration_ns(text: str | int, name: str) -> int:
    """Return a duration such as `250ms`, `1s` or `5m`, or a number of ns, as ns over 0."""
    if isinstance(text, int) and not isinstance(text, bool) and text > 0:
        return text
    found = re.fullmatch(r"(\d+)(ns|us|ms|s|m|h)", text) if isinstance(text, str) else None
    if found is None or int(found[1]) == 0:
        raise BadInput(f"{name} was {text!r}: write a duration over 0, like '250ms', '1s' or '5m'")
    return int(found[1]) * UNITS_NS[found[2]]


def utc_column(ns: NDArray[np.int64] | pl.Series) -> pl.Series:
    """Return ns since the epoch as UTC times."""
    column = ns if isinstance(ns, pl.Series) else pl.Series(np.ascontiguousarray(ns))
    return column.cast(pl.Int64).cast(pl.Datetime("ns")).dt.replace_time_zone("UTC")


def utc_text(ns: int) -> str:
    """Return a moment for a message, to the ms."""
    return f"{datetime.fromtimestamp(ns // 10**9, UTC):%Y-%m-%dT%H:%M:%S}.{ns % 10**9 // 10**6:03d}"


def _read(text: str, name: str) -> int:
    whole, fraction = text, ""
    found = re.fullmatch(r"(.*:\d\d)\.(\d{1,9})(Z|[+-]\d\d:?\d\d)?", text)
    if found is not None:
        whole, fraction = found[1] + (found[3] or ""), found[2]
    try:
        moment = datetime.fromisoformat(whole)
    except ValueError as error:
        raise BadInput(f"{name} was {text!r}: {_MOMENT}") from error
    return _of_datetime(moment) + int(fraction.ljust(9, "0"))


def _of_datetime(moment: datetime) -> int:
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    since = aware - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1_000


def _after_epoch(ns: int, given: object, name: str) -> int:
    if ns < _FIRST_NS:
        raise BadInput(f"{name} was {given!r}, which is before 1973: {_MOMENT}")
    return ns

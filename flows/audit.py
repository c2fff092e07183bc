"""Who moved a version when, from where to where and why: the lake's rows, and what ingest has not yet taken in."""

from typing import TYPE_CHECKING, Final

import orjson

from flows import rooms
from flows.settings import Settings

if TYPE_CHECKING:
    import polars as pl

COLUMNS: Final = ("at_ns", "what", "from_version", "to_version", "who", "reason", "outcome")


def audit(settings: Settings) -> "pl.DataFrame":
    """Return every move, refusal and trial of a market in the order of time: a row each, `COLUMNS`."""
    import polars as pl

    with rooms.lake(settings, read_only=True) as lake:
        taken = lake.query("queries/parameter_events", venue=settings.venue, symbol=settings.symbol).select(COLUMNS)
    last_ns = max(taken["at_ns"].to_list(), default=0)
    lines = [line for path in sorted(settings.layout.audit.glob("*.log")) for line in path.read_bytes().splitlines()]
    mine = {"venue": settings.venue, "symbol": settings.symbol}
    waiting = []
    for line in lines:
        at, _, text = line.partition(b" ")
        at_ns, record = int(at), orjson.loads(text)
        if at_ns > last_ns and mine.items() <= record.items():
            waiting.append({"at_ns": at_ns} | {name: record.get(name) for name in COLUMNS[1:]})
    return pl.concat((taken, pl.DataFrame(waiting, schema=taken.schema)))

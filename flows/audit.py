"""Who moved a version when, from where to where and why: the lake's rows, and what ingest has not yet taken in."""

from typing import TYPE_CHECKING, Final

from flows import rooms
from flows.settings import Settings

if TYPE_CHECKING:
    import polars as pl

COLUMNS: Final = ("at_ns", "what", "from_version", "to_version", "who", "reason", "outcome")


def audit(settings: Settings) -> "pl.DataFrame":
    """Return every move, refusal and trial of a market in the order of time: a row each, `COLUMNS`."""
    from analytics.ingest.audit_lines import waiting

    place = {"venue": settings.venue, "symbol": settings.symbol}
    with rooms.lake(settings, read_only=True) as lake, lake.transaction():  # no line moves between the two readings
        taken = lake.query("queries/parameter_events", **place)
        more = waiting(lake, settings.layout).filter(**place)
    return taken.select(COLUMNS).extend(more.select(COLUMNS)).sort("at_ns", maintain_order=True)

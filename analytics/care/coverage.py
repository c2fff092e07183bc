"""What the lake holds, symbol by symbol."""

import polars as pl

from analytics.lake.store import Lake


def coverage(lake: Lake) -> pl.DataFrame:
    """Return venue, symbol, first and last receive time (ns), updates, trades and gaps of every symbol with data."""
    return lake.query("queries/coverage")


def span(lake: Lake, venue: str, symbol: str) -> tuple[int, int] | None:
    """Return first and last receive time (ns) of one symbol, None when the lake holds nothing of it."""
    rows = coverage(lake).filter(venue=venue, symbol=symbol).select("first_ns", "last_ns").rows()
    return rows[0] if rows else None

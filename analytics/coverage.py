"""What the lake holds, symbol by symbol."""

import polars as pl

from analytics.lake import Lake


def coverage(lake: Lake) -> pl.DataFrame:
    """Return venue, symbol, first and last receive time (ns), updates, trades and gaps of every symbol with data."""
    return lake.query("queries/coverage")

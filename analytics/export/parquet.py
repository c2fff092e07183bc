"""A symbol's lake rows as Parquet files, an hour of receive time in memory at once.

Everything is of one snapshot of the lake, read by its number, so that ingest may go on. Prices and quantities are exact
decimals; times are UTC without a zone, exact to the ns (DuckDB would cut zoned ones to microseconds).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from analytics.export.common import Exported, Progress, check_folder, whole, write_metadata
from analytics.lake.market_columns import MarketColumns, side_name
from analytics.tape.book_series import Market

SLICE_NS: Final = 3_600_000_000_000
METADATA: Final = "metadata.json"
TABLES: Final = ("depth_updates", "depth_snapshots", "trades", "book_tickers", "gaps")


@dataclass(frozen=True, slots=True)
class Window:
    """Receive times in ns, both inclusive."""

    start_ns: int
    end_ns: int

    def slices(self) -> Iterator[tuple[int, int]]:
        """Yield the window in pieces, both ends inclusive."""
        for start in range(self.start_ns, self.end_ns + 1, SLICE_NS):
            yield start, min(start + SLICE_NS - 1, self.end_ns)


def export_parquet(
    market: Market, columns: MarketColumns, window: Window, out: Path, progress: Progress = lambda share: None
) -> Exported:
    """Write one file a table into a folder, and what they are of beside them; return how many rows each has."""
    check_folder(out)
    steps = {"tick_size": columns.tick_size, "lot_size": columns.lot_size}
    about = {"venue": market.venue, "symbol": market.symbol, **steps, "lake_snapshot": str(market.version)}
    rows = {}
    for n, table in enumerate(TABLES):
        path = out / f"{table}.parquet"
        rows[path] = _write(market, columns, table, window, path, about, _part(progress, n))
    counts = {path.name: count for path, count in rows.items()}
    ends = {"start_ns": window.start_ns, "end_ns": window.end_ns}
    return Exported(rows, write_metadata(out / METADATA, {"format": "parquet", **about, **ends, "rows": counts}))


def shown(table: str, rows: pl.DataFrame, columns: MarketColumns) -> pl.DataFrame:
    """Return lake rows of a table as they stand in its file."""
    return rows.select(_columns(table, columns))


def _columns(table: str, columns: MarketColumns) -> list[pl.Expr]:
    ids = {
        "depth_updates": ["first_update_id", "final_update_id"],
        "depth_snapshots": ["last_update_id"],
        "book_tickers": ["update_id"],
    }
    if table == "trades":
        sold = (columns.price("price_ticks").alias("price"), columns.quantity("qty_lots").alias("quantity"))
        return [*_times("local_ts", "exch_ts"), pl.col("trade_id"), side_name(), *sold]
    if table == "gaps":
        return [*_times("local_ts"), *(pl.col(name) for name in ("stream", "expected_id", "got_id", "reason"))]
    if table == "book_tickers":
        sides = [_best(columns, side) for side in ("bid", "ask")]
        return [*_times("local_ts"), pl.col(ids[table]), *sides[0], *sides[1]]
    if table == "depth_snapshots":
        return [*_times("local_ts"), pl.col(ids[table]), *columns.level_lists()]
    previous = pl.when(pl.col("prev_update_id") >= 0).then("prev_update_id").alias("prev_update_id")
    return [*_times("local_ts", "exch_ts"), pl.col(ids[table]), previous, *columns.level_lists()]


def _best(columns: MarketColumns, side: str) -> list[pl.Expr]:
    return [
        columns.price(f"{side}_ticks").alias(f"{side}_price"),
        columns.quantity(f"{side}_lots").alias(f"{side}_quantity"),
    ]


def _times(*names: str) -> list[pl.Expr]:
    return [pl.col(name).cast(pl.Datetime("ns")) for name in names]


def _write(
    market: Market,
    columns: MarketColumns,
    table: str,
    window: Window,
    path: Path,
    about: Mapping[str, str],
    progress: Progress,
) -> int:
    name, count = f"queries/{table}_of_version", 0
    schema = _arrow(shown(table, market.query(name, 0, -1), columns)).schema.with_metadata(about)
    with whole(path) as draft, pq.ParquetWriter(draft, schema, compression="zstd") as writer:
        for start, end in window.slices():
            rows = shown(table, market.query(name, start, end), columns)
            if len(rows):
                writer.write_table(_arrow(rows).cast(schema))
            count += len(rows)
            progress((end - window.start_ns + 1) / (window.end_ns - window.start_ns + 1))
    return count


def _arrow(rows: pl.DataFrame) -> pa.Table:
    return rows.to_arrow(compat_level=pl.CompatLevel.oldest())


def _part(progress: Progress, n: int) -> Progress:
    """Return the progress of the n-th table as a share of all."""
    return lambda share: progress((n + share) / len(TABLES))

"""Rows of `gap` kept true whatever order data comes in: a hole is what no row fills, no more and no less."""

from typing import Any, Final

from analytics.lake.store import Lake
from strategy.venues.events import DepthDiff, Gap
from strategy.venues.sequence import follows

LATE: Final = "sequence"
Span = tuple[int, int]


def seams(lake: Lake, place: dict[str, Any], end_ns: int, depth_id: int | None, trade_id: int | None) -> dict[str, Gap]:
    """Return by stream the hole between a batch and the rows that the lake holds of the time after it.

    The batch ends at `end_ns` with these ids (None = none of the kind). Data that comes in order has nothing after it.
    """
    row = lake.query("queries/next_rows", **place, after_ns=end_ns).row(0, named=True)
    found = {}
    if depth_id is not None and row["first_update_id"] is not None and row["final_update_id"] > depth_id:
        ids = (row["first_update_id"], row["final_update_id"], row["prev_update_id"])
        if not follows(DepthDiff("", 0, row["depth_local_ts"], *ids, (), ()), depth_id):
            found["depth"] = Gap(row["depth_local_ts"], depth_id + 1, row["first_update_id"], LATE)
    if trade_id is not None and row["trade_id"] is not None and row["trade_id"] > trade_id + 1:
        found["trade"] = Gap(row["trade_local_ts"], trade_id + 1, row["trade_id"], LATE)
    return found


def close_holes(lake: Lake, place: dict[str, Any], spans: dict[str, Span]) -> int:
    """Cut what rows have filled out of the holes they touch; return how many holes there are more (fewer: negative).

    `spans` are the lowest and highest id of what has just come, by stream; called in the transaction of these rows.
    """
    change = 0
    for stream, (low, high) in spans.items():
        touched = {**place, "low": low, "high": high}
        if lake.query("queries/touched_gap_count", **touched, stream=stream).item():
            change += lake.execute(f"staging/add_remaining_{stream}_gaps", **touched)
            change -= lake.execute(f"staging/fill_{stream}_gaps", **touched)
    return change

"""Resting orders of live sessions as the venue saw them: when each joined its queue, what it filled, when it ended."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analytics.lake.store import Lake

I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class OwnOrder:
    """One order that rested; times are the venue's, ns. `fill_ns` and `fill_lots` (n,) are its fills in time order."""

    side: int
    price_ticks: int
    qty_lots: int
    joined_ns: int
    ended_ns: int
    fill_ns: I64
    fill_lots: I64


def own_orders(lake: Lake, venue: str, symbol: str, window: tuple[int, int]) -> tuple[list[OwnOrder], int]:
    """Return the orders of a window of receive time (ns, both ends inclusive), and how many were left out.

    Left out are those of which the venue told no time of joining or ending.
    """
    place = {"venue": venue, "symbol": symbol, "start_ns": window[0], "end_ns": window[1]}
    orders, fills = (lake.query(f"queries/{name}", **place) for name in ("resting_orders", "fills"))
    executions = fills.group_by("session", "order_id").agg(
        pl.col("exch_ts").sort_by("exch_ts", "trade_id").alias("fill_ns"),
        pl.col("qty_lots").sort_by("exch_ts", "trade_id").alias("fill_lots"),
    )
    rows = orders.join(executions, on=["session", "order_id"], how="left", maintain_order="left").to_dicts()
    known = [order for row in rows if (order := _order(row)) is not None]
    return known, len(rows) - len(known)


def _order(row: dict[str, Any]) -> OwnOrder | None:
    """Return one order; None where its beginning or its end is not known."""
    times = np.array(row["fill_ns"] or [], np.int64)
    lots = np.array(row["fill_lots"] or [], np.int64)
    filled = len(lots) > 0 and int(lots.sum()) >= row["qty_lots"]
    ended = int(times[-1]) if filled else row["cancelled_ns"]
    if row["joined_ns"] is None or ended is None:
        return None
    return OwnOrder(row["side"], row["price_ticks"], row["qty_lots"], row["joined_ns"], ended, times, lots)


def digest(orders: Iterable[OwnOrder]) -> str:
    """Return the SHA-256 of orders."""
    found = hashlib.sha256()
    for order in orders:
        found.update(repr((order.side, order.price_ticks, order.qty_lots, order.joined_ns, order.ended_ns)).encode())
        found.update(order.fill_ns.tobytes() + order.fill_lots.tobytes())
    return found.hexdigest()

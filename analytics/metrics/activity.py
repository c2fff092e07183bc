"""What one parameter version did over one stretch of time: the same record for a replay and for a live session."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from strategy.kernel.records import ENTRY, REGIME_NAMES, TAKE_PROFIT
from strategy.replay.orders import FILLED, KINDS, REFUSED, REGIMES, SENT, TAKING
from strategy.replay.rows import REJECTED

if TYPE_CHECKING:
    from strategy.replay.driver import ReplayResult

Rows = NDArray[np.void]
RESTING: Final = (ENTRY, TAKE_PROFIT)  # purposes of orders that wait to be filled; all others take


@dataclass(frozen=True, slots=True)
class Activity:
    """Fills, orders and samples (dtypes of `strategy.replay.rows`) with the holdings at both ends.

    Times are ns, prices ticks, quantities lots, money atoms (tick times lot). Where no rows of orders were recorded
    `order_counts` says how many there were.
    """

    fills: Rows
    orders: Rows
    samples: Rows
    start_ns: int
    end_ns: int
    start_base_lots: float
    start_quote_atoms: float
    start_mid_ticks: float
    end_base_lots: float
    end_quote_atoms: float
    end_mid_ticks: float
    order_counts: NDArray[np.int64] | None = None

    def counted(self) -> NDArray[np.int64]:
        """Return how many orders there were, (REGIMES, KINDS) of strategy.replay.orders."""
        if self.order_counts is not None and len(self.orders) == 0:
            return self.order_counts
        return counts_of(self.orders)


@dataclass(frozen=True, slots=True)
class Marks:
    """One activity as a walk from mark to mark: every sample and every fill, in time order (N rows).

    `position` and `cash` stand after the mark; `carry` is the inventory PnL of the step that ends at the mark, with one
    more row (N + 1) for the step from the last mark to the end; `regime` is the one in force during that step.
    """

    ts: NDArray[np.int64]
    mid: NDArray[np.float64]
    position: NDArray[np.float64]
    cash: NDArray[np.float64]
    carry: NDArray[np.float64]
    regime: NDArray[np.int64]

    @property
    def equity(self) -> NDArray[np.float64]:
        """Return holdings at mid after each mark, atoms."""
        return self.cash + self.position * self.mid


def counts_of(orders: Rows) -> NDArray[np.int64]:
    """Return how many orders there were in each regime (REGIMES, KINDS), as a replay counts them itself."""
    counts = np.zeros((REGIMES, KINDS), np.int64)
    regime = orders["regime"].astype(np.int64)
    rests, refused = np.isin(orders["purpose"], RESTING), orders["outcome"] == REJECTED
    np.add.at(counts[:, SENT], regime[rests & ~refused], 1)
    np.add.at(counts[:, REFUSED], regime[rests & refused], 1)
    np.add.at(counts[:, FILLED], regime[rests & (orders["filled_lots"] > 0)], 1)
    np.add.at(counts[:, TAKING], regime[~rests], 1)
    return counts


def of_replay(result: "ReplayResult", start_ns: int, end_ns: int) -> Activity:
    """Return a replay's result as an activity over [start_ns, end_ns].

    Where the book was unknown at an end, the nearest known mid stands for it.
    """
    known = result.samples["mid_ticks"][np.nan_to_num(result.samples["mid_ticks"]) > 0]
    first, last = (float(known[0]), float(known[-1])) if len(known) else (0.0, 0.0)
    start_mid = result.start_mid_ticks if np.isfinite(result.start_mid_ticks) else first
    end_mid = result.end_mid_ticks if np.isfinite(result.end_mid_ticks) else last
    return Activity(
        fills=result.fills,
        orders=result.orders,
        samples=result.samples,
        start_ns=start_ns,
        end_ns=end_ns,
        start_base_lots=result.start_base_lots,
        start_quote_atoms=result.start_quote_atoms,
        start_mid_ticks=start_mid,
        end_base_lots=result.end_base_lots,
        end_quote_atoms=result.end_quote_atoms,
        end_mid_ticks=end_mid,
        order_counts=result.order_counts,
    )


def walk(activity: Activity) -> Marks:
    """Merge samples and fills into marks; a sample without a mid is no mark, and a fill keeps the regime in force."""
    samples = activity.samples[np.nan_to_num(activity.samples["mid_ticks"]) > 0]
    fills = activity.fills
    side = fills["side"].astype(np.float64)
    ts = np.concatenate([samples["ts"], fills["exch_ts"]]).astype(np.int64)
    order = np.argsort(ts, kind="stable")
    nothing = np.zeros(len(samples))
    bought = np.concatenate([nothing, side * fills["qty_lots"] - fills["fee_base_lots"]])[order]
    paid = np.concatenate([nothing, side * fills["price_ticks"] * fills["qty_lots"] + fills["fee_quote_atoms"]])[order]
    mid = np.concatenate([samples["mid_ticks"], fills["mid_ticks"]])[order]
    label = np.concatenate([samples["regime"].astype(np.int64), np.full(len(fills), -1)])[order]
    position = activity.start_base_lots + np.cumsum(bought)
    steps = np.diff(np.concatenate([[activity.start_mid_ticks], mid, [activity.end_mid_ticks]]))
    held = np.concatenate([[activity.start_base_lots], position])
    return Marks(
        ts=ts[order],
        mid=mid,
        position=position,
        cash=activity.start_quote_atoms - np.cumsum(paid),
        carry=held * steps,
        regime=_in_force(label),
    )


def excess(activity: Activity, marks: Marks) -> NDArray[np.float64]:
    """Return the PnL at each mark, atoms, above what holding the start inventory would have made."""
    held = activity.start_base_lots * (marks.mid - activity.start_mid_ticks)
    start = activity.start_quote_atoms + activity.start_base_lots * activity.start_mid_ticks
    return marks.equity - held - start


def _in_force(label: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each step (N + 1) the last label known before it; -1 rows know none, the first one is assumed back."""
    known = np.flatnonzero(label >= 0)
    if len(known) == 0:
        return np.zeros(len(label) + 1, np.int64)
    last = np.searchsorted(known, np.arange(len(label) + 1), side="left") - 1
    return label[known[np.maximum(last, 0)]]


def regime_index(names: NDArray[Any]) -> NDArray[np.int8]:
    """Return regime names as they stand in the lake as the kernel's numbers."""
    number = {name: index for index, name in enumerate(REGIME_NAMES)}
    return np.array([number[str(name)] for name in names], np.int8)

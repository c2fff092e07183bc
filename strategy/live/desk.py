"""One order of a live session, and what the orders need of the session they belong to."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from strategy.kernel.records import ENTRY, REBALANCE
from strategy.venues.ports import OrderKind, OrderRequest, OwnFill


@dataclass(slots=True)
class LiveOrder:
    """One order of this session. `ended` = the strategy has been told that it is gone."""

    client_id: str
    order_id: int
    version: int
    side: int
    level: int
    price_ticks: int
    qty_lots: int
    mid_ticks: float
    regime: int
    sent_ns: int
    kind: OrderKind = "post_only"
    purpose: int = ENTRY
    known: bool = False  # the venue has confirmed that it rests or rested
    doubted: bool = False  # its outcome was unknown for a while
    ended: bool = False
    cancel_wanted: bool = False
    filled_lots: int = 0
    busy: bool = False  # a task is cancelling or settling it

    @property
    def reduce_only(self) -> bool:
        """Say whether the order closes a position (strategy.kernel.records)."""
        return self.purpose not in (ENTRY, REBALANCE)

    def request(self) -> OrderRequest:
        """Return what is sent to the venue."""
        return OrderRequest(
            self.client_id, self.side, self.price_ticks, self.qty_lots, kind=self.kind, reduce_only=self.reduce_only
        )


class Desk(Protocol):
    """What the orders need of their session: one place to feed events, one to write order steps."""

    def push(self, event: np.void) -> None:
        """Feed an event to the strategy."""
        ...

    def note_order(self, order: LiveOrder, what: str, detail: str = "", exch_ts: int = 0) -> None:
        """Journal a step in an order's life; `exch_ts` (ns) is when it came to pass at the venue, 0 = not told."""
        ...

    def note_fill(self, order: LiveOrder, fill: OwnFill) -> None:
        """Journal an execution."""
        ...

    def balance_changed(self, reason: str) -> None:
        """Have the holdings read anew: an execution was not of this session's orders."""
        ...

    def failed(self, error: BaseException) -> None:
        """Stop quoting: something happened that the code did not foresee."""
        ...

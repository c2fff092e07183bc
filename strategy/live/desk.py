"""One order of a live session, and what the orders need of the session they belong to."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, Protocol

import numpy as np

from strategy.kernel.records import ENTRY, REBALANCE
from strategy.venues.ports import OrderKind, OrderRequest, OwnFill

PREFIX: Final = "mv-"  # of every client id of ours, whichever session sent the order

# The venue drops a request that reaches it later than the receive window, so a `missing` order is final only after it.
UNKNOWN_FINAL_NS: Final = 6_000_000_000

# pending: sent, nothing heard. unknown: the answer was lost, the venue is being asked. open: it rests, or rested.
# cancelling: a cancel is on its way. ended: the strategy has been told that it is gone.
OrderState = Literal["pending", "unknown", "open", "cancelling", "ended"]


@dataclass(slots=True)
class LiveOrder:
    """One order of this session; `sent_ns` is when the request for it left us."""

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
    state: OrderState = "pending"
    rejected: bool = False  # ended because the venue does not have it
    doubted: bool = False  # its outcome was unknown for a while
    cancel_wanted: bool = False
    news_ns: int = 0  # when the news that caused it was received, and its kind
    news_kind: int = 0
    filled_lots: int = 0
    busy: bool = False  # a task is cancelling or settling it

    @property
    def known(self) -> bool:
        """Say whether the venue has confirmed that it exists."""
        return self.state in ("open", "cancelling")

    @property
    def ended(self) -> bool:
        """Say whether it is gone for the strategy."""
        return self.state == "ended"

    @property
    def reduce_only(self) -> bool:
        """Say whether the order closes a position (strategy.kernel.records)."""
        return self.purpose not in (ENTRY, REBALANCE)

    def confirm(self) -> None:
        """Take that the venue knows it."""
        if self.state in ("pending", "unknown"):
            self.state = "open"

    def request(self, written: Callable[[], None] | None = None) -> OrderRequest:
        """Return what is sent to the venue; `written` is called once it is on its way."""
        return OrderRequest(
            client_id=self.client_id,
            side=self.side,
            price_ticks=self.price_ticks,
            qty_lots=self.qty_lots,
            kind=self.kind,
            reduce_only=self.reduce_only,
            written=written,
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

    def listed_fill(self, fill: OwnFill) -> None:
        """Take an execution of this session's orders as the venue's own list has it."""
        ...

    def note_listed(self, trade_id: int) -> None:
        """Journal that the venue's own list of executions was read up to this one."""
        ...

    def outside_fill(self, fill: OwnFill) -> None:
        """Take an execution on this account that is not of this session's orders."""
        ...

    def failed(self, error: BaseException) -> None:
        """Stop quoting: something happened that the code did not foresee."""
        ...

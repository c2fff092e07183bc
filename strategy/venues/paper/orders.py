"""The account's own orders and trades, as the venue keeps them."""

from dataclasses import dataclass, field
from typing import Literal

from strategy.venues.paper.book import Order

OrderType = Literal["LIMIT", "LIMIT_MAKER", "MARKET"]
TimeInForce = Literal["GTC", "IOC", "FOK", "GTX"]
Status = Literal["NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "EXPIRED", "EXPIRED_IN_MATCH"]
PositionSide = Literal["BOTH", "LONG", "SHORT"]
MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Ticket:
    """A new order after its parameters were read: `price` 0 for MARKET. The last two are for futures."""

    client_id: str
    side: int
    kind: OrderType
    time_in_force: TimeInForce
    price: int
    qty: int
    reduce_only: bool = False
    position_side: PositionSide = "BOTH"


@dataclass(frozen=True, slots=True)
class OwnTrade:
    """One execution of an own order; money in 1e-8 units."""

    trade_id: int
    order_id: int
    side: int
    price: int
    qty: int
    quote_units: int
    commission_units: int
    commission_asset: str
    maker: bool
    at_ns: int
    realized_units: int = 0
    position_side: PositionSide = "BOTH"


@dataclass(slots=True)
class OwnOrder:
    """An order from its acceptance to its end."""

    order_id: int
    ticket: Ticket
    created_ns: int
    updated_ns: int
    status: Status = "NEW"
    filled: int = 0
    quote_units: int = 0
    resting: Order | None = None
    cancel_id: str = ""
    trades: list[OwnTrade] = field(default_factory=list)

    @property
    def leaves(self) -> int:
        """Return what is not executed, in lots."""
        return self.ticket.qty - self.filled

    @property
    def is_open(self) -> bool:
        """Say whether more can happen to it."""
        return self.status in ("NEW", "PARTIALLY_FILLED")

    def fill(self, trade: OwnTrade) -> None:
        """Record one execution."""
        self.trades.append(trade)
        self.filled += trade.qty
        self.quote_units += trade.quote_units
        self.status = "FILLED" if self.leaves == 0 else "PARTIALLY_FILLED"
        self.updated_ns = trade.at_ns

    def end(self, status: Status, now_ns: int) -> None:
        """End without a further execution."""
        self.status = status
        self.updated_ns = now_ns
        self.resting = None

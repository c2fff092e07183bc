"""The two doors to a venue. Each has one hand-written fake under tests/ and one ccxt adapter."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from strategy.policies.document import Instrument

OrderStatus = Literal["open", "filled", "cancelled", "rejected", "missing"]
OrderKind = Literal["post_only", "ioc"]


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """A limit order that only rests, or one that fills at once and is else cancelled (`ioc`).

    The client id is ours, unique, and carries version and slot. `reduce_only` orders close a position; it means
    something on futures alone. `written` is called when the request is on its way.
    """

    client_id: str
    side: int
    price_ticks: int
    qty_lots: int
    kind: OrderKind = "post_only"
    reduce_only: bool = False
    written: Callable[[], None] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class OwnFill:
    """One execution of ours, merged once by `trade_id`. Fees in lots of base and atoms of quote."""

    trade_id: int
    client_id: str
    side: int
    price_ticks: int
    qty_lots: int
    leaves_lots: int
    fee_base_lots: float
    fee_quote_atoms: float
    maker: bool
    exch_ts: int


@dataclass(frozen=True, slots=True)
class OrderReport:
    """What the venue says of one of our orders; `missing` = the venue knows no such order."""

    client_id: str
    status: OrderStatus
    side: int
    price_ticks: int
    qty_lots: int
    filled_lots: int
    exch_ts: int
    fills: tuple[OwnFill, ...] = ()  # executions that the reply itself names


def missing(client_id: str) -> OrderReport:
    """Return the report of an order that the venue does not know."""
    return OrderReport(client_id, "missing", side=0, price_ticks=0, qty_lots=0, filled_lots=0, exch_ts=0)


@dataclass(frozen=True, slots=True)
class Balance:
    """Total holdings of the account in the symbol's two assets: lots of base, atoms of quote."""

    base_lots: float
    quote_atoms: float


@dataclass(frozen=True, slots=True)
class Transfer:
    """What came into the account (negative: went out) other than by an order: lots of base, atoms of quote."""

    base_lots: float
    quote_atoms: float


@dataclass(frozen=True, slots=True)
class StreamReset:
    """The user stream (re)started, or told something unreadable: what happened before has to be asked for."""

    reason: str


@dataclass(frozen=True, slots=True)
class StreamLost:
    """The user stream ended: from now on nobody tells us of executions, until the next StreamReset."""

    reason: str


OwnEvent = OrderReport | OwnFill | Transfer | StreamReset | StreamLost


class Feed(Protocol):
    """Raw frames of one symbol, every one exactly once per connection."""

    async def deliver(self, take: Callable[[int, bytes], None]) -> None:
        """Call `take` with (local_ns, json) for each frame, as soon as it is read; reconnect for ever.

        REST snapshots and `{"epoch": …}` marks are frames too. What `take` raises is raised here.
        """
        ...

    async def resnapshot(self) -> None:
        """Fetch a REST snapshot soon and deliver it among the frames."""
        ...

    async def close(self) -> None:
        """End the connection; `deliver` then returns."""
        ...


class Orderer(Protocol):
    """What orders need. A call either returns, or raises OrderRejected (final) or OutcomeUnknown (ask again)."""

    def place(self, request: OrderRequest) -> Awaitable[OrderReport]:
        """Send one order, in this very call if possible, at the latest when awaited: only that raises.

        An `ioc` that found nothing is reported as `cancelled`, not raised.
        """
        ...

    async def cancel(self, client_id: str) -> OrderReport:
        """Cancel one order; an order that the venue does not know is reported as `missing`, not raised."""
        ...

    async def order(self, client_id: str) -> OrderReport:
        """Ask the venue about one order."""
        ...

    async def fills(self, since_trade_id: int) -> list[OwnFill]:
        """Return our executions after a trade id, oldest first; `leaves_lots` is -1 where REST does not say.

        A negative id asks for the newest page alone, without client ids.
        """
        ...

    async def close(self) -> None:
        """End every connection."""
        ...


class Broker(Orderer, Protocol):
    """Orders and account of one symbol."""

    async def instrument(self) -> Instrument:
        """Return the symbol's filters."""
        ...

    async def cancel_all(self) -> int:
        """Cancel every open order on the symbol and return how many there were."""
        ...

    async def open_orders(self) -> list[OrderReport]:
        """Return every open order on the symbol."""
        ...

    async def balance(self) -> Balance:
        """Return the account's total holdings in base and quote."""
        ...

    def own_events(self) -> AsyncIterator[OwnEvent]:
        """Yield the user stream's news, a reset at each of its starts and a loss at each end; reconnect for ever."""
        ...

    def renew_stream(self, reason: str) -> None:
        """Give up the user stream's connection, which has kept something from us, and open another."""
        ...

    async def rehearsal(self) -> Orderer | None:
        """Return orders that are prepared as this broker's are and sent nowhere; None when it sends none itself."""
        ...

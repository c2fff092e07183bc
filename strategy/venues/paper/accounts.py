"""The account's two balances in 1e-8 units: free, and locked behind resting orders.

Commission is charged in the asset that is received, as the venue does without its own coin.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, Protocol, Self

from strategy.kernel.records import BUY
from strategy.venues.paper.config import PaperConfig
from strategy.venues.paper.grid import Grid, money_units
from strategy.venues.paper.orders import Ticket
from strategy.venues.paper.refusals import insufficient_balance

BPS = Decimal(10_000)


@dataclass(slots=True)
class Holding:
    """One asset of the account."""

    asset: str
    free: int
    locked: int = 0

    @property
    def total(self) -> int:
        """Return free and locked together."""
        return self.free + self.locked

    def lock(self, units: int) -> None:
        """Set units aside for an order; the caller has checked that they are free."""
        self.free -= units
        self.locked += units

    def release(self, units: int) -> None:
        """Give units of an ended order back."""
        self.locked -= units
        self.free += units


class Settlement(NamedTuple):
    """What one execution cost and brought: commission and its asset, and on futures the profit that it realized."""

    commission_units: int
    commission_asset: str
    realized_units: int = 0


class Ledger(Protocol):
    """The money behind an order desk. `Account` keeps it for spot, `FuturesAccount` for futures."""

    def check(self, ticket: Ticket, quote_units: int) -> None:
        """Refuse an order that is worth `quote_units` and cannot be paid for."""
        ...

    def closable(self, ticket: Ticket) -> int:
        """Return the lots of position that an order of this side would close."""
        ...

    def lock(self, ticket: Ticket, qty: int) -> None:
        """Set aside what lots of an order may need."""
        ...

    def release(self, ticket: Ticket, qty: int) -> None:
        """Give back what was set aside for lots that will not execute."""
        ...

    def settle(self, ticket: Ticket, price: int, qty: int, maker: bool) -> Settlement:
        """Book one execution."""
        ...

    def deposit(self, asset: str, units: int) -> Holding:
        """Move free money in or out and return its holding; ValueError when it is not there."""
        ...

    def holdings(self) -> Sequence[Holding]:
        """Return every asset that is held."""
        ...

    def fees(self) -> dict[str, int]:
        """Return the commission paid so far by asset."""
        ...

    def inherit(self, other: Self) -> None:
        """Take over what another account owns; its orders are gone."""
        ...


class Account:
    """Holdings of one person and the fees that were kept from them."""

    def __init__(self, config: PaperConfig, grid: Grid) -> None:
        """Open the account with the configured balances."""
        self.base = Holding(config.base_asset, money_units(config.base))
        self.quote = Holding(config.quote_asset, money_units(config.quote))
        self.fees_base = 0
        self.fees_quote = 0
        self._maker, self._taker = config.maker_fee_bps, config.taker_fee_bps
        self._grid = grid

    def pays_with(self, side: int) -> Holding:
        """Return the holding that an order of a side spends."""
        return self.quote if side == BUY else self.base

    def cost(self, side: int, price: int, qty: int) -> int:
        """Return what an order spends when it fills at a price, in the units of `pays_with`."""
        return self._grid.quote_units(price, qty) if side == BUY else self._grid.base_units(qty)

    def check(self, ticket: Ticket, quote_units: int) -> None:
        """Refuse an order that could spend more than is free."""
        spends = quote_units if ticket.side == BUY else self._grid.base_units(ticket.qty)
        if spends > self.pays_with(ticket.side).free:
            raise insufficient_balance()

    def closable(self, ticket: Ticket) -> int:
        """Return 0: there are no positions on spot."""
        return 0

    def lock(self, ticket: Ticket, qty: int) -> None:
        """Set aside what lots of an order may spend."""
        self.pays_with(ticket.side).lock(self._locked(ticket, qty))

    def release(self, ticket: Ticket, qty: int) -> None:
        """Give back what was set aside for lots that will not execute."""
        self.pays_with(ticket.side).release(self._locked(ticket, qty))

    def settle(self, ticket: Ticket, price: int, qty: int, maker: bool) -> Settlement:
        """Book one execution; a better price than the order's gives the difference back."""
        side, locked = ticket.side, self._locked(ticket, qty)
        spent = self.cost(side, price, qty)
        received = self.cost(-side, price, qty)
        commission = int(received * (self._maker if maker else self._taker) / BPS)
        paying, receiving = self.pays_with(side), self.pays_with(-side)
        paying.locked -= locked
        paying.free += locked - spent
        receiving.free += received - commission
        if side == BUY:
            self.fees_base += commission
        else:
            self.fees_quote += commission
        return Settlement(commission, receiving.asset)

    def deposit(self, asset: str, units: int) -> Holding:
        """Move free money in or out; ValueError for an asset that is not held or more than is free."""
        holding = next((held for held in self.holdings() if held.asset == asset), None)
        if holding is None or holding.free + units < 0:
            raise ValueError(f"{asset} cannot change by {units}e-8")
        holding.free += units
        return holding

    def holdings(self) -> Sequence[Holding]:
        """Return base and quote."""
        return self.base, self.quote

    def fees(self) -> dict[str, int]:
        """Return the commission paid so far by asset."""
        return {self.base.asset: self.fees_base, self.quote.asset: self.fees_quote}

    def inherit(self, other: Self) -> None:
        """Take over what another account owns; what was locked there is free here."""
        self.base.free, self.quote.free = other.base.total, other.quote.total
        self.fees_base, self.fees_quote = other.fees_base, other.fees_quote

    def _locked(self, ticket: Ticket, qty: int) -> int:
        """Return what is set aside for a quantity: a MARKET order pays from free funds as it goes."""
        return 0 if ticket.kind == "MARKET" else self.cost(ticket.side, ticket.price, qty)

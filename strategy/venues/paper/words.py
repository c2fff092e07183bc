"""How orders, trades and accounts are told: a port with a voice for spot (`Reports`) and one for futures."""

from collections.abc import Iterable
from typing import Any, Protocol

from strategy.venues.paper.accounts import Holding, Ledger
from strategy.venues.paper.engine import Print
from strategy.venues.paper.orders import OwnOrder, OwnTrade

Told = dict[str, Any]


class Words(Protocol):
    """User-stream events, then REST and WS API replies."""

    def execution(self, order: OwnOrder, kind: str, at_ns: int, trade: OwnTrade | None = None) -> Told:
        """Return the event of what just happened to an order."""
        ...

    def position(self, account: Ledger, at_ns: int) -> Told | None:
        """Return the event of what the account now holds, None when there is nothing new to say."""
        ...

    def balance_update(self, holding: Holding, delta_units: int, at_ns: int) -> Told:
        """Return the event of a deposit or a withdrawal."""
        ...

    def order(self, order: OwnOrder) -> Told:
        """Return an order as queries report it."""
        ...

    def placed(self, order: OwnOrder, detail: str) -> Told:
        """Return the reply to a new order: detail ACK, RESULT or FULL."""
        ...

    def cancelled(self, order: OwnOrder) -> Told:
        """Return the reply to a cancel."""
        ...

    def trades(self, trades: Iterable[OwnTrade]) -> list[Told]:
        """Return own trades."""
        ...

    def public_trade(self, trade: Print) -> Told:
        """Return a public trade."""
        ...

    def aggregate_trade(self, trade: Print) -> Told:
        """Return a public trade as an aggregate of itself."""
        ...

    def account(self, account: Ledger, fees: tuple[str, str], at_ns: int) -> Told:
        """Return the account; `fees` are maker and taker commission as fractions."""
        ...

    def commission(self, fees: tuple[str, str]) -> Told:
        """Return the commission rates."""
        ...

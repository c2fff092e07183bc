"""USDT-M futures' words on our own orders and the account, as reports, fills and holdings.

Holdings are told as spot's, so that books, limits and strategy mean the same in both: the base held is the position,
the cash held is the wallet less what the position cost. A purchase moves both by its quantity and its price, an opening
as a closing one, and cash plus base at mid is wallet plus unrealized profit.
"""

from decimal import Decimal
from typing import Any, Final

from strategy.errors import BadData
from strategy.venues.own_orders import OrderReader
from strategy.venues.ports import Balance, OwnEvent, OwnFill

ORDER_UPDATE: Final = "ORDER_TRADE_UPDATE"
ACCOUNT_UPDATE: Final = "ACCOUNT_UPDATE"
_TRADED: Final = "ORDER"  # why an account changed: by our executions, which are told by themselves


class FuturesOrderReader(OrderReader):
    """The same records from other words, of a symbol in one-way mode."""

    def fill(self, trade: dict[str, Any], client_id: str) -> OwnFill:
        """Read one row of REST's userTrades, which names no client id and no rest."""
        return super().fill(trade | {"isBuyer": trade["buyer"], "isMaker": trade["maker"]}, client_id)

    def named(self, event: dict[str, Any]) -> tuple[str, str] | None:
        """Return the venue's id and ours of an order that a message of the user stream tells of for the first time."""
        return super().named(_order_update(event))

    def stream(self, event: dict[str, Any]) -> tuple[OwnEvent, ...]:
        """Read one message of the user stream; () when it is of another symbol or kind, or says nothing new."""
        if event["e"] == ACCOUNT_UPDATE:
            return self._account_update(event["a"])
        return super().stream(_order_update(event))

    def balance(self, account: dict[str, Any]) -> Balance:
        """Read wallet and position of an account reply; BadData when it names no wallet, or is in hedge mode."""
        wallets = [row for row in account["assets"] if row["asset"] == self._quote]
        if not wallets:
            raise BadData(f"the account lists no {self._quote}")
        held = [row for row in account["positions"] if row["symbol"] == self._market_id]
        apart = [row["positionSide"] for row in held if row["positionSide"] != "BOTH" and Decimal(row["positionAmt"])]
        if apart:
            raise BadData(f"a {apart[0]} position stands by itself (hedge mode)")
        net = [row for row in held if row["positionSide"] == "BOTH"]
        lots = sum((Decimal(row["positionAmt"]) for row in net), Decimal(0)) / self._lot
        cost = sum((Decimal(row["notional"]) - Decimal(row["unrealizedProfit"]) for row in net), Decimal(0))
        cash = Decimal(wallets[0]["walletBalance"]) - cost
        return Balance(base_lots=float(lots), quote_atoms=float(cash / self._atom))

    def _account_update(self, told: dict[str, Any]) -> tuple[OwnEvent, ...]:
        """Read what came into the wallet other than by our executions: deposits, funding, transfers."""
        if told["m"] == _TRADED:
            return ()
        changes = [Decimal(row["bc"]) for row in told["B"] if row["a"] == self._quote]
        return tuple(event for change in changes if change for event in self._transfer(self._quote, change))


def _order_update(event: dict[str, Any]) -> dict[str, Any]:
    """Return a message about an order as spot would tell it."""
    return {"e": "executionReport", **event["o"]} if event["e"] == ORDER_UPDATE else event

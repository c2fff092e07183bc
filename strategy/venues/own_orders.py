"""The venue's words on our own orders, REST and user stream, as reports and fills in ticks and lots."""

from decimal import Decimal
from typing import Any, Final

import structlog

from strategy.errors import BadData
from strategy.kernel.records import BUY, SELL
from strategy.venues.ports import Balance, OrderReport, OrderStatus, OwnEvent, OwnFill, Transfer
from strategy.venues.units import Units
from strategy.venues.wire import nanoseconds

log = structlog.get_logger("orders")

_STATUS: Final[dict[str, OrderStatus]] = {
    "NEW": "open",
    "PARTIALLY_FILLED": "open",
    "PENDING_NEW": "open",
    "PENDING_CANCEL": "open",
    "FILLED": "filled",
    "CANCELED": "cancelled",
    "EXPIRED": "cancelled",
    "EXPIRED_IN_MATCH": "cancelled",
    "REJECTED": "rejected",
}
_ENDED: Final = ("CANCELED", "EXPIRED", "TRADE_PREVENTION")


class OrderReader:
    """Turn messages about orders of one symbol into ports' records."""

    def __init__(self, market_id: str, base: str, quote: str, units: Units) -> None:
        """Take the venue's name of the symbol, its two assets and its grids."""
        self._market_id, self._base, self._quote, self._units = market_id, base, quote, units
        self._lot = Decimal(units.lot_size)
        self._atom = Decimal(units.tick_size) * self._lot

    def report(self, reply: dict[str, Any], client_id: str) -> OrderReport:
        """Read a REST reply about one order; a cancel's own client id is not the order's, so the caller names it."""
        stamp = reply.get("transactTime") or reply.get("updateTime") or reply.get("time") or 0
        return OrderReport(
            client_id=client_id,
            status=_STATUS[reply.get("status", "NEW")],
            side=_side(reply["side"]),
            price_ticks=self._units.ticks(reply["price"]),
            qty_lots=self._units.lots(reply["origQty"]),
            filled_lots=self._units.lots(reply["executedQty"]),
            exch_ts=nanoseconds(stamp),
            fills=tuple(self._reply_fill(reply, fill, client_id, stamp) for fill in reply.get("fills", ())),
        )

    def _reply_fill(self, reply: dict[str, Any], fill: dict[str, Any], client_id: str, stamp: int) -> OwnFill:
        """Read an execution that the reply to an order names: it took, or there would be none yet."""
        return OwnFill(
            trade_id=int(fill["tradeId"]),
            client_id=client_id,
            side=_side(reply["side"]),
            price_ticks=self._units.ticks(fill["price"]),
            qty_lots=self._units.lots(fill["qty"]),
            leaves_lots=-1,
            fee_base_lots=self._fee(fill, self._base, self._lot, "commission", "commissionAsset"),
            fee_quote_atoms=self._fee(fill, self._quote, self._atom, "commission", "commissionAsset"),
            maker=False,
            exch_ts=nanoseconds(stamp),
        )

    def fill(self, trade: dict[str, Any], client_id: str) -> OwnFill:
        """Read one row of REST's myTrades, which names no client id and no rest."""
        return OwnFill(
            trade_id=int(trade["id"]),
            client_id=client_id,
            side=BUY if trade["isBuyer"] else SELL,
            price_ticks=self._units.ticks(trade["price"]),
            qty_lots=self._units.lots(trade["qty"]),
            leaves_lots=-1,
            fee_base_lots=self._fee(trade, self._base, self._lot, "commission", "commissionAsset"),
            fee_quote_atoms=self._fee(trade, self._quote, self._atom, "commission", "commissionAsset"),
            maker=bool(trade["isMaker"]),
            exch_ts=nanoseconds(trade["time"]),
        )

    def named(self, event: dict[str, Any]) -> tuple[str, str] | None:
        """Return the venue's id and ours of an order that a message of the user stream tells of for the first time."""
        if event.get("e") == "executionReport" and event.get("x") == "NEW" and "i" in event:
            return str(event["i"]), str(event["c"])
        return None

    def stream(self, event: dict[str, Any]) -> tuple[OwnEvent, ...]:
        """Read one message of the user stream; () when it is of another symbol or kind, or says nothing new."""
        if event["e"] == "balanceUpdate":
            return self._transfer(event["a"], Decimal(event["d"]))
        if event["e"] != "executionReport" or event["s"] != self._market_id:
            return ()
        kind = event["x"]
        if kind == "TRADE":
            return (self._execution(event),)
        # in a cancel's report `c` is the cancel's own id and `C` the order's
        client_id = event["C"] if kind in _ENDED and event.get("C") else event["c"]
        return (
            OrderReport(
                client_id=client_id,
                status=_STATUS[event["X"]],
                side=_side(event["S"]),
                price_ticks=self._units.ticks(event["p"]),
                qty_lots=self._units.lots(event["q"]),
                filled_lots=self._units.lots(event["z"]),
                exch_ts=nanoseconds(event["T"]),
            ),
        )

    def balance(self, account: dict[str, Any]) -> Balance:
        """Read both assets of an account reply, free and locked together; BadData when it names neither."""
        held = {row["asset"]: Decimal(row["free"]) + Decimal(row["locked"]) for row in account["balances"]}
        if held.keys().isdisjoint((self._base, self._quote)):
            raise BadData(f"the account lists neither {self._base} nor {self._quote}")
        base, quote = held.get(self._base, Decimal(0)), held.get(self._quote, Decimal(0))
        return Balance(base_lots=float(base / self._lot), quote_atoms=float(quote / self._atom))

    def _transfer(self, asset: str, amount: Decimal) -> tuple[OwnEvent, ...]:
        base, quote = float(amount / self._lot), float(amount / self._atom)
        if asset not in (self._base, self._quote):
            return ()
        return (Transfer(base, 0.0) if asset == self._base else Transfer(0.0, quote),)

    def _execution(self, event: dict[str, Any]) -> OwnFill:
        qty, filled = self._units.lots(event["q"]), self._units.lots(event["z"])
        return OwnFill(
            trade_id=int(event["t"]),
            client_id=event["c"],
            side=_side(event["S"]),
            price_ticks=self._units.ticks(event["L"]),
            qty_lots=self._units.lots(event["l"]),
            leaves_lots=qty - filled,
            fee_base_lots=self._fee(event, self._base, self._lot, "n", "N"),
            fee_quote_atoms=self._fee(event, self._quote, self._atom, "n", "N"),
            maker=bool(event["m"]),
            exch_ts=nanoseconds(event["T"]),
        )

    def _fee(self, row: dict[str, Any], asset: str, unit: Decimal, amount: str, paid_in: str) -> float:
        """Return the part of a fee that was paid in `asset`; a third asset changes neither holding."""
        if row.get(paid_in) not in (self._base, self._quote) and Decimal(row.get(amount) or 0):
            log.warning("fee in a third asset is not in the books", asset=row.get(paid_in), amount=row.get(amount))
        return float(Decimal(row[amount]) / unit) if row.get(paid_in) == asset else 0.0


def _side(word: str) -> int:
    return BUY if word == "BUY" else SELL

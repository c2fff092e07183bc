"""Own orders, trades and balances in the venue's words: user-stream events and REST / WS API replies."""

from collections.abc import Iterable
from typing import Any

from strategy.kernel.records import BUY, SELL
from strategy.venues.paper.accounts import Holding, Ledger
from strategy.venues.paper.engine import Print
from strategy.venues.paper.grid import Grid, money_text
from strategy.venues.paper.orders import MS, OwnOrder, OwnTrade

SIDE_WORD = {1: "BUY", -1: "SELL"}
PREVENTION = "EXPIRE_MAKER"
ZERO = money_text(0)


class Reports:
    """Words for one symbol."""

    def __init__(self, grid: Grid, venue_symbol: str) -> None:
        """Speak of one symbol on its grid."""
        self._grid, self._symbol = grid, venue_symbol
        self._execution_id = 0

    def execution(self, order: OwnOrder, kind: str, at_ns: int, trade: OwnTrade | None = None) -> dict[str, Any]:
        """Return an executionReport of what just happened to an order."""
        self._execution_id += 1
        ticket, grid = order.ticket, self._grid
        cancelled = order.status == "CANCELED"
        return {
            "e": "executionReport",
            "E": at_ns // MS,
            "s": self._symbol,
            "c": order.cancel_id if cancelled else ticket.client_id,
            "S": SIDE_WORD[ticket.side],
            "o": ticket.kind,
            "f": ticket.time_in_force,
            "q": grid.quantity(ticket.qty),
            "p": grid.price(ticket.price),
            "P": ZERO,
            "F": ZERO,
            "g": -1,
            "C": ticket.client_id if cancelled else "",
            "x": kind,
            "X": order.status,
            "r": "NONE",
            "i": order.order_id,
            "l": grid.quantity(trade.qty if trade else 0),
            "z": grid.quantity(order.filled),
            "L": grid.price(trade.price if trade else 0),
            "n": money_text(trade.commission_units if trade else 0),
            "N": trade.commission_asset if trade else None,
            "T": at_ns // MS,
            "t": trade.trade_id if trade else -1,
            "I": self._execution_id,
            "w": order.resting is not None or kind == "NEW",
            "m": trade.maker if trade else False,
            "M": False,
            "O": order.created_ns // MS,
            "Z": money_text(order.quote_units),
            "Y": money_text(trade.quote_units if trade else 0),
            "Q": ZERO,
            "W": order.created_ns // MS,
            "V": PREVENTION,
        }

    def position(self, account: Ledger, at_ns: int) -> dict[str, Any] | None:
        """Return an outboundAccountPosition with both holdings; None would mean that there is nothing to tell."""
        holdings = [
            {"a": holding.asset, "f": money_text(holding.free), "l": money_text(holding.locked)}
            for holding in account.holdings()
        ]
        return {"e": "outboundAccountPosition", "E": at_ns // MS, "u": at_ns // MS, "B": holdings}

    def balance_update(self, holding: Holding, delta_units: int, at_ns: int) -> dict[str, Any]:
        """Return a balanceUpdate for a deposit or a withdrawal."""
        return {
            "e": "balanceUpdate",
            "E": at_ns // MS,
            "a": holding.asset,
            "d": money_text(delta_units),
            "T": at_ns // MS,
        }

    def order(self, order: OwnOrder) -> dict[str, Any]:
        """Return an order as queries report it."""
        return self._order_fields(order) | {
            "stopPrice": ZERO,
            "icebergQty": ZERO,
            "time": order.created_ns // MS,
            "updateTime": order.updated_ns // MS,
            "isWorking": True,
            "workingTime": order.created_ns // MS,
            "origQuoteOrderQty": ZERO,
            "selfTradePreventionMode": PREVENTION,
        }

    def placed(self, order: OwnOrder, detail: str) -> dict[str, Any]:
        """Return the reply to a new order: detail ACK, RESULT or FULL."""
        if detail == "ACK":
            return {
                "symbol": self._symbol,
                "orderId": order.order_id,
                "orderListId": -1,
                "clientOrderId": order.ticket.client_id,
                "transactTime": order.created_ns // MS,
            }
        reply = self._order_fields(order) | {
            "transactTime": order.updated_ns // MS,
            "workingTime": order.created_ns // MS,
            "selfTradePreventionMode": PREVENTION,
        }
        if detail == "FULL":
            reply["fills"] = [self._fill(trade) for trade in order.trades]
        return reply

    def cancelled(self, order: OwnOrder) -> dict[str, Any]:
        """Return the reply to a cancel: its clientOrderId is the cancel's own."""
        return self._order_fields(order) | {
            "origClientOrderId": order.ticket.client_id,
            "clientOrderId": order.cancel_id,
            "transactTime": order.updated_ns // MS,
            "selfTradePreventionMode": PREVENTION,
        }

    def trades(self, trades: Iterable[OwnTrade]) -> list[dict[str, Any]]:
        """Return own trades as myTrades lists them."""
        return [self._own_trade(trade) for trade in trades]

    def public_trade(self, trade: Print) -> dict[str, Any]:
        """Return a public trade as trades lists it."""
        return {
            "id": trade.trade_id,
            "price": self._grid.price(trade.price),
            "qty": self._grid.quantity(trade.qty),
            "quoteQty": money_text(self._grid.quote_units(trade.price, trade.qty)),
            "time": trade.at_ns // MS,
            "isBuyerMaker": trade.side == SELL,
            "isBestMatch": True,
        }

    def aggregate_trade(self, trade: Print) -> dict[str, Any]:
        """Return a public trade as an aggregate of itself."""
        return {
            "a": trade.trade_id,
            "p": self._grid.price(trade.price),
            "q": self._grid.quantity(trade.qty),
            "f": trade.trade_id,
            "l": trade.trade_id,
            "T": trade.at_ns // MS,
            "m": trade.side == SELL,
            "M": True,
        }

    def commission(self, fees: tuple[str, str]) -> dict[str, Any]:
        """Return the commission reply; `fees` are maker and taker commission as fractions."""
        rates = {"maker": fees[0], "taker": fees[1], "buyer": ZERO, "seller": ZERO}
        none = {"maker": ZERO, "taker": ZERO, "buyer": ZERO, "seller": ZERO}
        discount = {"enabledForAccount": False, "enabledForSymbol": False, "discountAsset": "BNB", "discount": ZERO}
        return {
            "symbol": self._symbol,
            "standardCommission": rates,
            "specialCommission": none,
            "taxCommission": none,
            "discount": discount,
        }

    def account(self, account: Ledger, fees: tuple[str, str], at_ns: int) -> dict[str, Any]:
        """Return the account reply; `fees` are maker and taker commission as fractions."""
        maker, taker = fees
        return {
            "makerCommission": round(float(maker) * 10_000),
            "takerCommission": round(float(taker) * 10_000),
            "buyerCommission": 0,
            "sellerCommission": 0,
            "commissionRates": {"maker": maker, "taker": taker, "buyer": ZERO, "seller": ZERO},
            "canTrade": True,
            "canWithdraw": False,
            "canDeposit": False,
            "brokered": False,
            "requireSelfTradePrevention": False,
            "preventSor": False,
            "updateTime": at_ns // MS,
            "accountType": "SPOT",
            "balances": [
                {"asset": holding.asset, "free": money_text(holding.free), "locked": money_text(holding.locked)}
                for holding in account.holdings()
            ],
            "permissions": ["SPOT"],
            "uid": 1,
        }

    def _order_fields(self, order: OwnOrder) -> dict[str, Any]:
        ticket, grid = order.ticket, self._grid
        return {
            "symbol": self._symbol,
            "orderId": order.order_id,
            "orderListId": -1,
            "clientOrderId": ticket.client_id,
            "price": grid.price(ticket.price),
            "origQty": grid.quantity(ticket.qty),
            "executedQty": grid.quantity(order.filled),
            "cummulativeQuoteQty": money_text(order.quote_units),
            "status": order.status,
            "timeInForce": ticket.time_in_force,
            "type": ticket.kind,
            "side": SIDE_WORD[ticket.side],
        }

    def _fill(self, trade: OwnTrade) -> dict[str, Any]:
        return {
            "price": self._grid.price(trade.price),
            "qty": self._grid.quantity(trade.qty),
            "commission": money_text(trade.commission_units),
            "commissionAsset": trade.commission_asset,
            "tradeId": trade.trade_id,
        }

    def _own_trade(self, trade: OwnTrade) -> dict[str, Any]:
        return {
            "symbol": self._symbol,
            "id": trade.trade_id,
            "orderId": trade.order_id,
            "orderListId": -1,
            "price": self._grid.price(trade.price),
            "qty": self._grid.quantity(trade.qty),
            "quoteQty": money_text(trade.quote_units),
            "commission": money_text(trade.commission_units),
            "commissionAsset": trade.commission_asset,
            "time": trade.at_ns // MS,
            "isBuyer": trade.side == BUY,
            "isMaker": trade.maker,
            "isBestMatch": True,
        }

"""Own orders, trades, positions and the wallet in the words of USDT-M futures."""

from typing import Any

from strategy.kernel.records import BUY
from strategy.venues.paper.accounts import Holding, Ledger
from strategy.venues.paper.engine import Print
from strategy.venues.paper.futures.positions import FuturesAccount, Position
from strategy.venues.paper.grid import UNIT, Grid, money_text
from strategy.venues.paper.orders import MS, OwnOrder, OwnTrade
from strategy.venues.paper.reports import PREVENTION, SIDE_WORD, ZERO, Reports

MAINTENANCE = "0.004"
MAINTENANCE_SHARE = 250  # of a position's worth


class FuturesReports(Reports):
    """Words for one symbol and its account, where they differ from spot's."""

    def __init__(self, grid: Grid, venue_symbol: str, account: FuturesAccount) -> None:
        """Speak of one symbol on its grid, and of one account."""
        super().__init__(grid, venue_symbol)
        self._account = account
        self._told = account.changes

    def execution(self, order: OwnOrder, kind: str, at_ns: int, trade: OwnTrade | None = None) -> dict[str, Any]:
        """Return an ORDER_TRADE_UPDATE of what just happened to an order."""
        ticket, grid = order.ticket, self._grid
        told = {
            "s": self._symbol,
            "c": ticket.client_id,
            "S": SIDE_WORD[ticket.side],
            "o": ticket.kind,
            "f": ticket.time_in_force,
            "q": grid.quantity(ticket.qty),
            "p": grid.price(ticket.price),
            "ap": self._average(order),
            "sp": ZERO,
            "x": "EXPIRED" if kind == "TRADE_PREVENTION" else kind,
            "X": order.status,
            "i": order.order_id,
            "l": grid.quantity(trade.qty if trade else 0),
            "z": grid.quantity(order.filled),
            "L": grid.price(trade.price if trade else 0),
            "N": self._account.asset,
            "n": money_text(trade.commission_units if trade else 0),
            "T": at_ns // MS,
            "t": trade.trade_id if trade else 0,
            "b": ZERO,
            "a": ZERO,
            "m": trade.maker if trade else False,
            "R": ticket.reduce_only,
            "wt": "CONTRACT_PRICE",
            "ot": ticket.kind,
            "ps": ticket.position_side,
            "cp": False,
            "rp": money_text(trade.realized_units if trade else 0),
            "pP": False,
            "si": 0,
            "ss": 0,
            "V": PREVENTION,
            "pm": "NONE",
            "gtd": 0,
        }
        return {"e": "ORDER_TRADE_UPDATE", "E": at_ns // MS, "T": at_ns // MS, "o": told}

    def position(self, account: Ledger, at_ns: int) -> dict[str, Any] | None:
        """Return an ACCOUNT_UPDATE once something changed, None otherwise."""
        if self._told == self._account.changes:
            return None
        self._told = self._account.changes
        return self._update("ORDER", 0, at_ns)

    def balance_update(self, holding: Holding, delta_units: int, at_ns: int) -> dict[str, Any]:
        """Return the ACCOUNT_UPDATE of a deposit or a withdrawal."""
        self._told = self._account.changes
        return self._update("DEPOSIT" if delta_units > 0 else "WITHDRAW", delta_units, at_ns)

    def order(self, order: OwnOrder) -> dict[str, Any]:
        """Return an order as queries report it."""
        return self._order_fields(order) | {"time": order.created_ns // MS}

    def placed(self, order: OwnOrder, detail: str) -> dict[str, Any]:
        """Return the reply to a new order: with detail ACK as it was accepted, with RESULT as it is now."""
        fields = self._order_fields(order)
        if detail == "ACK":
            nothing = {"status": "NEW", "executedQty": self._grid.quantity(0), "cumQuote": ZERO, "avgPrice": ZERO}
            fields |= nothing | {"cumQty": self._grid.quantity(0), "updateTime": order.created_ns // MS}
        return fields

    def cancelled(self, order: OwnOrder) -> dict[str, Any]:
        """Return the reply to a cancel: on futures its clientOrderId is the order's."""
        return self._order_fields(order)

    def public_trade(self, trade: Print) -> dict[str, Any]:
        """Return a public trade as trades lists it."""
        return _without("isBestMatch", super().public_trade(trade))

    def aggregate_trade(self, trade: Print) -> dict[str, Any]:
        """Return a public trade as an aggregate of itself."""
        return _without("M", super().aggregate_trade(trade))

    def commission(self, fees: tuple[str, str]) -> dict[str, Any]:
        """Return the commission reply; `fees` are maker and taker commission as fractions."""
        return {"symbol": self._symbol, "makerCommissionRate": fees[0], "takerCommissionRate": fees[1]}

    def account(self, account: Ledger, fees: tuple[str, str], at_ns: int) -> dict[str, Any]:
        """Return the account reply."""
        asset = self.balance(at_ns) | {"walletBalance": money_text(self._account.wallet_units)}
        return {
            "canTrade": True,
            "canDeposit": False,
            "canWithdraw": False,
            "feeTier": 0,
            "updateTime": at_ns // MS,
            "multiAssetsMargin": False,
            "totalInitialMargin": asset["initialMargin"],
            "totalMaintMargin": asset["maintMargin"],
            "totalWalletBalance": asset["walletBalance"],
            "totalUnrealizedProfit": asset["unrealizedProfit"],
            "totalMarginBalance": asset["marginBalance"],
            "availableBalance": asset["availableBalance"],
            "assets": [asset],
            "positions": [self._held(position, at_ns) for position in self._account.shown()],
        }

    def balance(self, at_ns: int) -> dict[str, Any]:
        """Return the wallet as balance lists it, with the margin fields of the account reply."""
        account = self._account
        equity, margin = account.equity_units(), account.margin_units()
        unrealized = equity - account.wallet_units
        maintenance = sum(abs(account.notional_units(each)) for each in account.positions.values()) // MAINTENANCE_SHARE
        return {
            "asset": account.asset,
            "balance": money_text(account.wallet_units),
            "crossWalletBalance": money_text(account.wallet_units),
            "crossUnPnl": money_text(unrealized),
            "unrealizedProfit": money_text(unrealized),
            "marginBalance": money_text(equity),
            "initialMargin": money_text(margin),
            "maintMargin": money_text(maintenance),
            "availableBalance": money_text(max(0, equity - margin)),
            "maxWithdrawAmount": money_text(max(0, min(equity, account.wallet_units) - margin)),
            "marginAvailable": True,
            "updateTime": at_ns // MS,
        }

    def risk(self, position: Position, at_ns: int) -> dict[str, Any]:
        """Return a position as positionRisk lists it."""
        account, notional = self._account, self._account.notional_units(position)
        margin = money_text(abs(notional) // account.leverage)
        return {
            "symbol": self._symbol,
            "positionSide": position.side,
            "positionAmt": self._signed(position.lots),
            "entryPrice": self._entry(position),
            "breakEvenPrice": self._entry(position),
            "markPrice": self._grid.price(account.mark_price()),
            "unRealizedProfit": money_text(account.unrealized_units(position)),
            "liquidationPrice": "0",
            "leverage": str(account.leverage),
            "marginType": "cross",
            "isolatedMargin": ZERO,
            "isolatedWallet": "0",
            "notional": money_text(notional),
            "marginAsset": account.asset,
            "initialMargin": margin,
            "positionInitialMargin": margin,
            "maintMargin": money_text(abs(notional) // MAINTENANCE_SHARE),
            "openOrderInitialMargin": ZERO,
            "updateTime": at_ns // MS,
        }

    def _held(self, position: Position, at_ns: int) -> dict[str, Any]:
        """Return a position as the account reply lists it, which spells one word differently."""
        told = self.risk(position, at_ns)
        return told | {"unrealizedProfit": told["unRealizedProfit"]}

    def _update(self, reason: str, delta_units: int, at_ns: int) -> dict[str, Any]:
        account = self._account
        wallet = money_text(account.wallet_units)
        positions = [
            {
                "s": self._symbol,
                "pa": self._signed(position.lots),
                "ep": self._entry(position),
                "bep": self._entry(position),
                "cr": ZERO,
                "up": money_text(account.unrealized_units(position)),
                "mt": "cross",
                "iw": ZERO,
                "ps": position.side,
            }
            for position in account.shown()
        ]
        balances = [{"a": account.asset, "wb": wallet, "cw": wallet, "bc": money_text(delta_units)}]
        told = {"m": reason, "B": balances, "P": positions}
        return {"e": "ACCOUNT_UPDATE", "E": at_ns // MS, "T": at_ns // MS, "a": told}

    def _order_fields(self, order: OwnOrder) -> dict[str, Any]:
        ticket, grid = order.ticket, self._grid
        return {
            "orderId": order.order_id,
            "symbol": self._symbol,
            "status": order.status,
            "clientOrderId": ticket.client_id,
            "price": grid.price(ticket.price),
            "avgPrice": self._average(order),
            "origQty": grid.quantity(ticket.qty),
            "executedQty": grid.quantity(order.filled),
            "cumQty": grid.quantity(order.filled),
            "cumQuote": money_text(order.quote_units),
            "timeInForce": ticket.time_in_force,
            "type": ticket.kind,
            "reduceOnly": ticket.reduce_only,
            "closePosition": False,
            "side": SIDE_WORD[ticket.side],
            "positionSide": ticket.position_side,
            "stopPrice": ZERO,
            "workingType": "CONTRACT_PRICE",
            "priceProtect": False,
            "origType": ticket.kind,
            "priceMatch": "NONE",
            "selfTradePreventionMode": PREVENTION,
            "goodTillDate": 0,
            "updateTime": order.updated_ns // MS,
        }

    def _own_trade(self, trade: OwnTrade) -> dict[str, Any]:
        return {
            "symbol": self._symbol,
            "id": trade.trade_id,
            "orderId": trade.order_id,
            "side": SIDE_WORD[trade.side],
            "price": self._grid.price(trade.price),
            "qty": self._grid.quantity(trade.qty),
            "quoteQty": money_text(trade.quote_units),
            "realizedPnl": money_text(trade.realized_units),
            "commission": money_text(trade.commission_units),
            "commissionAsset": trade.commission_asset,
            "time": trade.at_ns // MS,
            "positionSide": trade.position_side,
            "buyer": trade.side == BUY,
            "maker": trade.maker,
        }

    def _average(self, order: OwnOrder) -> str:
        base_units = self._grid.base_units(order.filled)
        return money_text(order.quote_units * UNIT // base_units) if base_units else ZERO

    def _entry(self, position: Position) -> str:
        base_units = self._grid.base_units(position.lots)
        return money_text(position.cost_units * UNIT // base_units) if base_units else ZERO

    def _signed(self, lots: int) -> str:
        return ("-" if lots < 0 else "") + self._grid.quantity(abs(lots))


def _without(name: str, told: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in told.items() if key != name}

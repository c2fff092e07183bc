"""Where each operation is reached, what it weighs, and who may ask."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from strategy.venues.paper import operations as ask
from strategy.venues.paper.parameters import Parameters

Handler = Callable[[ask.Venue, Parameters], Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be asked; `is_order` counts against the order limits too."""

    handler: Handler
    weight: int = 1
    signed: bool = False
    is_order: bool = False


REST: dict[tuple[str, str], Operation] = {
    ("GET", "ping"): Operation(ask.ping),
    ("GET", "time"): Operation(ask.server_time),
    ("GET", "exchangeInfo"): Operation(ask.info, 20),
    ("GET", "depth"): Operation(ask.depth, 5),
    ("GET", "trades"): Operation(ask.public_trades, 25),
    ("GET", "aggTrades"): Operation(ask.aggregate_trades, 4),
    ("GET", "ticker/bookTicker"): Operation(ask.book_ticker, 2),
    ("GET", "ticker/24hr"): Operation(ask.day_ticker, 2),
    ("GET", "ticker/price"): Operation(ask.price_ticker, 2),
    ("GET", "account"): Operation(ask.account, 20, signed=True),
    ("GET", "account/commission"): Operation(ask.commission, 20, signed=True),
    ("POST", "order"): Operation(ask.place, 1, signed=True, is_order=True),
    ("POST", "order/test"): Operation(ask.try_order, 1, signed=True),
    ("GET", "order"): Operation(ask.order, 4, signed=True),
    ("DELETE", "order"): Operation(ask.cancel, 1, signed=True),
    ("GET", "openOrders"): Operation(ask.open_orders, 6, signed=True),
    ("DELETE", "openOrders"): Operation(ask.cancel_all, 1, signed=True),
    ("GET", "allOrders"): Operation(ask.all_orders, 20, signed=True),
    ("GET", "myTrades"): Operation(ask.own_trades, 20, signed=True),
}

ACCOUNT: dict[tuple[str, str], Operation] = {  # of the whole account, spot and futures alike
    ("GET", "v1/account/apiRestrictions"): Operation(ask.key_restrictions, 1, signed=True),
}

SOCKET: dict[str, Operation] = {
    "ping": Operation(ask.ping),
    "time": Operation(ask.server_time),
    "exchangeInfo": Operation(ask.info, 20),
    "depth": Operation(ask.depth, 5),
    "trades.recent": Operation(ask.public_trades, 25),
    "trades.aggregate": Operation(ask.aggregate_trades, 4),
    "ticker.book": Operation(ask.book_ticker, 2),
    "ticker.24hr": Operation(ask.day_ticker, 2),
    "ticker.price": Operation(ask.price_ticker, 2),
    "account.status": Operation(ask.account, 20, signed=True),
    "account.commission": Operation(ask.commission, 20, signed=True),
    "order.place": Operation(ask.place, 1, signed=True, is_order=True),
    "order.test": Operation(ask.try_order, 1, signed=True),
    "order.status": Operation(ask.order, 4, signed=True),
    "order.cancel": Operation(ask.cancel, 1, signed=True),
    "openOrders.status": Operation(ask.open_orders, 6, signed=True),
    "openOrders.cancelAll": Operation(ask.cancel_all, 1, signed=True),
    "allOrders": Operation(ask.all_orders, 20, signed=True),
    "myTrades": Operation(ask.own_trades, 20, signed=True),
}

LISTEN_KEY, SUBSCRIBE = "listen_key", "subscribe"  # the two that need more than the market

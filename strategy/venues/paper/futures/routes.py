"""Where the operations of a futures venue are reached under `/fapi`."""

from strategy.venues.paper import operations as ask
from strategy.venues.paper.futures import operations as futures
from strategy.venues.paper.routes import Operation

_VERSIONS = ("v1", "v2", "v3")
_V1: dict[tuple[str, str], Operation] = {
    ("GET", "ping"): Operation(ask.ping),
    ("GET", "time"): Operation(ask.server_time),
    ("GET", "exchangeInfo"): Operation(ask.info),
    ("GET", "depth"): Operation(ask.depth, 5),
    ("GET", "trades"): Operation(ask.public_trades, 5),
    ("GET", "aggTrades"): Operation(ask.aggregate_trades, 20),
    ("GET", "ticker/bookTicker"): Operation(ask.book_ticker, 2),
    ("GET", "ticker/24hr"): Operation(ask.day_ticker),
    ("GET", "ticker/price"): Operation(ask.price_ticker),
    ("GET", "premiumIndex"): Operation(futures.mark_price),
    ("POST", "order"): Operation(futures.place_futures, 1, signed=True, is_order=True),
    ("POST", "order/test"): Operation(futures.try_futures_order, 1, signed=True),
    ("GET", "order"): Operation(ask.order, 1, signed=True),
    ("DELETE", "order"): Operation(ask.cancel, 1, signed=True),
    ("GET", "openOrders"): Operation(ask.open_orders, 1, signed=True),
    ("DELETE", "allOpenOrders"): Operation(futures.cancel_all_futures, 1, signed=True),
    ("POST", "countdownCancelAll"): Operation(futures.count_down, 10, signed=True),
    ("GET", "allOrders"): Operation(ask.all_orders, 5, signed=True),
    ("GET", "userTrades"): Operation(ask.own_trades, 5, signed=True),
    ("GET", "commissionRate"): Operation(futures.futures_commission, 20, signed=True),
    ("POST", "leverage"): Operation(futures.set_leverage, 1, signed=True),
    ("GET", "symbolConfig"): Operation(futures.symbol_configuration, 5, signed=True),
    ("GET", "leverageBracket"): Operation(futures.leverage_brackets, 1, signed=True),
    ("GET", "positionSide/dual"): Operation(futures.position_mode, 30, signed=True),
    ("POST", "positionSide/dual"): Operation(futures.set_position_mode, 1, signed=True),
}
_ACCOUNT: dict[str, Operation] = {
    "balance": Operation(futures.balance, 5, signed=True),
    "account": Operation(ask.account, 5, signed=True),
    "positionRisk": Operation(futures.position_risk, 5, signed=True),
}
FUTURES: dict[tuple[str, str], Operation] = {
    (method, f"v1/{path}"): operation for (method, path), operation in _V1.items()
} | {("GET", f"{version}/{path}"): operation for version in _VERSIONS[1:] for path, operation in _ACCOUNT.items()}

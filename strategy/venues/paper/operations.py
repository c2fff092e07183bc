"""What can be asked of the venue: one function an operation, shared by REST and the WS API.

An operation gets the venue and the request's parameters and returns what becomes the reply's JSON. `routes` says where
each is reached.
"""

import itertools
import json
from decimal import Decimal
from typing import Any

from strategy.venues.paper import parameters as read
from strategy.venues.paper.listing import exchange_info
from strategy.venues.paper.market import Market
from strategy.venues.paper.orders import MS, OwnTrade
from strategy.venues.paper.parameters import Parameters
from strategy.venues.paper.refusals import Refusal

BPS = Decimal(10_000)


class Raw(str):
    """JSON that is already written."""

    __slots__ = ()


class Venue:
    """The market and the ids that the venue itself gives to orders and cancels."""

    def __init__(self, market: Market) -> None:
        """Serve one market."""
        self.market = market
        self._ids = itertools.count(1)

    def new_id(self) -> str:
        """Return a client id for a request that brought none."""
        return f"paper-{self.market.engine.now_ns // MS:x}-{next(self._ids)}"


def ping(venue: Venue, parameters: Parameters) -> Any:
    """Answer."""
    return {}


def server_time(venue: Venue, parameters: Parameters) -> Any:
    """Return the venue's clock."""
    return {"serverTime": venue.market.engine.now_ns // MS}


def info(venue: Venue, parameters: Parameters) -> Any:
    """Return the listing; a symbol may be named."""
    read.check_symbol(parameters, venue.market, mandatory=False)
    if "symbols" in parameters and json.dumps(venue.market.config.venue_symbol) not in parameters["symbols"]:
        raise Refusal(-1121, "Invalid symbol.")
    return Raw(exchange_info(venue.market, venue.market.engine.now_ns))


def depth(venue: Venue, parameters: Parameters) -> Any:
    """Return the book with the id of its last change."""
    read.check_symbol(parameters, venue.market)
    return Raw(venue.market.publisher.snapshot(read.bounded(parameters, "limit", 100, 5_000)))


def public_trades(venue: Venue, parameters: Parameters) -> Any:
    """Return the last trades, oldest first."""
    market = venue.market
    read.check_symbol(parameters, market)
    tape = list(market.engine.tape)[-read.bounded(parameters, "limit", 500, 1_000) :]
    return [market.reports.public_trade(trade) for trade in tape]


def aggregate_trades(venue: Venue, parameters: Parameters) -> Any:
    """Return the last trades as aggregates of one each, oldest first."""
    market = venue.market
    read.check_symbol(parameters, market)
    tape = list(market.engine.tape)[-read.bounded(parameters, "limit", 500, 1_000) :]
    return [market.reports.aggregate_trade(trade) for trade in tape]


def book_ticker(venue: Venue, parameters: Parameters) -> Any:
    """Return the best prices and sizes."""
    market = venue.market
    read.check_symbol(parameters, market, mandatory=False)
    bid, bid_lots, ask, ask_lots = market.publisher.best()
    grid = market.grid
    ticker = {
        "symbol": market.config.venue_symbol,
        "bidPrice": grid.price(bid),
        "bidQty": grid.quantity(bid_lots),
        "askPrice": grid.price(ask),
        "askQty": grid.quantity(ask_lots),
    }
    return ticker if "symbol" in parameters else [ticker]


def day_ticker(venue: Venue, parameters: Parameters) -> Any:
    """Return the rolling day."""
    market = venue.market
    read.check_symbol(parameters, market, mandatory=False)
    ticker = market.day.ticker(market.publisher.best(), market.engine.now_ns)
    return ticker if "symbol" in parameters else [ticker]


def price_ticker(venue: Venue, parameters: Parameters) -> Any:
    """Return the last price."""
    market = venue.market
    read.check_symbol(parameters, market, mandatory=False)
    ticker = {"symbol": market.config.venue_symbol, "price": market.grid.price(market.desk.last_price())}
    return ticker if "symbol" in parameters else [ticker]


def key_restrictions(venue: Venue, parameters: Parameters) -> Any:
    """Return what the key may do."""
    config = venue.market.config
    return {
        "ipRestrict": False,
        "createTime": 0,
        "enableReading": True,
        "enableWithdrawals": config.may_withdraw,
        "enableInternalTransfer": False,
        "permitsUniversalTransfer": False,
        "enableVanillaOptions": False,
        "enableMargin": False,
        "enableFutures": config.is_futures,
        "enableSpotAndMarginTrading": not config.is_futures,
        "enablePortfolioMarginTrading": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
    }


def account(venue: Venue, parameters: Parameters) -> Any:
    """Return balances and commission."""
    market = venue.market
    return market.reports.account(market.account, _fees(market), market.engine.now_ns)


def commission(venue: Venue, parameters: Parameters) -> Any:
    """Return the commission rates of the symbol."""
    read.check_symbol(parameters, venue.market)
    return venue.market.reports.commission(_fees(venue.market))


def place(venue: Venue, parameters: Parameters) -> Any:
    """Place an order."""
    read.check_symbol(parameters, venue.market)
    ticket = read.ticket(parameters, venue.market, venue.new_id())
    detail = read.detail(parameters, ticket.kind)
    return venue.market.reports.placed(venue.market.desk.place(ticket), detail)


def try_order(venue: Venue, parameters: Parameters) -> Any:
    """Check an order without placing it."""
    read.check_symbol(parameters, venue.market)
    venue.market.desk.check(read.ticket(parameters, venue.market, venue.new_id()))
    return {}


def cancel(venue: Venue, parameters: Parameters) -> Any:
    """Cancel an order."""
    read.check_symbol(parameters, venue.market)
    order_id, client_id = read.order_ids(parameters)
    cancel_id = read.client_id(parameters, "newClientOrderId", venue.new_id())
    return venue.market.reports.cancelled(venue.market.desk.cancel(order_id, client_id, cancel_id))


def cancel_all(venue: Venue, parameters: Parameters) -> Any:
    """Cancel every open order."""
    read.check_symbol(parameters, venue.market)
    return [venue.market.reports.cancelled(order) for order in venue.market.desk.cancel_all(venue.new_id)]


def order(venue: Venue, parameters: Parameters) -> Any:
    """Return one order."""
    read.check_symbol(parameters, venue.market)
    return venue.market.reports.order(venue.market.desk.find(*read.order_ids(parameters)))


def open_orders(venue: Venue, parameters: Parameters) -> Any:
    """Return what rests."""
    read.check_symbol(parameters, venue.market, mandatory=False)
    return [venue.market.reports.order(order) for order in venue.market.desk.open_orders()]


def all_orders(venue: Venue, parameters: Parameters) -> Any:
    """Return orders from an id or a time on, otherwise the latest; oldest first."""
    read.check_symbol(parameters, venue.market)
    since = read.integer(parameters, "orderId")
    start, end = _times(parameters)
    chosen = [
        order
        for order in venue.market.desk.orders.values()
        if (since is None or order.order_id >= since) and start <= order.created_ns // MS <= end
    ]
    limit = read.bounded(parameters, "limit", 500, 1_000)
    return [venue.market.reports.order(order) for order in (chosen[-limit:] if since is None else chosen[:limit])]


def own_trades(venue: Venue, parameters: Parameters) -> Any:
    """Return own trades from an id on, otherwise the latest; oldest first."""
    read.check_symbol(parameters, venue.market)
    since, order_id = read.integer(parameters, "fromId"), read.integer(parameters, "orderId")
    start, end = _times(parameters)

    def wanted(trade: OwnTrade) -> bool:
        by_id = (since is None or trade.trade_id >= since) and (order_id is None or trade.order_id == order_id)
        return by_id and start <= trade.at_ns // MS <= end

    chosen = [trade for trade in venue.market.desk.trades if wanted(trade)]
    limit = read.bounded(parameters, "limit", 500, 1_000)
    return venue.market.reports.trades(chosen[-limit:] if since is None else chosen[:limit])


def _fees(market: Market) -> tuple[str, str]:
    config = market.config
    return f"{config.maker_fee_bps / BPS:.8f}", f"{config.taker_fee_bps / BPS:.8f}"


def _times(parameters: Parameters) -> tuple[int, int]:
    start, end = read.integer(parameters, "startTime"), read.integer(parameters, "endTime")
    return start or 0, 2**62 if end is None else end

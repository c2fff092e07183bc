"""Reading a request's parameters, with the venue's refusals for what is absent or malformed."""

import re
from collections.abc import Mapping
from typing import TypeVar

from strategy.kernel.records import BUY, SELL
from strategy.venues.paper.market import Market
from strategy.venues.paper.orders import OrderType, Ticket, TimeInForce
from strategy.venues.paper.refusals import Refusal, illegal, invalid_symbol, missing

Parameters = Mapping[str, str]
Word = TypeVar("Word")

CLIENT_ID_LEGAL = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"
CLIENT_ID = re.compile(CLIENT_ID_LEGAL)
INTEGER_LEGAL = r"^[0-9]{1,20}$"
INTEGER = re.compile(INTEGER_LEGAL)
SIDES = {"BUY": BUY, "SELL": SELL}
KINDS: dict[str, OrderType] = {"LIMIT": "LIMIT", "LIMIT_MAKER": "LIMIT_MAKER", "MARKET": "MARKET"}
TIMES: dict[str, TimeInForce] = {"GTC": "GTC", "IOC": "IOC", "FOK": "FOK"}
FUTURES_KINDS: dict[str, OrderType] = {"LIMIT": "LIMIT", "MARKET": "MARKET"}
FUTURES_TIMES: dict[str, TimeInForce] = TIMES | {"GTX": "GTX"}
DETAILS = {"ACK", "RESULT", "FULL"}


def text(parameters: Parameters, name: str) -> str:
    """Return a mandatory parameter."""
    value = parameters.get(name, "")
    if not value:
        raise missing(name)
    return value


def integer(parameters: Parameters, name: str) -> int | None:
    """Return a whole number, None when the parameter was not sent."""
    value = parameters.get(name)
    if value is None:
        return None
    if not INTEGER.match(value):
        raise illegal(name, INTEGER_LEGAL)
    return int(value)


def bounded(parameters: Parameters, name: str, default: int, most: int) -> int:
    """Return a whole number of at least 1, its default when not sent, and never more than the most."""
    value = integer(parameters, name)
    if value == 0:
        raise Refusal(-1130, f"Data sent for parameter '{name}' is not valid.")
    return min(default if value is None else value, most)


def word(parameters: Parameters, name: str, words: Mapping[str, Word], refusal: Refusal) -> Word:
    """Return what a keyword stands for."""
    value = text(parameters, name)
    if value not in words:
        raise refusal
    return words[value]


def check_symbol(parameters: Parameters, market: Market, mandatory: bool = True) -> None:
    """Refuse any symbol but the one that is traded here."""
    if "symbol" not in parameters and not mandatory:
        return
    if text(parameters, "symbol") != market.config.venue_symbol:
        raise invalid_symbol()


def client_id(parameters: Parameters, name: str, otherwise: str) -> str:
    """Return a client order id, or the venue's own when none was sent."""
    value = parameters.get(name, otherwise)
    if not CLIENT_ID.match(value):
        raise illegal(name, CLIENT_ID_LEGAL)
    return value


def order_ids(parameters: Parameters) -> tuple[int | None, str | None]:
    """Return orderId and origClientOrderId, at least one of them."""
    order_id, client = integer(parameters, "orderId"), parameters.get("origClientOrderId")
    if order_id is None and not client:
        raise Refusal(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
    return order_id, client


def detail(parameters: Parameters, kind: OrderType) -> str:
    """Return how much a new order's reply says."""
    value = parameters.get("newOrderRespType", "ACK" if kind == "LIMIT_MAKER" else "FULL")
    if value not in DETAILS:
        raise Refusal(-1130, "Data sent for parameter 'newOrderRespType' is not valid.")
    return value


def ticket(parameters: Parameters, market: Market, own_client_id: str) -> Ticket:
    """Read a new order and apply the symbol's price and quantity filters."""
    side = word(parameters, "side", SIDES, Refusal(-1117, "Invalid side."))
    kinds, times = (FUTURES_KINDS, FUTURES_TIMES) if market.config.is_futures else (KINDS, TIMES)
    kind = word(parameters, "type", kinds, Refusal(-1116, "Invalid orderType."))
    filters, last = market.desk.filters, market.desk.last_price()
    lots = filters.lots(text(parameters, "quantity"))
    price, time_in_force = 0, TIMES["GTC"]
    if kind == "MARKET":
        _not_required(parameters, "price", "timeInForce")
    else:
        price = filters.ticks(text(parameters, "price"), last)
    if kind == "LIMIT":
        time_in_force = word(parameters, "timeInForce", times, Refusal(-1115, "Invalid timeInForce."))
    elif kind == "LIMIT_MAKER":
        _not_required(parameters, "timeInForce")
    name = client_id(parameters, "newClientOrderId", own_client_id)
    return Ticket(name, side, kind, time_in_force, price, lots)


def _not_required(parameters: Parameters, *names: str) -> None:
    for name in names:
        if name in parameters:
            raise Refusal(-1106, f"Parameter '{name}' sent when not required.")

"""What can be asked of a futures venue alone: positions, their mode and leverage, and orders that reduce."""

from dataclasses import replace
from typing import Any

from strategy.venues.paper import parameters as read
from strategy.venues.paper.futures import refusals
from strategy.venues.paper.futures.positions import OPENS, FuturesAccount
from strategy.venues.paper.futures.reports import MAINTENANCE, FuturesReports
from strategy.venues.paper.operations import Venue
from strategy.venues.paper.orders import MS, PositionSide, Ticket
from strategy.venues.paper.parameters import Parameters
from strategy.venues.paper.refusals import Refusal

POSITION_SIDES: dict[str, PositionSide] = {"BOTH": "BOTH", "LONG": "LONG", "SHORT": "SHORT"}
TRUTH = {"true": True, "false": False}
DETAILS = {"ACK": "ACK", "RESULT": "RESULT"}
MOST_LEVERAGE = 125
MOST_NOTIONAL = 100_000_000


def place_futures(venue: Venue, parameters: Parameters) -> Any:
    """Place an order; the reply is an ACK, or on request a RESULT."""
    ticket = _ticket(venue, parameters)
    detail = read.word(
        {"newOrderRespType": "ACK"} | dict(parameters), "newOrderRespType", DETAILS, _invalid("newOrderRespType")
    )
    return venue.market.reports.placed(venue.market.desk.place(ticket), detail)


def try_futures_order(venue: Venue, parameters: Parameters) -> Any:
    """Check an order without placing it."""
    venue.market.desk.check(_ticket(venue, parameters))
    return {}


def cancel_all_futures(venue: Venue, parameters: Parameters) -> Any:
    """Cancel every open order; there need not be any."""
    read.check_symbol(parameters, venue.market)
    if venue.market.desk.open_orders():
        venue.market.desk.cancel_all(venue.new_id)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def count_down(venue: Venue, parameters: Parameters) -> Any:
    """Cancel every open order after `countdownTime` ms unless asked again before; 0 ends the countdown."""
    read.check_symbol(parameters, venue.market)
    read.text(parameters, "countdownTime")
    ms = read.integer(parameters, "countdownTime") or 0
    venue.market.countdown.begin(ms)
    return {"symbol": venue.market.config.venue_symbol, "countdownTime": str(ms)}


def balance(venue: Venue, parameters: Parameters) -> Any:
    """Return the wallet."""
    return [_reports(venue).balance(venue.market.engine.now_ns)]


def position_risk(venue: Venue, parameters: Parameters) -> Any:
    """Return the positions, flat ones too."""
    read.check_symbol(parameters, venue.market, mandatory=False)
    now_ns = venue.market.engine.now_ns
    return [_reports(venue).risk(position, now_ns) for position in _account(venue).shown()]


def position_mode(venue: Venue, parameters: Parameters) -> Any:
    """Return whether long and short positions are held apart."""
    return {"dualSidePosition": _account(venue).hedged}


def set_position_mode(venue: Venue, parameters: Parameters) -> Any:
    """Hold long and short positions apart, or net them; refuse it while there are any, or orders."""
    account = _account(venue)
    hedged = read.word(parameters, "dualSidePosition", TRUTH, _invalid("dualSidePosition"))
    if hedged == account.hedged:
        raise refusals.no_need_to_change_mode()
    if venue.market.desk.open_orders():
        raise refusals.mode_with_open_orders()
    if any(position.lots for position in account.positions.values()):
        raise refusals.mode_with_position()
    account.hedged = hedged
    return {"code": 200, "msg": "success"}


def set_leverage(venue: Venue, parameters: Parameters) -> Any:
    """Set how much a position may exceed its margin."""
    read.check_symbol(parameters, venue.market)
    leverage = read.integer(parameters, "leverage") or 0
    if not 1 <= leverage <= MOST_LEVERAGE:
        raise refusals.leverage_not_valid(leverage)
    _account(venue).leverage = leverage
    symbol = venue.market.config.venue_symbol
    return {"symbol": symbol, "leverage": leverage, "maxNotionalValue": str(MOST_NOTIONAL)}


def symbol_configuration(venue: Venue, parameters: Parameters) -> Any:
    """Return margin type and leverage of the symbol."""
    read.check_symbol(parameters, venue.market, mandatory=False)
    configuration = {
        "symbol": venue.market.config.venue_symbol,
        "marginType": "CROSSED",
        "isAutoAddMargin": "false",
        "leverage": _account(venue).leverage,
        "maxNotionalValue": str(MOST_NOTIONAL),
    }
    return [configuration]


def leverage_brackets(venue: Venue, parameters: Parameters) -> Any:
    """Return the one bracket that every position is in."""
    bracket = {
        "bracket": 1,
        "initialLeverage": MOST_LEVERAGE,
        "notionalCap": MOST_NOTIONAL,
        "notionalFloor": 0,
        "maintMarginRatio": float(MAINTENANCE),
        "cum": 0.0,
    }
    return [{"symbol": venue.market.config.venue_symbol, "brackets": [bracket]}]


def mark_price(venue: Venue, parameters: Parameters) -> Any:
    """Return the mark price; there is no funding."""
    read.check_symbol(parameters, venue.market, mandatory=False)
    market = venue.market
    price = market.grid.price(_account(venue).mark_price())
    return {
        "symbol": market.config.venue_symbol,
        "markPrice": price,
        "indexPrice": price,
        "estimatedSettlePrice": price,
        "lastFundingRate": "0.00000000",
        "interestRate": "0.00000000",
        "nextFundingTime": 0,
        "time": market.engine.now_ns // MS,
    }


def futures_commission(venue: Venue, parameters: Parameters) -> Any:
    """Return the commission rates of the symbol."""
    read.check_symbol(parameters, venue.market)
    return venue.market.reports.commission(_account(venue).maker_and_taker())


def _ticket(venue: Venue, parameters: Parameters) -> Ticket:
    """Read a new order with its position side; in hedge mode the side that closes only reduces."""
    read.check_symbol(parameters, venue.market)
    ticket, account = read.ticket(parameters, venue.market, venue.new_id()), _account(venue)
    given = {"positionSide": "BOTH", "reduceOnly": "false"} | dict(parameters)
    position_side = read.word(given, "positionSide", POSITION_SIDES, _invalid("positionSide"))
    if account.hedged and "reduceOnly" in parameters:
        raise Refusal(-1106, "Parameter 'reduceonly' sent when not required.")
    reduces = read.word(given, "reduceOnly", TRUTH, Refusal(-4062, "Invalid or improper reduceOnly value."))
    closes = OPENS.get(position_side) == -ticket.side
    return replace(ticket, position_side=position_side, reduce_only=reduces or closes)


def _account(venue: Venue) -> FuturesAccount:
    account = venue.market.account
    assert isinstance(account, FuturesAccount)
    return account


def _reports(venue: Venue) -> FuturesReports:
    reports = venue.market.reports
    assert isinstance(reports, FuturesReports)
    return reports


def _invalid(name: str) -> Refusal:
    return Refusal(-1130, f"Data sent for parameter '{name}' is not valid.")

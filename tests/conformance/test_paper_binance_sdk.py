"""What the official binance-sdk-spot does with the paper venue by its addresses alone: REST, WS API and streams.

The library says in its log when a reply is not of the type that Binance documents; here that is a failure.
"""

import asyncio
import logging

import pytest
from binance_common.configuration import (
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
)
from binance_common.errors import BadRequestError, RateLimitBanError, ServerError, TooManyRequestsError
from binance_sdk_spot import Spot
from binance_sdk_spot.rest_api.models import NewOrderSideEnum, NewOrderTimeInForceEnum, NewOrderTypeEnum
from binance_sdk_spot.websocket_api.models import OrderPlaceSideEnum, OrderPlaceTypeEnum
from binance_sdk_spot.websocket_streams.models import DiffBookDepthUpdateSpeedEnum

from tests.conformance.venue_process import VENUE_SYMBOL, paper_process

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:parameter 'timeout' of type 'float' is deprecated"),  # the library's own
]
DEADLINE_S = 30
BUY, SELL = NewOrderSideEnum["BUY"], NewOrderSideEnum["SELL"]


@pytest.fixture(scope="module")
def venue():
    with paper_process("--seed", "11", "--regime", "calm", "--maker-fee-bps", "1", "--taker-fee-bps", "2") as running:
        yield running


@pytest.fixture(autouse=True)
def every_reply_has_its_documented_type(caplog):
    with caplog.at_level(logging.WARNING):
        yield
    untyped = ("did not match the declared types", "Failed to parse", "Unknown user data event")
    said = [record.getMessage() for record in caplog.records]
    assert [text for text in said if any(words in text for words in untyped)] == []


@pytest.fixture
def spot(venue):
    streams = venue.url.replace("http", "ws", 1)
    keys = {"api_key": "paper", "api_secret": "paper-secret"}
    return Spot(
        config_rest_api=ConfigurationRestAPI(base_path=venue.url, retries=0, timeout=10_000, **keys),
        config_ws_api=ConfigurationWebSocketAPI(stream_url=f"{streams}/ws-api/v3", **keys),
        config_ws_streams=ConfigurationWebSocketStreams(stream_url=f"{streams}/stream"),
    )


@pytest.fixture
def rest(spot):
    yield spot.rest_api
    if spot.rest_api.get_open_orders(symbol=VENUE_SYMBOL).data():
        spot.rest_api.delete_open_orders(symbol=VENUE_SYMBOL)


def far_bid(rest):
    return round(float(rest.depth(symbol=VENUE_SYMBOL, limit=5).data().bids[0][0]) * 0.99, 2)


def resting(rest, client_id):
    return rest.new_order(
        symbol=VENUE_SYMBOL,
        side=BUY,
        type=NewOrderTypeEnum["LIMIT_MAKER"],
        quantity=0.001,
        price=far_bid(rest),
        new_client_order_id=client_id,
    ).data()


def test_market_data_is_typed(rest):
    assert rest.ping().status == 200
    (symbol,) = rest.exchange_info().data().symbols
    assert (symbol.symbol, symbol.status, symbol.quote_asset) == (VENUE_SYMBOL, "TRADING", "FDUSD")
    book = rest.depth(symbol=VENUE_SYMBOL, limit=20).data()
    assert len(book.bids) == len(book.asks) == 20
    assert book.last_update_id > 1_700_000_000_000_000
    assert rest.time().data().server_time > 1_700_000_000_000
    order = rest.new_order(symbol=VENUE_SYMBOL, side=BUY, type=NewOrderTypeEnum["MARKET"], quantity=0.001).data()
    trades = rest.get_trades(symbol=VENUE_SYMBOL).data()
    assert order.fills[0].trade_id in {trade.id for trade in trades}
    prices = {each.f: each.p for each in rest.agg_trades(symbol=VENUE_SYMBOL).data()}
    assert prices[trades[-1].id] == trades[-1].price


def test_an_order_lives_from_placement_to_cancel(rest):
    placed = resting(rest, "sdk-life")
    assert placed.client_order_id == "sdk-life"
    found = rest.get_order(symbol=VENUE_SYMBOL, orig_client_order_id="sdk-life").data()
    assert (found.order_id, found.status, found.executed_qty) == (placed.order_id, "NEW", "0.00000000")
    assert [order.order_id for order in rest.get_open_orders(symbol=VENUE_SYMBOL).data()] == [placed.order_id]
    ended = rest.delete_order(symbol=VENUE_SYMBOL, order_id=placed.order_id).data()
    assert (ended.status, ended.orig_client_order_id) == ("CANCELED", "sdk-life")
    assert rest.all_orders(symbol=VENUE_SYMBOL, order_id=placed.order_id).data()[0].status == "CANCELED"


def test_a_fill_is_in_the_order_the_trades_and_the_account(rest, venue):
    before = {row.asset: float(row.free) for row in rest.get_account().data().balances}
    order = rest.new_order(symbol=VENUE_SYMBOL, side=SELL, type=NewOrderTypeEnum["MARKET"], quantity=0.002).data()
    assert (order.status, order.executed_qty) == ("FILLED", "0.00200000")
    trades = rest.my_trades(symbol=VENUE_SYMBOL, order_id=order.order_id).data()
    assert sum(float(trade.qty) for trade in trades) == pytest.approx(0.002)
    assert {(trade.is_maker, trade.commission_asset) for trade in trades} == {(False, "FDUSD")}
    after = {row.asset: float(row.free) for row in rest.get_account().data().balances}
    assert after["BTC"] == pytest.approx(before["BTC"] - 0.002)
    earned = sum(float(trade.quote_qty) - float(trade.commission) for trade in trades)
    assert after["FDUSD"] == pytest.approx(before["FDUSD"] + earned)
    assert rest.account_commission(symbol=VENUE_SYMBOL).data().standard_commission.taker == "0.00020000"
    assert {trade["id"] for trade in venue.state()["trades"]} >= {trade.id for trade in trades}


def test_refusals_carry_the_venues_code(rest):
    with pytest.raises(BadRequestError, match="Unknown order sent") as refused:
        rest.delete_order(symbol=VENUE_SYMBOL, order_id=1)
    assert refused.value.status_code == -2011
    with pytest.raises(BadRequestError, match="Order does not exist") as refused:
        rest.get_order(symbol=VENUE_SYMBOL, order_id=1)
    assert refused.value.status_code == -2013
    with pytest.raises(BadRequestError, match="PRICE_FILTER"):
        rest.new_order(
            symbol=VENUE_SYMBOL,
            side=BUY,
            type=NewOrderTypeEnum["LIMIT"],
            time_in_force=NewOrderTimeInForceEnum["GTC"],
            quantity=0.001,
            price=60_000.001,
        )


def test_injected_errors_become_the_librarys_own(rest, venue):
    venue.fault("error", code=429)
    with pytest.raises(TooManyRequestsError) as limited:
        rest.ping()
    assert limited.value.retry_after == 10
    venue.fault("error", code=418)
    with pytest.raises(RateLimitBanError, match="IP banned until") as banned:
        rest.ping()
    assert banned.value.retry_after == 120
    venue.fault("html")
    with pytest.raises(ServerError):
        rest.ping()
    assert rest.ping().status == 200


def test_an_order_whose_reply_was_a_timeout_may_rest_or_not(rest, venue):
    for after in (True, False):
        venue.fault("error", code=-1007, after=after)
        with pytest.raises(ServerError):
            resting(rest, f"unknown-{after}")
    names = [order.client_order_id for order in rest.get_open_orders(symbol=VENUE_SYMBOL).data()]
    assert names == ["unknown-True"]


async def test_orders_and_the_user_stream_go_over_the_socket_api(spot, rest):
    heard = asyncio.Queue()
    api = spot.websocket_api
    await api.create_connection()
    try:
        subscribed = await api.user_data_stream_subscribe_signature()
        subscribed.stream.on("message", lambda event: heard.put_nowait(event.actual_instance))
        placed = await api.order_place(
            symbol=VENUE_SYMBOL,
            side=OrderPlaceSideEnum["BUY"],
            type=OrderPlaceTypeEnum["LIMIT_MAKER"],
            quantity=0.001,
            price=far_bid(rest),
            new_client_order_id="sdk-ws",
        )
        assert placed.data().result.client_order_id == "sdk-ws"
        assert [limit.rateLimitType for limit in placed.rate_limits] == ["REQUEST_WEIGHT", "ORDERS", "ORDERS"]
        status = await api.order_status(symbol=VENUE_SYMBOL, orig_client_order_id="sdk-ws")
        assert status.data().result.status == "NEW"
        ended = await api.order_cancel(symbol=VENUE_SYMBOL, orig_client_order_id="sdk-ws")
        assert ended.data().result.status == "CANCELED"
        async with asyncio.timeout(DEADLINE_S):
            events = [await heard.get() for _ in range(4)]
    finally:
        await api.close_connection()
    kinds = [type(event).__name__ for event in events]
    assert kinds == ["ExecutionReport", "OutboundAccountPosition"] * 2
    assert [(event.x, event.X) for event in events[::2]] == [("NEW", "NEW"), ("CANCELED", "CANCELED")]


async def test_streams_are_subscribed_to_and_typed(spot):
    diffs, tickers = asyncio.Queue(), asyncio.Queue()
    streams = spot.websocket_streams
    await streams.create_connection()
    try:
        depth = await streams.diff_book_depth(
            symbol=VENUE_SYMBOL.lower(), update_speed=DiffBookDepthUpdateSpeedEnum("100ms").value
        )
        depth.on("message", diffs.put_nowait)
        ticker = await streams.book_ticker(symbol=VENUE_SYMBOL.lower())
        ticker.on("message", tickers.put_nowait)
        async with asyncio.timeout(DEADLINE_S):
            first, second, best = await diffs.get(), await diffs.get(), await tickers.get()
    finally:
        await streams.close_connection()
    assert (first.u + 1) == second.U
    assert float(best.b) < float(best.a)

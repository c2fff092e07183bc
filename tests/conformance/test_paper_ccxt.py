"""What the unmodified ccxt 4.5.90 does with the paper venue over REST."""

import ccxt
import ccxt.async_support
import pytest

from tests.conformance.venue_process import SYMBOL, paper_process, wired

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def venue():
    with paper_process("--seed", "7", "--regime", "calm", "--maker-fee-bps", "1", "--taker-fee-bps", "2") as running:
        yield running


@pytest.fixture
def exchange(venue):
    exchange = wired(ccxt.binance, venue.url)
    yield exchange
    for order in exchange.fetch_open_orders(SYMBOL):
        exchange.cancel_order(order["id"], SYMBOL)


def far_bid(exchange):
    return exchange.price_to_precision(SYMBOL, exchange.fetch_order_book(SYMBOL)["bids"][0][0] * 0.99)


def test_markets_carry_the_filters(exchange):
    market = exchange.load_markets()[SYMBOL]
    assert list(exchange.markets) == [SYMBOL]
    assert market["precision"]["price"] == 0.01
    assert market["precision"]["amount"] == 0.00001
    assert market["limits"]["amount"]["min"] == 0.00001
    assert market["limits"]["cost"]["min"] == 5.0
    assert market["active"]


def test_public_replies_are_parsed(exchange):
    book = exchange.fetch_order_book(SYMBOL, 20)
    assert len(book["bids"]) == len(book["asks"]) == 20
    assert book["bids"][0][0] < book["asks"][0][0]
    assert book["nonce"] > 1_700_000_000_000_000
    assert abs(exchange.fetch_time() - exchange.milliseconds()) < 5_000
    assert exchange.fetch_ticker(SYMBOL)["bid"] > 0
    assert exchange.fetch_bids_asks([SYMBOL])[SYMBOL]["ask"] > 0
    order = exchange.create_order(SYMBOL, "market", "buy", 0.001)
    trade = next(trade for trade in exchange.fetch_trades(SYMBOL) if trade["price"] == order["average"])
    assert (trade["side"], trade["symbol"]) == ("buy", SYMBOL)


def test_a_resting_order_lives_from_placement_to_cancel(exchange):
    price, before = far_bid(exchange), exchange.fetch_balance()["FDUSD"]["free"]
    placed = exchange.create_order(
        SYMBOL, "limit", "buy", 0.001, price, {"postOnly": True, "newClientOrderId": "life-1"}
    )
    assert (placed["clientOrderId"], placed["status"]) == ("life-1", "open")
    fetched = exchange.fetch_order(placed["id"], SYMBOL)
    assert (fetched["price"], fetched["amount"], fetched["filled"]) == (float(price), 0.001, 0.0)
    assert (fetched["postOnly"], fetched["side"]) == (True, "buy")
    assert [order["id"] for order in exchange.fetch_open_orders(SYMBOL)] == [placed["id"]]
    assert exchange.fetch_balance()["FDUSD"]["free"] == pytest.approx(before - float(price) * 0.001)
    cancelled = exchange.cancel_order(None, SYMBOL, {"origClientOrderId": "life-1"})
    assert (cancelled["status"], cancelled["info"]["origClientOrderId"]) == ("canceled", "life-1")
    assert exchange.fetch_order(None, SYMBOL, {"origClientOrderId": "life-1"})["status"] == "canceled"
    assert exchange.fetch_balance()["FDUSD"]["free"] == before


def test_a_taker_order_reports_its_fills_and_its_commission(exchange, venue):
    order = exchange.create_order(SYMBOL, "market", "buy", 0.002)
    assert (order["status"], order["filled"]) == ("closed", 0.002)
    trades = [trade for trade in exchange.fetch_my_trades(SYMBOL) if trade["order"] == order["id"]]
    assert sum(trade["amount"] for trade in trades) == pytest.approx(0.002)
    assert {(trade["takerOrMaker"], trade["fee"]["currency"]) for trade in trades} == {("taker", "BTC")}
    assert sum(trade["fee"]["cost"] for trade in trades) == pytest.approx(0.002 * 2e-4)
    truth = [trade for trade in venue.state()["trades"] if str(trade["orderId"]) == order["id"]]
    assert [trade["id"] for trade in trades] == [str(trade["id"]) for trade in truth]


def test_cancel_all_ends_every_order(exchange):
    for _ in range(3):
        exchange.create_order(SYMBOL, "limit", "buy", 0.001, far_bid(exchange))
    assert len(exchange.cancel_all_orders(SYMBOL)) == 3
    assert exchange.fetch_open_orders(SYMBOL) == []
    with pytest.raises(ccxt.OrderNotFound):
        exchange.cancel_all_orders(SYMBOL)


def test_refusals_become_ccxts_error_classes(exchange):
    price = float(far_bid(exchange))
    refused = [
        (ccxt.OrderImmediatelyFillable, lambda: order(price * 1.02, params={"postOnly": True})),
        (ccxt.InsufficientFunds, lambda: order(price, amount=10)),
        (ccxt.BadRequest, lambda: order(price, amount=0.00001)),
        (ccxt.InvalidOrder, lambda: raw(quantity="0.000001")),
        (ccxt.InvalidOrder, lambda: raw(price="100.001")),
        (ccxt.BadRequest, lambda: raw(timeInForce="GTX")),
        (ccxt.BadSymbol, lambda: raw(symbol="ETHFDUSD")),
        (ccxt.OrderNotFound, lambda: exchange.cancel_order("1", SYMBOL)),
        (ccxt.OrderNotFound, lambda: exchange.fetch_order("1", SYMBOL)),
    ]

    def order(price, amount=0.001, params=None):
        return exchange.create_order(SYMBOL, "limit", "buy", amount, price, params or {})

    def raw(**changes):
        fields = {"symbol": "BTCFDUSD", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.001"}
        return exchange.privatePostOrder(fields | {"price": f"{price:.2f}"} | changes)

    for kind, call in refused:
        with pytest.raises(kind):
            call()


def test_two_open_orders_cannot_share_a_client_id(exchange):
    price = far_bid(exchange)
    exchange.create_order(SYMBOL, "limit", "buy", 0.001, price, {"newClientOrderId": "twin"})
    with pytest.raises(ccxt.InvalidOrder, match="Duplicate order sent"):
        exchange.create_order(SYMBOL, "limit", "buy", 0.001, price, {"newClientOrderId": "twin"})


@pytest.mark.parametrize(
    ("overrides", "kind"),
    [
        ({"secret": "wrong"}, ccxt.AuthenticationError),
        ({"apiKey": "wrong"}, ccxt.AuthenticationError),
        ({"options": {"recvWindow": 60_001}}, ccxt.ExchangeError),  # by address ccxt knows -1131 as BadRequest,
    ],
)
def test_bad_credentials_are_refused(venue, overrides, kind):
    with pytest.raises(kind):
        wired(ccxt.binance, venue.url, **overrides).fetch_balance()


def test_a_clock_that_is_off_is_an_invalid_nonce(venue):
    exchange = wired(ccxt.binance, venue.url)
    exchange.nonce = lambda: exchange.milliseconds() - 60_000
    with pytest.raises(ccxt.InvalidNonce):
        exchange.fetch_balance()


def test_rate_limit_headers_count_and_an_endpoint_that_is_not_served_fails(exchange):
    exchange.fetch_time()
    assert int(exchange.last_response_headers["X-Mbx-Used-Weight-1m"]) > 0
    with pytest.raises(ccxt.BaseError):
        exchange.fetch_ohlcv(SYMBOL)
    with pytest.raises(ccxt.NotSupported, match="does not have a testnet/sandbox URL"):
        exchange.fapiPublicGetTime()


async def test_the_async_class_works_the_same(venue):
    exchange = wired(ccxt.async_support.binance, venue.url)
    try:
        await exchange.load_markets()
        price = exchange.price_to_precision(SYMBOL, (await exchange.fetch_order_book(SYMBOL))["asks"][0][0] * 1.01)
        order = await exchange.create_order(SYMBOL, "limit", "sell", 0.001, price, {"postOnly": True})
        assert (await exchange.cancel_order(order["id"], SYMBOL))["status"] == "canceled"
    finally:
        await exchange.close()

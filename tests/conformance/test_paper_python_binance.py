"""What python-binance does with the paper venue by its addresses alone: both clients, the WS API and the sockets."""

import asyncio
import itertools
import warnings

import pytest

from tests.conformance.venue_process import VENUE_SYMBOL, paper_process

with warnings.catch_warnings():
    # the library imports names that websockets is about to drop
    warnings.simplefilter("ignore", DeprecationWarning)
    from binance import AsyncClient, BinanceSocketManager, Client
    from binance.exceptions import BinanceAPIException, BinanceRequestException

pytestmark = pytest.mark.slow
DEADLINE_S = 30


@pytest.fixture(scope="module")
def venue():
    with paper_process("--seed", "13", "--regime", "busy", "--maker-fee-bps", "1", "--taker-fee-bps", "2") as running:
        yield running


def addressed(kind, url):
    """Return the library's class with the venue's addresses in place of its own."""
    streams = url.replace("http", "ws", 1)
    addresses = {"API_URL": f"{url}/api", "WS_API_URL": f"{streams}/ws-api/v3", "STREAM_URL": f"{streams}/"}
    return type(kind.__name__, (kind,), addresses)


@pytest.fixture
def loop():
    """Lend the library's synchronous client the event loop that it would otherwise make and leave open."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield loop
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture
def client(venue, loop):
    client = addressed(Client, venue.url)("paper", "paper-secret")
    yield client
    for order in client.get_open_orders(symbol=VENUE_SYMBOL):
        client.cancel_order(symbol=VENUE_SYMBOL, orderId=order["orderId"])
    client.session.close()


@pytest.fixture
async def asynchronous(venue):
    client = await addressed(AsyncClient, venue.url).create("paper", "paper-secret")
    client.ws_api.TIMEOUT = 0.5  # its reader looks so often whether it has been closed
    yield client
    if client.ws_api.ws is not None:
        await client.ws_api.close()
    await client.close_connection()


def far_bid(book):
    return f"{float(book['bids'][0][0]) * 0.99:.2f}"


def test_market_data_is_answered(client):
    symbol = client.get_symbol_info(VENUE_SYMBOL)
    assert {each["filterType"] for each in symbol["filters"]} >= {"PRICE_FILTER", "LOT_SIZE", "NOTIONAL"}
    book = client.get_order_book(symbol=VENUE_SYMBOL, limit=10)
    assert len(book["bids"]) == len(book["asks"]) == 10
    assert client.get_server_time()["serverTime"] > 1_700_000_000_000
    assert float(client.get_orderbook_ticker(symbol=VENUE_SYMBOL)["bidPrice"]) > 0
    assert float(client.get_symbol_ticker(symbol=VENUE_SYMBOL)["price"]) > 0
    assert client.get_ticker(symbol=VENUE_SYMBOL)["symbol"] == VENUE_SYMBOL


def test_an_order_lives_from_placement_to_cancel(client):
    price = far_bid(client.get_order_book(symbol=VENUE_SYMBOL))
    placed = client.order_limit_buy(symbol=VENUE_SYMBOL, quantity="0.001", price=price, newClientOrderId="pb-life")
    assert (placed["status"], placed["clientOrderId"]) == ("NEW", "pb-life")
    assert client.get_order(symbol=VENUE_SYMBOL, origClientOrderId="pb-life")["orderId"] == placed["orderId"]
    assert [order["orderId"] for order in client.get_open_orders(symbol=VENUE_SYMBOL)] == [placed["orderId"]]
    assert client.get_asset_balance("FDUSD")["locked"] == f"{float(price) * 0.001:.8f}"
    assert client.cancel_order(symbol=VENUE_SYMBOL, orderId=placed["orderId"])["status"] == "CANCELED"
    assert client.get_all_orders(symbol=VENUE_SYMBOL)[-1]["status"] == "CANCELED"


def test_a_fill_is_in_the_reply_and_in_the_trades(client):
    order = client.order_market_sell(symbol=VENUE_SYMBOL, quantity="0.002")
    assert (order["status"], order["executedQty"]) == ("FILLED", "0.00200000")
    trades = client.get_my_trades(symbol=VENUE_SYMBOL, orderId=order["orderId"])
    assert [trade["id"] for trade in trades] == [fill["tradeId"] for fill in order["fills"]]
    assert {trade["commissionAsset"] for trade in trades} == {"FDUSD"}


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda client: client.cancel_order(symbol=VENUE_SYMBOL, orderId=1), -2011),
        (lambda client: client.get_order(symbol=VENUE_SYMBOL, orderId=1), -2013),
        (lambda client: client.order_market_buy(symbol=VENUE_SYMBOL, quantity="100"), -2010),
        (lambda client: client.get_order_book(symbol="ETHFDUSD"), -1121),
    ],
)
def test_refusals_carry_the_venues_code(client, call, code):
    with pytest.raises(BinanceAPIException) as refused:
        call(client)
    assert refused.value.code == code


@pytest.mark.parametrize("code", [429, 418, -1003, -1007, -1021, -2010, 503])
def test_injected_errors_arrive_with_their_code_and_status(client, venue, code):
    venue.fault("error", code=code, on="account")
    with pytest.raises(BinanceAPIException) as failed:
        client.get_account()
    if code < 0:
        assert failed.value.code == code
    else:
        assert failed.value.status_code == code
    assert client.get_account()["canTrade"]


def test_a_page_instead_of_json_is_not_taken_for_an_answer(client, venue):
    venue.fault("html", status=200)
    with pytest.raises(BinanceRequestException, match="Invalid Response"):
        client.get_server_time()


async def test_orders_and_the_user_stream_go_over_the_socket_api(asynchronous, venue):
    sockets = addressed(BinanceSocketManager, venue.url)(asynchronous)
    async with asyncio.timeout(DEADLINE_S), sockets.user_socket() as user:
        price = far_bid(await asynchronous.get_order_book(symbol=VENUE_SYMBOL))
        fields = {"symbol": VENUE_SYMBOL, "side": "BUY", "type": "LIMIT_MAKER", "quantity": "0.001", "price": price}
        await asynchronous.ws_create_order(newClientOrderId="pb-ws", **fields)
        await asynchronous.ws_cancel_order(symbol=VENUE_SYMBOL, origClientOrderId="pb-ws")
        events = [await user.recv() for _ in range(4)]
    reports = [(event["x"], event["C"] or event["c"]) for event in events if event["e"] == "executionReport"]
    assert reports == [("NEW", "pb-ws"), ("CANCELED", "pb-ws")]


async def test_public_sockets_stream(asynchronous, venue):
    sockets = addressed(BinanceSocketManager, venue.url)(asynchronous)
    async with asyncio.timeout(DEADLINE_S):
        async with sockets.symbol_book_ticker_socket(VENUE_SYMBOL) as tickers:
            best = await tickers.recv()
        async with sockets.multiplex_socket(
            [f"{VENUE_SYMBOL.lower()}@trade", f"{VENUE_SYMBOL.lower()}@depth@100ms"]
        ) as both:
            heard = [await both.recv() for _ in range(20)]
    assert float(best["b"]) < float(best["a"])
    depth = [each["data"] for each in heard if each["stream"].endswith("@depth@100ms")]
    assert all(after["U"] == before["u"] + 1 for before, after in itertools.pairwise(depth))
    assert len(depth) >= 2

"""Opening and closing positions of a USDT-M symbol: an unmodified ccxt against the paper venue as a futures venue."""

import json
from decimal import Decimal

import aiohttp
import ccxt
import pytest

from strategy.venues.paper.config import PaperConfig
from strategy.venues.paper.server import running
from strategy.venues.wire import parse
from tests.conformance.venue_process import paper_process
from tests.unit.test_paper_gate import signed

pytestmark = pytest.mark.slow
SYMBOL = "BTC/USDT:USDT"
DEADLINE_S = 30


@pytest.fixture(scope="module")
def venue():
    options = ("--symbol", SYMBOL, "--seed", "29", "--regime", "calm", "--lot-size", "0.001", "--tick-size", "0.1")
    options += ("--quote", "10000", "--min-notional", "100")
    with paper_process(*options, "--maker-fee-bps", "2", "--taker-fee-bps", "5") as running:
        yield running


@pytest.fixture
def exchange(venue):
    exchange = ccxt.binance(
        {
            "apiKey": "paper",
            "secret": "paper-secret",
            "enableRateLimit": False,
            "options": {"defaultType": "swap", "fetchMarkets": {"types": ["linear"]}, "fetchCurrencies": False},
        }
    )
    fapi = f"{venue.url}/fapi"
    addresses = {"fapiPublic": "v1", "fapiPrivate": "v1", "fapiPrivateV2": "v2", "fapiPrivateV3": "v3"}
    exchange.urls["test"] = {name: f"{fapi}/{version}" for name, version in addresses.items()}
    exchange.set_sandbox_mode(True)
    exchange.load_markets()
    yield exchange
    flatten(exchange)


def flatten(exchange):
    exchange.cancel_all_orders(SYMBOL)
    for position in exchange.fetch_positions([SYMBOL]):
        side = "sell" if position["side"] == "long" else "buy"
        if position["contracts"]:
            params = {"positionSide": position["info"]["positionSide"]} if position["hedged"] else {"reduceOnly": True}
            exchange.create_order(SYMBOL, "market", side, position["contracts"], None, params)
    if exchange.fetch_position_mode(SYMBOL)["hedged"]:
        exchange.set_position_mode(False, SYMBOL)


def take(exchange, side, amount, **params):
    return exchange.create_order(SYMBOL, "market", side, amount, None, params)


def rest(exchange, side, amount, away=0.01, **params):
    book = exchange.fetch_order_book(SYMBOL)
    price = book["bids"][0][0] * (1 - away) if side == "buy" else book["asks"][0][0] * (1 + away)
    return exchange.create_order(SYMBOL, "limit", side, amount, exchange.price_to_precision(SYMBOL, price), params)


def position(exchange, side="BOTH"):
    """Return signed contracts and the unified position."""
    found = [each for each in exchange.fetch_positions([SYMBOL]) if each["info"]["positionSide"] == side]
    return float(found[0]["info"]["positionAmt"]) if found else 0.0


def refused(call, code):
    with pytest.raises(ccxt.BaseError) as failed:
        call()
    text = str(failed.value)
    assert json.loads(text[text.index("{") :])["code"] == code, text


def test_the_market_is_a_linear_perpetual_with_its_filters(exchange):
    market = exchange.markets[SYMBOL]
    assert (market["swap"], market["linear"], market["settle"], market["active"]) == (True, True, "USDT", True)
    assert (market["precision"]["price"], market["precision"]["amount"]) == (0.1, 0.001)
    assert market["limits"]["cost"]["min"] == 100.0
    book = exchange.fetch_order_book(SYMBOL)
    assert book["bids"][0][0] < book["asks"][0][0]


def test_a_position_opens_grows_shrinks_and_closes_with_its_profit(exchange):
    wallet = exchange.fetch_balance()["USDT"]["total"]
    take(exchange, "buy", 0.02)
    take(exchange, "buy", 0.01)
    assert position(exchange) == 0.03
    take(exchange, "sell", 0.02, reduceOnly=True)
    assert position(exchange) == 0.01
    take(exchange, "sell", 0.01, reduceOnly=True)
    assert position(exchange) == 0.0
    trades = exchange.fetch_my_trades(SYMBOL)
    realized = sum(float(trade["info"]["realizedPnl"]) for trade in trades)
    fees = sum(trade["fee"]["cost"] for trade in trades)
    assert {trade["fee"]["currency"] for trade in trades} == {"USDT"}
    assert exchange.fetch_balance()["USDT"]["total"] == pytest.approx(wallet + realized - fees, abs=1e-6)


def test_an_order_without_reduce_only_flips_the_position_and_one_with_it_never_does(exchange):
    take(exchange, "buy", 0.01)
    flipped = take(exchange, "sell", 0.03)
    assert (position(exchange), flipped["filled"]) == (-0.02, 0.03)
    cut = take(exchange, "buy", 0.05, reduceOnly=True)
    assert position(exchange) == 0.0
    final = exchange.fetch_order(cut["id"], SYMBOL)
    assert (final["filled"], final["status"], final["reduceOnly"]) == (0.02, "expired", True)


def test_reduce_only_is_refused_where_there_is_nothing_to_reduce(exchange):
    refused(lambda: take(exchange, "sell", 0.01, reduceOnly=True), -2022)
    take(exchange, "buy", 0.01)
    refused(lambda: take(exchange, "buy", 0.01, reduceOnly=True), -2022)
    resting = rest(exchange, "sell", 0.01, reduceOnly=True)
    refused(lambda: rest(exchange, "sell", 0.01, reduceOnly=True), -2022)
    assert [order["id"] for order in exchange.fetch_open_orders(SYMBOL)] == [resting["id"]]


def test_a_resting_reduce_only_order_goes_with_its_position(exchange):
    take(exchange, "buy", 0.02)
    resting = rest(exchange, "sell", 0.02, reduceOnly=True)
    take(exchange, "sell", 0.01)
    assert [order["id"] for order in exchange.fetch_open_orders(SYMBOL)] == [resting["id"]]
    take(exchange, "sell", 0.01)
    assert exchange.fetch_open_orders(SYMBOL) == []
    assert exchange.fetch_order(resting["id"], SYMBOL)["status"] == "expired"


def test_in_hedge_mode_long_and_short_stand_side_by_side(exchange):
    exchange.set_position_mode(True, SYMBOL)
    assert exchange.fetch_position_mode(SYMBOL)["hedged"]
    take(exchange, "buy", 0.02, positionSide="LONG")
    take(exchange, "sell", 0.01, positionSide="SHORT")
    assert (position(exchange, "LONG"), position(exchange, "SHORT")) == (0.02, -0.01)
    refused(lambda: take(exchange, "sell", 0.03, positionSide="LONG"), -2022)
    refused(lambda: take(exchange, "buy", 0.02, positionSide="SHORT"), -2022)
    take(exchange, "sell", 0.01, positionSide="LONG")
    take(exchange, "buy", 0.01, positionSide="SHORT")
    assert (position(exchange, "LONG"), position(exchange, "SHORT")) == (0.01, 0.0)


def test_position_side_and_mode_must_agree(exchange):
    refused(lambda: take(exchange, "buy", 0.01, positionSide="LONG"), -4061)
    exchange.set_position_mode(True, SYMBOL)
    refused(lambda: take(exchange, "buy", 0.01), -4061)
    raw = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "0.01", "positionSide": "LONG"}
    refused(lambda: exchange.fapiPrivatePostOrder(raw | {"reduceOnly": "true"}), -1106)
    refused(lambda: exchange.set_position_mode(True, SYMBOL), -4059)


def test_the_mode_stays_while_there_are_orders_or_a_position(exchange):
    order = rest(exchange, "buy", 0.01)
    refused(lambda: exchange.set_position_mode(True, SYMBOL), -4067)
    exchange.cancel_order(order["id"], SYMBOL)
    take(exchange, "buy", 0.01)
    refused(lambda: exchange.set_position_mode(True, SYMBOL), -4068)


def test_margin_bounds_what_may_be_opened_but_not_what_closes(exchange):
    exchange.set_leverage(1, SYMBOL)
    refused(lambda: take(exchange, "buy", 0.2), -2019)
    exchange.set_leverage(20, SYMBOL)
    take(exchange, "buy", 0.2)
    exchange.set_leverage(1, SYMBOL)
    take(exchange, "sell", 0.2, reduceOnly=True)
    exchange.set_leverage(20, SYMBOL)
    assert position(exchange) == 0.0


def test_a_post_only_order_rests_or_is_refused(exchange):
    order = rest(exchange, "buy", 0.01, timeInForce="GTX")
    assert exchange.fetch_order(order["id"], SYMBOL)["status"] == "open"
    refused(lambda: rest(exchange, "buy", 0.01, away=-0.01, timeInForce="GTX"), -5022)


def test_a_small_order_may_close_but_not_open(exchange):
    refused(lambda: take(exchange, "buy", 0.001), -4164)
    take(exchange, "buy", 0.002)
    take(exchange, "sell", 0.001, reduceOnly=True)
    assert position(exchange) == 0.001


def test_a_fault_meets_futures_requests_too(exchange, venue):
    venue.fault("error", code=-1007, on="place_futures", after=True)
    with pytest.raises(ccxt.RequestTimeout):
        rest(exchange, "buy", 0.01, newClientOrderId="unknown")
    assert [order["clientOrderId"] for order in exchange.fetch_open_orders(SYMBOL)] == ["unknown"]


async def test_the_streams_speak_futures():
    config = PaperConfig(symbol=SYMBOL, lot_size="0.001", tick_size="0.1", quote=Decimal(10_000), regime="calm")
    headers = {"X-MBX-APIKEY": "paper"}
    async with running(config) as server, aiohttp.ClientSession(server.url) as session:
        async with session.ws_connect("/ws/btcusdt@depth@100ms") as socket:
            diffs = []
            for _ in range(3):
                diffs += parse(0, (await socket.receive_str(timeout=DEADLINE_S)).encode())
        assert [after.prev_id for after in diffs[1:]] == [before.final_id for before in diffs[:-1]]
        async with session.post("/fapi/v1/listenKey", headers=headers) as reply:
            key = (await reply.json())["listenKey"]
        async with session.put("/fapi/v1/listenKey", headers=headers) as reply:
            assert reply.status == 200
        async with session.ws_connect(f"/ws/{key}") as user:
            stamp = server.turn_clock() // 1_000_000
            query = signed(
                f"symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.010&newClientOrderId=opens&timestamp={stamp}"
            )
            async with session.post(f"/fapi/v1/order?{query}", headers=headers) as reply:
                assert (await reply.json())["clientOrderId"] == "opens"
            told = []
            while not told or told[-1]["e"] != "ACCOUNT_UPDATE":
                told.append(await user.receive_json(timeout=DEADLINE_S))
    orders = [event["o"] for event in told if event["e"] == "ORDER_TRADE_UPDATE"]
    assert (orders[0]["x"], orders[-1]["X"], orders[-1]["c"]) == ("NEW", "FILLED", "opens")
    (held,) = told[-1]["a"]["P"]
    assert (held["pa"], held["ps"]) == ("0.01000000", "BOTH")
    assert float(held["ep"]) == pytest.approx(float(orders[-1]["ap"]))

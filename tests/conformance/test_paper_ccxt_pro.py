"""What the unmodified ccxt.pro 4.5.90 does with the paper venue over websockets."""

import asyncio

import ccxt.pro
import pytest

from tests.conformance.venue_process import SYMBOL, paper_process, wired

pytestmark = pytest.mark.slow
DEADLINE_S = 30


@pytest.fixture(scope="module")
def venue():
    with paper_process("--seed", "9", "--regime", "busy") as running:
        yield running


@pytest.fixture
async def exchange(venue):
    exchange = wired(ccxt.pro.binance, venue.url)
    await exchange.load_markets()
    yield exchange
    await exchange.close()


async def until(watch, holds):
    """Await a watch method until its result holds."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            result = await watch()
            if holds(result):
                return result


async def test_the_watched_book_follows_the_ids_and_equals_the_rest_book(exchange):
    nonces = []
    for _ in range(30):
        book = await exchange.watch_order_book(SYMBOL)
        assert book["bids"][0][0] < book["asks"][0][0]
        nonces.append(book["nonce"])
    assert nonces == sorted(nonces)
    rest = await exchange.fetch_order_book(SYMBOL, 1_000)
    book = await until(lambda: exchange.watch_order_book(SYMBOL), lambda book: book["nonce"] >= rest["nonce"])
    watched, fetched = dict(map(tuple, book["bids"])), dict(map(tuple, rest["bids"]))
    far = sorted(fetched)[: len(fetched) // 3]  # nearer ones may have changed since
    assert sum(watched.get(price) == fetched[price] for price in far) >= 0.7 * len(far)


async def test_trades_and_best_prices_are_watched(exchange):
    trades = await until(lambda: exchange.watch_trades(SYMBOL), bool)
    assert trades[0]["symbol"] == SYMBOL
    assert trades[0]["side"] in ("buy", "sell")
    best = (await exchange.watch_bids_asks([SYMBOL]))[SYMBOL]
    assert best["bid"] < best["ask"]


async def test_own_orders_trades_and_balance_are_watched(exchange):
    async with asyncio.timeout(DEADLINE_S):
        await exchange.authenticate({"type": "spot"})
        watching = [
            asyncio.create_task(exchange.watch_orders(SYMBOL)),
            asyncio.create_task(exchange.watch_balance()),
            asyncio.create_task(exchange.watch_my_trades(SYMBOL)),
        ]
        await asyncio.sleep(0)
        params = {"newClientOrderId": "seen"}
        order = await exchange.create_order(SYMBOL, "market", "sell", 0.001, None, params)
        orders, balance, trades = await asyncio.gather(*watching)
    assert orders[-1]["clientOrderId"] == "seen"
    assert {trade["order"] for trade in trades} == {order["id"]}
    assert trades[0]["takerOrMaker"] == "taker"
    assert balance["BTC"]["free"] == (await exchange.fetch_balance())["BTC"]["free"]


async def test_a_cancel_is_seen_with_the_orders_own_client_id(exchange):
    price = exchange.price_to_precision(SYMBOL, (await exchange.fetch_order_book(SYMBOL))["bids"][0][0] * 0.99)
    await exchange.authenticate({"type": "spot"})
    params = {"postOnly": True, "newClientOrderId": "gone"}
    order = await exchange.create_order(SYMBOL, "limit", "buy", 0.001, price, params)

    def cancelled(orders):
        return any(seen["id"] == order["id"] and seen["status"] == "canceled" for seen in orders)

    seen = asyncio.create_task(until(lambda: exchange.watch_orders(SYMBOL), cancelled))
    await asyncio.sleep(0)
    await exchange.cancel_order(order["id"], SYMBOL)
    assert next(found for found in await seen if found["id"] == order["id"])["clientOrderId"] == "gone"


async def test_orders_go_over_the_socket(exchange, venue):
    price = exchange.price_to_precision(SYMBOL, (await exchange.fetch_order_book(SYMBOL))["asks"][0][0] * 1.01)
    order = await exchange.create_order_ws(SYMBOL, "limit", "sell", 0.001, price, {"newClientOrderId": "ws-1"})
    assert (await exchange.fetch_order_ws(order["id"], SYMBOL))["status"] == "open"
    assert [found["clientOrderId"] for found in await exchange.fetch_open_orders_ws(SYMBOL)] == ["ws-1"]
    assert (await exchange.cancel_order_ws(order["id"], SYMBOL))["status"] == "canceled"
    await exchange.create_order_ws(SYMBOL, "limit", "sell", 0.001, price)
    assert len(await exchange.cancel_all_orders_ws(SYMBOL)) == 1
    balances = (await exchange.fetch_balance_ws())["info"]["balances"]
    assert [(row["asset"], float(row["locked"])) for row in balances] == [("BTC", 0.0), ("FDUSD", 0.0)]
    assert venue.state()["open_orders"] == []


async def test_refusals_over_the_socket_become_ccxts_error_classes(exchange, venue):
    price = (await exchange.fetch_order_book(SYMBOL))["asks"][0][0] * 1.01
    with pytest.raises(ccxt.pro.OrderImmediatelyFillable):
        await exchange.create_order_ws(SYMBOL, "limit", "buy", 0.001, price, {"postOnly": True})
    with pytest.raises(ccxt.pro.OrderNotFound):
        await exchange.cancel_order_ws("1", SYMBOL)
    other = wired(ccxt.pro.binance, venue.url, secret="wrong")
    try:
        with pytest.raises(ccxt.pro.AuthenticationError):
            await other.fetch_balance_ws()
    finally:
        await other.close()


async def test_many_streams_share_one_socket(exchange, venue):
    async with asyncio.timeout(DEADLINE_S):
        await asyncio.gather(
            exchange.watch_order_book(SYMBOL), exchange.watch_trades(SYMBOL), exchange.watch_bids_asks([SYMBOL])
        )
    assert [url for url in exchange.clients if "/stream" in url] == [f"{venue.url.replace('http', 'ws')}/stream/0"]

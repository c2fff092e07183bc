"""Every fault of the paper venue as a client meets it: an unmodified ccxt, or the wire where ccxt would hide it."""

import asyncio
import subprocess
import sys
import time
from contextlib import asynccontextmanager

import aiohttp
import ccxt
import pytest

from strategy.venues.paper.config import PaperConfig
from strategy.venues.paper.gate import socket_payload
from strategy.venues.paper.server import running
from tests.conformance.venue_process import SYMBOL, VENUE_SYMBOL, paper_process, wired
from tests.unit.test_paper_gate import signed

pytestmark = pytest.mark.slow
DEADLINE_S = 30
KEY = {"X-MBX-APIKEY": "paper"}


@pytest.fixture(scope="module")
def venue():
    with paper_process("--seed", "17", "--regime", "calm") as running:
        yield running


@pytest.fixture
def exchange(venue):
    exchange = wired(ccxt.binance, venue.url)
    exchange.load_markets()
    yield exchange
    venue.fault("clear")
    for order in exchange.fetch_open_orders(SYMBOL):
        exchange.cancel_order(order["id"], SYMBOL)


def bid(exchange, client_id):
    price = exchange.price_to_precision(SYMBOL, exchange.fetch_order_book(SYMBOL)["bids"][0][0] * 0.99)
    params = {"postOnly": True, "newClientOrderId": client_id}
    return exchange.create_order(SYMBOL, "limit", "buy", 0.001, price, params)


@pytest.mark.parametrize(
    ("code", "kind", "call"),
    [
        (429, ccxt.DDoSProtection, lambda exchange: exchange.fetch_time()),
        (418, ccxt.DDoSProtection, lambda exchange: exchange.fetch_time()),
        (-1003, ccxt.DDoSProtection, lambda exchange: exchange.fetch_time()),
        (-1007, ccxt.RequestTimeout, lambda exchange: bid(exchange, "late")),
        (-1021, ccxt.InvalidNonce, lambda exchange: exchange.fetch_balance()),
        (-2010, ccxt.InsufficientFunds, lambda exchange: bid(exchange, "poor")),
        (-2011, ccxt.OrderNotFound, lambda exchange: exchange.cancel_order("1", SYMBOL)),
        (-2013, ccxt.OrderNotFound, lambda exchange: exchange.fetch_order("1", SYMBOL)),
        (503, ccxt.OperationFailed, lambda exchange: exchange.fetch_time()),
    ],
)
def test_an_injected_error_becomes_ccxts_class_once(exchange, venue, code, kind, call):
    venue.fault("error", code=code)
    with pytest.raises(kind):
        call(exchange)
    assert venue.state()["reply_faults"] == 0
    assert exchange.fetch_open_orders(SYMBOL) == []


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("fields", [{"what": "error", "code": -1007}, {"what": "cut", "on": "place"}])
def test_an_order_whose_fate_is_unknown_rests_or_does_not(exchange, venue, fields, after):
    venue.fault(**fields, after=after)
    with pytest.raises(ccxt.NetworkError):
        bid(exchange, "fate")
    resting = [order["clientOrderId"] for order in exchange.fetch_open_orders(SYMBOL)]
    assert resting == (["fate"] if after else [])


def test_a_page_instead_of_json_is_an_error_or_to_ccxt_an_empty_account(exchange, venue):
    venue.fault("html", on="account")
    with pytest.raises(ccxt.NetworkError):
        exchange.fetch_balance()
    venue.fault("html", status=200, on="account")
    assert "BTC" not in exchange.fetch_balance()
    assert exchange.fetch_balance()["BTC"]["free"] > 0


def test_a_late_reply_comes_after_the_deed(exchange, venue):
    price = exchange.price_to_precision(SYMBOL, exchange.fetch_order_book(SYMBOL)["bids"][0][0] * 0.99)
    venue.fault("delay", on="place", seconds=3.0)
    exchange.timeout = 1_000
    with pytest.raises(ccxt.RequestTimeout):
        exchange.create_order(SYMBOL, "limit", "buy", 0.001, price, {"newClientOrderId": "slow"})
    exchange.timeout = 10_000
    deadline = time.monotonic() + DEADLINE_S
    while not (resting := venue.state()["open_orders"]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [order["clientOrderId"] for order in resting] == ["slow"]


def test_a_skewed_clock_refuses_what_is_signed_until_it_is_set_right(exchange, venue):
    for ms in (60_000, -60_000):
        venue.fault("skew", ms=ms)
        assert abs(exchange.fetch_time() - exchange.milliseconds() - ms) < 5_000
        with pytest.raises(ccxt.InvalidNonce):
            exchange.fetch_balance()
    venue.fault("skew", ms=0)
    assert exchange.fetch_balance()["BTC"]["free"] > 0


def test_a_restart_remembers_what_it_is_told_to():
    with paper_process("--seed", "19", "--regime", "calm") as venue:
        exchange = wired(ccxt.binance, venue.url)
        exchange.create_order(SYMBOL, "market", "sell", 0.001)
        last_id = int(bid(exchange, "old")["id"])
        for memory, resting, trades, base in (
            ("all", ["old"], 1, 0.049),
            ("money", [], 0, 0.049),
            ("nothing", [], 0, 0.05),
        ):
            updates = venue.state()["last_update_id"]
            assert venue.fault("restart", memory=memory, seconds=0.1) >= 1
            assert [found["clientOrderId"] for found in exchange.fetch_open_orders(SYMBOL)] == resting
            assert exchange.fetch_balance()["BTC"]["total"] == pytest.approx(base)
            assert len({trade["order"] for trade in exchange.fetch_my_trades(SYMBOL)}) == trades
            assert venue.state()["last_update_id"] > updates
            if not resting:
                with pytest.raises(ccxt.OrderNotFound):
                    exchange.fetch_order(str(last_id), SYMBOL)
                last_id, before = int(bid(exchange, "new")["id"]), last_id
                assert last_id > before


@asynccontextmanager
async def client(**settings):
    config = PaperConfig(seed=3, admin_port=0, **settings)
    async with running(config) as server, aiohttp.ClientSession(server.url) as session:

        async def fault(**fields):
            async with session.post(f"{server.admin_door.url}/admin/fault", params=fields) as reply:
                return reply.status, await reply.json()

        yield server, session, fault


async def order(server, session, client_id):
    """Place a bid far from the touch over REST; return status and body."""
    price = f"{float(server.market.mid()) * 0.9:.2f}"
    text = f"symbol={VENUE_SYMBOL}&side=BUY&type=LIMIT_MAKER&quantity=0.001&price={price}&newClientOrderId={client_id}"
    query = signed(f"{text}&timestamp={server.turn_clock() // 1_000_000}")
    async with session.post(f"/api/v3/order?{query}", headers=KEY) as reply:
        return reply.status, await reply.json()


async def subscribed(server, session):
    """Return a WS API socket whose user stream is on."""
    socket = await session.ws_connect("/ws-api/v3")
    parameters = {"apiKey": "paper", "timestamp": str(server.turn_clock() // 1_000_000)}
    parameters["signature"] = signed(socket_payload(parameters)).rpartition("=")[2]
    await socket.send_json({"id": 1, "method": "userDataStream.subscribe.signature", "params": parameters})
    assert (await socket.receive_json(timeout=DEADLINE_S))["status"] == 200
    return socket


async def reports(socket, count):
    """Return the client ids of the next execution reports."""
    found = []
    async with asyncio.timeout(DEADLINE_S):
        while len(found) < count:
            event = (await socket.receive_json()).get("event", {})
            if event.get("e") == "executionReport":
                found.append(event["c"])
    return found


async def test_reports_are_lost_doubled_and_reordered_on_the_wire():
    async with client() as (server, session, fault):
        socket = await subscribed(server, session)
        await fault(what="deaf", seconds=60)
        await order(server, session, "lost")
        await fault(what="clear")
        await fault(what="event-duplicate")
        await order(server, session, "twice")
        assert await reports(socket, 2) == ["twice", "twice"]
        await fault(what="event-reorder")
        await order(server, session, "first")
        await order(server, session, "second")
        assert await reports(socket, 2) == ["second", "first"]
        await fault(what="event-delay", seconds=0.3)
        await order(server, session, "late")
        await order(server, session, "behind")
        assert await reports(socket, 2) == ["late", "behind"]
        assert len(server.market.desk.open_orders()) == 6


async def test_faults_reach_the_socket_api_too():
    async with client() as (server, session, fault), session.ws_connect("/ws-api/v3") as socket:
        await fault(what="error", code=-1003)
        await socket.send_json({"id": 1, "method": "ping"})
        refused = await socket.receive_json(timeout=DEADLINE_S)
        assert (refused["id"], refused["status"], refused["error"]["code"]) == (1, 429, -1003)
        await fault(what="html")
        await socket.send_json({"id": 2, "method": "ping"})
        assert (await socket.receive_str(timeout=DEADLINE_S)).startswith("<!DOCTYPE html>")
        await fault(what="delay", seconds=1.0, on="ping")
        await socket.send_json({"id": 3, "method": "ping"})
        await socket.send_json({"id": 4, "method": "time"})
        assert [(await socket.receive_json(timeout=DEADLINE_S))["id"] for _ in range(2)] == [4, 3]
        await fault(what="cut")
        await socket.send_json({"id": 5, "method": "ping"})
        assert (await socket.receive(timeout=DEADLINE_S)).type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        assert server.hub.sessions == set() or all(each.socket is not socket for each in server.hub.sessions)


@pytest.mark.parametrize("what", ["close", "abort"])
async def test_connections_are_ended_by_kind(what):
    async with client() as (server, session, fault):
        user = await subscribed(server, session)
        async with session.ws_connect("/ws/btcfdusd@trade") as market:
            assert await fault(what=what, on="user") == (200, {"ended": 1})
            async with asyncio.timeout(DEADLINE_S):
                while not (await user.receive()).type.name.startswith("CLOS"):
                    pass
            assert not market.closed
            assert await fault(what=what) == (200, {"ended": 1})
            async with asyncio.timeout(DEADLINE_S):
                while not (await market.receive()).type.name.startswith("CLOS"):
                    pass


async def test_a_skipped_diff_leaves_a_hole_in_the_update_ids():
    async with client() as (_, session, fault), session.ws_connect("/ws/btcfdusd@depth@100ms") as socket:
        before = await socket.receive_json(timeout=DEADLINE_S)
        await fault(what="skip", stream="depth", count=2)
        async with asyncio.timeout(DEADLINE_S):
            while (diff := await socket.receive_json())["U"] == before["u"] + 1:
                before = diff
        assert diff["U"] > before["u"] + 1


async def test_the_admin_endpoint_answers_loopback_alone_and_says_what_is_wrong():
    async with client() as (server, session, fault):
        admin = server.admin_door.url
        assert admin != server.url
        status, body = await fault(what="explode")
        assert (status, "explode" in body["error"]) == (400, True)
        for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
            async with session.post(f"{admin}/admin/fault?what=clear", headers=headers) as reply:
                assert reply.status == 403
        async with session.get("/admin/state") as reply:
            assert reply.status == 404
        async with session.get(f"{admin}/admin/faults") as reply:
            assert "restart" in [line["names"] for line in await reply.json()]


def test_a_process_with_real_credentials_has_no_admin_endpoint(monkeypatch):
    monkeypatch.setenv("MICROVOL_LIVE_API_KEY", "a-real-key")
    command = [sys.executable, "-m", "strategy.venues.paper", "--admin-port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "MICROVOL_LIVE_API_KEY holds credentials" in done.stderr
    assert "a-real-key" not in done.stderr

"""The venue's own words on the wire, without a client library in between."""

import asyncio
import json
from contextlib import asynccontextmanager
from decimal import Decimal

import aiohttp
import pytest

from strategy.venues.paper import hub as hub_module
from strategy.venues.paper.config import PaperConfig
from strategy.venues.paper.gate import socket_payload
from strategy.venues.paper.server import running
from tests.unit.test_paper_gate import signed

pytestmark = pytest.mark.slow
DEADLINE_S = 20


@asynccontextmanager
async def client(**settings):
    async with (
        running(PaperConfig(seed=3, admin_port=0, **settings)) as server,
        aiohttp.ClientSession(server.url) as session,
    ):
        yield server, session


async def receive(socket, holds):
    async with asyncio.timeout(DEADLINE_S):
        while True:
            message = await socket.receive_json()
            if holds(message):
                return message


def has(name):
    return lambda message: name in message


async def test_a_combined_stream_wraps_and_a_raw_one_does_not():
    async with client() as (_, session):
        async with session.ws_connect("/stream?streams=btcfdusd@depth@100ms/btcfdusd@trade") as socket:
            diff = await receive(socket, lambda message: message["stream"] == "btcfdusd@depth@100ms")
            following = await receive(socket, lambda message: message["stream"] == "btcfdusd@depth@100ms")
            assert following["data"]["U"] == diff["data"]["u"] + 1
        async with session.ws_connect("/ws/btcfdusd@bookTicker") as socket:
            assert {"u", "s", "b", "B", "a", "A"} == set(await socket.receive_json())


async def test_subscriptions_are_answered_and_listed():
    async with client() as (_, session), session.ws_connect("/ws") as socket:
        for method, names, result in (
            ("SUBSCRIBE", ["btcfdusd@trade", "btcfdusd@depth"], None),
            ("LIST_SUBSCRIPTIONS", [], ["btcfdusd@depth@100ms", "btcfdusd@trade"]),
            ("UNSUBSCRIBE", ["btcfdusd@trade", "btcfdusd@depth"], None),
            ("LIST_SUBSCRIPTIONS", [], []),
        ):
            await socket.send_json({"method": method, "params": names, "id": 7})
            assert await receive(socket, has("id")) == {"result": result, "id": 7}
        await socket.send_json({"method": "DANCE", "id": 8})
        assert (await receive(socket, has("id")))["error"]["code"] == 2
        await socket.send_str("{")
        assert (await receive(socket, has("error")))["error"]["code"] == 3


async def test_a_listen_key_opens_the_user_stream():
    headers = {"X-MBX-APIKEY": "paper"}
    async with client() as (server, session):
        async with session.post("/api/v3/userDataStream", headers=headers) as reply:
            key = (await reply.json())["listenKey"]
        async with session.ws_connect(f"/ws/{key}") as socket:
            async with session.post(f"{server.admin_door.url}/admin/deposit?asset=FDUSD&amount=2.5") as reply:
                assert reply.status == 200
            update = await receive(socket, has("e"))
        assert (update["e"], update["a"], update["d"]) == ("balanceUpdate", "FDUSD", "2.50000000")
        assert server.market.account.quote.total == 500_250_000_000
        async with session.put(f"/api/v3/userDataStream?listenKey={key}x", headers=headers) as reply:
            assert (reply.status, (await reply.json())["code"]) == (400, -1125)
        async with session.post(f"{server.admin_door.url}/admin/deposit?asset=FDUSD&amount=-99999") as reply:
            assert reply.status == 400


async def test_the_socket_api_answers_with_status_result_and_limits():
    async with client() as (server, session), session.ws_connect("/ws-api/v3") as socket:
        await socket.send_json({"id": "a", "method": "time"})
        reply = await receive(socket, has("id"))
        assert (reply["id"], reply["status"]) == ("a", 200)
        assert [limit["rateLimitType"] for limit in reply["rateLimits"]] == ["REQUEST_WEIGHT", "ORDERS", "ORDERS"]
        parameters = {"apiKey": "paper", "timestamp": str(reply["result"]["serverTime"]), "returnRateLimits": "false"}
        parameters["signature"] = signed(socket_payload(parameters)).rpartition("=")[2]
        await socket.send_json({"id": 1, "method": "userDataStream.subscribe.signature", "params": parameters})
        assert await receive(socket, has("id")) == {"id": 1, "status": 200, "result": {"subscriptionId": 0}}
        async with session.post(f"{server.admin_door.url}/admin/deposit?asset=BTC&amount=1") as deposited:
            assert deposited.status == 200
        assert (await receive(socket, has("event")))["event"]["e"] == "balanceUpdate"
        await socket.send_json({"id": 2, "method": "order.place", "params": {"apiKey": "paper"}})
        assert (await receive(socket, has("id")))["error"]["code"] == -1102
        await socket.send_json({"id": 3, "method": "dance"})
        assert (await receive(socket, has("id")))["status"] == 400
        await socket.send_str("nonsense")
        assert (await receive(socket, has("id")))["error"]["code"] == -1135


async def test_too_much_weight_is_answered_with_429_and_the_counters():
    async with client(weight_per_minute=8) as (_, session):
        async with session.get("/api/v3/depth?symbol=BTCFDUSD&limit=5") as reply:
            book = await reply.json()
            assert (reply.status, reply.headers["X-MBX-USED-WEIGHT-1M"]) == (200, "5")
            assert len(book["bids"]) == len(book["asks"]) == 5
        async with session.get("/api/v3/depth?symbol=BTCFDUSD") as reply:
            assert (reply.status, (await reply.json())["code"], reply.headers["Retry-After"]) == (429, -1003, "10")


async def test_the_account_and_its_commission_are_stated():
    async with client(maker_fee_bps=Decimal("1.5")) as (server, session):
        query = signed(f"symbol=BTCFDUSD&timestamp={server.turn_clock() // 1_000_000}")
        async with session.get(f"/api/v3/account/commission?{query}", headers={"X-MBX-APIKEY": "paper"}) as reply:
            assert (await reply.json())["standardCommission"]["maker"] == "0.00015000"
        query = signed(f"timestamp={server.turn_clock() // 1_000_000}")
        async with session.get(f"/api/v3/account?{query}", headers={"X-MBX-APIKEY": "paper"}) as reply:
            text = await reply.text()
            assert json.loads(text)["balances"][1]["free"] == "5000.00000000"
        async with session.get("/api/v3/klines") as reply:
            assert (reply.status, (await reply.json())["code"]) == (404, -5000)


async def test_a_listener_that_does_not_read_is_cut_off(monkeypatch):
    monkeypatch.setattr(hub_module, "MOST_WAITING", 1)
    async with client() as (server, session), session.ws_connect("/stream?streams=btcfdusd@depth@100ms") as socket:
        await receive(socket, has("stream"))
        (listener,) = server.hub.sessions
        for _ in range(3):
            server.hub.deliver(listener, "depth", "{}")
        assert server.hub.sessions == set()
        async with asyncio.timeout(DEADLINE_S):
            while not (await socket.receive()).type.name.startswith("CLOS"):
                pass

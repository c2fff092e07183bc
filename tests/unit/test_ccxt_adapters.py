import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import orjson
import pytest
from aiohttp.web import WebSocketResponse

from strategy.errors import OrderRejected, OutcomeUnknown, VenueError
from strategy.kernel.records import (
    BUY,
    REJECT_BALANCE,
    REJECT_FILTER,
    REJECT_GUARD,
    REJECT_OTHER,
    REJECT_POST_ONLY,
    SELL,
)
from strategy.venues.ccxt_broker import CcxtBroker
from strategy.venues.ccxt_feed import CcxtFeed
from strategy.venues.ccxt_venue import redacted
from strategy.venues.endpoints import order_fields
from strategy.venues.ports import OrderReport, OrderRequest, OwnEvent, OwnFill, StreamLost, StreamReset, Transfer
from strategy.venues.settings import VenueConfig
from strategy.venues.units import Units
from tests.unit.fake_venue import INFO, FakeVenue, diff, fake_venue

pytestmark = pytest.mark.slow

ORDER = ("POST", "/api/v3/order")
PLACED = {
    "orderId": 77,
    "clientOrderId": "mv-1",
    "transactTime": 1_700_000_000_000,
    "price": "60000.01000000",
    "origQty": "0.00100000",
    "executedQty": "0.00000000",
    "status": "NEW",
    "side": "BUY",
}
REQUEST = OrderRequest("mv-1", BUY, 6_000_001, 100)


@pytest.fixture
async def venue() -> AsyncIterator[FakeVenue]:
    async with fake_venue() as found:
        yield found


@pytest.fixture
async def broker(venue: FakeVenue) -> AsyncIterator[CcxtBroker]:
    opened = CcxtBroker(venue.config)
    yield opened
    await opened.close()


async def take(feed: CcxtFeed, count: int) -> list[dict]:
    found = []
    async for _, payload in feed.frames():
        found.append(orjson.loads(payload))
        if len(found) == count:
            return found
    return found


async def test_feed_marks_the_epoch_and_fetches_the_snapshot_after_the_first_diff(venue: FakeVenue) -> None:
    feed = CcxtFeed(venue.config)
    reading = asyncio.create_task(take(feed, 5))
    socket = await venue.stream("/stream")
    assert not any(path == "/api/v3/depth" for _, path, _ in venue.requests)
    await socket.send_json(diff(11, 12))
    await socket.send_json(diff(13, 14))
    frames = await asyncio.wait_for(reading, 10)
    await feed.close()
    assert frames[0] == {"epoch": {"n": 1, "reason": "connected"}}
    assert frames[1]["symbols"][0]["symbol"] == "BTCFDUSD"
    assert sorted(next(iter(frame)) for frame in frames[2:]) == ["lastUpdateId", "stream", "stream"]


async def test_feed_fetches_the_snapshot_again_until_it_bridges(venue: FakeVenue) -> None:
    old, young = ({"lastUpdateId": last, "bids": [], "asks": []} for last in (5, 40))
    venue.replies[("GET", "/api/v3/depth")] = [old, young]
    feed = CcxtFeed(venue.config)
    reading = asyncio.create_task(take(feed, 5))
    await (await venue.stream("/stream")).send_json(diff(30, 31))
    frames = await asyncio.wait_for(reading, 10)
    await feed.close()
    assert [frame["lastUpdateId"] for frame in frames if "lastUpdateId" in frame] == [5, 40]


async def test_feed_reconnects_with_a_new_epoch_after_the_venue_closes(venue: FakeVenue) -> None:
    feed = CcxtFeed(venue.config)
    reading = asyncio.create_task(take(feed, 5))
    await (await venue.stream("/stream")).close()
    await (await venue.stream("/stream", 2)).send_json(diff(1, 2))
    frames = await asyncio.wait_for(reading, 10)
    await feed.close()
    marks = [frame["epoch"] for frame in frames if "epoch" in frame]
    assert [mark["n"] for mark in marks] == [1, 1, 2]
    assert marks[1]["reason"].startswith("lost: ")


async def test_feed_gives_up_a_silent_connection(venue: FakeVenue) -> None:
    feed = CcxtFeed(venue.config, silence_seconds=0.1)
    reading = asyncio.create_task(take(feed, 4))
    frames = await asyncio.wait_for(reading, 10)
    await feed.close()
    assert frames[2] == {"epoch": {"n": 1, "reason": "lost: silent depth@100ms"}}


async def test_place_sends_exact_decimals_and_reads_the_reply(venue: FakeVenue, broker: CcxtBroker) -> None:
    venue.replies[ORDER] = PLACED
    report = await broker.place(REQUEST)
    sent = venue.requests[-1][2]
    assert (sent["price"], sent["quantity"], sent["type"]) == ("60000.01", "0.001", "LIMIT_MAKER")
    assert "timeInForce" not in sent
    assert report == OrderReport("mv-1", "open", BUY, 6_000_001, 100, 0, 1_700_000_000_000_000_000)


@pytest.mark.parametrize(
    ("status", "executed", "told"),
    [("FILLED", "0.00100000", "filled"), ("EXPIRED", "0.00040000", "cancelled"), ("CANCELED", "0", "cancelled")],
)
async def test_a_taker_goes_out_as_ioc_and_its_end_is_in_the_reply(venue, broker, status, executed, told) -> None:
    venue.replies[ORDER] = PLACED | {"status": status, "executedQty": executed}
    report = await broker.place(replace(REQUEST, kind="ioc", reduce_only=True))
    sent = venue.requests[-1][2]
    assert (sent["type"], sent["timeInForce"], sent["price"]) == ("LIMIT", "IOC", "60000.01")
    assert "reduceOnly" not in sent
    assert (report.status, report.filled_lots) == (told, round(float(executed) * 100_000))


@pytest.mark.parametrize(
    ("symbol", "side", "reduces", "said"),
    [
        ("BTC/USDT:USDT", SELL, True, "true"),
        ("BTC/USDT:USDT", BUY, True, None),
        ("BTC/USDT:USDT", SELL, False, None),
        ("BTC/USDT", SELL, True, None),
    ],
)
def test_only_futures_are_told_that_a_sale_reduces(symbol: str, side: int, reduces: bool, said: str | None) -> None:
    config = VenueConfig.model_construct(name="paper", symbol=symbol)
    fields = order_fields(config, Units("0.01", "0.00001"), replace(REQUEST, side=side, reduce_only=reduces))
    assert fields.get("reduceOnly") == said


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ((400, {"code": -2010, "msg": "Order would immediately match and take."}), REJECT_POST_ONLY),
        ((400, {"code": -2010, "msg": "Account has insufficient balance for requested action."}), REJECT_BALANCE),
        ((400, {"code": -1013, "msg": "Filter failure: PRICE_FILTER"}), REJECT_FILTER),
        ((400, {"code": -1013, "msg": "Filter failure: NOTIONAL"}), REJECT_FILTER),
        ((400, {"code": -1022, "msg": "Signature for this request is not valid."}), REJECT_OTHER),
        ((429, {"code": -1015, "msg": "Too many new orders"}), REJECT_OTHER),
        ((429, {"code": -1003, "msg": "Too much request weight used"}), REJECT_OTHER),
        ((400, {"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."}), REJECT_OTHER),
    ],
)
async def test_a_refusal_is_a_rejection_with_the_kernels_code(venue, broker, reply, code) -> None:
    venue.replies[ORDER] = reply
    with pytest.raises(OrderRejected) as caught:
        await broker.place(REQUEST)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "reply",
    [
        (503, {"code": -1007, "msg": "Timeout waiting for response from backend server."}),
        (400, {"code": -1006, "msg": "An unexpected response was received from the message bus."}),
        (500, {"code": -1001, "msg": "Internal error; unable to process your request."}),
        (502, {}),
        (400, {"code": -2010, "msg": "Duplicate order sent."}),
        "hang up",
        (200, "<html>maintenance</html>"),
        (503, "<html>maintenance</html>"),
        {},
        PLACED | {"price": "60000.001"},
        (400, {"code": -2013, "msg": "Order does not exist."}),
    ],
)
async def test_a_lost_answer_is_unknown_and_never_a_rejection(venue, broker, reply) -> None:
    venue.replies[ORDER] = reply
    with pytest.raises(OutcomeUnknown) as caught:
        await broker.place(REQUEST)
    assert "signature" not in str(caught.value)
    assert caught.value.__suppress_context__


async def test_cancel_names_the_order_and_reports_an_unknown_one_as_missing(venue, broker) -> None:
    cancelled = PLACED | {"status": "CANCELED", "clientOrderId": "the cancel's own", "executedQty": "0.00040000"}
    unknown = (400, {"code": -2011, "msg": "Unknown order sent."})
    venue.replies[("DELETE", "/api/v3/order")] = [cancelled, unknown]
    report = await broker.cancel("mv-1")
    assert (report.client_id, report.status, report.filled_lots) == ("mv-1", "cancelled", 40)
    assert (await broker.cancel("mv-1")).status == "missing"


async def test_cancel_all_without_orders_is_no_error(venue, broker) -> None:
    venue.replies[("GET", "/api/v3/openOrders")] = [(200, [PLACED]), (200, [])]
    venue.replies[("DELETE", "/api/v3/openOrders")] = [[PLACED], (400, {"code": -2011, "msg": "Unknown order sent."})]
    assert await broker.cancel_all() == 1
    assert await broker.cancel_all() == 0


async def test_rest_executions_get_our_client_id_by_the_venues_order_id(venue, broker) -> None:
    row = {"id": 9, "orderId": 77, "price": "60000.01", "qty": "0.001", "commission": "0.00000100"}
    row |= {"commissionAsset": "BTC", "isBuyer": True, "isMaker": True, "time": 1_700_000_000_000}
    venue.replies[("GET", "/api/v3/myTrades")] = (200, [row])
    venue.replies[("GET", "/api/v3/order")] = PLACED
    (fill,) = await broker.fills(8)
    assert venue.requests[-2][2]["fromId"] == "9"
    assert (fill.client_id, fill.trade_id, fill.leaves_lots, fill.fee_base_lots) == ("mv-1", 9, -1, 0.1)


async def test_balance_is_free_and_locked_together(venue, broker) -> None:
    rows = [{"asset": "BTC", "free": "0.01", "locked": "0.02"}, {"asset": "FDUSD", "free": "100", "locked": "20"}]
    venue.replies[("GET", "/api/v3/account")] = {"balances": rows}
    balance = await broker.balance()
    assert balance.base_lots == 3000
    assert balance.quote_atoms == 120 / 0.01 / 0.00001


NO_REPLIES = [(200, "<html>maintenance</html>"), (200, ""), {}, (200, "null")]


async def test_a_reply_that_is_none_is_unknown_and_never_an_empty_account(venue, broker) -> None:
    asked = {
        ("GET", "/api/v3/account"): broker.balance,
        ("GET", "/api/v3/openOrders"): broker.open_orders,
        ("GET", "/api/v3/myTrades"): lambda: broker.fills(8),
        ("GET", "/api/v3/order"): lambda: broker.order("mv-1"),
        ("DELETE", "/api/v3/order"): lambda: broker.cancel("mv-1"),
    }
    for path, ask in asked.items():
        for reply in NO_REPLIES:
            venue.replies[path] = reply
            with pytest.raises(OutcomeUnknown):
                await ask()


async def test_an_account_that_lists_neither_asset_is_unknown(venue, broker) -> None:
    venue.replies[("GET", "/api/v3/account")] = {"balances": [{"asset": "BNB", "free": "1", "locked": "0"}]}
    with pytest.raises(OutcomeUnknown, match="neither BTC nor FDUSD"):
        await broker.balance()


async def test_an_execution_whose_order_is_answered_by_a_page_is_not_taken_for_somebody_elses(venue, broker) -> None:
    row = {"id": 9, "orderId": 78, "price": "60000.01", "qty": "0.001", "commission": "0", "commissionAsset": "BTC"}
    row |= {"isBuyer": True, "isMaker": True, "time": 1_700_000_000_000}
    venue.replies[("GET", "/api/v3/myTrades")] = (200, [row])
    venue.replies[("GET", "/api/v3/order")] = {}
    with pytest.raises(OutcomeUnknown):
        await broker.fills(8)


async def test_an_execution_of_an_order_that_the_venue_denies_is_asked_of_again(venue, broker) -> None:
    row = {"id": 9, "orderId": 77, "price": "60000.01", "qty": "0.001", "commission": "0", "commissionAsset": "BTC"}
    row |= {"isBuyer": True, "isMaker": True, "time": 1_700_000_000_000}
    venue.replies[("GET", "/api/v3/myTrades")] = (200, [row])
    venue.replies[("GET", "/api/v3/order")] = [(400, {"code": -2013, "msg": "Order does not exist."}), PLACED]
    with pytest.raises(OutcomeUnknown, match="order 77"):
        await broker.fills(8)
    assert [fill.client_id for fill in await broker.fills(8)] == ["mv-1"]


async def test_feed_survives_a_page_in_place_of_the_filters(venue: FakeVenue) -> None:
    info = ("GET", "/api/v3/exchangeInfo")
    venue.replies[info] = [(200, "<html>maintenance</html>"), (200, "{}"), INFO]
    feed = CcxtFeed(venue.config)
    frames = await asyncio.wait_for(take(feed, 2), 30)
    await feed.close()
    assert frames[1]["symbols"][0]["symbol"] == "BTCFDUSD"


async def test_user_stream_yields_reset_reports_and_fills_and_reconnects(venue, broker) -> None:
    base = {"e": "executionReport", "s": "BTCFDUSD", "S": "SELL", "q": "0.00100", "p": "61000.00", "i": 5, "C": ""}
    base |= {"T": 1_700_000_000_000, "m": True, "n": "0.01", "N": "FDUSD"}
    new = base | {"x": "NEW", "X": "NEW", "c": "mv-5", "z": "0"}
    trade = base | {"x": "TRADE", "X": "PARTIALLY_FILLED", "c": "mv-5", "z": "0.00040", "t": 3}
    trade |= {"l": "0.00040", "L": "61000.00"}
    gone = base | {"x": "CANCELED", "X": "CANCELED", "c": "web_1", "C": "mv-5", "z": "0.00040"}
    events = broker.own_events()
    first = asyncio.create_task(anext(events))
    socket = await venue.stream("/ws-api/v3")
    assert isinstance(await asyncio.wait_for(first, 10), StreamReset)
    for event in (new, trade, gone):
        await socket.send_json({"subscriptionId": 0, "event": event})
    opened, fill, cancelled = [await asyncio.wait_for(anext(events), 10) for _ in range(3)]
    assert opened == OrderReport("mv-5", "open", SELL, 6_100_000, 100, 0, 1_700_000_000_000_000_000)
    assert isinstance(fill, OwnFill)
    assert (fill.trade_id, fill.qty_lots, fill.leaves_lots, fill.fee_quote_atoms) == (3, 40, 60, 0.01 / 1e-7)
    assert (cancelled.client_id, cancelled.status, cancelled.filled_lots) == ("mv-5", "cancelled", 40)
    await socket.close()
    assert isinstance(await asyncio.wait_for(anext(events), 10), StreamLost)
    assert isinstance(await asyncio.wait_for(anext(events), 10), StreamReset)


async def listening(venue: FakeVenue, broker: CcxtBroker) -> tuple[AsyncIterator[OwnEvent], WebSocketResponse]:
    """Return a user stream that has begun, and the venue's end of it."""
    events = broker.own_events()
    first = asyncio.create_task(anext(events))
    socket = await venue.stream("/ws-api/v3")
    assert isinstance(await asyncio.wait_for(first, 10), StreamReset)
    return events, socket


async def test_a_transfer_is_told_in_lots_and_atoms_and_that_of_another_asset_is_not(venue, broker) -> None:
    events, socket = await listening(venue, broker)
    for asset, amount in (("BNB", "1"), ("BTC", "-0.5"), ("FDUSD", "100")):
        event = {"e": "balanceUpdate", "E": 1, "a": asset, "d": amount, "T": 1}
        await socket.send_json({"subscriptionId": 0, "event": event})
    assert [await asyncio.wait_for(anext(events), 10) for _ in range(2)] == [
        Transfer(-50_000.0, 0.0),
        Transfer(0.0, 1e9),
    ]


async def test_news_that_cannot_be_read_has_to_be_asked_for(venue, broker) -> None:
    events, socket = await listening(venue, broker)
    broken = {"e": "executionReport", "s": "BTCFDUSD", "x": "TRADE", "t": 3}
    await socket.send_json({"subscriptionId": 0, "event": broken})
    assert await asyncio.wait_for(anext(events), 10) == StreamReset("not understood: executionReport")


async def test_a_refused_subscription_is_tried_again_with_the_clock_measured_anew(venue, broker) -> None:
    off = {"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."}
    venue.answers = [{"status": 400, "error": off}]
    await broker.instrument()
    asked = [path for _, path, _ in venue.requests].count("/api/v3/time")
    events = broker.own_events()
    lost = await asyncio.wait_for(anext(events), 10)
    assert isinstance(lost, StreamLost)
    assert "-1021" in lost.reason
    assert isinstance(await asyncio.wait_for(anext(events), 10), StreamReset)
    assert [path for _, path, _ in venue.requests].count("/api/v3/time") == asked + 1


async def test_a_renewed_stream_is_another_connection(venue, broker) -> None:
    events, _ = await listening(venue, broker)
    broker.renew_stream("it is deaf")
    assert await asyncio.wait_for(anext(events), 10) == StreamLost("it is deaf")
    await venue.stream("/ws-api/v3", 2)
    assert isinstance(await asyncio.wait_for(anext(events), 10), StreamReset)


async def test_a_takers_executions_are_in_the_reply(venue, broker) -> None:
    rows = [{"price": "60000.00", "qty": "0.0004", "commission": "0.00000400", "commissionAsset": "BTC", "tradeId": 8}]
    venue.replies[ORDER] = PLACED | {"status": "EXPIRED", "executedQty": "0.0004", "fills": rows}
    (fill,) = (await broker.place(replace(REQUEST, kind="ioc"))).fills
    assert venue.requests[-1][2]["newOrderRespType"] == "FULL"
    assert (fill.trade_id, fill.client_id, fill.side, fill.qty_lots, fill.maker) == (8, "mv-1", BUY, 40, False)
    assert (fill.price_ticks, fill.fee_base_lots, fill.fee_quote_atoms) == (6_000_000, 0.4, 0.0)


@pytest.mark.parametrize("call", ["place", "cancel", "order"])
async def test_a_clock_that_is_off_is_measured_anew_by_whatever_hears_of_it(venue, broker, call: str) -> None:
    off = (400, {"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."})
    venue.replies.update(dict.fromkeys((ORDER, ("DELETE", "/api/v3/order"), ("GET", "/api/v3/order")), off))
    await broker.instrument()
    asked = [path for _, path, _ in venue.requests].count("/api/v3/time")
    with pytest.raises(OrderRejected):
        await (broker.place(REQUEST) if call == "place" else getattr(broker, call)("mv-1"))
    assert [path for _, path, _ in venue.requests].count("/api/v3/time") == asked + 1


async def test_orders_keep_to_the_limits_that_the_venue_lists_and_to_what_it_has_counted(venue, broker) -> None:
    limit = {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 7}
    venue.replies[("GET", "/api/v3/exchangeInfo")] = INFO | {"rateLimits": [limit]}
    venue.replies[("GET", "/api/v3/time")] = {"serverTime": time.time_ns() // 1_000_000}
    venue.replies[ORDER] = PLACED
    venue.headers = {"X-MBX-ORDER-COUNT-1D": "7"}
    await broker.place(REQUEST)
    sent = len(venue.requests)
    with pytest.raises(OrderRejected, match="order mv-2 was not sent: 7 of 7 orders in 86400 s are used") as caught:
        await broker.place(replace(REQUEST, client_id="mv-2"))
    assert (caught.value.code, len(venue.requests)) == (REJECT_GUARD, sent)


async def test_after_a_429_cancels_go_out_and_orders_do_not(venue, broker) -> None:
    refused = (429, {"code": -1003, "msg": "Too much request weight used"})
    venue.replies[ORDER] = refused
    venue.replies[("DELETE", "/api/v3/order")] = PLACED | {"status": "CANCELED"}
    venue.replies[("GET", "/api/v3/time")] = {"serverTime": time.time_ns() // 1_000_000}
    venue.headers = {"Retry-After": "60"}
    for words in ("Too much request weight", "the venue asked for silence"):
        with pytest.raises(OrderRejected, match=words):
            await broker.place(REQUEST)
    assert (await broker.cancel("mv-1")).status == "cancelled"
    assert [method for method, _, _ in venue.requests].count("POST") == 1


async def test_an_unlisted_symbol_is_one_clear_error(venue, broker) -> None:
    venue.replies[("GET", "/api/v3/exchangeInfo")] = {"symbols": []}
    with pytest.raises(VenueError, match="paper does not list BTC/FDUSD"):
        await broker.instrument()


def test_redaction_leaves_no_signature_and_no_key() -> None:
    text = 'binance GET https://api.example/api/v3/account?timestamp=1&signature=abc123 {"apiKey": "k123"}\nmore'
    clean = redacted(text)
    assert "abc123" not in clean
    assert "k123" not in clean
    assert "https://api.example/api/v3/account?…" in clean
    assert "more" not in clean


async def test_stamps_are_taken_at_the_socket_and_never_go_back(venue: FakeVenue) -> None:
    feed = CcxtFeed(venue.config)
    stamps = []

    async def read() -> None:
        async for local_ns, _ in feed.frames():
            stamps.append(local_ns)
            if len(stamps) == 6:
                return

    before = time.time_ns()
    reading = asyncio.create_task(read())
    socket = await venue.stream("/stream")
    for number in range(11, 15):
        await socket.send_json(diff(number, number))
    await asyncio.wait_for(reading, 10)
    await feed.close()
    assert before <= stamps[0]
    assert stamps == sorted(stamps)

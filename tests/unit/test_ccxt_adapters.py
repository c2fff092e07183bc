import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import orjson
import pytest

from strategy.errors import OrderRejected, OutcomeUnknown, VenueError
from strategy.kernel.records import BUY, REJECT_BALANCE, REJECT_FILTER, REJECT_OTHER, REJECT_POST_ONLY, SELL
from strategy.venues.ccxt_broker import CcxtBroker, order_fields
from strategy.venues.ccxt_feed import CcxtFeed
from strategy.venues.ccxt_venue import redacted
from strategy.venues.ports import OrderReport, OrderRequest, OwnFill, StreamReset
from strategy.venues.settings import VenueConfig
from strategy.venues.units import Units
from tests.unit.fake_venue import FakeVenue, diff, fake_venue

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
    ("symbol", "reduces", "said"),
    [("BTC/USDT:USDT", True, "true"), ("BTC/USDT:USDT", False, None), ("BTC/USDT", True, None)],
)
def test_only_futures_are_told_that_an_order_reduces(symbol: str, reduces: bool, said: str | None) -> None:
    config = VenueConfig.model_construct(name="paper", symbol=symbol)
    fields = order_fields(config, Units("0.01", "0.00001"), replace(REQUEST, reduce_only=reduces))
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
    assert isinstance(await asyncio.wait_for(anext(events), 10), StreamReset)


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

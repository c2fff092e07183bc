"""Our own broker and feed on a USDT-M perpetual of the paper venue."""

import asyncio
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import orjson
import pytest

from strategy.errors import BadInput, OrderRejected
from strategy.kernel.records import BUY, REJECT_BALANCE, REJECT_FILTER, REJECT_POST_ONLY, SELL
from strategy.venues.account_questions import Fees, fees, key_rights
from strategy.venues.ccxt_broker import CcxtBroker
from strategy.venues.ccxt_feed import CcxtFeed
from strategy.venues.dead_man import COUNTDOWN_SECONDS
from strategy.venues.market import MarketReader
from strategy.venues.paper.config import PaperConfig
from strategy.venues.paper.futures.positions import FuturesAccount
from strategy.venues.paper.server import PaperServer, running
from strategy.venues.ports import OrderReport, OrderRequest, OwnEvent, OwnFill, StreamReset, Transfer
from strategy.venues.settings import paper_venue
from strategy.venues.units import Units

pytestmark = pytest.mark.slow

SYMBOL = "BTC/USDT:USDT"
FAR, NEAR = 3_000, 300  # ticks from mid
ATOM = Decimal("0.0001")  # a tick's price of a lot
DEADLINE_S = 60


@pytest.fixture
async def server() -> AsyncIterator[PaperServer]:
    sizes = {"lot_size": "0.001", "tick_size": "0.1", "min_notional": "50"}
    config = PaperConfig.model_validate(
        {"symbol": SYMBOL, "quote": 10_000, "regime": "calm", "maker_fee_bps": 2, "taker_fee_bps": 5, **sizes}
    )
    async with running(config) as found:
        yield found


@pytest.fixture
async def broker(server: PaperServer) -> AsyncIterator[CcxtBroker]:
    opened = CcxtBroker(paper_venue(server.url, SYMBOL))
    yield opened
    await opened.close()


def mid(server: PaperServer) -> int:
    return int(server.market.mid() * 10)


async def news(events: AsyncIterator[OwnEvent]) -> OwnEvent:
    return await asyncio.wait_for(anext(events), DEADLINE_S)


async def fill(events: AsyncIterator[OwnEvent]) -> OwnFill:
    while not isinstance(found := await news(events), OwnFill):
        assert isinstance(found, OrderReport)
    return found


async def until(condition: Callable[[], Any]) -> None:
    for _ in range(20 * DEADLINE_S):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the condition was not met in time")


def taken(server: PaperServer, name: str, side: int, lots: int, reduce_only: bool = False) -> OrderRequest:
    return OrderRequest(name, side, mid(server) + side * NEAR, lots, kind="ioc", reduce_only=reduce_only)


async def test_holdings_move_by_quantity_and_price_whether_a_position_opens_or_closes(server, broker) -> None:
    before = await broker.balance()
    assert (before.base_lots, before.quote_atoms) == (0.0, 1e8)
    events = broker.own_events()
    assert isinstance(await news(events), StreamReset)
    executed = []
    for name, side, lots in (("mv-1", BUY, 5), ("mv-2", BUY, 2), ("mv-3", SELL, 4), ("mv-4", SELL, 3)):
        await broker.place(taken(server, name, side, lots, reduce_only=side == SELL))
        while sum(each.qty_lots for each in executed if each.client_id == name) < lots:
            executed.append(await fill(events))
        held, paid = await broker.balance(), sum(each.side * each.qty_lots * each.price_ticks for each in executed)
        fee = sum(Decimal(repr(each.fee_quote_atoms)) for each in executed)
        assert held.base_lots == sum(each.side * each.qty_lots for each in executed)
        assert Decimal(repr(held.quote_atoms)) == Decimal(10**8) - paid - fee
    assert held.base_lots == 0
    told = await broker.fills(executed[0].trade_id - 1)
    assert [(each.trade_id, each.client_id, each.maker) for each in told] == [
        (each.trade_id, each.client_id, False) for each in executed
    ]


async def test_an_order_rests_is_listed_and_ends_by_a_cancel(server, broker) -> None:
    await broker.place(OrderRequest("mv-1", BUY, mid(server) - FAR, 2))
    (resting,) = await broker.open_orders()
    assert (resting.client_id, resting.status, resting.qty_lots) == ("mv-1", "open", 2)
    assert (await broker.cancel("mv-1")).status == "cancelled"
    assert (await broker.cancel("mv-1")).status == "missing"
    assert (await broker.order("mv-1")).status == "cancelled"
    assert (await broker.order("nobody's")).status == "missing"
    await broker.place(OrderRequest("mv-2", SELL, mid(server) + FAR, 2))
    assert await broker.cancel_all() == 1
    assert await broker.cancel_all() == 0


async def test_a_refusal_has_the_kernels_code(server, broker) -> None:
    refused = {
        OrderRequest("mv-1", BUY, mid(server) + FAR, 2): REJECT_POST_ONLY,
        OrderRequest("mv-2", BUY, mid(server) - FAR, 10**5): REJECT_BALANCE,
        OrderRequest("mv-3", BUY, 10**4, 1): REJECT_FILTER,
        taken(server, "mv-4", SELL, 1, reduce_only=True): REJECT_BALANCE,
    }
    for request, code in refused.items():
        with pytest.raises(OrderRejected) as caught:
            await broker.place(request)
        assert caught.value.code == code, caught.value
    assert await broker.open_orders() == []


async def test_what_closes_never_opens_the_other_side(server, broker) -> None:
    await broker.place(taken(server, "mv-1", BUY, 3))
    ended = await broker.place(taken(server, "mv-2", SELL, 8, reduce_only=True))
    assert (ended.status, ended.filled_lots) == ("cancelled", 3)
    assert (await broker.balance()).base_lots == 0


async def test_a_purchase_that_takes_back_what_a_slot_sold_opens_anew(server, broker) -> None:
    ended = await broker.place(taken(server, "mv-1", BUY, 3, reduce_only=True))
    assert (ended.status, ended.filled_lots) == ("filled", 3)
    assert (await broker.balance()).base_lots == 3


async def test_money_that_comes_in_is_a_transfer_and_executions_are_not(server, broker) -> None:
    events = broker.own_events()
    assert isinstance(await news(events), StreamReset)
    await broker.place(taken(server, "mv-1", BUY, 3))
    await fill(events)
    server.market.desk.deposit("USDT", 25 * 10**8)
    while not isinstance(found := await news(events), Transfer):
        assert isinstance(found, OwnFill | OrderReport)
    assert found == Transfer(0.0, float(Decimal(25) / ATOM))


async def test_an_account_whose_positions_stand_apart_is_refused_before_it_is_read(server, broker) -> None:
    assert isinstance(server.market.account, FuturesAccount)
    server.market.account.hedged = True
    with pytest.raises(BadInput, match="hedge mode\\): set it to one-way mode"):
        await broker.balance()
    server.market.account.hedged = False
    assert (await broker.balance()).base_lots == 0


async def test_the_countdown_runs_while_we_live_and_ends_in_order(server, broker) -> None:
    events = broker.own_events()
    assert isinstance(await news(events), StreamReset)
    assert 0 < server.market.countdown.left_ms <= COUNTDOWN_SECONDS * 1000
    server.market.countdown.begin(1)  # the venue did not hear us in time
    await broker.place(OrderRequest("mv-1", BUY, mid(server) - FAR, 2))
    await until(lambda: not server.market.desk.open_orders())
    while (found := await news(events)) and not (isinstance(found, OrderReport) and found.status == "cancelled"):
        assert isinstance(found, OrderReport)
    await until(lambda: server.market.countdown.left_ms)
    await broker.close()
    assert server.market.countdown.left_ms == 0


async def test_the_questions_before_quoting_are_answered(server, broker) -> None:
    config = paper_venue(server.url, SYMBOL)
    rights = await key_rights(broker, config)
    assert (rights.trades, rights.withdraws, rights.transfers) == (True, False, False)
    assert await fees(broker, config) == Fees(Decimal(2), Decimal(5))


async def test_frames_make_a_known_book(server) -> None:
    feed, reader = CcxtFeed(paper_venue(server.url, SYMBOL)), MarketReader(SYMBOL, Units("0.1", "0.001"))
    async with asyncio.timeout(DEADLINE_S):
        async for local_ns, payload in feed.frames():
            reader.read(local_ns, payload)
            if not reader.needs_snapshot and "lastUpdateId" not in orjson.loads(payload):
                break
    await feed.close()
    best = reader.book.best()
    assert 0 < best.bid_ticks < best.ask_ticks

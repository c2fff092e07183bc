"""Orders that take, from the broker's request through ccxt and the paper venue to reports and user stream."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from strategy.kernel.records import BUY, SELL
from strategy.venues.ccxt_broker import CcxtBroker
from strategy.venues.ports import OrderReport, OrderRequest, OwnEvent, OwnFill, StreamReset
from strategy.venues.settings import paper_venue
from strategy.venues.units import Units
from tests.conformance.venue_process import SYMBOL, Venue, paper_process

pytestmark = pytest.mark.slow
DEADLINE_S = 30


@pytest.fixture(scope="module")
def venue():
    with paper_process("--seed", "5", "--regime", "calm", "--base", "1", "--quote", "100000") as running:
        yield running


class Trader:
    """A broker with its user stream read in the background."""

    def __init__(self, venue: Venue) -> None:
        self.url = venue.url
        self.broker = CcxtBroker(paper_venue(venue.url, SYMBOL))
        self.heard: list[OwnEvent] = []
        self.subscribed = asyncio.Event()
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for event in self.broker.own_events():
            self.heard.append(event)
            if isinstance(event, StreamReset):
                self.subscribed.set()

    async def until_heard(self, client_id: str, done) -> list[OwnEvent]:
        """Return all news of an order once `done` holds for the last of it."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                news = [event for event in self.heard if getattr(event, "client_id", "") == client_id]
                if news and done(news[-1]):
                    return news
                await asyncio.sleep(0.01)

    async def touch(self, side: int) -> tuple[int, int]:
        """Return price and size in ticks and lots of the best level that an order of a side would meet."""
        instrument = await self.broker.instrument()
        units = Units(instrument.tick_size, instrument.lot_size)
        query = {"symbol": SYMBOL.replace("/", ""), "limit": 5}
        async with httpx.AsyncClient() as client:
            reply = await client.get(f"{self.url}/api/v3/depth", params=query)
        book = reply.raise_for_status().json()
        price, qty = book["asks" if side == BUY else "bids"][0]
        return units.ticks(price), units.lots(qty)


@pytest.fixture
async def trader(venue) -> AsyncIterator[Trader]:
    opened = Trader(venue)
    await asyncio.wait_for(opened.subscribed.wait(), DEADLINE_S)
    yield opened
    opened.reading.cancel()
    await opened.broker.close()


def ended(event: OwnEvent) -> bool:
    return isinstance(event, OrderReport) and event.status == "cancelled"


def full(event: OwnEvent) -> bool:
    return isinstance(event, OwnFill) and event.leaves_lots == 0


@pytest.mark.parametrize("side", [BUY, SELL])
async def test_in_full_it_is_filled_by_takers_executions(trader: Trader, side: int) -> None:
    price, _ = await trader.touch(side)
    client_id = f"mv-full{side}"
    request = OrderRequest(client_id, side, price + side * 20_000, 100, kind="ioc", reduce_only=True)
    report = await trader.broker.place(request)
    assert (report.status, report.filled_lots, report.side) == ("filled", 100, side)
    fills = [event for event in await trader.until_heard(client_id, full) if isinstance(event, OwnFill)]
    assert sum(fill.qty_lots for fill in fills) == 100
    assert not any(fill.maker for fill in fills)
    assert all((fill.price_ticks - request.price_ticks) * side <= 0 for fill in fills)
    told = {fill.trade_id for fill in await trader.broker.fills(0) if fill.client_id == client_id}
    assert told == {fill.trade_id for fill in fills}


@pytest.mark.parametrize("side", [BUY, SELL])
async def test_in_part_its_fills_come_before_its_end_and_nothing_rests(trader: Trader, side: int) -> None:
    for attempt in range(20):  # the touch moves: it may be gone, or grow, before the order arrives
        price, lots = await trader.touch(side)
        client_id = f"mv-part{side}-{attempt}"
        report = await trader.broker.place(OrderRequest(client_id, side, price, lots + 1_000, kind="ioc"))
        if 0 < report.filled_lots < lots + 1_000:
            break
    assert report.status == "cancelled"
    assert 0 < report.filled_lots < report.qty_lots
    news = await trader.until_heard(client_id, ended)
    kinds = [type(event).__name__ for event in news]
    assert kinds == ["OrderReport", *["OwnFill"] * (len(news) - 2), "OrderReport"]
    assert sum(event.qty_lots for event in news if isinstance(event, OwnFill)) == report.filled_lots
    assert await trader.broker.open_orders() == []
    asked = await trader.broker.order(client_id)
    assert (asked.status, asked.filled_lots) == ("cancelled", report.filled_lots)


@pytest.mark.parametrize("side", [BUY, SELL])
async def test_with_nothing_to_take_it_is_cancelled_and_not_an_error(trader: Trader, side: int) -> None:
    price, _ = await trader.touch(side)
    client_id = f"mv-none{side}"
    report = await trader.broker.place(OrderRequest(client_id, side, price - side * 20_000, 100, kind="ioc"))
    assert (report.status, report.filled_lots) == ("cancelled", 0)
    news = await trader.until_heard(client_id, ended)
    assert not any(isinstance(event, OwnFill) for event in news)
    assert (await trader.broker.cancel(client_id)).status == "missing"
    assert (await trader.broker.order(client_id)).status == "cancelled"

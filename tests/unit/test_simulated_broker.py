"""Orders on the simulated exchange: through the broker's port, and beside a replay of the same market."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from strategy.errors import OrderRejected
from strategy.kernel.records import BUY, REJECT_OTHER, REJECT_POST_ONLY, SELL
from strategy.live.books import Books
from strategy.live.simulation.assumptions import Assumptions
from strategy.live.simulation.broker import SimulatedBroker
from strategy.policies.document import Instrument
from strategy.venues.ports import OrderReport, OrderRequest, OwnEvent, OwnFill, StreamReset

INSTRUMENT = Instrument(venue="paper-live", symbol="BTC/USDT", tick_size="0.01", lot_size="0.00001")
MS = 1_000_000
ASSUMED = Assumptions(base=0.1, quote=5_000, maker_fee_bps=1, taker_fee_bps=4, entry_ns=(MS,), response_ns=(MS,))


class Market:
    """Frames of a book with one price a side, as the venue would send them now."""

    def __init__(self, broker: SimulatedBroker) -> None:
        self._broker, self._id, self._trade, self._levels = broker, 1, 0, {}

    def _send(self, message: dict[str, Any]) -> None:
        self._broker.frame(time.time_ns(), orjson.dumps(message))

    def snapshot(self) -> None:
        """Begin with 6 lots a side at 60,000.00 and 60,000.10."""
        self.update({})
        bids, asks = [["60000.00", "0.00006"]], [["60000.10", "0.00006"]]
        self._send({"lastUpdateId": self._id, "bids": bids, "asks": asks})

    def update(self, bids: dict[str, str], asks: dict[str, str] | None = None) -> None:
        self._id += 1
        data = {"e": "depthUpdate", "E": time.time_ns() // MS, "s": "BTCUSDT", "U": self._id, "u": self._id}
        levels = {"b": list(map(list, bids.items())), "a": list(map(list, (asks or {}).items()))}
        self._send({"stream": "btcusdt@depth@100ms", "data": data | levels})

    def trade(self, side: int, price: str, qty: str) -> None:
        self._trade += 1
        data = {"e": "trade", "E": time.time_ns() // MS, "s": "BTCUSDT", "t": self._trade, "p": price, "q": qty}
        self._send({"stream": "btcusdt@trade", "data": data | {"T": time.time_ns() // MS, "m": side == SELL}})

    def lose(self) -> None:
        self._send({"epoch": {"n": 2, "reason": "lost"}})


class Rig:
    """A broker, its market, and the news that it has told."""

    def __init__(self, folder: Path) -> None:
        async def instrument() -> Instrument:
            return INSTRUMENT

        self.broker = SimulatedBroker(instrument, folder, ASSUMED)
        self.market = Market(self.broker)
        self.news: list[OwnEvent] = []
        self._more = asyncio.Event()
        self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for event in self.broker.own_events():
            self.news.append(event)
            self._more.set()

    async def heard(self, count: int, kind: type[Any] = OwnFill) -> list[Any]:
        """Wait for so much news of a kind."""
        async with asyncio.timeout(60):
            while len(found := [event for event in self.news if isinstance(event, kind)]) < count:
                self._more.clear()
                await self._more.wait()
        return found

    async def close(self) -> None:
        await self.broker.close()
        await asyncio.wait_for(self._listening, 60)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    opened = Rig(tmp_path)
    await opened.broker.instrument()
    opened.market.snapshot()
    yield opened
    await opened.close()


def order(name: str, side: int, ticks: int, lots: int, kind: Any = "post_only") -> OrderRequest:
    return OrderRequest(name, side, ticks, lots, kind=kind)


async def test_an_order_rests_behind_the_queue_and_is_filled_by_what_trades_beyond_it(rig: Rig) -> None:
    report = await rig.broker.place(order("a", BUY, 6_000_000, 10))
    assert (report.status, report.filled_lots) == ("open", 0)
    assert [each.client_id for each in await rig.broker.open_orders()] == ["a"]
    rig.market.trade(SELL, "60000.00", "0.00010")
    (fill,) = await rig.heard(1)
    assert (fill.qty_lots, fill.leaves_lots, fill.price_ticks, fill.maker) == (4, 6, 6_000_000, True)
    assert fill.fee_quote_atoms == pytest.approx(4 * 6_000_000 * 1e-4)
    assert (await rig.broker.cancel("a")).status == "cancelled"
    assert await rig.broker.open_orders() == []
    assert (await rig.broker.cancel("a")).status == "missing"
    assert isinstance(rig.news[0], StreamReset)
    assert [event.status for event in await rig.heard(2, OrderReport)] == ["open", "cancelled"]


async def test_an_order_that_would_take_is_refused_and_one_that_may_takes_what_is_shown(rig: Rig) -> None:
    with pytest.raises(OrderRejected) as refused:
        await rig.broker.place(order("a", BUY, 6_000_010, 10))
    assert refused.value.code == REJECT_POST_ONLY
    report = await rig.broker.place(order("b", BUY, 6_000_010, 10, "ioc"))
    assert (report.status, report.filled_lots) == ("cancelled", 6)
    (fill,) = await rig.heard(1)
    assert (fill.qty_lots, fill.maker, report.fills) == (6, False, (fill,))


async def test_a_lost_market_ends_what_rests_and_refuses_what_comes(rig: Rig) -> None:
    await rig.broker.place(order("a", BUY, 5_999_000, 10))
    rig.market.lose()
    with pytest.raises(OrderRejected) as refused:
        await rig.broker.place(order("b", BUY, 5_999_000, 10))
    assert refused.value.code == REJECT_OTHER
    assert (await rig.broker.order("a")).status == "cancelled"


async def test_the_account_outlasts_the_process_and_its_executions_add_up(rig: Rig, tmp_path: Path) -> None:
    start = await rig.broker.balance()
    assert (start.base_lots, start.quote_atoms) == (10_000, 5e10)
    await rig.broker.place(order("a", BUY, 6_000_010, 3, "ioc"))
    await rig.broker.place(order("b", SELL, 6_000_000, 2, "ioc"))
    fills = await rig.heard(2)
    books = Books(INSTRUMENT, start)
    for fill in fills:
        books.ours.add(fill)
    assert books.holding_differences(await rig.broker.balance()) == []
    with (tmp_path / "account.log").open("ab") as file:
        file.write(b'123 {"t":"fi')  # a process that died while it wrote
    again = Rig(tmp_path)
    assert await again.broker.balance() == await rig.broker.balance()
    assert await again.broker.fills(0) == fills
    assert await again.broker.fills(fills[0].trade_id) == fills[1:]
    assert await again.broker.open_orders() == []
    again.market.snapshot()
    await again.broker.place(order("c", BUY, 6_000_010, 1, "ioc"))
    (third,) = await again.heard(1)
    assert third.trade_id == fills[1].trade_id + 1
    await again.close()


async def test_a_client_id_is_taken_once_and_no_more_orders_than_can_rest(rig: Rig) -> None:
    await rig.broker.place(order("a", BUY, 5_999_000, 1))
    with pytest.raises(OrderRejected, match="there is one already"):
        await rig.broker.place(order("a", BUY, 5_999_000, 1))
    names = [f"o{i}" for i in range(40)]
    sent = await asyncio.gather(*(rig.broker.place(order(n, BUY, 5_999_000, 1)) for n in names), return_exceptions=True)
    assert sum(isinstance(each, OrderReport) for each in sent) == 32
    assert await rig.broker.cancel_all() == 33
    assert await rig.broker.open_orders() == []

"""Rehearsals walk the whole way to an order, and nothing of it is ever to be seen outside."""

import asyncio
import hashlib
import hmac
import os
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from strategy.errors import OrderRejected
from strategy.kernel.records import REJECT_OTHER
from strategy.live.guard import Limits
from strategy.live.parity import check
from strategy.live.rehearsal import Rehearsal
from strategy.live.rehearsals import Rehearsals
from strategy.venues.ccxt_broker import CcxtBroker
from strategy.venues.later import Later
from strategy.venues.own_line import OwnLine
from strategy.venues.ports import OrderReport, OrderRequest, OwnFill, missing
from strategy.venues.rehearsal_orders import NO_SECRET
from tests.unit.fake_broker import FakeBroker
from tests.unit.fake_venue import INFO, FakeVenue, fake_venue
from tests.unit.test_live_session import Desk, document

SECOND = 1_000_000_000


class FakeOrders:
    """Refuses every order, as rehearsals' orders do, and remembers it."""

    def __init__(self) -> None:
        self.requests: list[OrderRequest] = []
        self.closed = False
        self.fault: Exception | None = None

    def place(self, request: OrderRequest) -> Later[OrderReport]:
        self.requests.append(request)
        return Later(partial(self._refuse, request))

    async def _refuse(self, request: OrderRequest) -> OrderReport:
        raise self.fault or OrderRejected(request.client_id, REJECT_OTHER)

    async def cancel(self, client_id: str) -> OrderReport:
        return missing(client_id)

    async def order(self, client_id: str) -> OrderReport:
        return missing(client_id)

    async def fills(self, since_trade_id: int) -> list[OwnFill]:
        return []

    async def close(self) -> None:
        self.closed = True


class RehearsedBroker(FakeBroker):
    """A broker whose orders can be rehearsed."""

    def __init__(self) -> None:
        super().__init__()
        self.rehearsed = FakeOrders()

    async def rehearsal(self) -> FakeOrders:
        return self.rehearsed


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def until(condition) -> None:
    async with asyncio.timeout(60):
        while True:
            if condition():
                return
            await asyncio.sleep(0.001)


async def test_every_walk_is_a_frame_that_leads_to_one_order_which_is_refused(tmp_path: Path) -> None:
    orders = FakeOrders()
    rehearsal = Rehearsal(document(), orders, tmp_path)
    for _ in range(3):
        rehearsal.walk()
        await turns()
    rehearsal.close()
    assert [request.client_id for request in orders.requests] == [f"mv-rehearsal-1-b0-{n}" for n in (1, 2, 3)]


@pytest.mark.parametrize("symbol", ["BTC/FDUSD", "BTC/USDT:USDT"])
async def test_a_thousand_walks_leave_no_file_and_no_order_behind(tmp_path: Path, symbol: str) -> None:
    orders, version = FakeOrders(), document()
    instrument = version.instrument.model_copy(update={"symbol": symbol})
    rehearsal = Rehearsal(version.model_copy(update={"instrument": instrument}), orders, tmp_path)
    for _ in range(1_000):
        rehearsal.walk()
        await asyncio.sleep(0)
    await turns()
    rehearsal.close()
    assert (len(orders.requests), os.listdir(tmp_path)) == (1_000, [])


PATIENT = document(groups={"risk": {"stale_after_seconds": None}}, executor_refresh_time=500.0)


async def quoted_for_a_while(folder: Path, monkeypatch: pytest.MonkeyPatch, rehearsed: bool) -> tuple[bytes, dict]:
    """Quote while prices move, on a clock that only the test moves; return journal and view."""
    now_ns = 4_000_000_000 * SECOND  # far ahead: timers are set by the true clock, and none is to ring
    monkeypatch.setattr(time, "time_ns", lambda: now_ns)
    desk = Desk(folder, Limits(orders_per_10s=10_000), parameters=PATIENT)
    rehearsal = Rehearsal(PATIENT, FakeOrders(), folder) if rehearsed else None
    desk.snapshot()
    for step in range(60):
        now_ns += 100 * SECOND
        desk.diff([[f"{60_000 + step % 5}.00", "0.50000"]])
        for _ in range(10):
            if rehearsal is not None:
                rehearsal.walk()
            await turns()
    view = desk.session.view()
    desk.session.end("stopped")
    if rehearsal is not None:
        rehearsal.close()
    assert os.listdir(folder) == [desk.path.name]
    report = check(desk.path)
    assert report.equal
    assert report.actions > 50
    return desk.path.read_bytes(), view


async def test_journal_and_state_are_the_same_to_the_byte_with_and_without_rehearsals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    alone = await quoted_for_a_while(tmp_path / "a", monkeypatch, rehearsed=False)
    assert await quoted_for_a_while(tmp_path / "b", monkeypatch, rehearsed=True) == alone


@pytest.fixture
async def venue() -> AsyncIterator[FakeVenue]:
    limits = [{"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 3}]
    async with fake_venue() as found:
        found.replies[("GET", "/api/v3/exchangeInfo")] = INFO | {"rateLimits": limits}
        yield found


@pytest.mark.slow
async def test_requests_are_written_whole_to_ourselves_without_the_accounts_secret_and_none_to_the_venue(
    venue: FakeVenue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[bytes] = []
    write = OwnLine.write
    monkeypatch.setattr(OwnLine, "write", lambda line, request: (written.append(request), write(line, request))[1])
    broker = CcxtBroker(venue.config)
    orders = await broker.rehearsal()
    asked = list(venue.requests)
    rehearsal = Rehearsal(document(), orders, tmp_path)
    for _ in range(10):
        rehearsal.walk()
        await turns()
    rehearsal.close()
    assert (len(written), orders.taken) == (10, sum(map(len, written)))
    for request in written:
        head, _, body = request.partition(b"\r\n\r\n")
        signed, _, signature = body.decode().rpartition("&signature=")
        assert head.startswith(b"POST /api/v3/order HTTP/1.1\r\n")
        assert dict(parse_qsl(signed))["newClientOrderId"].startswith("mv-rehearsal-1-b0-")
        assert signature == hmac.new(NO_SECRET.encode(), signed.encode(), hashlib.sha256).hexdigest()
    venue.replies[("POST", "/api/v3/order")] = (400, {"code": -2010, "msg": "no"})
    with pytest.raises(OrderRejected, match="no"):  # the day's orders, three, are all left
        await broker.place(OrderRequest("mv-1", 1, 6_000_001, 100))
    await orders.close()
    await broker.close()
    assert [path for _, path, _ in venue.requests[len(asked) :]] == ["/api/v3/order"]


async def test_markets_are_rehearsed_in_turn_and_all_is_closed_at_the_end(tmp_path: Path) -> None:
    rehearsals, brokers, version = Rehearsals(0.001), (RehearsedBroker(), RehearsedBroker()), document()
    for number, broker in enumerate(brokers):
        await rehearsals.add(f"{number}", broker, tmp_path, lambda: version)
    await rehearsals.add("simulated", FakeBroker(), tmp_path, lambda: version)
    running = asyncio.create_task(rehearsals.run())
    first, second = (broker.rehearsed for broker in brokers)
    await until(lambda: len(second.requests) > 5)
    running.cancel()
    await asyncio.wait([running])
    assert abs(len(first.requests) - len(second.requests)) <= 1
    assert (first.closed, second.closed) == (True, True)


async def test_another_version_is_rehearsed_once_it_quotes(tmp_path: Path) -> None:
    rehearsals, broker, quoting = Rehearsals(0.001), RehearsedBroker(), [document(1)]
    await rehearsals.add("one", broker, tmp_path, lambda: quoting[-1])
    running = asyncio.create_task(rehearsals.run())
    await until(lambda: broker.rehearsed.requests)
    quoting.append(document(2))
    await until(lambda: broker.rehearsed.requests[-1].client_id.startswith("mv-rehearsal-2-"))
    running.cancel()
    await asyncio.wait([running])


async def test_a_fault_ends_the_rehearsals_of_its_market_alone(tmp_path: Path) -> None:
    rehearsals, brokers, version = Rehearsals(0.001), (RehearsedBroker(), RehearsedBroker()), document()
    brokers[0].rehearsed.fault = RuntimeError("broken")
    for number, broker in enumerate(brokers):
        await rehearsals.add(f"{number}", broker, tmp_path, lambda: version)
    running = asyncio.create_task(rehearsals.run())
    first, second = (broker.rehearsed for broker in brokers)
    await until(lambda: first.closed)
    ended_at, going_on = len(first.requests), len(second.requests)
    await until(lambda: len(second.requests) > going_on + 3)
    running.cancel()
    await asyncio.wait([running])
    assert len(first.requests) == ended_at


async def test_a_period_of_nothing_rehearses_nothing(tmp_path: Path) -> None:
    rehearsals, broker = Rehearsals(0.0), RehearsedBroker()
    await rehearsals.add("one", broker, tmp_path, document)
    running = asyncio.create_task(rehearsals.run())
    await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.wait([running])
    assert not broker.rehearsed.requests

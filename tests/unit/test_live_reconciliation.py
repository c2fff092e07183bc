import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from strategy.errors import VenueError
from strategy.kernel.records import BUY, KILLED_BY_HAND, NOT_KILLED, SELL
from strategy.live import reconciliation as module
from strategy.live.guard import Limits
from strategy.live.parity import check
from strategy.live.reconciliation import BOOKS, FOREIGN, Reconciler
from strategy.venues.ports import Balance, OrderReport, OwnFill, StreamLost, StreamReset, Transfer
from tests.unit.fake_broker import FakeBroker
from tests.unit.test_live_session import Desk, entries


class Account(FakeBroker):
    """A broker whose holdings follow its executions; it may be away, or know of money that nobody was told of."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.secret_lots = 0.0

    async def balance(self) -> Balance:
        if self.away:
            raise VenueError("the venue is away")
        base, quote = self.held.base_lots + self.secret_lots, self.held.quote_atoms
        for fill in self.executions:
            base += fill.side * fill.qty_lots - fill.fee_base_lots
            quote -= fill.side * fill.qty_lots * fill.price_ticks + fill.fee_quote_atoms
        return Balance(base, quote)


class Room:
    """A session that quotes, and its reconciler."""

    def __init__(self, folder: Path, allow_foreign: bool = False) -> None:
        self.account = Account()
        self.desk = Desk(folder, Limits(), broker=self.account)
        self.session = self.desk.session
        self.stops: list[tuple[str, str]] = []
        self.reconciler = Reconciler(self.account, self.session, allow_foreign, self._stop)
        self.desk.on_rearm = self.reconciler.begin_anew
        self.desk.diff()
        self.desk.snapshot()

    def _stop(self, cause: str, reason: str) -> None:
        self.stops.append((cause, reason))
        self.session.on_kill(KILLED_BY_HAND, reason)

    async def listen(self, orders: int = 4) -> None:
        """Have the user stream begin and the session quote."""
        self.reconciler.news(StreamReset("subscribed"))
        assert await self.reconciler.round()
        await self.desk.quoted(orders)

    def execute(self, side: str, lots: int) -> OwnFill:
        """Have one of our quotes filled, without telling anybody."""
        name = next(name for name in self.desk.resting() if f"-{side}0-" in name)
        return self.account.execute(name, lots)

    def rest(self, client_id: str, side: int = SELL, price_ticks: int = 6_100_000) -> None:
        self.account.orders[client_id] = OrderReport(client_id, "open", side, price_ticks, 5, 0, 1)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_SECONDS", 0.001)
    monkeypatch.setattr(module, "_DEAF_SECONDS", 0.0)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    opened = Room(tmp_path)
    yield opened
    assert not opened.desk.faults


async def test_nothing_is_quoted_before_the_user_stream_has_begun_and_the_books_agree(room: Room) -> None:
    assert await room.reconciler.round()
    assert room.session.halt_reason == "waiting for the user stream"
    assert not room.account.requests
    room.reconciler.news(StreamReset("subscribed"))
    assert not room.account.requests
    assert await room.reconciler.round()
    await room.desk.quoted()


async def test_a_lost_user_stream_takes_quotes_off_until_it_is_back_and_everything_agrees(room: Room) -> None:
    await room.listen()
    missed = room.execute("b", 40)
    room.reconciler.news(StreamLost("closed"))
    assert room.session.halt_reason == "user stream lost: closed"
    await room.desk.quoted(0)
    assert [body["trade_id"] for body in entries(room.desk, "fill")] == [missed.trade_id]  # asked for by the cancel
    room.account.away = True
    room.reconciler.news(StreamReset("subscribed"))
    assert not await room.reconciler.round()
    assert room.session.halted
    room.account.away = False
    assert await room.reconciler.round()
    assert not room.session.halted
    assert not room.stops


async def test_a_stream_that_is_lost_again_during_the_round_stays_lost(room: Room) -> None:
    room.reconciler.news(StreamReset("subscribed"))
    comparing = asyncio.create_task(room.reconciler.round())
    await asyncio.sleep(0)
    room.reconciler.news(StreamLost("closed again"))
    assert await comparing
    assert room.session.halt_reason == "user stream lost: closed again"


async def test_executions_from_every_side_leave_books_equal_to_the_venues(room: Room) -> None:
    await room.listen()
    told = room.execute("b", 40)
    room.reconciler.news(told)
    room.reconciler.news(told)
    room.execute("a", 60)
    for _ in range(2):
        assert await room.reconciler.round()
    books, account = room.session.account.books, await room.account.balance()
    assert (books.balance(), room.session.holding_differences()) == (account, [])
    assert books.ours == books.venues
    assert not room.stops


async def test_money_that_nobody_was_told_of_stops_quoting_and_says_how_much(room: Room) -> None:
    await room.listen()
    room.account.secret_lots = -123.0
    await room.reconciler.round()
    assert room.stops == [
        (BOOKS, "BTC held: ours 0.10000000, the venue's 0.09877000, off by +0.00123000"),
    ]
    await room.desk.quoted(0)


async def test_an_execution_told_otherwise_by_the_stream_is_a_difference(room: Room) -> None:
    await room.listen()
    true = room.execute("b", 40)
    room.reconciler.news(replace(true, price_ticks=true.price_ticks - 100, fee_quote_atoms=7.0))
    await room.reconciler.round()
    ((cause, text),) = room.stops
    assert cause == BOOKS
    assert "average price bought: ours 59955.99000000, the venue's 59956.99000000, off by -1.00000000" in text
    assert "fees in FDUSD: ours 0.00000070, the venue's 0.00000000" in text
    assert "FDUSD held: " in text


async def test_a_difference_that_passes_is_none(room: Room) -> None:
    await room.listen()
    room.account.secret_lots = 50.0

    async def arrive() -> None:
        await asyncio.sleep(0.002)
        room.account.secret_lots = 0.0

    arriving = asyncio.create_task(arrive())
    for _ in range(50):
        if await room.reconciler.round():
            break
    await arriving
    assert not room.stops


async def test_a_transfer_is_no_difference_and_the_strategy_hears_of_it(room: Room) -> None:
    await room.listen()
    room.account.held = Balance(room.account.held.base_lots + 500, room.account.held.quote_atoms - 7)
    room.reconciler.news(Transfer(500.0, 0.0))
    room.reconciler.news(Transfer(0.0, -7.0))
    assert await room.reconciler.round()
    assert not room.stops
    assert room.session.view()["base_lots"] == 10_500
    assert room.desk.transfers == [(500.0, 0.0), (0.0, -7.0)]


async def test_foreign_orders_hold_quoting_until_they_are_gone(room: Room) -> None:
    await room.listen()
    room.rest("someone")
    assert await room.reconciler.round()
    assert "1 open orders are not ours (first: someone)" in room.session.halt_reason
    await room.desk.until(lambda: not [name for name in room.desk.resting() if name != "someone"])
    del room.account.orders["someone"]
    assert await room.reconciler.round()
    assert not room.session.halted


async def test_an_execution_of_somebody_else_stops_quoting(room: Room) -> None:
    await room.listen()
    room.rest("someone")
    room.session.orders.on_fill(room.account.execute("someone", 5))
    room.desk.outside_to(room.reconciler.outside_fill)
    assert room.stops == [(FOREIGN, "execution 1 is of order 'someone', which is not ours")]


async def test_an_account_shared_by_permission_is_followed_wherever_it_goes(tmp_path: Path) -> None:
    room = Room(tmp_path, allow_foreign=True)
    await room.listen()
    room.rest("someone", SELL, 5_990_000)
    room.session.orders.on_fill(room.account.execute("someone", 3))
    room.desk.outside_to(room.reconciler.outside_fill)
    room.account.secret_lots = 77.0
    assert await room.reconciler.round()
    assert not room.stops
    assert not room.session.halted
    assert room.session.view()["base_lots"] == 10_000 - 3 + 77
    assert room.session.account.foreign_orders == [(SELL, 5_990_000)]


async def test_an_order_of_a_dead_run_that_turns_up_late_is_removed_and_its_execution_booked(room: Room) -> None:
    await room.listen()
    room.rest("mv-old-9")
    room.reconciler.news(room.account.execute("mv-old-9", 2))
    assert await room.reconciler.round()
    await room.desk.until(lambda: room.account.orders["mv-old-9"].status == "cancelled")
    assert not room.stops
    assert not room.session.halted
    assert room.session.view()["base_lots"] == 9_998


async def test_an_order_that_is_gone_without_a_word_is_settled(room: Room) -> None:
    await room.listen()
    name = room.desk.resting()[0]
    room.account.orders[name] = replace(room.account.orders[name], status="cancelled")
    assert await room.reconciler.round()
    assert name not in {order.client_id for order in room.session.orders.live}


async def test_a_stream_that_keeps_an_execution_from_us_is_given_up(room: Room) -> None:
    await room.listen()
    room.execute("b", 40)
    assert await room.reconciler.round()
    assert "renew: it kept execution 1 from us" in room.account.calls
    assert "user stream is deaf" in room.session.halt_reason
    room.reconciler.news(StreamLost("renewed"))
    await room.listen()
    assert room.account.calls.count("renew: it kept execution 1 from us") == 1


async def test_after_re_arming_the_books_begin_with_what_the_account_holds(room: Room) -> None:
    await room.listen()
    room.account.secret_lots = -123.0
    await room.reconciler.round()
    await room.desk.quoted(0)
    room.session.on_kill(NOT_KILLED, "a person looked at it")
    assert not room.desk.kills
    assert room.session.halt_reason == "reading the account after re-arming"
    assert not room.desk.resting()
    await room.desk.until(lambda: not room.session.orders.live)
    assert await room.reconciler.round()
    await room.desk.quoted()
    assert room.session.view()["base_lots"] == 9_877
    assert len(room.stops) == 1


async def test_a_session_with_losses_and_transfers_replays_equal(room: Room) -> None:
    await room.listen()
    room.reconciler.news(room.execute("b", 40))
    room.account.held = Balance(room.account.held.base_lots + 500, room.account.held.quote_atoms)
    room.reconciler.news(Transfer(500.0, 0.0))
    room.reconciler.news(StreamLost("closed"))
    await room.desk.quoted(0)
    await room.desk.until(lambda: not room.session.orders.live)
    await room.listen(orders=3)  # the slot that was filled cools down
    room.desk.close()
    report = check(room.desk.path.with_name("s1.log.zst"))
    assert report.differences == ()
    assert report.complete


async def test_the_rounds_go_on_by_themselves_and_come_again_soon_after_a_venue_that_was_away(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PERIOD_SECONDS", 0.005)
    monkeypatch.setattr(module, "_AGAIN_SECONDS", 0.005)
    running: asyncio.Task[Any] = asyncio.create_task(room.reconciler.run())
    room.account.away = True
    room.reconciler.news(StreamReset("subscribed"))
    await room.desk.until(lambda: len([call for call in room.account.calls if call.startswith("fills")]) > 3)
    assert room.session.halted
    room.account.away = False
    await room.desk.quoted()
    room.execute("b", 40)
    await room.desk.until(lambda: entries(room.desk, "fill"))
    running.cancel()
    assert BUY in {body["side"] for body in entries(room.desk, "fill")}

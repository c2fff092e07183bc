import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from strategy.errors import BadData, BadInput, Failed, OrderRejected
from strategy.kernel.records import BUY, REJECT_BALANCE
from strategy.live import opening as module
from strategy.live.desk import LiveOrder
from strategy.live.guard import Limits
from strategy.live.journal import read_journal
from strategy.live.last_session import LastSession, read_last_session
from strategy.live.opening import Opening, open_account
from strategy.venues.ports import Balance, OrderReport
from tests.unit.fake_broker import FakeBroker
from tests.unit.test_live_session import Desk

ORDER = LiveOrder("mv-old-1-b0-7", 7, 3, BUY, 0, 500, 100, 501.0, 2, 0)


class Restless(FakeBroker):
    """An account whose holdings change between two looks, so many times."""

    def __init__(self, changes: int) -> None:
        super().__init__()
        self.changes = changes

    async def balance(self) -> Balance:
        self.changes -= 1
        return Balance(self.held.base_lots + max(self.changes, 0), self.held.quote_atoms)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_AGAIN_SECONDS", 0.001)


def rest(broker: FakeBroker, client_id: str) -> None:
    broker.orders[client_id] = OrderReport(client_id, "open", BUY, 500, 100, 0, 1)


async def test_orders_of_a_dead_run_are_cancelled_and_what_they_traded_is_its_own() -> None:
    broker = FakeBroker()
    rest(broker, ORDER.client_id)
    known, missed = broker.execute(ORDER.client_id, 10), broker.execute(ORDER.client_id, 30)
    last = LastSession("old", known.trade_id, complete_id=known.trade_id, orders={7: ORDER})
    found = await open_account(broker, last, allow_foreign=False, deadline_s=5)
    assert broker.orders[ORDER.client_id].status == "cancelled"
    assert (found.cleared, found.missed, found.others) == (1, ((ORDER, missed),), ())
    assert (found.last_trade_id, found.balance) == (missed.trade_id, broker.held)


async def test_an_order_that_nobody_answered_is_waited_for_until_it_can_no_longer_arrive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "UNKNOWN_FINAL_NS", 600_000_000)
    broker = FakeBroker()
    unanswered = replace(ORDER, sent_ns=time.time_ns())
    last = LastSession("old", 0, orders={7: unanswered})
    asyncio.get_running_loop().call_later(0.3, rest, broker, ORDER.client_id)
    found = await open_account(broker, last, allow_foreign=False, deadline_s=5)
    assert (found.cleared, broker.orders[ORDER.client_id].status) == (1, "cancelled")

    monkeypatch.setattr(module, "UNKNOWN_FINAL_NS", 600_000_000_000)
    last.orders[7] = replace(unanswered, sent_ns=time.time_ns(), state="open")
    assert (await open_account(FakeBroker(), last, allow_foreign=False, deadline_s=5)).cleared == 0


async def test_without_a_journal_older_executions_are_nobodys_business() -> None:
    broker = FakeBroker()
    rest(broker, "someone")
    newest = broker.execute("someone", 100)
    found = await open_account(broker, None, allow_foreign=False, deadline_s=5)
    assert (found.last_trade_id, found.missed, found.others) == (newest.trade_id, (), ())


async def test_foreign_orders_are_refused_unless_allowed() -> None:
    broker = FakeBroker()
    rest(broker, "someone")
    with pytest.raises(BadInput, match=r"1 open orders are not ours \(first: someone\)"):
        await open_account(broker, None, allow_foreign=False, deadline_s=5)
    assert (await open_account(broker, None, allow_foreign=True, deadline_s=5)).cleared == 0


async def test_an_account_that_comes_to_rest_is_opened_as_it_is_then() -> None:
    broker = Restless(4)
    found = await open_account(broker, None, allow_foreign=False, deadline_s=5)
    assert found.balance == broker.held


async def test_an_account_that_never_rests_is_refused_and_says_what_moved() -> None:
    with pytest.raises(Failed, match=r"does not hold still within 0.05 s: holdings went from Balance"):
        await open_account(Restless(10**9), None, allow_foreign=False, deadline_s=0.05)


async def test_an_account_that_holds_still_is_opened_however_slowly_the_venue_answers() -> None:
    broker = FakeBroker()
    assert (await open_account(broker, None, allow_foreign=False, deadline_s=0.0)).balance == broker.held


async def a_session(folder: Path) -> Desk:
    """Quote, fill one quote in part, have another cancelled and a third vetoed, and die."""
    desk = Desk(folder, Limits(max_open_orders=3))
    desk.diff()
    desk.snapshot()
    await desk.quoted(3)
    bid, ask = (next(name for name in desk.resting() if f"-{side}0-" in name) for side in "ba")
    desk.session.orders.on_fill(desk.broker.execute(bid, 40))
    cancelled = desk.session.orders.find(ask)
    assert cancelled is not None
    await desk.broker.cancel(ask)
    await desk.session.orders.settle(cancelled)
    desk.session._journal.sync()
    return desk


async def test_a_journal_says_what_its_session_held_and_which_orders_it_left(tmp_path: Path) -> None:
    desk = await a_session(tmp_path)
    left = {order.client_id: order.filled_lots for order in desk.session.orders.live}
    found = read_last_session(tmp_path)
    assert found is not None
    assert {order.client_id: order.filled_lots for order in found.orders.values()} == left
    assert {order.version for order in found.orders.values()} == {1}
    assert 40 in left.values()
    unanswered = {order.client_id for order in desk.session.orders.live if not order.known}
    assert {order.client_id for order in found.orders.values() if not order.known} == unanswered != set(left)
    books = desk.session.account.books
    assert (found.session, found.last_trade_id) == ("s1", 1)
    assert (found.base_lots, found.quote_atoms) == (books.base_lots, books.quote_atoms)


async def test_an_order_that_was_told_rejected_is_still_known_by_its_name(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Limits())
    desk.broker.place_answers = [OrderRejected("insufficient balance", REJECT_BALANCE)]
    desk.diff()
    desk.snapshot()
    await desk.until(lambda: any(each.rejected for each in desk.session.orders._orders.values()))
    refused = next(body for body in (entry.body for entry in read_journal(desk.path)) if body.get("what") == "reject")
    found = read_last_session(tmp_path)
    assert found is not None
    order = found.find(refused["client_id"])
    assert order is not None
    assert order.order_id == refused["order_id"] not in found.orders


async def test_holdings_replaced_in_the_middle_of_a_session_count_from_there(tmp_path: Path) -> None:
    desk = await a_session(tmp_path)
    desk.session.account.begin(Balance(123.5, 4e9))
    name = next(name for name in desk.resting() if "-b1-" in name)
    desk.session.orders.on_fill(desk.broker.execute(name, 3))
    found = read_last_session(tmp_path)
    assert found is not None
    assert found.base_lots == desk.session.account.books.base_lots
    assert float(found.base_lots) == 126.5


async def test_the_newest_journal_that_has_begun_counts_and_a_torn_one_ends_where_it_is_torn(tmp_path: Path) -> None:
    desk = await a_session(tmp_path)
    with desk.path.open("ab") as file:
        file.write(b'17 {"t":"fill","trade_id":9,')
    desk.path.with_name("s2.log").write_bytes(b"")
    found = read_last_session(tmp_path)
    assert found is not None
    assert (found.session, found.last_trade_id) == ("s1", 1)
    assert read_last_session(tmp_path / "none") is None


async def test_a_wrong_line_in_a_journal_is_named(tmp_path: Path) -> None:
    desk = await a_session(tmp_path)
    lines: list[dict[str, Any]] = [entry.body for entry in read_journal(desk.path)]
    at = next(i for i, body in enumerate(lines) if body["t"] == "fill")
    del lines[at]["side"]
    desk.path.write_bytes(b"".join(b"1 %b\n" % orjson.dumps(body) for body in lines))
    with pytest.raises(BadData, match=rf"s1\.log line {at + 1} is not a journal line"):
        read_last_session(tmp_path)


async def test_missed_executions_are_journalled_and_the_next_session_goes_on_from_them(tmp_path: Path) -> None:
    broker = FakeBroker()
    rest(broker, ORDER.client_id)
    fill = broker.execute(ORDER.client_id, 30)
    desk = Desk(tmp_path, Limits(), broker=broker, opened=Opening(broker.held, fill.trade_id, 0, ((ORDER, fill),), ()))
    (line,) = [entry.body for entry in read_journal(desk.path) if entry.body["t"] == "fill"]
    assert (line["trade_id"], line["version"], line["mid_ticks"], line["side"]) == (fill.trade_id, 3, 501.0, BUY)
    found = read_last_session(tmp_path)
    assert found is not None
    assert (found.last_trade_id, float(found.base_lots)) == (fill.trade_id, 10_000)

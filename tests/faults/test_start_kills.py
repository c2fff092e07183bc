"""Kill -9 at every step of a start: whatever the dead runs left, journals and venue name the same executions."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from strategy.live import opening
from strategy.live.guard import Limits
from strategy.live.journal import read_journal
from strategy.live.last_session import read_last_session
from strategy.live.opening import open_account
from strategy.venues.ports import Balance, OrderReport, OwnFill
from tests.faults.story import journals
from tests.unit.fake_broker import FakeBroker
from tests.unit.test_live_session import Desk

MOST_STEPS = 200


class Killed(BaseException):
    """The process is gone: nothing that would have come after it came to pass."""


class Account(FakeBroker):
    """A venue that keeps count of what is held; `step` is called before and after each request."""

    def __init__(self) -> None:
        super().__init__()
        self.step: Callable[[], None] = lambda: None

    def execute(self, client_id: str, qty_lots: int) -> OwnFill:
        fill = super().execute(client_id, qty_lots)
        lots = fill.side * qty_lots
        self.held = Balance(self.held.base_lots + lots, self.held.quote_atoms - lots * fill.price_ticks)
        return fill

    def copy(self) -> "Account":
        other = Account()
        other.orders, other.executions, other.held = dict(self.orders), list(self.executions), self.held
        return other

    async def cancel(self, client_id: str) -> OrderReport:
        self.step()
        report = await super().cancel(client_id)
        self.step()
        return report

    async def fills(self, since_trade_id: int) -> list[OwnFill]:
        self.step()
        return await super().fills(since_trade_id)

    async def balance(self) -> Balance:
        self.step()
        return await super().balance()


class Fate:
    """Let so many steps come to pass; the next one is the last, and of a write only half of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = -1  # -1: nothing happens
        self._monkeypatch = monkeypatch
        for place, name in ((os, "write"), (os, "fsync"), (Path, "rename"), (Path, "unlink")):
            self._watch(place, name)

    def step(self) -> None:
        if self.left == 0:
            raise Killed
        self.left -= self.left > 0

    def _watch(self, place: Any, name: str) -> None:
        plain = getattr(place, name)

        def watched(*arguments: Any) -> Any:
            if self.left == 0 and name == "write":
                plain(arguments[0], arguments[1][: len(arguments[1]) // 2])
            self.step()
            done = plain(*arguments)
            self.step()
            return done

        self._monkeypatch.setattr(place, name, watched)


@pytest.fixture
def fate(monkeypatch: pytest.MonkeyPatch) -> Fate:
    monkeypatch.setattr(opening, "_AGAIN_SECONDS", 0.001)
    monkeypatch.setattr(opening, "UNKNOWN_FINAL_NS", 0)
    return Fate(monkeypatch)


async def start(folder: Path, broker: Account, name: str) -> Desk:
    """Begin a session as the process does; `strategy.live.quoter` calls the same in this order."""
    last = read_last_session(folder)
    found = await open_account(broker, last, allow_foreign=False, deadline_s=20)
    return Desk(folder, Limits(), broker=broker, name=name, opened=found, last=last)


async def quote(desk: Desk) -> list[str]:
    """Have four quotes rest and return them, bids first."""
    desk.diff()
    desk.snapshot()
    await desk.quoted()
    return sorted(desk.resting(), key=lambda name: name.split("-")[3], reverse=True)


def told(folder: Path) -> list[int]:
    """Return the ids of all executions in journals, in order."""
    bodies = [entry.body for path in journals(folder) for entry in read_journal(path)]
    return sorted(body["trade_id"] for body in bodies if body["t"] == "fill")


def same_story(folder: Path, broker: Account) -> None:
    assert told(folder) == [fill.trade_id for fill in broker.executions]
    last = read_last_session(folder)
    assert last is not None
    assert (float(last.base_lots), float(last.quote_atoms)) == (broker.held.base_lots, broker.held.quote_atoms)


async def die_in_debt(folder: Path, broker: Account) -> None:
    """Quote, hear of executions out of turn and of one order wrongly that it is gone, and be killed."""
    desk = await start(folder, broker, "s1")
    orders = desk.session.orders
    second_bid, bid, second_ask, ask = await quote(desk)
    orders.on_fill(broker.execute(bid, 10))
    assert await orders.fetch_fills()
    broker.execute(second_bid, 20)
    orders.on_fill(broker.execute(ask, 15))  # before the one above, which is never told
    gone = orders.find(second_ask)
    assert gone is not None
    orders.on_report(OrderReport(second_ask, "cancelled", gone.side, gone.price_ticks, gone.qty_lots, 0, 1))
    broker.execute(second_ask, 30)
    broker.execute(ask, 5)


async def test_a_start_may_be_killed_at_any_step_and_no_execution_is_lost_or_told_twice(
    tmp_path: Path, fate: Fate
) -> None:
    killed, debtor = 0, Account()
    await die_in_debt(tmp_path / "debt", debtor)
    assert told(tmp_path / "debt") != [fill.trade_id for fill in debtor.executions]
    for steps in range(MOST_STEPS):
        folder, broker = tmp_path / f"{steps}", debtor.copy()
        shutil.copytree(tmp_path / "debt", folder)
        broker.step, fate.left = fate.step, steps
        try:
            await start(folder, broker, "s2")
        except Killed:
            killed += 1
        else:
            break
        finally:
            fate.left = -1
        await start(folder, broker, "s3")
        same_story(folder, broker)
    else:
        pytest.fail(f"the start has more than {MOST_STEPS} steps")
    same_story(folder, broker)
    assert killed > 20


async def test_a_second_debt_is_paid_after_the_first(tmp_path: Path, fate: Fate) -> None:
    broker = Account()
    await die_in_debt(tmp_path, broker)
    desk = await start(tmp_path, broker, "s2")
    broker.execute((await quote(desk))[0], 7)
    await start(tmp_path, broker, "s3")
    same_story(tmp_path, broker)


async def test_an_execution_of_the_last_session_that_is_told_late_is_journalled(tmp_path: Path, fate: Fate) -> None:
    broker = Account()
    first = await start(tmp_path, broker, "s1")
    bid = (await quote(first))[0]
    second = await start(tmp_path, broker, "s2")
    late = broker.execute(bid, 9)
    second.session.orders.on_fill(late)
    second.session.orders.on_fill(late)
    same_story(tmp_path, broker)

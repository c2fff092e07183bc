from dataclasses import replace

import pytest

from strategy.kernel.records import BUY
from strategy.live import executions as module
from strategy.live.executions import Executions
from strategy.venues.ports import OrderReport, OwnFill
from tests.unit.fake_broker import FakeBroker


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> FakeBroker:
    monkeypatch.setattr(module, "_KEPT", 20)
    found = FakeBroker()
    found.orders["mv-1"] = OrderReport("mv-1", "open", BUY, 1, 10_000, 0, 1)
    return found


def execute(broker: FakeBroker, number: int) -> list[OwnFill]:
    return [broker.execute("mv-1", 1) for _ in range(number)]


async def take(found: Executions) -> tuple[int, int]:
    """Take what myTrades has and return how many executions of it were new, and newly listed."""
    listed = await found.fetch()
    return sum(found.is_new(fill) for fill in listed), sum(found.is_newly_listed(fill) for fill in listed)


async def test_ids_of_long_ago_are_let_go_and_what_is_told_of_them_again_is_old(broker: FakeBroker) -> None:
    found = Executions(broker, 0)
    for _ in range(30):
        execute(broker, 5)
        assert await take(found) == (5, 5)
    assert len(found._seen) <= 25
    assert len(found._listed) <= 25
    assert not any(found.is_new(fill) or found.is_newly_listed(fill) for fill in broker.executions)
    assert found.count == 150


async def test_what_my_trades_has_not_told_yet_is_never_let_go(broker: FakeBroker) -> None:
    found = Executions(broker, 0)
    fills = execute(broker, 100)
    assert all(found.is_new(fill) for fill in fills[60:])  # the stream was deaf before
    broker.executions = fills[:10]  # and the venue's list is behind
    assert await take(found) == (10, 10)
    broker.executions = fills
    assert await take(found) == (50, 90)
    assert found.count == 100
    assert not found.is_new(replace(fills[99], fee_base_lots=1.0))

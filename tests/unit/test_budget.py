import asyncio

import pytest

from strategy.errors import OrderRejected
from strategy.kernel.records import REJECT_GUARD
from strategy.venues import budget as module
from strategy.venues.budget import Budget, Window

LIMITS = (
    {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 100},
    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 3},
    {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 5},
    {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 50},
)


class Bench:
    def __init__(self) -> None:
        self.now_s = 1_000_000.0
        self.budget = Budget(lambda: self.now_s)
        self.budget.learn(LIMITS)

    def refusal(self) -> str | None:
        try:
            self.budget.send_order("order mv-1")
        except OrderRejected as error:
            return str(error) if error.code == REJECT_GUARD else f"code {error.code}"
        return None

    async def waits(self, what: str, weight: int) -> asyncio.Task[None]:
        """Return the task of a question or a cancel that has to wait."""
        task = asyncio.create_task(getattr(self.budget, what)(weight))
        await asyncio.sleep(0.02)
        assert not task.done()
        return task


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(module, "_POLL_SECONDS", 0.001)
    return Bench()


def test_orders_over_the_limit_of_ten_seconds_are_refused_until_one_is_older(bench: Bench) -> None:
    assert [bench.refusal() for _ in range(3)] == [None] * 3
    assert bench.refusal() == "order mv-1 was not sent: 3 of 3 orders in 10 s are used"
    bench.now_s += 10
    assert bench.refusal() is None


def test_orders_over_the_limit_of_a_day_are_refused(bench: Bench) -> None:
    for _ in range(5):
        assert bench.refusal() is None
        bench.now_s += 10
    assert "5 of 5 orders in 86400 s" in str(bench.refusal())


async def test_a_question_waits_for_weight_and_a_cancel_goes_first(bench: Bench) -> None:
    await bench.budget.ask(80)
    waiting = await bench.waits("ask", 20)
    await asyncio.wait_for(bench.budget.cancel(), 1)  # from the share that is kept for cancels
    assert not waiting.done()
    bench.now_s += 60
    await asyncio.wait_for(waiting, 5)


async def test_weight_kept_for_cancels_is_closed_to_orders(bench: Bench) -> None:
    await bench.budget.ask(90)
    assert "90 of 100 request weight in 60 s are used" in str(bench.refusal())
    for _ in range(20):
        await asyncio.wait_for(bench.budget.cancel(), 1)


def test_the_venues_own_count_is_believed_where_it_is_higher_until_its_interval_ends(bench: Bench) -> None:
    bench.budget.heard(200, {"x-mbx-order-count-10s": "3", "X-MBX-ORDER-COUNT-1D": "4", "Server": "x"})
    assert "3 of 3 orders in 10 s" in str(bench.refusal())
    bench.now_s += 10
    assert bench.refusal() is None
    assert "5 of 5 orders in 86400 s" in str(bench.refusal())
    bench.now_s += 86_400
    assert bench.refusal() is None


@pytest.mark.parametrize("headers", [{"Retry-After": "30"}, {}])
async def test_a_429_silences_orders_and_questions_but_no_cancel(bench: Bench, headers: dict[str, str]) -> None:
    bench.budget.heard(429, headers)
    assert "the venue asked for silence" in str(bench.refusal())
    waiting = await bench.waits("ask", 1)
    await asyncio.wait_for(bench.budget.cancel(), 1)
    bench.now_s += 30
    await asyncio.wait_for(waiting, 5)
    assert bench.refusal() is None


async def test_a_ban_silences_cancels_too_for_they_would_only_prolong_it(bench: Bench) -> None:
    bench.budget.heard(418, {"retry-after": "120"})
    waiting = await bench.waits("cancel", 1)
    bench.now_s += 119
    await asyncio.sleep(0.01)
    assert not waiting.done()
    bench.now_s += 1
    await asyncio.wait_for(waiting, 5)


def test_a_days_window_keeps_a_thousand_slices_and_never_counts_too_little() -> None:
    window, day_s = Window("ORDERS", 86_400, 10**6), 86_400
    for second in range(2 * day_s):
        window.spend(float(second), 1)
        assert window.used(float(second)) >= min(second + 1, day_s)
        if second % 10_000 == 0:
            assert window.used(float(second)) <= day_s + day_s // 1_000
            assert len(window._spent) <= 1_002
    assert window.used(3.0 * day_s) == 0

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from strategy.errors import OrderRejected, OutcomeUnknown
from strategy.kernel.records import (
    ACK,
    BUY,
    CANCELLED,
    ENTRY,
    FILL,
    REBALANCE,
    REJECT,
    REJECT_OTHER,
    REJECT_POST_ONLY,
    STOP_LOSS,
    TAKE_PROFIT,
)
from strategy.live import orders as module
from strategy.live.desk import LiveOrder
from strategy.live.orders import Orders
from strategy.venues.ports import OrderReport, OwnFill
from tests.unit.fake_broker import FakeBroker

NAMES = {ACK: "ack", CANCELLED: "cancelled", FILL: "fill", REJECT: "reject"}


class Recorder:
    """The session's side of the orders, writing down what it is told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, int]] = []
        self.codes: list[int] = []
        self.notes: list[str] = []
        self.times: list[tuple[str, int]] = []  # of each order step, the venue's
        self.outside: list[int] = []  # trade ids
        self.listed: list[int] = []
        self.listed_id = 0
        self.errors: list[BaseException] = []

    def push(self, event: np.void) -> None:
        amount = int(event["qty_lots"]) if event["kind"] == FILL else int(event["order_id"])
        self.events.append((NAMES[int(event["kind"])], amount))
        self.codes.append(int(event["code"]))

    def note_order(self, order: LiveOrder, what: str, detail: str = "", exch_ts: int = 0) -> None:
        self.notes.append(what)
        self.times.append((what, exch_ts))

    def note_fill(self, order: LiveOrder, fill: OwnFill) -> None:
        self.notes.append("fill")

    def note_listed(self, trade_id: int) -> None:
        self.listed_id = trade_id

    def listed_fill(self, fill: OwnFill) -> None:
        self.listed.append(fill.trade_id)

    def outside_fill(self, fill: OwnFill) -> None:
        self.outside.append(fill.trade_id)

    def failed(self, error: BaseException) -> None:
        self.errors.append(error)


class Bench:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "_ASK_SECONDS", (0.001,) * 4)
        self.broker, self.desk, self.now_ns = FakeBroker(), Recorder(), 1
        self.orders = Orders(self.broker, self.desk, 0, lambda: self.now_ns)

    def place(self, number: int = 1, qty_lots: int = 100, **more: Any) -> LiveOrder:
        order = LiveOrder(f"mv-t-{number}", number, 1, BUY, 0, 500, qty_lots, 501.0, 2, 0, **more)
        self.orders.place(order)
        return order

    def take(self, takable_lots: int, purpose: int = STOP_LOSS) -> LiveOrder:
        """Send an order that takes, in a market that has so much for it."""
        self.broker.takable_lots = takable_lots
        return self.place(kind="ioc", purpose=purpose)

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(5):
            while True:
                if condition():
                    return
                await asyncio.sleep(0.001)

    async def until_events(self, count: int) -> list[tuple[str, int]]:
        await self.until(lambda: len(self.desk.events) >= count)
        await asyncio.sleep(0.005)  # room for an event too many
        assert not self.desk.errors
        return self.desk.events


@pytest.fixture
async def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(monkeypatch)


async def test_an_order_rests_and_is_cancelled(bench: Bench) -> None:
    bench.place()
    await bench.until_events(1)
    bench.orders.cancel(1)
    assert await bench.until_events(2) == [("ack", 1), ("cancelled", 1)]
    assert bench.desk.notes == ["place", "ack", "cancel", "cancelled"]
    assert not bench.orders.live


async def test_answers_are_journalled_with_the_venues_time_and_requests_without(bench: Bench) -> None:
    bench.place()
    await bench.until_events(1)
    cancelled = replace(bench.broker.orders["mv-t-1"], status="cancelled", exch_ts=9)
    bench.orders.cancel(1)
    bench.orders.on_report(cancelled)  # the stream is ahead of the reply
    await bench.until_events(2)
    assert bench.desk.times == [("place", 0), ("ack", 1), ("cancel", 0), ("cancelled", 9)]


async def test_recent_round_trips_are_from_sent_to_acknowledged(bench: Bench) -> None:
    assert bench.orders.trips.figures()["round_trip_ms_p50"] is None
    for number, took_ms in enumerate((3, 1, 9), start=1):
        bench.now_ns = 0
        bench.broker.gate.clear()
        bench.place(number)
        await bench.until(lambda number=number: f"place mv-t-{number}" in bench.broker.calls)
        bench.now_ns = took_ms * 1_000_000
        bench.broker.gate.set()
        await bench.until_events(number)
    found = bench.orders.trips.figures()
    assert (found["round_trips"], found["round_trip_ms_p50"]) == (3, 3.0)
    assert found["round_trip_ms_p99"] == pytest.approx(8.88)


async def test_an_end_that_waited_for_its_executions_has_no_time_of_its_own(bench: Bench) -> None:
    bench.place(qty_lots=100)
    await bench.until_events(1)
    bench.broker.execute("mv-t-1", 40)  # told by nobody yet
    bench.orders.cancel(1)
    assert await bench.until_events(3) == [("ack", 1), ("fill", 40), ("cancelled", 1)]
    assert bench.desk.times[-1] == ("cancelled", 0)


async def test_a_refusal_reaches_the_strategy_with_its_code(bench: Bench) -> None:
    bench.broker.lost_requests.add("mv-t-1")
    bench.broker.place_answers = [OrderRejected("would match", REJECT_POST_ONLY)]
    bench.place()
    assert await bench.until_events(1) == [("reject", 1)]
    assert bench.desk.codes == [REJECT_POST_ONLY]


@pytest.mark.parametrize(("code", "faults"), [(REJECT_POST_ONLY, 0), (REJECT_OTHER, 1)])
async def test_a_refusal_is_a_fault_unless_the_order_would_have_taken(bench: Bench, code: int, faults: int) -> None:
    bench.broker.lost_requests.add("mv-t-1")
    bench.broker.place_answers = [OrderRejected("refused", code)]
    bench.place()
    await bench.until_events(1)
    assert bench.orders.faults == faults


async def test_an_order_of_unknown_outcome_that_rests_is_acknowledged(bench: Bench) -> None:
    bench.broker.place_answers = [OutcomeUnknown("time-out")]
    bench.place()
    assert await bench.until_events(1) == [("ack", 1)]
    assert bench.desk.notes == ["place", "unknown", "ack"]
    assert (bench.orders.trips.figures()["round_trips"], bench.orders.faults) == (0, 1)


async def test_an_order_of_unknown_outcome_is_rejected_only_after_the_receive_window(bench: Bench) -> None:
    bench.broker.lost_requests.add("mv-t-1")
    bench.broker.place_answers = [OutcomeUnknown("time-out")]
    bench.place()
    await bench.until(lambda: bench.broker.calls.count("order mv-t-1") >= 5)
    assert bench.desk.events == []
    bench.now_ns += module.UNKNOWN_FINAL_NS + 1
    assert await bench.until_events(1) == [("reject", 1)]
    assert bench.desk.codes == [REJECT_OTHER]


async def test_an_order_thought_rejected_that_shows_up_is_removed(bench: Bench) -> None:
    bench.broker.lost_requests.add("mv-t-1")
    bench.broker.place_answers = [OrderRejected("refused", REJECT_OTHER)]
    bench.place()
    await bench.until_events(1)
    report = OrderReport("mv-t-1", "open", BUY, 500, 100, 0, 1)
    bench.broker.orders["mv-t-1"] = report
    bench.orders.on_report(report)
    await bench.until(lambda: bench.broker.orders["mv-t-1"].status == "cancelled")


async def test_an_execution_counts_once_whatever_its_source(bench: Bench) -> None:
    bench.place()
    await bench.until_events(1)
    fill = bench.broker.execute("mv-t-1", 40)
    bench.orders.on_fill(fill)
    bench.orders.on_fill(fill)
    assert await bench.orders.fetch_fills(whole=True)
    assert await bench.orders.fetch_fills(whole=True)
    assert (bench.desk.listed, bench.desk.listed_id) == ([1], 1)
    assert await bench.until_events(2) == [("ack", 1), ("fill", 40)]


async def test_a_fill_before_the_acknowledgement_is_told_at_once(bench: Bench) -> None:
    bench.broker.gate.clear()
    bench.place()
    await bench.until(lambda: bench.broker.calls)
    bench.broker.orders["mv-t-1"] = OrderReport("mv-t-1", "open", BUY, 500, 100, 0, 1)
    bench.orders.on_fill(bench.broker.execute("mv-t-1", 100))
    bench.broker.gate.set()
    assert await bench.until_events(1) == [("fill", 100)]


async def test_a_cancel_reply_that_overtakes_a_fill_waits_for_it(bench: Bench) -> None:
    bench.place()
    await bench.until_events(1)
    bench.broker.execute("mv-t-1", 30)
    bench.orders.cancel(1)
    assert await bench.until_events(3) == [("ack", 1), ("fill", 30), ("cancelled", 1)]


async def test_a_cancel_that_lost_against_a_full_fill_yields_the_fill_alone(bench: Bench) -> None:
    bench.place()
    await bench.until_events(1)
    bench.broker.execute("mv-t-1", 100)
    bench.orders.cancel(1)
    assert await bench.until_events(2) == [("ack", 1), ("fill", 100)]


async def test_a_cancel_of_unknown_outcome_is_repeated_until_the_venue_confirms(bench: Bench) -> None:
    bench.place()
    await bench.until_events(1)
    bench.broker.cancel_answers = [OutcomeUnknown("time-out"), OutcomeUnknown("time-out")]
    bench.orders.cancel(1)
    assert await bench.until_events(2) == [("ack", 1), ("cancelled", 1)]
    assert bench.broker.calls.count("cancel mv-t-1") == 3


async def test_a_cancel_before_the_acknowledgement_waits_for_it(bench: Bench) -> None:
    bench.broker.gate.clear()
    bench.place()
    bench.orders.cancel(1)
    await bench.until(lambda: bench.broker.calls)
    assert bench.broker.calls == ["place mv-t-1"]
    bench.broker.gate.set()
    assert await bench.until_events(2) == [("ack", 1), ("cancelled", 1)]


async def test_an_order_forgotten_by_the_venue_ends_after_its_executions(bench: Bench) -> None:
    bench.place()
    await bench.until_events(1)
    bench.broker.execute("mv-t-1", 60)
    del bench.broker.orders["mv-t-1"]
    bench.orders.cancel(1)
    assert await bench.until_events(3) == [("ack", 1), ("fill", 60), ("cancelled", 1)]


async def test_an_order_that_is_gone_is_settled_with_its_executions(bench: Bench) -> None:
    first, second = bench.place(1), bench.place(2)
    await bench.until_events(2)
    bench.broker.execute("mv-t-1", 60)
    await bench.broker.cancel("mv-t-1")
    for order in (first, second):
        await bench.orders.settle(order)
    events = await bench.until_events(4)
    assert events[2:] == [("fill", 60), ("cancelled", 1)]
    assert bench.orders.live == [second]


async def test_an_execution_that_is_listed_after_a_later_one_is_found_all_the_same(bench: Bench) -> None:
    bench.place()
    await bench.until_events(1)
    late = bench.broker.execute("mv-t-1", 30)
    bench.broker.execute("mv-t-1", 20)
    bench.broker.executions.remove(late)
    assert await bench.orders.fetch_fills()
    bench.broker.executions.insert(0, late)
    bench.orders.cancel(1)
    assert (await bench.until_events(4))[1:] == [("fill", 20), ("fill", 30), ("cancelled", 1)]


async def test_executions_named_by_the_reply_count_once_and_before_its_end(bench: Bench) -> None:
    bench.broker.names_executions = True
    bench.take(100)
    assert await bench.until_events(1) == [("fill", 100)]
    bench.orders.on_fill(bench.broker.executions[0])
    assert await bench.orders.fetch_fills()
    assert await bench.until_events(1) == [("fill", 100)]


async def test_an_unknown_order_that_fills_in_part_is_cancelled_as_wanted(bench: Bench) -> None:
    bench.broker.lost_requests.add("mv-t-1")
    bench.broker.place_answers = [OutcomeUnknown("time-out")]
    order = bench.place()
    await bench.until(lambda: order.state == "unknown")
    bench.orders.cancel(1)
    bench.broker.orders["mv-t-1"] = OrderReport("mv-t-1", "open", BUY, 500, 100, 0, 1)
    bench.orders.on_fill(bench.broker.execute("mv-t-1", 40))
    events = await bench.until_events(2)
    assert [event for event in events if event[0] != "ack"] == [("fill", 40), ("cancelled", 1)]
    assert order.state == "ended"


async def test_the_states_of_an_order(bench: Bench) -> None:
    bench.broker.lost_requests.add("mv-t-1")
    bench.broker.place_answers = [OutcomeUnknown("time-out")]
    order = bench.place()
    seen = [order.state]
    await bench.until(lambda: order.state != "pending")
    seen.append(order.state)
    assert bench.broker.calls[:2] == ["place mv-t-1", "order mv-t-1"]  # asked about before anything else
    bench.broker.orders["mv-t-1"] = OrderReport("mv-t-1", "open", BUY, 500, 100, 0, 1)
    await bench.until(lambda: order.state != "unknown")
    seen.append(order.state)
    bench.orders.cancel(1)
    seen.append(order.state)
    await bench.until(lambda: order.state == "ended")
    assert seen == ["pending", "unknown", "open", "cancelling"]


async def test_old_orders_are_let_go_but_none_that_rests(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_KEPT", 2)
    bench.place(1)
    await bench.until_events(1)
    for number in (2, 3):
        bench.place(number)
        await bench.until(lambda number=number: bench.orders.find(f"mv-t-{number}").known)
    assert bench.orders.find("mv-t-1") is not None
    bench.orders.cancel(1)
    await bench.until(lambda: len(bench.orders.live) == 2)
    bench.place(4)
    assert bench.orders.find("mv-t-1") is None
    assert len(bench.orders.live) == 3


async def test_an_execution_of_somebody_else_has_the_holdings_read_anew(bench: Bench) -> None:
    bench.broker.orders["someone"] = OrderReport("someone", "open", BUY, 1, 5, 0, 1)
    bench.orders.on_fill(bench.broker.execute("someone", 5))
    assert bench.desk.outside == [1]
    assert bench.desk.events == []


async def test_an_unforeseen_error_is_reported_to_the_process(bench: Bench) -> None:
    bench.broker.place_answers = [RuntimeError("a bug")]
    bench.place()
    await bench.until(lambda: bench.desk.errors)
    assert isinstance(bench.desk.errors[0], RuntimeError)


def ends(bench: Bench) -> list[tuple[str, int]]:
    """Return what the strategy was told but for acknowledgements, which are harmless for an order that takes."""
    return [event for event in bench.desk.events if event[0] != "ack"]


@pytest.mark.parametrize(
    ("takable_lots", "told"),
    [(100, [("fill", 100)]), (30, [("fill", 30), ("cancelled", 1)]), (0, [("cancelled", 1)])],
    ids=["full", "partial", "none"],
)
async def test_an_order_that_takes_is_told_its_executions_then_its_end(bench: Bench, takable_lots, told) -> None:
    bench.take(takable_lots)
    await bench.until(lambda: not bench.orders.live)
    await bench.until_events(len(told))
    assert ends(bench) == told


async def test_the_stream_may_tell_of_a_taker_before_the_reply(bench: Bench) -> None:
    bench.broker.gate.clear()
    bench.take(0)
    await bench.until(lambda: bench.broker.calls)
    bench.broker.orders["mv-t-1"] = OrderReport("mv-t-1", "open", BUY, 500, 100, 0, 1)
    bench.orders.on_fill(bench.broker.execute("mv-t-1", 40))
    bench.orders.on_report(OrderReport("mv-t-1", "cancelled", BUY, 500, 100, 40, 1))
    assert ends(bench) == [("fill", 40), ("cancelled", 1)]
    bench.broker.gate.set()
    await asyncio.sleep(0.005)
    assert ends(bench) == [("fill", 40), ("cancelled", 1)]


async def test_a_taker_of_unknown_outcome_is_asked_about_and_never_sent_again(bench: Bench) -> None:
    bench.broker.place_answers = [OutcomeUnknown("time-out")]
    bench.take(40)
    await bench.until(lambda: not bench.orders.live)
    assert ends(bench) == [("fill", 40), ("cancelled", 1)]
    assert bench.broker.calls.count("place mv-t-1") == 1


async def test_a_lost_taker_is_rejected_only_after_the_receive_window(bench: Bench) -> None:
    bench.broker.lost_requests.add("mv-t-1")
    bench.broker.place_answers = [OutcomeUnknown("time-out")]
    bench.take(100)
    await bench.until(lambda: bench.broker.calls.count("order mv-t-1") >= 5)
    assert bench.desk.events == []
    bench.now_ns += module.UNKNOWN_FINAL_NS + 1
    assert await bench.until_events(1) == [("reject", 1)]


@pytest.mark.parametrize(
    ("purpose", "closes"), [(ENTRY, False), (REBALANCE, False), (TAKE_PROFIT, True), (STOP_LOSS, True)]
)
async def test_only_orders_that_close_a_position_reduce(bench: Bench, purpose: int, closes: bool) -> None:
    bench.take(100, purpose)
    await bench.until_events(1)
    assert bench.broker.requests["mv-t-1"].reduce_only is closes

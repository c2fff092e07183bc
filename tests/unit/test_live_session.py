import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from strategy.errors import BadData, Failed
from strategy.kernel.jit import KERNEL_DIGEST
from strategy.kernel.records import BOOK, GAP, HALT, KILLED_BY_DAY_LOSS, KILLED_BY_HAND, SELL, TAKE_PROFIT
from strategy.live.guard import Limits
from strategy.live.journal import JournalWriter, read_journal
from strategy.live.last_session import LastSession
from strategy.live.layout import LEDGER_FILE
from strategy.live.ledger import read_ledger, write_ledger
from strategy.live.opening import Opening
from strategy.live.parity import check
from strategy.live.session import Hooks, Session
from strategy.live.session_start import SessionStart, new_stepper, nobody
from strategy.policies.document import ParameterDocument
from strategy.policies.parameters import parse_parameters
from strategy.policies.stepper import new_event
from strategy.venues.ports import Balance, OwnFill
from tests.unit.fake_broker import INSTRUMENT, FakeBroker


def document(version: int = 1, groups: dict[str, Any] | None = None, **quoting: Any) -> ParameterDocument:
    fields = {"order_qty": 0.001, "buy_spreads": [1.0, 2.0], "sell_spreads": [1.0, 2.0], "min_update_interval": 0.0}
    return ParameterDocument(
        version=version,
        instrument=INSTRUMENT,
        parameters=parse_parameters({"inventory": {"policy": "neutral"}, "quoting": fields | quoting} | (groups or {})),
        kernel_digest=KERNEL_DIGEST,
    )


class Desk:
    """A session on a fake broker, fed with hand-made frames."""

    def __init__(
        self,
        folder: Path,
        limits: Limits,
        stale_after_s: float = 5.0,
        parameters: ParameterDocument | None = None,
        broker: FakeBroker | None = None,
        name: str = "s1",
        opened: Opening | None = None,
        last: LastSession | None = None,
    ) -> None:
        self.broker = broker or FakeBroker()
        self.snapshots = 0
        self.faults: list[BaseException] = []
        self.kills: list[int] = []
        self.last_id = 100
        opened = opened or Opening(Balance(10_000.0, 1e12), 0, 0, (), ())
        start = SessionStart(
            name,
            name[1:] if last else "t",
            parameters or document(),
            opened.balance,
            opened.last_trade_id,
            limits,
            stale_after_s,
            opened.missed,
            nobody if last is None else last.find,
        )
        self.outside: list[OwnFill] = []  # executions of nobody here
        self.on_rearm: Callable[[], None] = lambda: None
        self.transfers: list[tuple[float, float]] = []
        hooks = Hooks(
            self._count,
            self.outside.append,
            lambda *moved: self.transfers.append(moved),
            self.kills.append,
            lambda: self.on_rearm(),
            self.faults.append,
        )
        journal = JournalWriter(folder, name)
        stepper = new_stepper(start.document, start.balance)
        self.session = Session(start, stepper, journal, self.broker, hooks)
        self.path = folder / f"{name}.log"

    def _count(self) -> None:
        self.snapshots += 1

    def outside_to(self, taker: Callable[[OwnFill], None]) -> None:
        """Hand on the executions that were of nobody here."""
        while self.outside:
            taker(self.outside.pop(0))

    def snapshot(self, bid: int = 60_000, ask: int = 60_010) -> None:
        bids, asks = [[f"{bid}.00", "1.00000"]], [[f"{ask}.00", "1.00000"]]
        self._frame({"lastUpdateId": self.last_id, "bids": bids, "asks": asks})

    def diff(self, bids: list[list[str]] | None = None, skip: int = 0) -> None:
        first = self.last_id + 1 + skip
        self.last_id = first
        data = {"e": "depthUpdate", "E": 1_700_000_000_000, "s": "BTCFDUSD", "U": first, "u": first}
        rows = bids if bids is not None else [[f"{59_000 + first % 7}.00", "0.50000"]]
        self._frame({"stream": "btcfdusd@depth@100ms", "data": data | {"b": rows, "a": []}})

    def _frame(self, message: dict[str, Any]) -> None:
        self.session.on_frame(0, orjson.dumps(message))

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while True:
                if condition():
                    return
                await asyncio.sleep(0.002)

    def resting(self) -> list[str]:
        return [name for name, report in self.broker.orders.items() if report.status == "open"]

    async def quoted(self, count: int = 4) -> None:
        await self.until(lambda: len(self.resting()) == count and all(o.known for o in self.session.orders.live))

    def jump(self, bid: int) -> None:
        """Have the connection lost, and the market elsewhere when it is back."""
        self.session.on_frame(0, b'{"epoch":{"n":2,"reason":"connected"}}')
        self.diff([[f"{bid - 1}.00", "1.0"]])
        self.snapshot(bid, bid + 10)

    def close(self) -> None:
        """End the session in order and pack its journal."""
        self.session.end("test")
        self.session._journal.close()

    def kinds(self) -> list[str]:
        return [entry.body["t"] for entry in read_journal(self.path)]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    opened = Desk(tmp_path, Limits())
    opened.diff()
    opened.snapshot()
    yield opened
    assert not opened.faults


async def test_the_first_fresh_book_is_quoted_on_both_sides(desk: Desk) -> None:
    await desk.quoted()
    names = desk.resting()
    assert sorted(name.split("-")[3] for name in names) == ["a0", "a1", "b0", "b1"]
    assert all(name.startswith("mv-t-1-") for name in names)


async def test_a_lost_update_cancels_everything_and_asks_for_a_snapshot(desk: Desk) -> None:
    await desk.quoted()
    desk.diff(skip=5)
    await desk.quoted(0)
    assert desk.snapshots >= 1
    desk.snapshot()
    await desk.quoted()


async def test_a_new_connection_cancels_everything(desk: Desk) -> None:
    await desk.quoted()
    desk.session.on_frame(0, b'{"epoch":{"n":2,"reason":"connected"}}')
    await desk.quoted(0)


async def test_a_bad_frame_makes_the_book_unknown(desk: Desk) -> None:
    await desk.quoted()
    desk.diff([["60000.001", "1"]])
    await desk.quoted(0)


async def test_a_silent_market_is_stale_and_the_next_diff_asks_for_a_snapshot(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Limits(), stale_after_s=0.05)
    desk.diff()
    desk.snapshot()
    await desk.quoted()
    await asyncio.sleep(0.06)
    desk.session.check_stale()
    await desk.quoted(0)
    assert desk.snapshots == 1  # asked by the very first diff
    desk.session._market._asked_ns = 0
    desk.diff()
    assert desk.snapshots == 2


async def test_halt_cancels_and_stays_out_until_resumed(desk: Desk) -> None:
    await desk.quoted()
    desk.session.on_halt(True, "kill")
    await desk.quoted(0)
    desk.diff([["60001.00", "1.0"]])
    await asyncio.sleep(0.01)
    assert not desk.resting()
    desk.session.on_halt(False, "kill")
    await desk.quoted()


async def test_the_guard_vetoes_and_the_strategy_hears_of_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Limits(max_order_notional=10))
    desk.diff()
    desk.snapshot()
    assert not desk.resting()
    kinds = desk.kinds()
    assert kinds.count("veto") == 4
    rejects = [e.body["e"] for e in read_journal(desk.path) if e.body["t"] == "event" and e.body["e"]["kind"] == 5]
    assert [event["code"] for event in rejects] == [4, 4, 4, 4]


async def test_a_swap_keeps_the_orders_and_stamps_later_ones_with_the_version(desk: Desk) -> None:
    await desk.quoted()
    before = set(desk.resting())
    desk.session.on_parameters(document(2, executor_refresh_time=0.02))
    assert set(desk.resting()) == before
    await desk.until(lambda: any(name.startswith("mv-t-2-") for name in desk.resting()))
    bodies = [entry.body for entry in read_journal(desk.path)]
    at = next(i for i, body in enumerate(bodies) if body["t"] == "parameters")
    assert bodies[at + 1]["e"]["kind"] == 10
    assert bodies[at + 1]["e"]["seq"] == bodies[at]["seq"]


async def test_events_are_journalled_once_in_the_order_in_which_they_are_fed(desk: Desk) -> None:
    await desk.quoted()
    desk.session.orders.on_fill(desk.broker.execute(desk.resting()[0], 100))
    events = [entry.body["e"] for entry in read_journal(desk.path) if entry.body["t"] == "event"]
    assert [event["seq"] for event in events] == list(range(1, desk.session.events + 1))
    stamps = [event["local_ts"] for event in events]
    assert stamps == sorted(stamps)


def entries(desk: Desk, kind: str) -> list[dict[str, Any]]:
    return [entry.body for entry in read_journal(desk.path) if entry.body["t"] == kind]


async def with_rules(folder: Path, **groups: Any) -> Desk:
    """Return a session that quotes under further rules."""
    desk = Desk(folder, Limits(), parameters=document(groups=groups))
    desk.diff()
    desk.snapshot()
    await desk.quoted()
    return desk


def end_equal(desk: Desk) -> None:
    """End a session and compare what it decided with a replay of its journal."""
    desk.close()
    report = check(desk.path.with_name("s1.log.zst"))
    assert report.equal, report.differences[:5]


async def test_a_loss_over_the_limit_kills_before_anything_else_and_nothing_is_placed_again(tmp_path: Path) -> None:
    desk = await with_rules(tmp_path, risk={"max_daily_loss_quote": 50.0})
    desk.jump(50_000)
    assert desk.kills == [KILLED_BY_DAY_LOSS]
    await desk.quoted(0)
    placed = len(desk.broker.requests)
    for step in range(20):
        desk.diff([[f"{50_001 + step % 3}.00", "1.0"]])
    assert len(desk.broker.requests) == placed
    assert entries(desk, "decision")[-1]["d"]["kill"] == KILLED_BY_DAY_LOSS
    assert desk.session.view()["kill"] == "day loss"
    end_equal(desk)


async def test_a_day_that_an_earlier_session_lost_too_much_of_stays_lost(tmp_path: Path) -> None:
    first = await with_rules(tmp_path / "first", risk={"max_daily_loss_quote": 50.0})
    seen = first.session.ledger()
    first.close()
    assert seen is not None
    write_ledger(tmp_path, seen.model_copy(update={"day_equity": seen.day_equity + 51.0}))
    desk = Desk(tmp_path / "second", Limits(), parameters=document(groups={"risk": {"max_daily_loss_quote": 50.0}}))
    desk.session.on_ledger(read_ledger(tmp_path))
    desk.diff()
    desk.snapshot()
    assert desk.kills == [KILLED_BY_DAY_LOSS]
    assert not desk.broker.requests
    end_equal(desk)


async def test_an_unreadable_ledger_is_a_failure_and_not_a_clean_slate(tmp_path: Path) -> None:
    (tmp_path / LEDGER_FILE).write_text("{")
    with pytest.raises(Failed, match=r"ledger\.json cannot be read"):
        read_ledger(tmp_path)


async def test_an_order_that_slips_out_under_a_thrown_switch_is_vetoed(desk: Desk) -> None:
    await desk.quoted()
    desk.session.kill = KILLED_BY_HAND  # as if the strategy did not know
    desk.session.on_halt(True, "to have it place anew")
    await desk.quoted(0)
    desk.session.on_halt(False, "now")
    assert {veto["reason"] for veto in entries(desk, "veto")} == {"kill switch: thrown (by hand), no order may go out"}
    assert not desk.resting()


async def test_an_order_that_slips_out_while_the_session_is_held_is_vetoed(desk: Desk) -> None:
    await desk.quoted()
    desk.session.hold("test", "a reason")
    await desk.quoted(0)
    desk.session.push(new_event(HALT, flag=0))  # as if the strategy did not know
    desk.diff([["60001.00", "1.0"]])
    assert {veto["reason"] for veto in entries(desk, "veto")} == {"held: a reason"}
    assert not desk.resting()


async def test_each_hold_has_to_end_before_quoting_goes_on(desk: Desk) -> None:
    await desk.quoted()
    for cause in ("one", "other"):
        desk.session.hold(cause, f"because of {cause}")
    assert desk.session.halt_reason == "because of one; because of other"
    await desk.quoted(0)
    desk.session.release("one")
    desk.session.release("unknown")
    desk.diff([["60001.00", "1.0"]])
    assert not desk.resting()
    desk.session.release("other")
    await desk.quoted()


async def test_a_stop_loss_goes_out_as_a_taker_that_closes_and_is_journalled_as_such(tmp_path: Path) -> None:
    desk = await with_rules(tmp_path, barriers={"stop_loss": 0.001})
    bid = next(name for name in desk.resting() if "-b0-" in name)
    desk.broker.takable_lots = 1_000
    desk.session.orders.on_fill(desk.broker.execute(bid, 100))
    desk.jump(59_000)
    await desk.until(lambda: any(request.kind == "ioc" for request in desk.broker.requests.values()))
    (taker,) = [request for request in desk.broker.requests.values() if request.kind == "ioc"]
    assert (taker.side, taker.qty_lots, taker.reduce_only) == (SELL, 100, True)
    assert taker.price_ticks <= 5_900_000
    await desk.until(lambda: len(entries(desk, "fill")) == 2)
    assert [(fill["purpose"], fill["maker"]) for fill in entries(desk, "fill")] == [
        ("entry", True),
        ("stop_loss", False),
    ]
    (sent,) = [step for step in entries(desk, "order") if step["what"] == "place" and not step["maker"]]
    assert sent["purpose"] == "stop_loss"
    end_equal(desk)


async def test_depth_is_in_the_journal_exactly_while_the_parameters_ask_for_it(desk: Desk) -> None:
    await desk.quoted()
    risk = {"min_depth_base": 0.1, "depth_band_bps": 50.0}
    desk.session.on_parameters(document(2, groups={"risk": risk}))
    desk.diff([["59990.00", "0.25"]])
    books = [body["e"] for body in entries(desk, "event") if body["e"]["kind"] == BOOK]
    assert "bid_depth_lots" not in books[0]
    assert (books[-1]["bid_depth_lots"], books[-1]["ask_depth_lots"]) == (125_000, 100_000)


async def test_a_book_that_the_strategy_gave_up_is_made_fresh_by_a_snapshot(tmp_path: Path) -> None:
    desk = await with_rules(tmp_path, risk={"stale_after_seconds": 0.05})
    await desk.quoted(0)  # by the strategy's own timer: the process's limit is far away
    desk.session._market._asked_ns = 0
    before = desk.snapshots
    desk.diff([["60001.00", "1.0"]])
    assert desk.snapshots == before + 1
    assert not desk.resting()
    desk.snapshot()
    await desk.quoted()
    assert not [body for body in entries(desk, "event") if body["e"]["kind"] == GAP]
    end_equal(desk)


async def test_a_fault_on_a_timer_ends_the_process_in_order_like_any_other(tmp_path: Path) -> None:
    desk = await with_rules(tmp_path, risk={"stale_after_seconds": 0.05})
    desk.session._journal.close()
    await desk.until(lambda: desk.faults)


async def a_busy_session(desk: Desk) -> Path:
    """Quote, fill in parts, lose the book, swap, halt, resume and end."""
    await desk.quoted()
    name = desk.resting()[0]
    desk.session.orders.on_fill(desk.broker.execute(name, 40))
    desk.session.orders.on_fill(desk.broker.execute(name, 60))
    for step in range(30):
        desk.diff([[f"{60_000 + step % 5}.00", "1.0"], [f"{60_000 + (step + 4) % 5}.00", "0"]])
    desk.diff(skip=3)
    desk.snapshot()
    desk.session.on_parameters(document(2, executor_refresh_time=0.02, cooldown_time=0.01))
    await desk.until(lambda: any(name.startswith("mv-t-2-") for name in desk.resting()))
    desk.session.on_halt(True, "test")
    await desk.until(lambda: not desk.resting() and not desk.session.orders.live)
    desk.session.on_halt(False, "test")
    await desk.until(desk.resting)
    desk.close()
    return desk.path.with_name("s1.log.zst")


async def test_a_session_replayed_from_its_journal_decides_the_same(desk: Desk) -> None:
    report = check(await a_busy_session(desk))
    assert report.equal, report.differences[:5]
    assert report.complete
    assert report.decisions >= 8
    assert report.actions > 10
    assert report.versions == (1, 2)


async def test_a_changed_parameter_makes_differences(desk: Desk) -> None:
    path = await a_busy_session(desk)
    report = check(path, document(buy_spreads=[1.1, 2.0]))
    assert not report.equal
    assert any(difference.field == "want_bid_ticks" for difference in report.differences)


async def test_a_journal_cut_short_is_compared_up_to_its_last_line(desk: Desk) -> None:
    await desk.quoted()
    whole = desk.path.read_bytes()
    for cut in range(len(whole) - 3000, len(whole), 97):
        desk.path.write_bytes(whole[:cut])
        report = check(desk.path)
        assert report.equal
        assert not report.complete


async def test_a_tampered_decision_is_found(desk: Desk) -> None:
    path = await a_busy_session(desk)
    lines = [f"{entry.local_ns} ".encode() + orjson.dumps(entry.body) for entry in read_journal(path)]
    at = next(i for i, line in enumerate(lines) if b'"t":"decision"' in line and b'"version":1' in line)
    lines[at] = lines[at].replace(b'"version":1', b'"version":7')
    changed = path.with_name("changed.log")
    changed.write_bytes(b"\n".join(lines) + b"\n")
    (difference,) = check(changed).differences
    assert (difference.field, difference.live, difference.replayed) == ("version", 7, 1)


async def test_a_journal_without_a_session_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_bytes(b'1 {"t":"event","e":{"kind":3,"seq":1}}\n')
    with pytest.raises(BadData, match="comes before the session line"):
        check(path)
    path.write_bytes(b"")
    with pytest.raises(BadData, match="has no session line"):
        check(path)


async def test_a_take_profit_that_mid_has_passed_in_a_wide_book_goes_out_all_the_same(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Limits(), parameters=document(groups={"barriers": {"take_profit": 0.0001}}))
    desk.diff()
    desk.snapshot()
    await desk.quoted()
    bid = next(name for name in desk.resting() if "-b0-" in name)
    order = desk.session.orders.find(bid)
    assert order is not None
    desk.snapshot(60_000, 61_000)  # mid is far over what a purchase near 60,000 takes its profit at
    desk.session.orders.on_fill(desk.broker.execute(bid, order.qty_lots))
    await desk.until(lambda: any(each.purpose == TAKE_PROFIT for each in desk.session.orders.live))
    (profit,) = [each for each in desk.session.orders.live if each.purpose == TAKE_PROFIT]
    assert order.price_ticks < profit.price_ticks < 6_010_000
    assert "veto" not in desk.kinds()


async def test_what_comes_after_the_end_is_not_fed_and_rings_no_alarm(desk: Desk) -> None:
    await desk.quoted()
    desk.close()
    fed, kinds = desk.session.events, [entry.body["t"] for entry in read_journal(desk.path.with_suffix(".log.zst"))]
    desk.diff()
    desk.session.check_stale()
    await asyncio.sleep(0.05)
    assert kinds[-1] == "end"
    assert desk.session.events == fed
    assert desk.session._alarm._handle is None

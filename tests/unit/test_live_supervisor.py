import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import structlog.testing

from strategy.errors import VenueError
from strategy.kernel.records import BUY
from strategy.live import carrier
from strategy.live import supervisor as module
from strategy.live.carrier import Carrier
from strategy.live.child import Watch
from strategy.live.layout import Layout
from strategy.live.supervisor import Supervisor
from strategy.policies.document import ParameterDocument, read_document
from strategy.policies.parameters import ParameterSet
from strategy.venues.ports import OrderReport
from strategy.venues.settings import VenueConfig
from tests.unit.fake_broker import INSTRUMENT, FakeBroker

CHILD = """
import json, os, signal, sys, time
from pathlib import Path
path, mode = Path(sys.argv[1]), sys.argv[2]
path.parent.mkdir(parents=True, exist_ok=True)
if mode == "import":
    path.with_suffix(".importing").touch()
    time.sleep(600)
if mode == "deaf":
    path.write_text(json.dumps({"pid": os.getpid(), "heartbeat_ns": time.time_ns()}))
    time.sleep(600)
signal.signal(signal.SIGTERM, lambda *_: time.sleep(600) if mode == "hang when stopped" else sys.exit(0))
if mode == "bad input":
    sys.exit(2)
late_ns = 3_600_000_000_000 if mode == "old clock" else 0
while True:
    path.with_suffix(".tmp").write_text(json.dumps({"pid": os.getpid(), "heartbeat_ns": time.time_ns() - late_ns}))
    path.with_suffix(".tmp").replace(path)
    if mode == "hang":
        time.sleep(600)
    time.sleep(0.02)
"""
VENUE = VenueConfig(name="paper", symbol="BTC/FDUSD")


@dataclass(frozen=True)
class ScriptWatch(Watch):
    """A watch over a small script in place of the quoting process."""

    mode: str = "beat"

    def command(self) -> list[str]:
        return [sys.executable, "-c", CHILD, str(self.heartbeats[0]), self.mode]


class Run:
    """A supervisor in a thread."""

    def __init__(self, home: Path, mode: str = "beat", champion: Callable[[], ParameterDocument | None] | None = None):
        self.layout = Layout(home)
        self.broker = FakeBroker()
        watch = ScriptWatch("quote", VENUE, self.layout, stale_seconds=0.5, mode=mode)
        carriers = [Carrier(self.layout, VENUE, champion)] if champion else []
        self.supervisor = Supervisor(watch, carriers, lambda _: self.broker)
        self.code: int | None = None
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        self.code = self.supervisor.run()

    def rest(self, client_id: str) -> None:
        self.broker.orders[client_id] = OrderReport(client_id, "open", BUY, 1, 1, 0, 1)

    def pid(self) -> int:
        """Return the pid of a child that beats."""
        wait_for(lambda: self.supervisor.child is not None and self.supervisor.child.silent_seconds() is not None)
        assert self.supervisor.child is not None
        return self.supervisor.child.pid

    def end(self) -> int | None:
        self.supervisor.stop()
        self.thread.join(30)
        return self.code


def wait_for(condition: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "condition not met in time"
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CONFIRM_SECONDS", 0.05)
    monkeypatch.setattr(module, "_BACKOFF", (0.05,))
    monkeypatch.setattr(carrier, "_LOOK_SECONDS", 0.02)
    monkeypatch.setattr(module, "_LATE_SECONDS", 0.05)
    monkeypatch.setattr(module, "_CLEAR_SECONDS", 0.3)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Run]:
    run = Run(tmp_path)
    yield run
    run.end()


def test_stop_ends_the_child_in_order_and_clears_the_venue(started: Run) -> None:
    started.pid()
    started.rest("mv-t-1")
    assert started.end() == 0
    assert started.broker.orders["mv-t-1"].status == "cancelled"


def test_a_child_that_is_still_importing_when_stopped_ended_in_order(tmp_path: Path) -> None:
    run = Run(tmp_path, mode="import")
    wait_for(run.layout.status_file("paper", "BTC/FDUSD").with_suffix(".importing").exists)
    assert run.end() == 0


def test_a_child_that_hangs_while_it_stops_is_killed_and_cleared_up_after(tmp_path: Path) -> None:
    run = Run(tmp_path, mode="hang when stopped")
    run.pid()
    run.rest("mv-t-1")
    begun = time.monotonic()
    assert run.end() == 1
    assert time.monotonic() - begun < 10
    assert run.broker.orders["mv-t-1"].status == "cancelled"


def test_a_child_that_dies_of_the_signal_after_its_first_heartbeat_did_not_end_in_order(tmp_path: Path) -> None:
    run = Run(tmp_path, mode="deaf")
    run.pid()
    assert run.end() == 1


def test_a_killed_child_is_cleared_up_after_and_replaced(started: Run) -> None:
    first = started.pid()
    started.rest("mv-t-1")
    started.rest("someone")
    assert started.supervisor.child is not None
    started.supervisor.child._process.kill()
    wait_for(lambda: started.broker.orders["mv-t-1"].status == "cancelled")
    wait_for(lambda: started.supervisor.child is not None and started.supervisor.child.pid != first)
    assert started.broker.orders["someone"].status == "open"


def test_an_order_that_arrives_after_the_venue_was_cleared_is_cancelled_before_anybody_else_looks(
    started: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LATE_SECONDS", 60.0)
    monkeypatch.setattr(module, "_BACKOFF", (60.0,))  # no child comes to its help
    started.pid()
    assert started.supervisor.child is not None
    started.supervisor.child._process.kill()
    wait_for(lambda: started.supervisor.child is None and not started.supervisor._uncleared)
    for late in ("mv-t-2", "mv-t-3"):
        started.rest(late)
        wait_for(lambda late=late: started.broker.orders[late].status == "cancelled")


def test_the_next_childs_orders_are_its_own_however_late_the_last_ones_may_be(
    started: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LATE_SECONDS", 600.0)
    first = started.pid()
    assert started.supervisor.child is not None
    started.supervisor.child._process.kill()
    wait_for(lambda: started.supervisor.child is not None and started.supervisor.child.pid != first)
    started.pid()
    late = started.supervisor._late
    assert late is not None
    late.join(20)
    assert not late.is_alive()
    started.rest("mv-t-2")
    time.sleep(0.5)  # as long as two looks
    assert started.broker.orders["mv-t-2"].status == "open"
    monkeypatch.setattr(module, "_LATE_SECONDS", 0.0)
    started.supervisor._late_until = 0.0


def test_a_child_that_had_to_be_killed_at_the_end_is_cleared_up_after_for_as_long_as_an_order_may_be_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LATE_SECONDS", 1.5)
    monkeypatch.setattr(module, "_CLEAR_SECONDS", 10.0)
    run = Run(tmp_path, mode="hang when stopped")
    pid = run.pid()
    run.supervisor.stop()
    wait_for(lambda: not psutil.pid_exists(pid))
    threading.Timer(0.7, run.rest, ("mv-t-9",)).start()
    assert run.end() == 1
    assert run.broker.orders["mv-t-9"].status == "cancelled"


def test_a_child_without_heartbeat_is_killed_and_cleared_up_after(tmp_path: Path) -> None:
    run = Run(tmp_path, mode="hang")
    first = run.pid()
    run.rest("mv-t-1")
    wait_for(lambda: run.broker.orders["mv-t-1"].status == "cancelled")
    wait_for(lambda: run.supervisor.child is not None and run.supervisor.child.pid != first)
    run.end()


def test_a_heartbeat_by_a_clock_that_was_set_is_a_heartbeat_all_the_same(tmp_path: Path) -> None:
    run = Run(tmp_path, mode="old clock")
    first = run.pid()
    time.sleep(1.0)  # twice as long as a child may be silent
    assert run.pid() == first
    assert run.end() == 0


def test_no_new_child_starts_while_orders_of_the_last_one_may_rest(started: Run) -> None:
    started.pid()
    started.rest("mv-t-1")
    started.broker.cancel_answers = [VenueError("venue is away")] * 5
    assert started.supervisor.child is not None
    started.supervisor.child._process.kill()
    wait_for(lambda: started.broker.orders["mv-t-1"].status == "cancelled")
    assert started.broker.calls.count("cancel mv-t-1") >= 6
    assert started.pid()


def test_bad_input_ends_the_supervisor_with_its_exit_code(tmp_path: Path) -> None:
    run = Run(tmp_path, mode="bad input")
    run.thread.join(20)
    assert run.code == 2


def test_the_champion_reaches_the_parameter_file_and_outages_change_nothing(tmp_path: Path) -> None:
    documents = [
        ParameterDocument(version=number, instrument=INSTRUMENT, parameters=ParameterSet(), kernel_digest="k")
        for number in (1, 2)
    ]
    away = ConnectionError("registry is away")
    answers: list[object] = [documents[0], away, away, None, documents[1]]

    def champion() -> ParameterDocument | None:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        assert answer is None or isinstance(answer, ParameterDocument)
        return answer

    with structlog.testing.capture_logs() as said:
        run = Run(tmp_path, champion=champion)
        path = run.layout.parameter_file("paper", "BTC/FDUSD")
        wait_for(lambda: path.exists() and read_document(path).version == 2)
        assert run.end() == 0
    told = [each["event"] for each in said if each["event"].startswith(("champion", "parameters"))]
    assert told == ["parameters written", "champion unknown", "champion known again", "parameters written"]

"""Processes that die, on the real paper venue: what may be lost is nothing, what may rest is nothing."""

import os
import resource
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from strategy.live.capture_status import read_capture_status
from strategy.live.journal import read_journal
from strategy.live.kill_switch import KillSwitch
from strategy.live.parity import check
from strategy.venues.collector import CollectorFile
from strategy.venues.events import DepthDiff, DepthSnapshot, Epoch
from strategy.venues.sequence import BookSequence
from strategy.venues.wire import parse
from tests.integration.rig import SYMBOL, Rig, end, paper_rig, rig_on, start_paper, wait_for

pytestmark = pytest.mark.slow

CLEARED_WITHIN = 10.0
EMPTIED_WITHIN = 1.0


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """One venue for all but the test that restarts it; each test leaves it without orders."""
    with start_paper(0) as (_, found):
        yield found


@pytest.fixture
def rig(port: int, tmp_path: Path) -> Iterator[Rig]:
    with rig_on(port, tmp_path) as found:
        yield found


def resting_of(rig: Rig, session_orders: set[str]) -> set[str]:
    return {report.client_id for report in rig.resting()} & session_orders


def recorded(rig: Rig) -> list[tuple[int, bytes]]:
    folder = rig.layout.segments("paper", SYMBOL)
    files = sorted(path for path in folder.iterdir() if path.name[0] != ".")
    return [(line.local_ns, line.payload) for path in files for line in CollectorFile(path)]


def holes(lines: list[tuple[int, bytes]]) -> int:
    """Return how many updates are missing within the connections of a recording."""
    sequence, found = BookSequence(), 0
    for local_ns, payload in lines:
        for event in parse(local_ns, payload):
            if isinstance(event, Epoch):
                sequence = BookSequence()
            elif isinstance(event, DepthSnapshot):
                sequence.on_snapshot(event)
            elif isinstance(event, DepthDiff):
                found += sequence.on_diff(event).gap is not None
    return found


def untold(rig: Rig) -> set[int]:
    """Return the executions since the rig's first session that no journal tells of, or that only a journal tells of."""
    bodies = [entry.body for path in rig.journals() for entry in read_journal(path)]
    begun = min(body["last_trade_id"] for body in bodies if body["t"] == "session")
    told = {body["trade_id"] for body in bodies if body["t"] == "fill"}
    return told ^ {trade["id"] for trade in rig.state()["trades"] if trade["id"] > begun}


def test_kill_9_of_the_live_process_leaves_no_order_for_10_seconds(rig: Rig) -> None:
    rig.put(rig.document(1))
    supervisor = rig.start("supervisor", "quote")
    killed = wait_for(rig.quoting, 60, "quoting")
    before = {report.client_id for report in rig.resting()}
    assert before
    os.kill(killed.pid, signal.SIGKILL)
    died = time.monotonic()
    wait_for(lambda: not resting_of(rig, before), CLEARED_WITHIN, "no order of the dead process rests")
    cleared = time.monotonic() - died
    again = wait_for(lambda: (found := rig.quoting()) and found.pid != killed.pid and found, 60, "a new process")
    assert again.session != killed.session
    assert end(supervisor) == 0
    assert rig.resting() == []
    assert untold(rig) == set()
    assert cleared < CLEARED_WITHIN
    torn = next(path for path in rig.journals() if killed.session in path.name)
    report = check(torn)
    assert report.equal
    assert not report.complete


def test_a_kill_empties_the_venue_within_a_second_outlasts_kill_9_and_ends_with_a_person(rig: Rig) -> None:
    rig.put(rig.document(1))
    supervisor = rig.start("supervisor", "quote")
    first = wait_for(rig.quoting, 60, "quoting")
    done = rig.run("kill", "--reason", "a test")
    assert (done.returncode, rig.state()["open_orders"]) == (0, []), done.stderr
    assert f"killed: session {first.session} is killed and has no open orders" in done.stdout
    kill = KillSwitch(rig.layout.live("paper", SYMBOL)).read()
    ends = [entry.local_ns for entry in read_journal(rig.journals()[0]) if entry.body.get("what") == "cancelled"]
    assert kill is not None
    assert 0 < max(ends) - kill.at_ns < EMPTIED_WITHIN * 1e9

    os.kill(first.pid, signal.SIGKILL)
    wait_for(lambda: (found := _killed(rig)) and found.pid != first.pid, 60, "a new process that is killed")
    seen = rig.status().events
    wait_for(lambda: rig.status().events > seen + 100, 60, "market data that it does not quote on")
    assert rig.state()["open_orders"] == []
    killed = rig.journals()[-1]
    assert [entry for entry in read_journal(killed) if entry.body["t"] in ("order", "action")] == []

    rig.layout.live("paper", SYMBOL).joinpath("kill.json").unlink()
    wait_for(rig.layout.live("paper", SYMBOL).joinpath("kill.json").exists, 5, "the file is back")
    assert "killed" in rig.run("kill", "--reason", "again").stdout
    assert rig.run("rearm", "--reason", "over").returncode == 0
    again = wait_for(rig.quoting, 30, "quoting again")

    os.kill(again.pid, signal.SIGUSR1)
    sent = time.monotonic()
    wait_for(lambda: not rig.state()["open_orders"], 5, "nothing rests")
    emptied = time.monotonic() - sent
    assert _killed(rig).killed.who == "signal"
    assert end(supervisor) == 0
    assert emptied < EMPTIED_WITHIN
    assert all(check(journal).equal for journal in rig.journals())


def _killed(rig: Rig):  # type: ignore[no-untyped-def]
    found = rig.status()
    return found if found is not None and found.state == "killed" else None


def test_a_hanging_live_process_is_replaced_and_its_orders_go(rig: Rig) -> None:
    rig.put(rig.document(1, executor_refresh_time=600.0))
    supervisor = rig.start("supervisor", "quote")
    hung = wait_for(rig.quoting, 60, "quoting")
    before = {report.client_id for report in rig.resting()}
    os.kill(hung.pid, signal.SIGSTOP)
    wait_for(lambda: not resting_of(rig, before), CLEARED_WITHIN, "no order of the hung process rests")
    wait_for(lambda: (found := rig.quoting()) and found.pid != hung.pid and found, 60, "a new process")
    assert end(supervisor) == 0
    assert rig.resting() == []
    assert untold(rig) == set()


def test_a_journal_that_cannot_be_written_ends_quoting_with_a_clear_venue(rig: Rig) -> None:
    rig.put(rig.document(1))
    live = rig.start("quote")
    wait_for(rig.quoting, 60, "quoting")
    full = rig.journals()[0].stat().st_size + 100
    resource.prlimit(live.pid, resource.RLIMIT_FSIZE, (full, full))
    assert live.wait(30) == 1
    assert rig.resting() == []
    assert "is the disk full?" in (rig.home / "quote.err").read_text()


def test_kill_9_of_the_supervisor_makes_the_live_process_cancel_and_stop(rig: Rig) -> None:
    rig.put(rig.document(1))
    supervisor = rig.start("supervisor", "quote")
    live = wait_for(rig.quoting, 60, "quoting")
    os.kill(supervisor.pid, signal.SIGKILL)
    supervisor.wait()
    wait_for(lambda: not rig.resting(), CLEARED_WITHIN, "nothing rests")
    wait_for(lambda: not Path(f"/proc/{live.pid}").exists(), 20, "the live process has ended")
    assert rig.resting() == []


def test_kill_9_of_capture_loses_no_acknowledged_line(rig: Rig) -> None:
    supervisor = rig.start("supervisor", "capture", "--", "--fsync-seconds", "0.2")
    status = wait_for(lambda: _recording(rig, 100), 60, "100 frames")
    os.kill(status.pid, signal.SIGKILL)
    last = read_capture_status(rig.layout, "paper", SYMBOL)
    wait_for(lambda: (found := _recording(rig, 20)) and found.pid != status.pid, 60, "a new capture process")
    assert end(supervisor) == 0
    assert last is not None
    name = last.acknowledged_name
    folder = rig.layout.segments("paper", SYMBOL)
    (path,) = [path for path in folder.iterdir() if path.name.startswith(name)]
    file = CollectorFile(path)
    assert max(line.end_offset for line in file) >= last.acknowledged_offset > 0
    assert holes(recorded(rig)) == 0


def test_capture_stops_in_order_after_the_given_seconds(rig: Rig) -> None:
    capture = rig.start("capture", "--seconds", "4")
    assert capture.wait(60) == 0
    lines = recorded(rig)
    assert lines[0][1].startswith(b'{"epoch":{"n":1')
    assert lines[1][1].startswith(b'{"symbols":[{"symbol":"BTCFDUSD"')
    kinds = [
        kind
        for kind in (b"depthUpdate", b'"trade"', b'@bookTicker"', b"lastUpdateId")
        if any(kind in p for _, p in lines)
    ]
    assert len(kinds) == 4
    assert holes(lines) == 0
    assert [stamp for stamp, _ in lines] == sorted(stamp for stamp, _ in lines)


def test_capture_and_live_process_survive_a_venue_that_restarts(tmp_path: Path) -> None:
    with paper_rig(tmp_path) as rig:
        # far from the market: the venue forgets everything, and holdings that it took back would stop quoting
        rig.put(rig.document(1, spread_floor_bps=80.0))
        capture = rig.start("capture")
        live = rig.start("quote")
        first = wait_for(rig.quoting, 60, "quoting")
        wait_for(lambda: _recording(rig, 50), 30, "frames")
        assert rig.paper is not None
        end(rig.paper, signal.SIGKILL)
        with start_paper(rig.port):
            wait_for(lambda: (found := rig.quoting()) and found.events > first.events + 50, 60, "quoting again")
            assert rig.status().session == first.session
            assert end(live) == 0
            assert end(capture) == 0
            assert rig.resting() == []
        marks = [payload for _, payload in recorded(rig) if payload.startswith(b'{"epoch"')]
        assert any(b"lost: " in mark for mark in marks)
        assert marks[-1].endswith(b'"reason":"connected"}}')
        assert holes(recorded(rig)) == 0
        assert check(rig.journals()[0]).equal


def _recording(rig: Rig, frames: int):  # type: ignore[no-untyped-def]
    found = read_capture_status(rig.layout, "paper", SYMBOL)
    return found if found is not None and found.frames >= frames else None

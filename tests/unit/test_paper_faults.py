import heapq
import itertools

import pytest

from strategy.errors import BadInput
from strategy.venues.paper.config import PaperConfig
from strategy.venues.paper.credentials import refuse_admin_beside_credentials
from strategy.venues.paper.faults.events import MOST_HELD_S, EventFaults
from strategy.venues.paper.faults.frames import FrameFaults
from strategy.venues.paper.faults.menu import KNOWN, menu, read_fault
from strategy.venues.paper.faults.replies import ReplyFaults, refusal, retry_after_s

NOW_NS = 1_700_000_000_000_000_000


class Clock:
    """Seconds that pass when told to, and what is to happen then."""

    def __init__(self):
        self.now = 100.0
        self._due = []
        self._order = itertools.count()

    def __call__(self):
        return self.now

    def later(self, seconds, call):
        heapq.heappush(self._due, (self.now + seconds, next(self._order), call))

    def pass_by(self, seconds):
        end = self.now + seconds
        while self._due and self._due[0][0] <= end:
            self.now, _, call = heapq.heappop(self._due)
            call()
        self.now = end


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def heard():
    return []


@pytest.fixture
def events(clock, heard):
    return EventFaults(lambda event: heard.append((event["e"][0], event["n"])), clock, clock.later)


def report(number):
    return {"e": "executionReport", "n": number}


def position(number):
    return {"e": "outboundAccountPosition", "n": number}


def test_without_a_fault_events_pass_at_once_and_in_order(events, heard):
    for event in (report(1), position(2), report(3)):
        events.tell(event)
    assert heard == [("e", 1), ("o", 2), ("e", 3)]


def test_a_deaf_stream_loses_everything_for_its_time_and_no_longer(events, heard, clock):
    events.deaf(2.0)
    events.tell(report(1))
    clock.pass_by(1.9)
    events.tell(position(2))
    clock.pass_by(0.2)
    events.tell(report(3))
    assert heard == [("e", 3)]


def test_a_late_report_holds_up_what_is_behind_it_and_order_stays(events, heard, clock):
    events.delay(0.5, 1)
    events.tell(report(1))
    events.tell(position(2))
    clock.pass_by(0.4)
    events.tell(report(3))
    assert heard == []
    clock.pass_by(0.2)
    assert heard == [("e", 1), ("o", 2), ("e", 3)]
    events.tell(report(4))
    assert heard[-1] == ("e", 4)


def test_a_doubled_report_comes_twice_and_the_next_once(events, heard):
    events.duplicate(1)
    for event in (position(1), report(2), report(3)):
        events.tell(event)
    assert heard == [("o", 1), ("e", 2), ("e", 2), ("e", 3)]


def test_a_reordered_report_comes_behind_the_next_report(events, heard):
    events.reorder(1)
    for event in (report(1), position(2), report(3), report(4)):
        events.tell(event)
    assert heard == [("o", 2), ("e", 3), ("e", 1), ("e", 4)]


def test_a_report_that_none_overtakes_comes_in_the_end(events, heard, clock):
    events.reorder(1)
    events.tell(report(1))
    clock.pass_by(MOST_HELD_S - 0.1)
    assert heard == []
    clock.pass_by(0.2)
    assert heard == [("e", 1)]


def test_frames_are_skipped_by_number_and_muted_by_time(clock):
    frames = FrameFaults(clock)
    frames.skip("depth", 2)
    assert [frames.loses("depth") for _ in range(3)] == [True, True, False]
    frames.mute("trade", 1.0)
    assert (frames.loses("trade"), frames.loses("depth")) == (True, False)
    clock.pass_by(1.1)
    assert not frames.loses("trade")


def test_a_fault_on_replies_meets_its_operation_so_many_times(clock):
    faults = ReplyFaults(clock)
    faults.add(read_fault({"what": "error", "code": "-2010", "count": "2"}))
    assert faults.meet("cancel") is None
    assert [faults.meet("place") is not None for _ in range(3)] == [True, True, False]


def test_a_ban_lasts_for_its_time_however_many_requests(clock):
    faults = ReplyFaults(clock)
    faults.add(read_fault({"what": "error", "code": 418, "seconds": 3}))
    assert all(faults.meet(name) for name in ("ping", "place", "account"))
    clock.pass_by(3.0)
    assert (faults.meet("ping"), len(faults)) == (None, 0)


def test_signed_means_what_needs_a_signature(clock):
    faults = ReplyFaults(clock)
    faults.add(read_fault({"what": "error", "code": -1021, "count": 9}))
    assert [name for name in ("ping", "depth", "account", "place", "subscribe") if faults.meet(name)] == [
        "account",
        "place",
        "subscribe",
    ]


@pytest.mark.parametrize("code", sorted(KNOWN))
def test_every_known_error_has_the_venues_code_status_and_text(code):
    fault = read_fault({"what": "error", "code": code})
    said = refusal(fault, NOW_NS)
    assert said.code == (code if code < 0 else -1003)
    assert said.status == (code if code > 0 else KNOWN[code].status)
    assert "{" not in str(said)
    assert (retry_after_s(fault) is not None) == (said.status in (418, 429))


def test_a_ban_says_until_when():
    fault = read_fault({"what": "error", "code": 418, "seconds": 60})
    assert f"IP banned until {NOW_NS // 1_000_000 + 60_000}." in str(refusal(fault, NOW_NS))


def test_any_other_code_can_be_said_with_any_text():
    fault = read_fault({"what": "error", "code": -1015, "status": 429, "text": "Too many new orders.", "on": "place"})
    said = refusal(fault, NOW_NS)
    assert (said.code, said.status, str(said), fault.target) == (-1015, 429, "Too many new orders.", "place")
    assert refusal(read_fault({"what": "error", "code": 503}), NOW_NS).status == 503


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({}, "what"),
        ({"what": "explode"}, "explode"),
        ({"what": "skip", "stream": "kline"}, "kline"),
        ({"what": "skip", "count": "0"}, "count was '0'"),
        ({"what": "error", "code": "200"}, "code was 200"),
        ({"what": "error", "code": "-1007", "on": "everything"}, "on was 'everything'"),
        ({"what": "mute", "seconds": "-1"}, "seconds was '-1'"),
        ({"what": "restart", "memory": "some"}, "memory was 'some'"),
        ({"what": "deaf", "stream": "depth"}, "stream"),
    ],
)
def test_a_fault_that_does_not_exist_is_named_with_its_value(fields, names):
    with pytest.raises(BadInput, match="fault: ") as refused:
        read_fault(fields)
    assert names in str(refused.value)


def test_the_menu_names_every_fault_with_its_fields():
    lines = {line.names: line for line in menu()}
    assert set("|".join(lines).split("|")) >= {
        "close",
        "abort",
        "skip",
        "mute",
        "deaf",
        "error",
        "html",
        "cut",
        "restart",
    }
    assert lines["skip"].fields == "stream=depth count=1"
    assert all(line.does.endswith(".") for line in lines.values())


@pytest.mark.parametrize("name", ["MICROVOL_LIVE_API_KEY", "MICROVOL_TESTNET_API_SECRET", "MICROVOL_VENUE_SECRET"])
def test_there_is_no_admin_endpoint_beside_real_credentials(name):
    asked = PaperConfig(admin_port=8781)
    with pytest.raises(BadInput, match=f"admin_port was 8781 while {name} holds credentials") as refused:
        refuse_admin_beside_credentials(asked, {name: "hunter2"})
    assert "hunter2" not in str(refused.value)
    refuse_admin_beside_credentials(PaperConfig(), {name: "hunter2"})
    refuse_admin_beside_credentials(asked, {name: "paper-secret", "PATH": "/bin", "MICROVOL_VENUE": "live"})

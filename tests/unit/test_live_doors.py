import os
import threading
import time
from pathlib import Path

import pytest

from strategy.errors import BadParameters, Failed
from strategy.live.doors import LiveStatus, Refused, is_running, read_status, wait_acknowledged, write_status
from strategy.live.layout import Layout
from strategy.live.parameter_file import ParameterFile, checked_document, refusal
from strategy.policies.document import ParameterDocument, write_atomically
from strategy.policies.parameters import ParameterSet
from tests.unit.fake_broker import INSTRUMENT

DOCUMENT = ParameterDocument(version=3, instrument=INSTRUMENT, parameters=ParameterSet(), kernel_digest="k")


def status(**fields: object) -> LiveStatus:
    known = {
        "pid": os.getpid(),
        "session": "s",
        "venue": "paper",
        "symbol": "BTC/FDUSD",
        "started_ns": 1,
        "heartbeat_ns": time.time_ns(),
        "state": "quoting",
        "kernel_digest": "k",
    }
    return LiveStatus.model_validate(known | fields)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def put(layout: Layout, found: LiveStatus) -> None:
    write_status(layout.status_file("paper", "BTC/FDUSD"), found)


def wait(layout: Layout, seconds: float = 0.1) -> LiveStatus:
    return wait_acknowledged(layout, "paper", "BTC/FDUSD", DOCUMENT, seconds)


def running() -> dict[str, object]:
    return {"version": 3, "content_hash": DOCUMENT.content_hash}


def test_a_status_reads_back_as_written(layout: Layout) -> None:
    assert read_status(layout, "paper", "BTC/FDUSD") is None
    found = status(sigma=None, **running())
    put(layout, found)
    assert read_status(layout, "paper", "BTC/FDUSD") == found
    assert is_running(layout, "paper", "BTC/FDUSD")


def test_a_dead_pid_or_an_old_heartbeat_is_not_running(layout: Layout) -> None:
    put(layout, status(heartbeat_ns=time.time_ns() - 6_000_000_000))
    assert not is_running(layout, "paper", "BTC/FDUSD")
    put(layout, status(pid=2**22 - 3))
    assert not is_running(layout, "paper", "BTC/FDUSD")


def test_waiting_returns_as_soon_as_the_document_runs(layout: Layout) -> None:
    threading.Timer(0.1, put, (layout, status(**running()))).start()
    assert wait(layout, 10).version == 3


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (None, "no process quotes BTC/FDUSD on paper"),
        ({"version": 2, "content_hash": "x"}, "runs version 2 and is quoting"),
        ({"heartbeat_ns": 1}, "is silent for"),
        ({"version": 3, "content_hash": "x"}, "runs version 3"),
    ],
)
def test_waiting_in_vain_says_why(layout: Layout, fields, words: str) -> None:
    if fields is not None:
        put(layout, status(**fields))
    with pytest.raises(Failed, match=words):
        wait(layout)


def test_a_refusal_ends_the_wait_with_its_reason(layout: Layout) -> None:
    put(layout, status(version=2, refused=Refused(content_hash=DOCUMENT.content_hash, reason="tick_size was 1")))
    with pytest.raises(Failed, match="version 3 was refused by the quoting process: tick_size was 1"):
        wait(layout, 30)


def test_a_version_that_warms_up_is_waited_for_longer_than_one_that_nobody_takes(layout: Layout) -> None:
    warming = {"version": 2, "warming": DOCUMENT.content_hash}
    put(layout, status(**warming))
    threading.Timer(0.3, put, (layout, status(**running()))).start()
    assert wait(layout, 0.05).version == 3
    put(layout, status(**{**warming, "warming": "another"}))
    with pytest.raises(Failed, match="runs version 2 and is quoting"):
        wait(layout, 0.05)


def test_a_parameter_file_is_news_once_and_again_only_when_its_content_changes(tmp_path: Path) -> None:
    file = ParameterFile(tmp_path / "params.json")
    assert file.news() is None
    write_atomically(file.path, DOCUMENT.to_json())
    assert file.news() == DOCUMENT.to_json()
    assert file.news() is None
    write_atomically(file.path, DOCUMENT.to_json())
    assert file.news() is None
    write_atomically(file.path, b"{}")
    assert file.news() == b"{}"


def test_a_document_is_checked_against_the_venue_as_decimals(tmp_path: Path) -> None:
    venue = INSTRUMENT.model_copy(update={"tick_size": "0.01", "min_notional": "5"})
    assert checked_document(DOCUMENT.to_json(), tmp_path, venue) == DOCUMENT


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"tick_size": "0.1"}, "tick_size was 0.01000000, the venue has 0.1"),
        ({"min_notional": "10"}, "min_notional was 5.00000000, the venue has 10"),
        ({"symbol": "ETH/FDUSD"}, "is for BTC/FDUSD on paper, this process quotes ETH/FDUSD on paper"),
        ({"venue": "live"}, "is for BTC/FDUSD on paper, this process quotes BTC/FDUSD on live"),
    ],
)
def test_a_document_of_another_instrument_is_refused(tmp_path: Path, change: dict[str, str], words: str) -> None:
    with pytest.raises(BadParameters, match=words):
        checked_document(DOCUMENT.to_json(), tmp_path / "params.json", INSTRUMENT.model_copy(update=change))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (DOCUMENT.to_json()[-40:], b""),
        (DOCUMENT.content_hash.encode(), b"0" * 64),
        (b'"kernel_digest": "k"', b'"kernel_digest": "q"'),
        (b'"vol_window_seconds": 60.0', b'"vol_window_seconds": -60.0'),
        (b'"order_qty"', b'"order_quantity"'),
    ],
    ids=["truncated", "wrong digest", "changed after signing", "out of bounds", "unknown field"],
)
def test_a_file_that_is_not_whole_is_refused(tmp_path: Path, old: bytes, new: bytes) -> None:
    assert old in DOCUMENT.to_json()
    with pytest.raises(BadParameters, match=r"params\.json"):
        checked_document(DOCUMENT.to_json().replace(old, new), tmp_path / "params.json", INSTRUMENT)


def test_a_refusal_is_named_by_the_hash_that_the_file_claims() -> None:
    assert refusal(DOCUMENT.to_json(), "no").content_hash == DOCUMENT.content_hash
    assert len(refusal(b"{torn", "no").content_hash) == 64

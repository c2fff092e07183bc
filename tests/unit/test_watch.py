"""What people are told of: each alert once an occurrence, with what is needed to act."""

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from flows import events, kill_switch, prefect_api, processes, watch
from flows.settings import Settings, load_settings
from strategy.errors import Failed
from strategy.kernel.jit import KERNEL_DIGEST
from strategy.live.capture_status import CaptureStatus, capture_status_file
from strategy.live.doors import LiveStatus, write_status
from strategy.policies.document import write_atomically
from tests.unit.registry_documents import document_with

MARKET = ("paper", "BTC/FDUSD")


@dataclass
class Watched:
    """A market, what its night came to, and the alerts that were told of it."""

    settings: Settings
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    night: list[dict[str, Any]] = field(default_factory=list)
    listening: bool = True

    def look(self) -> list[str]:
        before = len(self.told)
        watch.look(self.settings)
        return [event for event, _ in self.told[before:]]

    def status(self, **fields: Any) -> None:
        plain = {"pid": os.getpid(), "session": "s1", "venue": MARKET[0], "symbol": MARKET[1], "state": "quoting"}
        held = {"version": 4, "base_lots": 100.0, "quote_atoms": 1e9, "mid_ticks": 6_000_000.0}
        stamps = {"started_ns": 0, "heartbeat_ns": time.time_ns(), "kernel_digest": KERNEL_DIGEST}
        write_status(self.settings.layout.status_file(*MARKET), LiveStatus(**plain | held | stamps | fields))


@pytest.fixture
def watched(command_home: Path, monkeypatch: pytest.MonkeyPatch) -> Watched:
    limits = {"panic_seconds": 0.01, "max_inventory": 100.0, "max_order_faults": 3, "stale_seconds": 0.01}
    for name, value in (limits | {"min_free_mb": 0}).items():
        monkeypatch.setenv(f"MICROVOL_ALERTS__{name.upper()}", str(value))
    found = Watched(load_settings())

    def tell(settings: Settings, event: str, resource: str, facts: dict[str, Any]) -> bool:
        if found.listening:
            found.told.append((event, facts))
        return found.listening

    monkeypatch.setattr(events, "tell", tell)
    monkeypatch.setattr(prefect_api, "newest_runs", lambda *_, **__: found.night)
    write_atomically(found.settings.layout.parameter_file(*MARKET), document_with(5.0).to_json())
    return found


def test_a_quiet_market_is_no_news(watched: Watched) -> None:
    watched.status()
    assert watched.look() == []


def test_a_kill_is_told_once_and_the_next_one_again(watched: Watched) -> None:
    kill_switch.throw(watched.settings, "drill", "nina")
    assert [watched.look(), watched.look()] == [["kill"], []]
    facts = watched.told[0][1]
    command = 'microvol rearm --venue paper --symbol BTC/FDUSD --reason "why it is safe again"'
    assert (facts["symbol"], facts["value"], facts["command"]) == ("BTC/FDUSD", "by hand, by nina: drill", command)
    kill_switch.rearm(watched.settings, "drill over", "nina")
    assert watched.look() == []
    kill_switch.throw(watched.settings, "again", "nina")
    assert watched.look() == ["kill"]


def test_what_nobody_took_is_told_when_somebody_listens(watched: Watched) -> None:
    kill_switch.throw(watched.settings, "drill", "nina")
    watched.listening = False
    assert [watched.look(), watched.look()] == [[], []]
    watched.listening = True
    assert [watched.look(), watched.look()] == [["kill"], []]


def test_a_panic_is_told_when_it_lasts(watched: Watched) -> None:
    watched.status(panicking=True)
    assert watched.look() == []
    time.sleep(0.02)
    assert watched.look() == ["panic"]
    watched.status(panicking=False)
    assert watched.look() == []


def test_inventory_beyond_its_limit_is_told_with_value_and_limit(watched: Watched) -> None:
    watched.status(base_lots=200.0)  # 0.002 BTC at 60,000
    assert watched.look() == ["inventory"]
    facts = watched.told[0][1]
    assert (facts["version"], facts["value"], facts["limit"]) == (4, "base held is worth 120.00", 100.0)
    assert facts["command"].startswith("microvol kill --venue paper")


def test_order_faults_are_counted_within_a_span_and_over_sessions(watched: Watched) -> None:
    watched.status(order_faults=50)  # of before anybody looked
    assert watched.look() == []
    watched.status(order_faults=52)
    assert watched.look() == []
    watched.status(session="s2", order_faults=2)
    assert watched.look() == ["order_faults"]
    assert watched.told[0][1]["value"] == "4 orders refused or not answered in 10 min"


@pytest.mark.parametrize(
    ("fields", "halted", "expected"),
    [
        ({"state": "halted", "note": "user stream lost"}, False, ["stale"]),
        ({"state": "quoting", "heartbeat_ns": 1}, False, ["stale"]),
        ({"state": "halted"}, True, []),
        ({"state": "quoting"}, False, []),
    ],
)
def test_a_process_that_runs_and_does_not_quote_is_told(
    watched: Watched, fields: dict[str, Any], halted: bool, expected: list[str]
) -> None:
    watched.status(**fields)
    if halted:
        (watched.settings.layout.live(*MARKET) / "halt").touch()
    with processes.held(watched.settings.home, "quote-paper-BTC-FDUSD", "quote"):
        watched.look()
        time.sleep(0.02)
        assert watched.look() == expected


def test_a_recorder_that_hears_nothing_is_told_only_while_it_runs(watched: Watched) -> None:
    seen = CaptureStatus(
        pid=1, heartbeat_ns=time.time_ns(), started_ns=0, frames=3, gaps=0, last_frame_ns=1, lag_ms=0.0,
        acknowledged_name="", acknowledged_offset=0,
    )  # fmt: skip
    write_status(capture_status_file(watched.settings.layout, *MARKET), seen)
    assert watched.look() == []
    with processes.held(watched.settings.home, "record-paper-BTC-FDUSD", "record"):
        assert watched.look() == ["stale"]


def test_a_failed_night_is_told_once(watched: Watched) -> None:
    watched.night = [{"id": "r1", "state_type": "FAILED", "state_name": "Failed", "state": {"message": "no data"}}]
    assert [watched.look(), watched.look()] == [["night.failed"], []]
    assert (watched.told[0][1]["value"], watched.told[0][1]["command"]) == ("no data", "microvol nightly")
    watched.night = [{"id": "r2", "state_type": "COMPLETED"}]
    assert watched.look() == []


def test_a_disk_that_fills_is_told(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROVOL_ALERTS__MIN_FREE_MB", "1e12")
    watched.settings = load_settings()
    assert watched.look() == ["disk.low"]


def test_what_cannot_be_read_hides_nothing_else_and_is_not_told_twice(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.night = [{"id": "r1", "state_type": "CRASHED", "state_name": "Crashed", "state": None}]
    assert watched.look() == ["night.failed"]

    def down(*_: Any, **__: Any) -> None:
        raise Failed("Prefect did not answer")

    with monkeypatch.context() as patch:
        patch.setattr(prefect_api, "newest_runs", down)
        kill_switch.throw(watched.settings, "drill", "nina")
        assert watched.look() == ["kill"]
    assert watched.look() == []

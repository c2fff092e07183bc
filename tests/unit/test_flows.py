"""Flows by their bodies: what runs where, and what nightly does with a candidate."""

import logging
import os
import time
from pathlib import Path
from typing import Any

import pytest

from flows import log, nightly, runner
from flows.promotion import acknowledged
from flows.settings import Settings, load_settings
from strategy.errors import Failed
from strategy.kernel.jit import KERNEL_DIGEST
from strategy.live.doors import LiveStatus, write_status


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(os, "environ", os.environ.copy())
    monkeypatch.setenv("MICROVOL_HOME", str(tmp_path))
    return load_settings(prefect_api_url="http://127.0.0.1:9/api")


class FakeFlow:
    """A flow that remembers how it was called: recorded (called) or by its body alone (`fn`)."""

    def __init__(self, answer: Any, calls: list[str], name: str = "flow") -> None:
        self.answer, self.calls, self.name = answer, calls, name

    def __call__(self, **parameters: Any) -> Any:
        self.calls.append(f"recorded {self.name}")
        return self.answer

    def fn(self, **parameters: Any) -> Any:
        self.calls.append(self.name)
        return self.answer


@pytest.mark.parametrize(("answers", "expected"), [(True, "recorded ingest"), (False, "ingest")])
def test_a_flow_is_recorded_only_when_a_server_answers(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, answers: bool, expected: str
) -> None:
    calls: list[str] = []
    monkeypatch.setattr(runner, "prefect_answers", lambda settings: answers)
    monkeypatch.setattr(runner, "flow_of", lambda name: FakeFlow(7, calls, name))
    with caplog.at_level(logging.INFO, logger=log.LOGGER):
        assert runner.run(settings, "ingest") == 7
    assert calls == [expected]
    assert ("no Prefect server" in caplog.text) is not answers


def test_nobody_answers_quickly(settings: Settings) -> None:
    begun = time.monotonic()
    assert runner.prefect_answers(settings) is False
    assert time.monotonic() - begun < 1.0


def test_a_step_outside_a_run_is_a_plain_call_and_passes_errors_on(settings: Settings) -> None:
    @runner.step
    def divide(left: int, right: int) -> float:
        return left / right

    assert divide(6, right=3) == 2
    with pytest.raises(ZeroDivisionError):
        divide(1, 0)


@pytest.mark.parametrize("passed", [True, False])
def test_nightly_promotes_only_what_passed_its_gates(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, passed: bool
) -> None:
    calls: list[str] = []
    found = {"version": 3, "passed": passed, "gates": "4 of 4 passed" if passed else "edge -1 bps"}
    answers = {"ingest": {}, "calibrate": found, "promote": {}, "report": {"path": "page.html"}}
    for name, answer in answers.items():
        monkeypatch.setattr(nightly, name, FakeFlow(answer, calls, name))
    done = nightly.nightly.fn(venue="paper", symbol="BTC/FDUSD")
    assert calls == ["ingest", "calibrate", *(["promote"] if passed else []), "report"]
    assert (done["version"], done["promoted"]) == (3, passed)


@pytest.mark.parametrize(
    ("mode", "passed", "outcome"),
    [
        ("dry-run", True, "dry run: it would have been promoted"),
        ("dry-run", False, "blocked by its gates"),
        ("ask", False, "blocked by its gates"),
        ("ask", True, "asked: run r1"),
    ],
)
def test_only_auto_promotes_by_itself(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, mode: nightly.Mode, passed: bool, outcome: str
) -> None:
    calls: list[str] = []
    monkeypatch.setattr(nightly, "promote", FakeFlow({}, calls, "promote"))
    monkeypatch.setattr(nightly, "asked", lambda *_: "r1")
    assert nightly.decided(settings, mode, {"version": 3, "passed": passed, "gates": "g"}) == outcome
    assert calls == []


def test_nobody_can_be_asked_without_a_server(settings: Settings) -> None:
    with pytest.raises(Failed, match=r"promotion\.mode is ask, and no Prefect server at"):
        nightly.asked(settings, 3, "nightly")


def test_without_a_quoting_process_a_promotion_waits_for_nobody(settings: Settings) -> None:
    assert acknowledged(settings, document=None) == "no quoting process: applies at its next start"  # type: ignore[arg-type]


def test_a_dead_process_is_not_waited_for(settings: Settings) -> None:
    status = LiveStatus(
        pid=2**22 + 1,
        session="s",
        venue=settings.venue,
        symbol=settings.symbol,
        started_ns=0,
        heartbeat_ns=time.time_ns(),
        state="quoting",
        kernel_digest=KERNEL_DIGEST,
    )
    write_status(settings.layout.status_file(settings.venue, settings.symbol), status)
    assert "next start" in acknowledged(settings, document=None)  # type: ignore[arg-type]


def test_a_log_line_is_an_event_and_its_facts(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger=log.LOGGER):
        log.say("promoted", version=2, edge=1.23456789, why="two words", empty="")
    assert caplog.messages == ['promoted version=2 edge=1.23457 why="two words" empty=""']

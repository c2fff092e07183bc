"""The trial of a version: how its windows are judged, and what becomes of it."""

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from analytics.gates.canary import CanaryRecord, CanarySettings, begun, observed, verdict
from flows import canary, events
from flows.settings import Settings, load_settings
from flows.status_quoting import quoting
from strategy.errors import BadInput, Failed
from strategy.kernel.jit import KERNEL_DIGEST
from strategy.live.doors import LiveStatus, write_status
from strategy.live.kill_switch import HALT_FILE
from strategy.live.sizing import read_sizes
from strategy.policies.document import ParameterDocument
from tests.unit.registry_documents import document_with

S = 1_000_000_000
LIMITS = CanarySettings(
    size_factor=0.25, minutes=1.0, window_minutes=0.1, windows=3, breaches=2, max_loss_bps=5.0, max_order_faults=1
)


def status(**fields: Any) -> LiveStatus:
    held = {"base_lots": 100.0, "quote_atoms": 1_000_000.0, "mid_ticks": 10_000.0}
    plain = {"pid": 1, "session": "s1", "venue": "paper", "symbol": "BTC/FDUSD", "state": "quoting", "version": 2}
    stamps = {"started_ns": 0, "heartbeat_ns": time.time_ns(), "kernel_digest": KERNEL_DIGEST}
    return LiveStatus(**plain | stamps | held | fields)


def lived(record: CanaryRecord, *looks: LiveStatus | None, from_s: float = 0.0) -> CanaryRecord:
    """Look once a second."""
    for second, seen in enumerate(looks):
        record = observed(record, seen, int((from_s + second) * S))
    return record


def window(*looks: LiveStatus | None) -> CanaryRecord:
    """Return a record with one closed window of these looks, spread over it."""
    every = [looks[min(i * len(looks) // 7, len(looks) - 1)] for i in range(7)]
    return lived(begun(LIMITS, 2, 1, 0), *every)


def test_what_was_held_moving_with_the_market_is_no_loss() -> None:
    (found,) = window(status(), status(mid_ticks=9_000.0)).windows
    assert (found.loss_bps, found.broken) == (pytest.approx(0.0), ())


def test_a_loss_beside_that_is_counted_in_bps_of_equity() -> None:
    (found,) = window(status(), status(quote_atoms=999_000.0)).windows
    assert found.loss_bps == pytest.approx(1e4 * 1_000 / 2_000_000)
    assert found.broken == ()
    (found,) = window(status(), status(quote_atoms=998_000.0)).windows
    assert found.broken == ("loss was 10 bps, the limit is 5",)


def test_order_faults_are_counted_over_a_restart_and_not_from_before() -> None:
    looks = (status(order_faults=7), status(order_faults=8), status(session="s2", order_faults=1))
    (found,) = window(*looks).windows
    assert (found.order_faults, found.broken) == (2, ("order faults were 2, the limit is 1",))


@pytest.mark.parametrize("silent", [None, status(state="starting"), status(state="halted")])
def test_a_process_that_does_not_quote_breaks_its_window(silent: LiveStatus | None) -> None:
    (found,) = window(silent, silent, status()).windows
    assert found.silent_share > 0.5
    assert found.broken[0].startswith("did not quote for ")


@pytest.mark.parametrize(
    ("windows", "passed"), [("", None), ("x", None), ("xx", False), ("xox", False), ("xxo", None), ("xoox", None)]
)
def test_two_of_three_windows_and_the_newest_end_a_trial(windows: str, passed: bool | None) -> None:
    record = begun(LIMITS, 2, 1, 0)
    good = window(status()).windows
    bad = window(status(), status(quote_atoms=0.0)).windows
    record = record.model_copy(update={"windows": tuple((bad if each == "x" else good)[0] for each in windows)})
    assert verdict(record, 10 * S).passed is passed


def test_a_trial_without_breaches_passes_when_its_time_is_over() -> None:
    record = begun(LIMITS, 2, 1, 0)
    assert verdict(record, 59 * S).passed is None
    assert verdict(record, 60 * S).passed is True


def test_more_breaches_than_windows_are_refused() -> None:
    with pytest.raises(ValueError, match="breaches was 4, there are only 3 windows"):
        CanarySettings(windows=3, breaches=4)


@dataclass
class FakeRegistry:
    """A registry with a champion; a rollback moves it."""

    champion: int = 2
    down: bool = False
    moves: list[tuple[int | None, str, str | None]] = field(default_factory=list)

    def aliases(self, venue: str, symbol: str) -> dict[str, int]:
        if self.down:
            raise Failed("MLflow does not answer")
        return {"champion": self.champion}

    def rollback(self, venue: str, symbol: str, version: int | None, **told: Any) -> Any:
        self.moves.append((version, told["reason"], told["who"]))
        self.champion = version or 0
        return type("Done", (), {"to_version": version})


@dataclass
class Trial:
    """A market with a version on trial."""

    settings: Settings
    registry: FakeRegistry
    told: list[str]

    @property
    def folder(self) -> Path:
        return self.settings.layout.live("paper", "BTC/FDUSD")

    def say(self, **fields: Any) -> None:
        write_status(self.folder / "status.json", status(pid=os.getpid(), **fields))

    def look(self, at_s: float) -> bool | None:
        start = canary.read(self.settings)
        assert start is not None
        now = start.began_ns + int(at_s * S)
        return canary.look(self.settings, lambda: self.registry, lambda: now).passed  # type: ignore[arg-type, return-value]

    def audit(self) -> list[str]:
        lines = next(self.settings.layout.audit.glob("*.log")).read_text().splitlines()
        return [line.partition(" ")[2] for line in lines]


@pytest.fixture
def trial(command_home: Path, monkeypatch: pytest.MonkeyPatch) -> Trial:
    told: list[str] = []
    monkeypatch.setattr(events, "tell", lambda settings, event, resource, facts: told.append(event) is None)
    settings = load_settings().model_copy(update={"canary": LIMITS})
    canary.prepare(settings, document_with(5.0).model_copy(update={"version": 2}))
    canary.begin(settings, 2, 1)
    return Trial(settings, FakeRegistry(), told)


def test_a_trial_that_passes_quotes_in_full(trial: Trial) -> None:
    assert read_sizes(trial.folder) == {2: 0.25}
    trial.say()
    assert trial.look(1.0) is None
    assert trial.look(61.0) is True
    assert (read_sizes(trial.folder), canary.read(trial.settings), trial.told) == ({}, None, ["canary.passed"])
    assert '"outcome":"passed: full size from now on"' in trial.audit()[-1]


def test_a_trial_that_breaks_its_limits_is_taken_back(trial: Trial) -> None:
    trial.say()
    trial.look(0.5)
    for at_s, atoms in ((7.0, 990_000.0), (14.0, 980_000.0)):
        trial.say(quote_atoms=atoms)
        passed = trial.look(at_s)
    assert passed is False
    (version, reason, who), *more = trial.registry.moves
    assert (version, who, more) == (1, "canary", [])
    assert reason.startswith("canary: 2 of the last 2 windows broke a limit, the newest: loss was 5")
    assert (read_sizes(trial.folder), canary.read(trial.settings)) == ({}, None)
    assert trial.told == ["canary.rolled_back"]


def test_a_kill_ends_a_trial_at_once(trial: Trial) -> None:
    trial.say(state="killed", killed={"at_ns": 1, "cause": "day loss", "reason": "too much", "who": "strategy"})
    assert trial.look(1.0) is False
    assert trial.registry.moves == [(1, "canary: the kill switch was thrown: day loss, too much", "canary")]


def test_a_registry_that_does_not_answer_leaves_the_trial_as_it_is(trial: Trial) -> None:
    trial.registry.down = True
    with pytest.raises(Failed):
        trial.look(61.0)
    assert (read_sizes(trial.folder), canary.read(trial.settings) is None) == ({2: 0.25}, False)
    trial.registry.down = False
    assert trial.look(62.0) is True


def test_a_champion_of_somebody_else_ends_a_trial_without_a_move(trial: Trial) -> None:
    trial.registry.champion = 9
    assert trial.look(61.0) is True
    assert (trial.registry.moves, read_sizes(trial.folder), trial.told) == ([], {}, [])
    assert "ended: the champion is version 9" in trial.audit()[-1]


def test_a_persons_pause_is_no_fault_of_the_version(trial: Trial) -> None:
    (trial.folder / HALT_FILE).touch()
    trial.say(state="halted")
    for at_s in range(1, 40):
        assert trial.look(float(at_s)) is None
    assert canary.read(trial.settings).windows == ()  # type: ignore[union-attr]


def test_the_way_back_from_a_second_trial_leads_past_the_first(trial: Trial) -> None:
    assert canary.begin(trial.settings, 3, 2).from_version == 1


def filtered(**filters: str) -> ParameterDocument:
    plain = document_with(5.0)
    sizes = plain.instrument.model_copy(update=filters)
    return ParameterDocument(**{**dict(plain), "version": 7, "instrument": sizes, "content_hash": ""})


def test_orders_too_small_for_the_venue_are_refused_before_anything_moves(trial: Trial) -> None:
    with pytest.raises(BadInput, match=r"canary.size_factor 0.25 makes orders of 0.00025, the least is 0.001"):
        canary.prepare(trial.settings, filtered(min_qty="0.001"))
    trial.say()
    with pytest.raises(BadInput, match=r"makes orders worth 0.0\d, the least is 5"):
        canary.prepare(trial.settings, filtered(min_notional="5"))
    assert read_sizes(trial.folder) == {2: 0.25}


def test_status_says_that_a_version_is_on_trial(trial: Trial) -> None:
    trial.say(size_factor=0.25)
    assert next(iter(quoting(trial.settings))).detail.startswith("version 2 on trial at 0.25 of its size, heartbeat")


def test_a_record_that_cannot_be_read_is_said(trial: Trial) -> None:
    (trial.folder / canary.FILE).write_text("{")
    with pytest.raises(Failed, match="is not the record of a trial"):
        canary.read(trial.settings)

"""What died is started again: which, when, and when not."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from flows import events, prefect_api, processes, revival
from flows.settings import Settings, load_settings

NAME = "quote-paper-BTC-FDUSD"


@dataclass
class Prefect:
    """The server's side: runs by id, and those that were started or said to have crashed."""

    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    started: list[dict[str, Any]] = field(default_factory=list)
    crashed: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def add(self, run: str, state: str, message: str = "", deployment: str | None = "d1") -> None:
        parameters = {"venue": "paper", "symbol": "BTC/FDUSD"}
        found = {"deployment_id": deployment, "parameters": parameters, "state_type": state}
        self.runs[run] = found | {"state": {"message": message}}

    def start(self, settings: Settings, deployment: str, parameters: dict[str, Any]) -> str:
        self.started.append(parameters)
        name = f"new-{len(self.started)}"
        self.add(name, "SCHEDULED", deployment=deployment)
        return name


@dataclass
class Scene:
    """A home, its server, and the clock by which pauses are waited for."""

    settings: Settings
    prefect: Prefect
    now: float = field(default_factory=time.time)

    def look(self, after_s: float = 0.0) -> list[str]:
        self.now += after_s
        return revival.revive(self.settings)

    def die(self, run: str, name: str = NAME) -> None:
        """Leave the record of a process that was killed."""
        process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        record = {"pid": process.pid, "created": self.now, "run": run}
        process.kill()
        process.communicate()
        (processes.run_folder(self.settings.home) / f"{name}.json").write_text(json.dumps(record))

    def record(self) -> processes.Record | None:
        return processes.records(self.settings.home).get(NAME)


@pytest.fixture
def scene(command_home: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    prefect = Prefect()
    found = Scene(load_settings(), prefect)
    monkeypatch.setattr(prefect_api, "flow_run", lambda settings, run: prefect.runs.get(run))
    monkeypatch.setattr(prefect_api, "start_run", prefect.start)
    monkeypatch.setattr(prefect_api, "crash", lambda settings, run, why: prefect.crashed.append(run))
    monkeypatch.setattr(events, "alert", lambda market, event, **facts: prefect.told.append(facts["value"]))
    monkeypatch.setattr(revival.time, "time", lambda: found.now)
    return found


def test_a_run_that_died_is_started_again_at_once_with_its_parameters(scene: Scene) -> None:
    scene.prefect.add("r0", "CRASHED")
    scene.die("r0")
    assert scene.look() == [NAME]
    assert scene.prefect.started == [{"venue": "paper", "symbol": "BTC/FDUSD"}]
    assert "started again, attempt 1" in scene.prefect.told[0]


def test_a_run_that_the_server_thinks_alive_loses_its_place_first(scene: Scene) -> None:
    scene.prefect.add("r0", "RUNNING")
    scene.die("r0")
    scene.look()
    assert scene.prefect.crashed == ["r0"]


def test_one_attempt_is_waited_for_before_the_next(scene: Scene) -> None:
    scene.prefect.add("r0", "CRASHED")
    scene.die("r0")
    scene.look()
    assert scene.look(60.0) == []
    scene.prefect.add("new-1", "FAILED")
    assert scene.look() == [NAME]
    assert scene.look(revival.PENDING_S + 1) == [NAME]


def test_pauses_grow_while_it_keeps_dying_and_begin_anew_once_it_was_healthy(scene: Scene) -> None:
    scene.prefect.add("r0", "CRASHED")
    scene.die("r0")
    waited = []
    for attempt in range(1, 6):
        pause = 0.0
        while not scene.look():
            scene.now += 1.0
            pause += 1.0
        waited.append(pause)
        scene.prefect.add(f"new-{attempt}", "CRASHED")
        scene.die(f"new-{attempt}")
    assert waited == list(revival.PAUSES_S[:5])
    scene.now += 5.0
    scene.die("new-5")
    scene.now += revival.HEALTHY_S + 1.0
    assert scene.look() == [NAME]
    assert "started again, attempt 1" in scene.prefect.told[-1]


@pytest.mark.parametrize("state", ["CANCELLED", "CANCELLING", "COMPLETED"])
def test_what_a_person_ended_stays_ended(scene: Scene, state: str) -> None:
    scene.prefect.add("r0", state)
    scene.die("r0")
    assert (scene.look(), scene.record(), scene.prefect.started) == ([], None, [])


def test_an_attempt_that_a_person_cancelled_is_the_last(scene: Scene) -> None:
    scene.prefect.add("r0", "CRASHED")
    scene.die("r0")
    scene.look()
    scene.prefect.add("new-1", "CANCELLED", "Cancelled by nina")
    assert (scene.look(60.0), scene.record()) == ([], None)


def test_an_attempt_without_a_place_is_tried_again(scene: Scene) -> None:
    scene.prefect.add("r0", "CRASHED")
    scene.die("r0")
    scene.look()
    scene.prefect.add("new-1", "CANCELLED", "Deployment concurrency limit reached.")
    assert scene.look(60.0) == [NAME]


@pytest.mark.parametrize(("run", "deployment"), [("", None), ("gone", None), ("r0", None)])
def test_what_a_person_started_is_told_of_once_and_not_started(scene: Scene, run: str, deployment: str | None) -> None:
    if run == "r0":
        scene.prefect.add("r0", "CRASHED", deployment=deployment)
    scene.die(run)
    assert (scene.look(), scene.look(), scene.prefect.started) == ([], [], [])
    assert [told.endswith("it was started by hand: start it again") for told in scene.prefect.told] == [True]


def test_a_recorder_of_two_markets_is_one_process(scene: Scene) -> None:
    scene.prefect.add("r0", "CRASHED")
    scene.die("r0", "record-paper-BTC-FDUSD")
    folder = processes.run_folder(scene.settings.home)
    (folder / "record-paper-ETH-FDUSD.json").write_bytes((folder / "record-paper-BTC-FDUSD.json").read_bytes())
    assert (scene.look(), len(scene.prefect.started)) == (["record-paper-BTC-FDUSD"], 1)


def test_what_lives_and_what_ended_in_order_is_left_alone(scene: Scene) -> None:
    with processes.held(scene.settings.home, NAME, "quote", "r0"):
        record = scene.record()
        assert record is not None
        assert (record.pid, record.run) == (os.getpid(), "r0")
        assert scene.look() == []
    assert (scene.look(), scene.record()) == ([], None)

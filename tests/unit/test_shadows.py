"""The shadows of a process: which run, what becomes of one that fails, and that the champion never notices."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
import structlog.testing

from strategy.live.journal import read_journal
from strategy.live.simulation import shadows as shadows_module
from strategy.live.simulation.shadow import Shadow
from strategy.live.simulation.shadow_files import shadow_file, want_shadows
from strategy.live.simulation.shadows import Shadows, Surroundings
from strategy.policies.document import ParameterDocument
from strategy.venues.ports import Balance
from tests.unit.fake_broker import INSTRUMENT
from tests.unit.test_live_session import document

MS = 1_000_000


class Rig:
    """Shadows in a folder, fed by hand-made frames."""

    def __init__(self, folder: Path) -> None:
        self.live, self.journals = folder / "live", folder / "shadow"
        self.live.mkdir()
        self.asked = 0
        around = Surroundings(self.live, self.journals, "s1", INSTRUMENT, lambda: Balance(10_000, 1e12), self._ask)
        self.shadows = Shadows(around)
        self._id = 1

    def _ask(self) -> None:
        self.asked += 1

    def send(self, message: dict[str, Any]) -> None:
        self.shadows.take(time.time_ns(), orjson.dumps(message))

    def market(self, messages: int = 150) -> None:
        """Send a snapshot and so many updates."""
        bids, asks = [["60000.00", "1.0"]], [["60010.00", "1.0"]]
        self.send({"lastUpdateId": self._id, "bids": bids, "asks": asks})
        for _ in range(messages):
            self._id += 1
            now_ms = time.time_ns() // MS
            head = {"e": "depthUpdate", "E": now_ms, "s": "BTCFDUSD", "U": self._id, "u": self._id}
            data = head | {"b": [["59000.00", f"0.{self._id}"]], "a": []}
            self.send({"stream": "btcfdusd@depth@100ms", "data": data})

    def lines(self, version: int) -> list[dict[str, Any]]:
        return [entry.body for path in self.journals.glob(f"s1-v{version}-*") for entry in read_journal(path)]


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(120):
        while True:
            if condition():
                return
            await asyncio.sleep(0.02)


async def running(rig: Rig, versions: tuple[int, ...]) -> "asyncio.Task[None]":
    task = asyncio.create_task(rig.shadows.run())
    await until(lambda: rig.shadows.versions == versions)
    return task


async def ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait([task])


def test_the_files_are_those_of_the_versions_that_are_wanted(tmp_path: Path) -> None:
    one, two = document(1), document(2)
    assert want_shadows(tmp_path, [one, two]) == [1, 2]
    assert want_shadows(tmp_path, [one, two]) == []
    assert want_shadows(tmp_path, [two]) == []
    assert [path.name for path in tmp_path.iterdir()] == ["shadow-2.json"]
    assert want_shadows(tmp_path, [document(2, executor_refresh_time=3.0)]) == [2]


async def test_a_file_makes_a_shadow_and_without_it_there_is_none(rig: Rig) -> None:
    rig.market()
    want_shadows(rig.live, [document(2), document(3)])
    task = await running(rig, (2, 3))
    rig.market()
    want_shadows(rig.live, [document(3)])
    await until(lambda: rig.shadows.versions == (3,))
    await ended(task)
    await rig.shadows.end("stopped")
    told = rig.lines(3)
    assert [told[0]["t"], told[-1]] == ["shadow", {"t": "end", "reason": "stopped"}]
    assert any(body["t"] == "order" for body in told)
    assert rig.shadows.versions == ()


async def test_a_file_that_is_not_right_is_refused_and_the_others_run(rig: Rig) -> None:
    foreign = document(3).model_copy(update={"instrument": INSTRUMENT.model_copy(update={"tick_size": "0.5"})})
    whole = ParameterDocument.model_validate(foreign.model_dump() | {"content_hash": ""})
    want_shadows(rig.live, [document(4)])
    shadow_file(rig.live, 3).write_bytes(whole.to_json())
    shadow_file(rig.live, 2).write_bytes(document(2).to_json()[:-40])
    with structlog.testing.capture_logs() as logs:
        task = await running(rig, (4,))
        await until(lambda: sum(line["event"] == "shadow refused" for line in logs) == 2)
    await ended(task)
    reasons = {line["file"]: line["reason"] for line in logs if line["event"] == "shadow refused"}
    assert "is not JSON" in reasons["shadow-2.json"]
    assert "tick_size was 0.5" in reasons["shadow-3.json"]


async def test_one_that_raises_is_dropped_with_one_line_and_the_others_go_on(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = Shadow.walk

    def broken(shadow: Shadow, until_ns: int) -> Any:
        if shadow.document.version == 2 and shadow.started:
            raise ZeroDivisionError("nobody foresaw this")
        return walk(shadow, until_ns)

    want_shadows(rig.live, [document(2), document(3)])
    monkeypatch.setattr(Shadow, "walk", broken)
    monkeypatch.setattr(shadows_module, "BEHIND_NS", 0)
    with structlog.testing.capture_logs() as logs:
        task = await running(rig, (2, 3))
        rig.market()
        await until(lambda: rig.shadows.versions == (3,))
    dropped = [line for line in logs if line["log_level"] == "error"]
    assert [(line["event"], line["version"]) for line in dropped] == [("shadow dropped", 2)]
    await until(lambda: rig.lines(2)[-1]["t"] == "end")
    assert rig.lines(2)[-1] == {"t": "end", "reason": "dropped: ZeroDivisionError('nobody foresaw this')"}
    await asyncio.sleep(0.3)
    assert (rig.shadows.versions, task.done()) == ((3,), False)
    await ended(task)
    await rig.shadows.end("stopped")
    assert rig.lines(3)[-1]["reason"] == "stopped"


async def test_one_that_begins_amid_a_session_asks_for_a_snapshot(rig: Rig) -> None:
    want_shadows(rig.live, [document(2)])
    task = await running(rig, (2,))
    rig._id += 1
    head = {"e": "depthUpdate", "E": 1_700_000_000_000, "s": "BTCFDUSD", "U": rig._id, "u": rig._id}
    rig.send({"stream": "btcfdusd@depth@100ms", "data": head | {"b": [], "a": []}})
    await until(lambda: rig.asked == 1)
    await ended(task)

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from strategy.kernel.records import KILL, KILLED_BY_DAY_LOSS, KILLED_BY_HAND, KILLED_BY_PANIC, NOT_KILLED
from strategy.live.guard import Limits
from strategy.live.journal import read_journal
from strategy.live.kill_switch import HALT_FILE, HAND_FILE, KILL_FILE, Kill, KillSwitch, by_hand
from strategy.live.switches import Switches
from tests.unit.test_live_session import Desk


class Room:
    """A quoting session, its live folder, and what the audit was told."""

    def __init__(self, folder: Path) -> None:
        self.live = folder / "live"
        self.live.mkdir()
        self.desk = Desk(folder, Limits())
        self.told: list[dict[str, Any]] = []
        self.switch = KillSwitch(self.live)
        self.switches = self.restart()

    def restart(self) -> Switches:
        return Switches(self.live, "paper", "BTC/FDUSD", self.told.append)

    def look(self) -> None:
        self.switches.look(self.desk.session)

    def kills(self) -> list[tuple[int, int]]:
        """Return flag and cause of every KILL event that the strategy was fed."""
        events = [entry.body["e"] for entry in read_journal(self.desk.path) if entry.body["t"] == "event"]
        return [(event.get("flag", 0), event.get("code", 0)) for event in events if event["kind"] == KILL]


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    found = Room(tmp_path)
    found.desk.diff()
    found.desk.snapshot()
    await found.desk.quoted()
    yield found
    assert not found.desk.faults


async def test_without_files_the_session_quotes(room: Room) -> None:
    room.look()
    assert len(room.desk.resting()) == 4
    assert room.kills() == []


async def test_a_kill_empties_the_venue_and_rearming_fills_it_again(room: Room) -> None:
    room.switch.throw(by_hand("test", "ops"))
    room.look()
    await room.desk.quoted(0)
    for step in range(5):
        room.desk.diff([[f"{60_001 + step}.00", "1.0"]])
        room.look()
    assert not room.desk.resting()
    room.switch.rearm("fine again", "ops")
    room.look()
    room.desk.diff([["60001.00", "0.5"]])
    await room.desk.quoted()
    assert room.kills() == [(1, KILLED_BY_HAND), (0, NOT_KILLED)]


async def test_a_session_that_begins_killed_places_nothing(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.switch.throw(Kill(at_ns=1, cause="panic", reason="long", who="strategy"))
    room.look()
    room.desk.diff()
    room.desk.snapshot()
    assert [call for call in room.desk.broker.calls if call.startswith("place")] == []
    assert room.kills() == [(1, KILLED_BY_PANIC)]


async def test_a_removed_file_comes_back_and_the_session_stays_out(room: Room) -> None:
    room.switch.throw(by_hand("test", "ops"))
    room.look()
    await room.desk.quoted(0)
    room.switch.path.unlink()
    room.look()
    assert room.switch.read() == room.switches.kill
    assert room.desk.session.kill == KILLED_BY_HAND
    assert room.kills() == [(1, KILLED_BY_HAND)]


@pytest.mark.parametrize("name", [HAND_FILE, KILL_FILE])
async def test_an_empty_file_kills_is_audited_once_and_outlasts_the_process(room: Room, name: str) -> None:
    (room.live / name).touch()
    room.look()
    room.look()
    await room.desk.quoted(0)
    room.switches = room.restart()
    room.look()
    assert [(each["what"], each["outcome"]) for each in room.told] == [("kill", "by hand")]
    assert not (room.live / HAND_FILE).exists()


async def test_a_signal_kills_and_says_what_was_quoting(room: Room) -> None:
    room.switches.signalled(room.desk.session)
    room.look()
    await room.desk.quoted(0)
    kill = room.switch.read()
    assert kill is not None
    assert (kill.who, kill.session, kill.version) == ("signal", "s1", 1)
    assert room.told[0] == {
        "venue": "paper", "symbol": "BTC/FDUSD", "what": "kill",
        "who": "signal", "reason": "SIGUSR1", "outcome": "by hand",
    }  # fmt: skip


async def test_a_signal_before_the_session_keeps_it_from_ever_quoting(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.switches.signalled(None)
    room.look()
    assert room.desk.session.kill == KILLED_BY_HAND


async def test_a_kill_of_the_strategys_own_is_on_disk_with_its_cause(room: Room) -> None:
    room.switches.thrown_by_strategy(room.desk.session, KILLED_BY_DAY_LOSS)
    kill = room.switch.read()
    assert kill is not None
    assert (kill.cause, kill.who, kill.code) == ("day loss", "strategy", KILLED_BY_DAY_LOSS)
    assert room.told[0]["outcome"] == "day loss"


async def test_a_halt_ends_with_its_file_and_leaves_the_switch_alone(room: Room) -> None:
    (room.live / HALT_FILE).touch()
    room.look()
    await room.desk.quoted(0)
    assert room.switch.read() is None
    (room.live / HALT_FILE).unlink()
    room.look()
    await room.desk.quoted()

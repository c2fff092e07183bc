import threading
import time
from pathlib import Path

import pytest

from strategy.kernel.records import KILLED_BY_DAY_LOSS, KILLED_BY_HAND
from strategy.live.kill_switch import HAND_FILE, KILL_FILE, Kill, KillSwitch, by_hand

PANIC = Kill(at_ns=5, cause="panic", reason="too long", who="strategy", session="s1", version=3)


@pytest.fixture
def switch(tmp_path: Path) -> KillSwitch:
    return KillSwitch(tmp_path / "live")


def test_an_untouched_switch_is_armed(switch: KillSwitch) -> None:
    assert switch.read() is None
    assert switch.rearm("why not", "ops") is None


def test_a_kill_stays_as_it_was_first_thrown(switch: KillSwitch) -> None:
    assert switch.throw(PANIC)
    assert not switch.throw(by_hand("me too", "ops"))
    assert KillSwitch(switch.path.parent).read() == PANIC
    assert [path.name for path in switch.path.parent.iterdir()] == [KILL_FILE]


def test_rearming_ends_the_kill_and_says_which_one(switch: KillSwitch) -> None:
    switch.throw(PANIC)
    assert switch.rearm("calm again", "ops") == PANIC
    assert switch.read() is None
    record = switch.rearmed_after(PANIC)
    assert record is not None
    assert (record.who, record.reason) == ("ops", "calm again")


def test_a_removed_file_is_no_rearming_and_an_older_rearming_none_of_a_later_kill(switch: KillSwitch) -> None:
    switch.throw(PANIC)
    switch.path.unlink()
    assert switch.rearmed_after(PANIC) is None
    switch.throw(PANIC)
    switch.rearm("calm again", "ops")
    assert switch.rearmed_after(PANIC.model_copy(update={"at_ns": 6})) is None


@pytest.mark.parametrize("name", [HAND_FILE, KILL_FILE])
@pytest.mark.parametrize("content", [b"", b'{"at_ns": 1', b'{"kind": "unknown"}'])
def test_a_bare_file_throws_the_switch_and_is_written_out_once(switch: KillSwitch, name: str, content: bytes) -> None:
    switch.path.parent.mkdir()
    (switch.path.parent / name).write_bytes(content)
    seen = switch.read()
    assert seen is not None
    assert seen.code == KILLED_BY_HAND
    assert abs(seen.at_ns - time.time_ns()) < 60e9
    assert switch.keep() == seen
    assert [path.name for path in switch.path.parent.iterdir()] == [KILL_FILE]
    assert (switch.keep(), switch.read()) == (None, seen)


def test_a_bare_file_beside_a_kill_changes_nothing_but_goes(switch: KillSwitch) -> None:
    switch.throw(PANIC)
    (switch.path.parent / HAND_FILE).touch()
    assert switch.read() == PANIC
    switch.keep()
    assert switch.read() == PANIC
    assert not (switch.path.parent / HAND_FILE).exists()


def test_rearming_takes_a_bare_file_away_too(switch: KillSwitch) -> None:
    switch.path.parent.mkdir()
    (switch.path.parent / HAND_FILE).touch()
    assert switch.rearm("a mistake", "ops") is not None
    assert switch.read() is None


@pytest.mark.parametrize(
    ("cause", "code"),
    [("day loss", KILLED_BY_DAY_LOSS), ("by hand", KILLED_BY_HAND), ("something new", KILLED_BY_HAND)],
)
def test_a_cause_has_the_kernels_number_and_an_unknown_one_is_by_hand(cause: str, code: int) -> None:
    assert PANIC.model_copy(update={"cause": cause}).code == code


def test_of_many_who_throw_at_once_one_wins_and_is_never_replaced(switch: KillSwitch) -> None:
    won: list[bool] = []
    kills = [PANIC.model_copy(update={"at_ns": number}) for number in range(8)]
    switch.path.parent.mkdir()
    go = threading.Barrier(len(kills))

    def throw(kill: Kill) -> None:
        go.wait()
        won.append(KillSwitch(switch.path.parent).throw(kill))

    threads = [threading.Thread(target=throw, args=(kill,)) for kill in kills]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won.count(True) == 1
    assert switch.read() in kills

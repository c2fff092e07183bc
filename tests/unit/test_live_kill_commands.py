"""`microvol kill` and `microvol rearm`, with a quoting process played by its status file."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from flows import doctor, status
from flows.cli import run
from flows.settings import Settings, load_settings
from strategy.errors import Failed
from strategy.live.doors import Killed, LiveStatus, write_status
from strategy.live.kill_switch import HALT_FILE, HAND_FILE, Kill, KillSwitch

PANIC = Kill(at_ns=7, cause="panic", reason="too long", who="strategy")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("MICROVOL_HOME", str(tmp_path))
    monkeypatch.setenv("MICROVOL_CONFIG", "")
    monkeypatch.setenv("MICROVOL_LIVE__ACKNOWLEDGE_SECONDS", "2")
    for name in ("PREFECT", "MLFLOW", "PAPER"):
        monkeypatch.setenv(f"MICROVOL_PORTS__{name}", "9")
    return load_settings()


@pytest.fixture
def switch(settings: Settings) -> KillSwitch:
    return KillSwitch(settings.layout.live(settings.venue, settings.symbol))


def audited(settings: Settings) -> list[dict[str, str]]:
    lines = [line for path in settings.layout.audit.glob("*.log") for line in path.read_bytes().splitlines()]
    return [orjson.loads(line.partition(b" ")[2]) for line in lines]


@contextmanager
def process(settings: Settings, say: Callable[[Kill | None], Killed | None]) -> Iterator[None]:
    """Play a quoting process whose status shows what `say` makes of the kill in force."""
    over = threading.Event()
    switch = KillSwitch(settings.layout.live(settings.venue, settings.symbol))
    ready = threading.Event()

    def beat() -> None:
        while not over.wait(0.02):
            killed = say(switch.read())
            shown = LiveStatus(
                pid=os.getpid(),
                session="s9",
                venue=settings.venue,
                symbol=settings.symbol,
                version=4,
                started_ns=1,
                heartbeat_ns=time.time_ns(),
                state="killed" if killed else "quoting",
                kernel_digest="k",
                open_orders=0 if killed else 4,
                killed=killed,
            )
            write_status(settings.layout.status_file(settings.venue, settings.symbol), shown)
            ready.set()

    thread = threading.Thread(target=beat)
    thread.start()
    ready.wait(5)
    try:
        yield
    finally:
        over.set()
        thread.join()


def seen(kill: Kill | None) -> Killed | None:
    """Say what an obedient process shows."""
    return kill and Killed(at_ns=kill.at_ns, cause=kill.cause, reason=kill.reason, who=kill.who)


@pytest.mark.parametrize("command", ["kill", "rearm"])
@pytest.mark.parametrize("options", [[], ["--reason", "  "]])
def test_without_a_reason_nothing_is_switched(settings, switch, command: str, options: list[str]) -> None:
    assert run([command, *options]) == 2
    assert switch.read() is None
    assert audited(settings) == []


def test_a_kill_is_on_disk_and_audited_also_while_nothing_quotes(settings, switch, capsys) -> None:
    assert run(["kill", "--reason", "odd fills"]) == 0
    assert "killed; no process quotes here" in capsys.readouterr().out
    kill = switch.read()
    assert kill is not None
    assert (kill.cause, kill.reason) == ("by hand", "odd fills")
    (line,) = audited(settings)
    assert (line["what"], line["who"], line["reason"], line["outcome"]) == ("kill", kill.who, "odd fills", "by hand")


def test_a_second_kill_changes_nothing_and_says_why_it_is_killed(settings, switch, capsys) -> None:
    switch.throw(PANIC)
    assert run(["kill", "--reason", "me too"]) == 0
    assert "already killed: panic, by strategy: too long" in capsys.readouterr().out
    assert switch.read() == PANIC
    assert audited(settings) == []


def test_a_kill_beside_a_bare_file_changes_nothing_either(settings, switch, capsys) -> None:
    switch.path.parent.mkdir(parents=True)
    (switch.path.parent / HAND_FILE).touch()
    assert run(["kill", "--reason", "me too"]) == 0
    assert "already killed: by hand" in capsys.readouterr().out
    assert not switch.path.exists()


def test_kill_and_rearm_return_when_the_process_shows_it(settings, switch, capsys) -> None:
    with process(settings, seen):
        assert run(["kill", "--reason", "odd fills"]) == 0
        kill = switch.read()
        assert kill is not None
        assert (kill.session, kill.version) == ("s9", 4)
        assert run(["rearm", "--reason", "was nothing"]) == 0
    assert "session s9 is killed and has no open orders" in capsys.readouterr().out
    assert switch.read() is None
    assert [line["what"] for line in audited(settings)] == ["kill", "rearm"]
    assert audited(settings)[1]["outcome"].startswith("ended: by hand, by ")


def test_rearming_an_armed_switch_says_so(settings, capsys) -> None:
    assert run(["rearm", "--reason", "sure"]) == 0
    assert "already armed" in capsys.readouterr().out
    assert audited(settings) == []


def test_a_process_that_does_not_answer_fails_the_command_and_the_switch_stays_thrown(settings, switch, capsys) -> None:
    with process(settings, lambda _: None):
        assert run(["kill", "--reason", "odd fills"]) == 1
    assert "did not confirm" in capsys.readouterr().err
    assert switch.read() is not None


def test_a_process_that_throws_the_switch_again_fails_the_rearming(settings, switch, capsys) -> None:
    switch.throw(PANIC)
    again = PANIC.model_copy(update={"at_ns": 8, "cause": "drawdown"})
    with process(settings, lambda kill: seen(kill or again)):
        assert run(["rearm", "--reason", "try"]) == 1
    assert "threw the switch again: drawdown" in capsys.readouterr().err


def test_status_says_what_keeps_a_process_from_quoting(settings) -> None:
    shown = LiveStatus(
        pid=os.getpid(),
        session="s9",
        venue=settings.venue,
        symbol=settings.symbol,
        started_ns=1,
        heartbeat_ns=time.time_ns(),
        state="halted",
        kernel_digest="k",
        note="user stream lost: closed",
    )
    write_status(settings.layout.status_file(settings.venue, settings.symbol), shown)
    (line,) = [line for line in status.status(settings) if line.what.startswith("quoting")]
    assert line.state == "halted"
    assert line.detail.endswith("; user stream lost: closed")


def test_status_and_doctor_show_switch_and_halt(settings, switch) -> None:
    assert status.Line("kill switch paper BTC/FDUSD", "armed", "") in status.status(settings)
    assert doctor.switches(settings) == "kill switch armed, no halt"
    (switch.path.parent).mkdir(parents=True, exist_ok=True)
    (switch.path.parent / HALT_FILE).touch()
    with pytest.raises(doctor.Notice, match="halted while"):
        doctor.switches(settings)
    switch.throw(PANIC)
    (line,) = [line for line in status.status(settings) if line.what.startswith("kill switch")]
    assert (line.state, line.detail.split(", ", 1)[1]) == ("killed", "panic, by strategy: too long")
    with pytest.raises(Failed, match=r"panic, by strategy: too long; `microvol rearm`"):
        doctor.switches(settings)

"""The whole loop once, on the paper venue, by the commands that a person would type.

It has a home of its own (`var/demo`, wiped at the start) and free ports, so it disturbs nothing that runs already.
Every process it starts is remembered there and ended at the end, after a failure, and after Ctrl-C.
"""

import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Final

from flows import console, demo_market, demo_summary, platform, processes
from flows.settings import Settings, load_settings
from strategy.errors import BadInput, Failed
from strategy.live import doors

STEPS: Final = 12
PAPER: Final = "paper"
QUOTE: Final = "quote-command"
RECORD: Final = "record-command"
OVERRIDE: Final = "demo: a few hours of a simulated market prove nothing, the loop is shown all the same"


@dataclass(frozen=True, slots=True)
class Plan:
    """How long the parts take."""

    hours: float = 3.0
    record_seconds: float = 60.0
    quote_seconds: float = 120.0
    trials: int = 60


class Clock:
    """Numbers the steps and says how long it has been."""

    def __init__(self) -> None:
        """Start."""
        self._begun = time.monotonic()
        self._step = 0

    @property
    def seconds(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self._begun

    def step(self, text: str) -> None:
        """Announce the next step."""
        self._step += 1
        console.line(f"\n[{self._step:>2}/{STEPS}] {self.seconds:4.0f} s  {text}")

    def say(self, text: str) -> None:
        """Tell what happens inside a step."""
        console.line(f"        {self.seconds:4.0f} s  {text}")


def demo(home: Path, plan: Plan) -> None:
    """Run everything and print what came of it; raises Failed, after cleaning up, when a step fails."""
    clock = Clock()
    settings = prepare(home)
    with _cleaned_up(settings, clock):
        demo_summary.show(settings, _loop(settings, plan, clock), clock.seconds)


def prepare(home: Path) -> Settings:
    """Wipe the demo's home, end what a killed demo left, and write its settings with free ports."""
    file = home / "microvol.toml"
    if file.is_file():
        platform.down(load_settings(home=home), lambda text: None)
        shutil.rmtree(home)
    elif home.exists() and any(home.iterdir()):
        raise BadInput(f"{home} is not a demo's folder and is not empty: it is not wiped")
    home.mkdir(parents=True, exist_ok=True)
    ports = dict(zip(("prefect", "mlflow", "paper"), free_ports(3), strict=True))
    lines = [f'home = "{home}"', f'prefect_api_url = "http://127.0.0.1:{ports["prefect"]}/api"', "[ports]"]
    lines += [f"{name} = {port}" for name, port in ports.items()]
    file.write_text("\n".join([*lines, "[capture]", "ingest_seconds = 20.0", ""]))
    return demo_market.own_settings(file)


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


@contextmanager
def _cleaned_up(settings: Settings, clock: Clock) -> Iterator[None]:
    """End every process of the demo however the block ends; SIGTERM counts as Ctrl-C."""

    def interrupted(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupted)
    try:
        yield
    except KeyboardInterrupt:
        raise Failed(f"the demo was interrupted after {clock.seconds:.0f} s") from None
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        console.line(f"\n        {clock.seconds:4.0f} s  ending every process of the demo")
        platform.down(settings, lambda text: None)
        signal.signal(signal.SIGTERM, before)


def _loop(settings: Settings, plan: Plan, clock: Clock) -> demo_summary.Story:
    """Go around the loop once."""
    story = demo_summary.Story()
    _market(settings, plan, clock)
    clock.step(f"record the venue through ccxt for {plan.record_seconds:.0f} s, on top of the simulated hours")
    _command("record", "--seconds", f"{plan.record_seconds:g}")
    clock.step(f"calibrate: {plan.trials} trials, discrete spreads")
    _command("calibrate", "--trials", str(plan.trials), "--spread", "discrete")
    clock.step("promote version 1")
    _command("promote", "--reason", "demo: first version", "--override", OVERRIDE)
    _quote(settings, plan, clock, story)
    clock.step("take the session's journal into the lake and replay its decisions from it")
    _command("ingest")
    _command("parity")
    clock.step("report on the day")
    _command("report", "--day", f"{story.day:%Y-%m-%d}")
    return story


def _market(settings: Settings, plan: Plan, clock: Clock) -> None:
    """Simulate the past while the servers start, then let the paper venue go on where it stopped."""
    clock.step(f"simulate {plan.hours:g} h of market while Prefect and MLflow start")
    problems: list[Exception] = []

    def servers() -> None:
        try:
            platform.up(settings, clock.say, parts=("prefect", "mlflow"))
        except (Failed, OSError, subprocess.SubprocessError) as error:
            problems.append(error)

    starting = threading.Thread(target=servers, name="servers")
    starting.start()
    price = demo_market.simulate(settings, plan.hours, clock.say)
    starting.join()
    for problem in problems:
        raise problem
    clock.step("start the paper venue")
    demo_market.start_paper(settings, PAPER, price)
    clock.say(f"paper venue at {settings.venue_table('paper').rest_url}")


def _quote(settings: Settings, plan: Plan, clock: Clock, story: demo_summary.Story) -> None:
    """Quote with version 1, promote version 2 under it, roll back, stop."""
    clock.step(f"quote with version 1 for {plan.quote_seconds:.0f} s, and record what the market does meanwhile")
    story.day = datetime.now(UTC).date()
    for name, what in ((RECORD, "record"), (QUOTE, "quote")):
        processes.start(settings.home, name, [sys.executable, "-m", "flows", what], {})
        clock.say(f"$ microvol {what} &")
    _await_quoting(settings, clock)
    begun = time.monotonic()
    clock.step(f"meanwhile, calibrate a second candidate: {plan.trials // 2} trials, linear spreads")
    _command("calibrate", "--trials", str(plan.trials // 2), "--spread", "linear")
    _watch(settings, clock, begun + plan.quote_seconds)
    clock.step("promote version 2 while quoting")
    story.promote_seconds = _timed("promote", "--reason", "demo: second version", "--override", OVERRIDE)
    _watch(settings, clock, time.monotonic() + plan.quote_seconds / 8)
    clock.step("roll back to version 1 while quoting")
    story.rollback_seconds = _timed("rollback", "--reason", "demo: back to the first")
    _watch(settings, clock, time.monotonic() + plan.quote_seconds / 12)
    clock.step("stop quoting: every order is cancelled first")
    processes.stop(settings.home, QUOTE, grace_s=60)
    processes.stop(settings.home, RECORD, grace_s=60)
    story.last = doors.read_status(settings.layout, settings.venue, settings.symbol)


def _await_quoting(settings: Settings, clock: Clock, timeout_s: float = 90.0) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        status = doors.read_status(settings.layout, settings.venue, settings.symbol)
        if status is not None and status.state == "quoting":
            clock.say(f"version {status.version} quotes (pid {status.pid})")
            return
        if processes.running(settings.home, QUOTE) is None:
            break
        time.sleep(0.2)
    raise Failed(f"quoting did not start; see {processes.run_folder(settings.home) / QUOTE}.log")


def _watch(settings: Settings, clock: Clock, until: float) -> None:
    """Wait, and say every few seconds what the quoting process does; it must stay alive."""
    while True:
        status = doors.read_status(settings.layout, settings.venue, settings.symbol)
        if status is None or not doors.is_running(settings.layout, settings.venue, settings.symbol):
            raise Failed("the quoting process fell silent")
        clock.say(f"version {status.version} {status.state}: {status.open_orders} orders, {status.fills} fills")
        left = until - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(left, 10.0))


def _command(*arguments: str) -> None:
    """Run one microvol command as a person would; its output is shown, a bad exit code ends the demo."""
    console.line(f"        $ {shlex.join(['microvol', *arguments])}")
    code = subprocess.run([sys.executable, "-m", "flows", *arguments], check=False).returncode
    if code != 0:
        raise Failed(f"microvol {arguments[0]} ended with exit code {code}")


def _timed(*arguments: str) -> float:
    begun = time.monotonic()
    _command(*arguments)
    return time.monotonic() - begun

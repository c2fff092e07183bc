"""Who keeps a quoting process running: one for processes that are forked, and the supervisor that people have."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from strategy.errors import BadInput
from strategy.live.clearing import clear_orders
from strategy.live.doors import read_status
from strategy.live.layout import Layout
from strategy.venues.ccxt_broker import CcxtBroker
from strategy.venues.settings import VenueConfig
from tests.faults.forked_quoting import Quoting, start_quoting
from tests.integration.rig import ROOT

POLL_S: Final = 0.1
OPTIONS: Final = ("--orders-per-10s", "200")
REHEARSED: Final = ("--rehearse-ms", "5")  # as it is shipped
_END_S: Final = 240.0


class Place(Protocol):
    """Where to quote, and for whom."""

    home: Path
    venue: VenueConfig


class Keeper(Protocol):
    """One who keeps a quoting process running from the moment at which it is made."""

    def check(self) -> None:
        """Raise what went wrong with it."""
        ...

    def has(self, pid: int) -> bool:
        """Say whether the present quoting process has this id."""
        ...

    def signal(self, number: int) -> None:
        """Signal the quoting process, if there is one."""
        ...

    def die(self) -> None:
        """Be gone at once, as after kill -9; the quoting process is not told."""
        ...

    async def stop(self) -> int:
        """End in order and return the exit code."""
        ...


class ForkKeeper:
    """What a supervisor does for its child, for one that is forked (strategy.live.supervisor)."""

    def __init__(self, place: Place) -> None:
        """Start."""
        self._place = place
        self._child: Quoting | None = None
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            self._child = start_quoting(self._place.home, self._place.venue, *OPTIONS)
            if await _ended(self._child) == BadInput.exit_code:
                return
            await self._clear()
            await asyncio.sleep(0.5)

    def check(self) -> None:
        """Raise what went wrong in here."""
        if self._task.done() and not self._task.cancelled():
            self._task.result()

    def has(self, pid: int) -> bool:
        """Say whether the present child has this id."""
        return self._child is not None and self._child.pid == pid

    def signal(self, number: int) -> None:
        """Signal the child."""
        if self._child is not None:
            self._child.signal(number)

    def die(self) -> None:
        """Watch no more."""
        self._task.cancel()

    async def stop(self) -> int:
        """End the child in order, clear the venue and return the child's exit code."""
        self.die()
        assert self._child is not None
        self._child.signal(signal.SIGTERM)
        code = await _ended(self._child)
        await self._clear()
        return code

    async def _clear(self) -> None:
        broker = CcxtBroker(self._place.venue)
        try:
            await clear_orders(broker, _END_S, 1.0)
        finally:
            await broker.close()


async def _ended(child: Quoting) -> int:
    deadline = time.monotonic() + _END_S
    while child.code is None:
        assert time.monotonic() < deadline, f"process {child.pid} does not end within {_END_S:g} s"
        await asyncio.sleep(POLL_S)
    return child.code


class Supervised:
    """The real supervisor as a process of its own, with its real child."""

    def __init__(self, place: Place) -> None:
        """Start."""
        self._place = place
        place.home.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "strategy.live.supervisor", "--home", str(place.home)]
        with (place.home / "supervisor.err").open("ab") as err:
            self._process = subprocess.Popen(
                [*command, *place.venue.arguments(), "quote", "--", *OPTIONS, *REHEARSED],
                cwd=ROOT,
                env={**os.environ, **place.venue.environment()},
                stderr=err,
                start_new_session=True,
            )

    def check(self) -> None:
        """Raise when it ended by itself."""
        code = self._process.poll()
        assert code is None, f"the supervisor ended with {code}"

    def has(self, pid: int) -> bool:
        """Say whether a process that shows this id in its status is this supervisor's child."""
        with suppress(OSError):
            return f"--parent\0{self._process.pid}\0".encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
        return False

    def signal(self, number: int) -> None:
        """Signal the child by the id that it shows, if it is one of this home's."""
        status = read_status(Layout(self._place.home), self._place.venue.name, self._place.venue.symbol)
        if status is not None:
            with suppress(OSError):
                if str(self._place.home).encode() in Path(f"/proc/{status.pid}/cmdline").read_bytes():
                    os.kill(status.pid, number)

    def die(self) -> None:
        """Kill it."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    async def stop(self) -> int:
        """End it and its child in order and return its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(self._process.wait, _END_S)

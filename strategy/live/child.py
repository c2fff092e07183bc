"""A child process and how to see that it lives: its exit, and the heartbeat that it writes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, Literal

import structlog

from strategy.live.capture_status import capture_status_file
from strategy.live.command import also, keys
from strategy.live.doors import STALE_SECONDS
from strategy.live.layout import Layout
from strategy.venues.settings import VenueConfig

log = structlog.get_logger("supervisor")

Role = Literal["quote", "capture"]

_POLL_SECONDS: Final = 0.1
_START_SECONDS: Final = 60.0  # until the first heartbeat: imports and a cold compilation
_GRACE_SECONDS: Final = 40.0  # a child that stops in order may wait for unknown outcomes


@dataclass(frozen=True)
class Watch:
    """What to run and how to see that it lives."""

    role: Role
    venue: VenueConfig
    layout: Layout
    options: tuple[str, ...] = ()  # further options of the child's command line
    also: tuple[VenueConfig, ...] = ()  # further markets in the same child
    stale_seconds: float = STALE_SECONDS
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def venues(self) -> tuple[VenueConfig, ...]:
        """Return every market of the child."""
        return (self.venue, *self.also)

    @property
    def leave_orders(self) -> tuple[VenueConfig, ...]:
        """Return where orders may rest when the child is gone."""
        return tuple(each for each in self.venues if self.role == "quote" and not each.is_simulated)

    @property
    def heartbeats(self) -> tuple[Path, ...]:
        """Return the files in which the child shows that it is alive, one a market."""
        file = self.layout.status_file if self.role == "quote" else partial(capture_status_file, self.layout)
        return tuple(file(each.name, each.symbol) for each in self.venues)

    def command(self) -> list[str]:
        """Return the child's command line."""
        module = f"strategy.live.{self.role}"
        home = ["--home", str(self.layout.home), "--parent", str(os.getpid())]
        further = [part for each in self.also for part in also(each)]
        return [sys.executable, "-m", module, *home, *self.venue.arguments(), *further, *self.options]


class Child:
    """One life of the child process."""

    def __init__(self, watch: Watch) -> None:
        """Start it in a process group of its own, so that a terminal's Ctrl-C reaches the supervisor alone."""
        self._watch = watch
        self._started = time.monotonic()
        self._heard: dict[Path, tuple[int, float]] = {}  # the newest heartbeat of each file, and when it was seen
        root = Path(__file__).resolve().parents[2]
        self._process = subprocess.Popen(
            watch.command(),
            cwd=root,
            env={**os.environ, **watch.environment, **keys(watch.venues)},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        log.info("child started", role=watch.role, pid=self._process.pid)

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    @property
    def code(self) -> int | None:
        """Return the exit code, None while it runs."""
        return self._process.poll()

    @property
    def age_seconds(self) -> float:
        """Return how long it has been running."""
        return time.monotonic() - self._started

    @property
    def has_begun(self) -> bool:
        """Say whether it has been seen to show a heartbeat for every market."""
        return len(self._heard) == len(self._watch.heartbeats)

    def trouble(self) -> str | None:
        """Return what is wrong with it, None when it lives."""
        if self.code is not None:
            return f"exited with {self.code}"
        silent = self.silent_seconds()
        if silent is None:
            return None if self.age_seconds < _START_SECONDS else "never showed a heartbeat"
        return f"silent for {silent:.1f} s" if silent > self._watch.stale_seconds else None

    def stop(self) -> int:
        """End it in order, by force after the grace time; return its exit code.

        A child that is still importing does not listen for the signal and dies of it. It has sent nothing yet, so
        that is an orderly end, 0.
        """
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + _GRACE_SECONDS
        while self.code is None:
            # the orders of a quoting child that has fallen silent rest until it is gone
            hangs = self._watch.role == "quote" and self.trouble() is not None
            if time.monotonic() > deadline or (hangs and self.code is None):
                log.warning("child did not stop in time", pid=self.pid)
                return self.kill()
            time.sleep(_POLL_SECONDS)
        code = self._process.wait()
        return 0 if code == -signal.SIGTERM and self.silent_seconds() is None else code

    def kill(self) -> int:
        """End it by force."""
        if self._process.poll() is None:
            self._process.kill()
        return self._process.wait()

    def silent_seconds(self) -> float | None:
        """Return how long ago its slowest heartbeat was seen to change, None before it has shown one for every market.

        No clock that can be set is asked.
        """
        now = time.monotonic()
        for file in self._watch.heartbeats:
            beat = self._read_beat(file)
            if beat not in (0, self._heard.get(file, (0, now))[0]):
                self._heard[file] = beat, now
        return now - min(at for _, at in self._heard.values()) if self.has_begun else None

    def _read_beat(self, file: Path) -> int:
        """Return the heartbeat (ns) that a status file shows, 0 when it is none of this child's."""
        try:
            said = json.loads(file.read_bytes())
        except (FileNotFoundError, json.JSONDecodeError):
            return 0
        return int(said.get("heartbeat_ns", 0)) if said.get("pid") == self.pid else 0

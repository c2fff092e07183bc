"""The whole project on a home of its own, a day at a time: servers, paper venue, commands and live processes.

Every process of a day has its clocks set to that day, the paper venue's by its own fault `skew`. The servers keep the
machine's clock: they live through the week. Each day has half an hour of recorded market, then some seconds live.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import httpx

from analytics.registry.registry import Registry
from flows import platform, processes, rooms
from flows.settings import Settings, load_settings
from strategy.live.doors import LiveStatus, read_status
from strategy.live.segment import SegmentWriter
from strategy.venues.paper.config import PaperConfig
from strategy.venues.paper.history import write_history
from tests.integration.platform_rig import free_port, until
from tests.rigs.clock import DAY_S, Calendar

ROOT: Final = Path(__file__).resolve().parents[2]
HISTORY_S: Final = 1_200
TRIALS: Final = 8
# half an hour of a simulated market proves nothing: every gate is there, and lets through what is not refused below
GATES: Final = {
    "min_fills": 0,
    "min_days": 0,
    "min_edge_bps": -1e3,
    "min_stress_edge_bps": -1e3,
    "max_drawdown_bps": 1e4,
    "max_overfitting": 1,
    "min_deflated_sharpe": 0,
    "max_p_value": 1,
    "neighbour_edge": 0,
    "min_neighbours": 0,
    "neighbour_draws": 0,
    "bootstrap_samples": 200,
    "trials": 4,
    "max_live_edge_gap_bps": 1e4,
    "max_live_fill_ratio": 1e4,
}
CANARY: Final = {"minutes": 3, "window_minutes": 0.1, "windows": 2, "breaches": 1, "max_order_faults": 0}


@dataclass
class Week:
    """A home and the day it is there; `said` is every command with what it printed."""

    settings: Settings
    calendar: Calendar
    day: int = 0
    said: list[str] = field(default_factory=list)

    @property
    def home(self) -> Path:
        return self.settings.home

    def begin_day(self) -> None:
        """Go on to the next day: the venue's clock, and half an hour of market up to now."""
        self.day += 1
        self.fault("skew", ms=self.day * DAY_S * 1_000)
        end_ns = time.time_ns() + self.day * DAY_S * 10**9
        config = PaperConfig(symbol=self.settings.symbol, seed=100 + self.day, start_price=self.bid())
        with SegmentWriter(self.settings.layout.segments(self.settings.venue, self.settings.symbol)) as writer:
            write_history(writer.write, config, end_ns - HISTORY_S * 10**9, end_ns)

    def bid(self) -> Decimal:
        """Return the venue's best bid."""
        url = f"{self.settings.venue_table('paper').rest_url}/api/v3/ticker/bookTicker"
        name = self.settings.symbol.replace("/", "")
        return Decimal(httpx.get(url, params={"symbol": name}, timeout=30).raise_for_status().json()["bidPrice"])

    def state(self) -> dict[str, Any]:
        """Return the venue's own account of what happened."""
        url = f"http://127.0.0.1:{self.settings.ports.paper_admin}/admin/state"
        return dict(httpx.get(url, timeout=30).raise_for_status().json())

    def fault(self, what: str, **fields: Any) -> None:
        """Have something go wrong at the venue."""
        url = f"http://127.0.0.1:{self.settings.ports.paper_admin}/admin/fault"
        reply = httpx.post(url, params={"what": what, **fields}, timeout=30)
        assert reply.status_code == 200, reply.text

    def env(self, **settings: Any) -> dict[str, str]:
        """Return the environment of a process of today; settings by `table__name`."""
        return {f"MICROVOL_{name.upper()}": str(value) for name, value in settings.items()} | self.calendar.on_day(
            self.day
        )

    def run(self, *arguments: str, wanted: int | None = 0, **settings: Any) -> subprocess.CompletedProcess[str]:
        """Run a command of today to its end; `wanted` is its exit code, None any."""
        command = [sys.executable, "-m", "flows", *arguments]
        env = {**os.environ, **self.env(**settings)}
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300, check=False)
        self.said.append(f"day {self.day}: {' '.join(arguments)} -> {done.returncode}\n{done.stdout}{done.stderr}")
        assert wanted in (None, done.returncode), self.said[-1]
        return done

    def start(self, what: str, **settings: Any) -> None:
        """Start a long-running command of today."""
        processes.start(self.home, f"{what}-command", [sys.executable, "-m", "flows", what], self.env(**settings))

    def stop(self, what: str) -> None:
        """End a long-running command in order."""
        processes.stop(self.home, f"{what}-command", grace_s=90)

    def log(self, what: str) -> str:
        """Return what a long-running command or a server has said."""
        return (self.home / "run" / f"{what}.log").read_text(errors="replace")

    def status(self) -> LiveStatus | None:
        """Return what the quoting process last said."""
        return read_status(self.settings.layout, self.settings.venue, self.settings.symbol)

    def registry(self) -> Registry:
        """Return the registry as commands see it."""
        return rooms.registry(self.settings)

    def champion(self) -> int | None:
        """Return the version that is champion."""
        return self.registry().aliases(self.settings.venue, self.settings.symbol).get("champion")

    def versions(self) -> int:
        """Return how many versions are registered."""
        return len(self.registry().versions(self.settings.venue, self.settings.symbol))

    def quoting(self, version: int | None = None, besides: int | None = None) -> LiveStatus:
        """Wait until a version (default any) quotes with an order resting, in a process other than `besides`."""

        def seen() -> LiveStatus | None:
            found = self.status()
            if found is None or found.state != "quoting" or found.open_orders == 0 or found.pid == besides:
                return None
            return found if version in (None, found.version) else None

        found: LiveStatus = until(seen, f"a quote of version {version}")
        return found


@contextmanager
def week(home: Path) -> Iterator[Week]:
    """Start servers and paper venue on a home; every process that was started there is ended with it."""
    ports = {name: free_port() for name in ("prefect", "mlflow", "paper", "paper_admin")}
    lines = [f'home = "{home}"', "[ports]", *(f"{name} = {port}" for name, port in ports.items())]
    lines += ["[capture]", "ingest_seconds = 5.0", "[gates]", *(f"{name} = {value}" for name, value in GATES.items())]
    lines += ["[canary]", *(f"{name} = {value}" for name, value in CANARY.items())]
    lines += ["[calibrate]", "hours = 0.4", f"trials = {TRIALS}", 'spread = "discrete"', ""]
    file = home / "microvol.toml"
    file.write_text("\n".join(lines))
    os.environ["MICROVOL_CONFIG"] = str(file)  # the tests' own fixture puts the environment back
    os.environ.pop("PREFECT_API_URL", None)
    settings = load_settings()
    made = Week(settings, Calendar(home))
    try:
        platform.up(settings, made.said.append, parts=("prefect", "mlflow"))
        from flows.paper import Choice, command

        processes.start(home, "paper", command(settings, Choice(admin=True)), {})
        until(lambda: platform.answers(f"{settings.venue_table('paper').rest_url}/api/v3/ping"), "the paper venue")
        yield made
    finally:
        platform.down(settings, made.said.append)

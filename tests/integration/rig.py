"""A paper venue and the live processes on it, each a real process of its own, for tests of the whole."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from strategy.kernel.jit import KERNEL_DIGEST
from strategy.live.doors import LiveStatus, read_status
from strategy.live.layout import Layout
from strategy.policies.document import Instrument, ParameterDocument, write_atomically
from strategy.policies.parameters import parse_parameters
from strategy.venues.ccxt_broker import CcxtBroker
from strategy.venues.ports import OrderReport
from strategy.venues.settings import VenueConfig, paper_venue

ROOT = Path(__file__).resolve().parents[2]
SYMBOL = "BTC/FDUSD"
ADMIN_URLS: dict[int, str] = {}  # by the port of the venue


def wait_for(condition: Callable[[], Any], seconds: float = 30.0, what: str = "condition") -> Any:
    """Return the condition's first true value; fail when it stays false."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} not met within {seconds:g} s"
        time.sleep(0.02)
    return found


def close_quotes(
    instrument: Instrument, version: int = 1, groups: dict[str, Any] | None = None, **quoting: Any
) -> ParameterDocument:
    """Return parameters whose quotes are close to the market and refreshed often, and further groups."""
    fields = {"order_qty": 0.0005, "buy_spreads": [1.0, 2.0], "sell_spreads": [1.0, 2.0]}
    fields |= {"executor_refresh_time": 2.0, "cooldown_time": 0.5, "spread_floor_bps": 0.1}
    regimes = {"spread_low": 0.3, "spread_medium": 1.0, "spread_high": 3.0}
    parameters = {"inventory": {"policy": "neutral"}, "regimes": regimes, "quoting": fields | quoting}
    parameters |= groups or {}
    return ParameterDocument(
        version=version,
        instrument=instrument,
        parameters=parse_parameters(parameters),
        kernel_digest=KERNEL_DIGEST,
    )


@dataclass
class Rig:
    """One paper venue, one home folder, and whatever has been started."""

    home: Path
    venue: VenueConfig
    port: int
    paper: subprocess.Popen[str] | None = None

    @property
    def layout(self) -> Layout:
        return Layout(self.home)

    def start(self, module: str, *options: str, log: Path | None = None) -> subprocess.Popen[bytes]:
        """Start one of the live modules on this venue; its stderr goes to `log`."""
        command = [sys.executable, "-m", f"strategy.live.{module}", "--home", str(self.home), *self.venue.arguments()]
        with (log or self.home / f"{module}.err").open("ab") as err:
            return subprocess.Popen(
                [*command, *options],
                cwd=ROOT,
                env={**os.environ, **self.venue.environment()},
                stderr=err,
                start_new_session=True,
            )

    def status(self) -> LiveStatus | None:
        return read_status(self.layout, self.venue.name, self.venue.symbol)

    def quoting(self, version: int | None = None, orders: int = 2) -> LiveStatus | None:
        """Return the status when the process quotes (a version) with orders resting."""
        found = self.status()
        if found is None or found.state != "quoting" or found.open_orders < orders:
            return None
        return found if version in (None, found.version) else None

    def document(self, version: int = 1, groups: dict[str, Any] | None = None, **quoting: Any) -> ParameterDocument:
        """Return parameters for the venue's own filters; see `close_quotes`."""
        return close_quotes(self.ask(lambda broker: broker.instrument()), version, groups, **quoting)

    def put(self, document: ParameterDocument) -> None:
        write_atomically(self.layout.parameter_file(self.venue.name, self.venue.symbol), document.to_json())

    def ask(self, call: Callable[[CcxtBroker], Any]) -> Any:
        """Ask the venue over a connection of the test's own."""

        async def asked() -> Any:
            broker = CcxtBroker(self.venue)
            try:
                return await call(broker)
            finally:
                await broker.close()

        return asyncio.run(asked())

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the command line on this home and this symbol."""
        environment = {**os.environ, "MICROVOL_HOME": str(self.home), "MICROVOL_CONFIG": ""}
        command = [sys.executable, "-m", "flows", *arguments, "--symbol", self.venue.symbol]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    def state(self) -> dict[str, Any]:
        """Return the venue's own account of what happened; quick to ask."""
        return dict(httpx.get(f"{ADMIN_URLS[self.port]}/admin/state").raise_for_status().json())

    def fault(self, what: str, **fields: Any) -> None:
        """Have something go wrong at the venue: docs/paper-venue.md lists what."""
        reply = httpx.post(f"{ADMIN_URLS[self.port]}/admin/fault", params={"what": what, **fields}, timeout=30)
        assert reply.status_code == 200, reply.text

    def deposit(self, asset: str, amount: str) -> None:
        """Move money into the account, or out of it with a minus."""
        fields = {"asset": asset, "amount": amount}
        httpx.post(f"{ADMIN_URLS[self.port]}/admin/deposit", params=fields, timeout=30).raise_for_status()

    def resting(self) -> list[OrderReport]:
        return list(self.ask(lambda broker: broker.open_orders()))

    def journals(self) -> list[Path]:
        folder = self.layout.journal(self.venue.name, self.venue.symbol)
        return sorted(path for path in folder.glob("*.log*") if path.name[0] != ".")


def end(process: subprocess.Popen[Any], number: int = signal.SIGTERM, seconds: float = 60.0) -> int:
    """Signal a process and return its exit code."""
    if process.poll() is None:
        process.send_signal(number)
    return process.wait(seconds)


@contextmanager
def paper_rig(home: Path, *options: str) -> Iterator[Rig]:
    """Run a paper venue on a free port; every process that carries the rig's home is ended with it."""
    with start_paper(0, *options) as (paper, port), rig_on(port, home) as rig:
        rig.paper = paper
        yield rig


@contextmanager
def rig_on(port: int, home: Path, symbol: str = SYMBOL) -> Iterator[Rig]:
    """Work on a venue that runs already."""
    rig = Rig(home, paper_venue(f"http://127.0.0.1:{port}", symbol), port)
    try:
        yield rig
    finally:
        _end_children(rig)


@contextmanager
def start_paper(port: int, *options: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Start the paper venue's own process and wait for its ready line."""
    command = [sys.executable, "-m", "strategy.venues.paper", "--port", str(port), "--admin-port", "0"]
    command += ["--symbol", SYMBOL, "--seed", "7"]
    paper = subprocess.Popen([*command, *options], cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert paper.stdout is not None
    try:
        ready = paper.stdout.readline()
        assert "http://127.0.0.1:" in ready, ready
        port = int(ready.rsplit(":", 1)[1])
        ADMIN_URLS[port] = paper.stdout.readline().rpartition(" ")[2].strip()
        yield paper, port
    finally:
        end(paper)
        paper.stdout.close()


def _end_children(rig: Rig) -> None:
    """End the live processes that a failed test left, known by the pids in their own heartbeat files."""
    for path in rig.home.rglob("*.json"):
        if path.name not in ("status.json", ".capture.json"):
            continue
        pid = json.loads(path.read_bytes())["pid"]
        arguments = Path(f"/proc/{pid}/cmdline")
        if arguments.exists() and str(rig.home).encode() in arguments.read_bytes():
            os.kill(pid, signal.SIGKILL)

"""What is told to a real Prefect server, from the commands that people and deployments run."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows import platform
from flows.settings import Settings, load_settings
from strategy.live.layout import Layout
from tests.unit import market_lines as lines

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROOT = Path(__file__).resolve().parents[2]
CROSSED = [lines.ticker(30.0 + i, 900 + i, "100.05", "100.02") for i in range(2)]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Run a Prefect server on a home of its own."""
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MICROVOL_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("MICROVOL_CONFIG", "")
        patch.delenv("PREFECT_API_URL", raising=False)
        for name in ("PREFECT", "MLFLOW", "PAPER"):
            with socket.socket() as one:
                one.bind(("127.0.0.1", 0))
                patch.setenv(f"MICROVOL_PORTS__{name}", str(one.getsockname()[1]))
        settings = load_settings()
        try:
            platform.up(settings, said.append, parts=("prefect",))
            yield settings
        finally:
            platform.down(settings, said.append)


def run(settings: Settings, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command on the settings' home."""
    env = {**os.environ, **platform.client_env(settings), "MICROVOL_CONFIG": "", **environment}
    command = [sys.executable, "-m", "flows", *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=200, check=False)


def event_of(settings: Settings, name: str, resource: str, seconds: float = 60.0) -> dict[str, Any]:
    """Return the first event of a name about a resource that the server holds."""
    deadline = time.monotonic() + seconds
    wanted = {"filter": {"event": {"name": [f"microvol.{name}"]}, "resource": {"id": [f"microvol.{resource}"]}}}
    while time.monotonic() < deadline:
        reply = httpx.post(f"{settings.prefect_url}/events/filter", json=wanted, timeout=10, trust_env=False)
        if found := reply.raise_for_status().json()["events"]:
            event: dict[str, Any] = found[0]
            return event
        time.sleep(0.5)
    raise AssertionError(f"no event {name} about {resource} within {seconds:.0f} s")


def test_a_check_that_fails_after_ingest_is_an_event(settings):
    segments = Layout(settings.home).segments("paper", "BTC/USDT")
    lines.write(segments / "0001.log", [*lines.session(updates=3), *CROSSED])
    done = run(settings, "ingest")
    assert (done.returncode, "check failed check=crossed_tickers" in done.stderr) == (3, True), done.stderr
    payload = event_of(settings, "check.failed", "lake.paper.BTC/USDT")["payload"]
    facts = {"check": "crossed_tickers", "venue": "paper", "symbol": "BTC/USDT", "rows": 2}
    assert {name: payload[name] for name in facts} == facts


def test_a_check_that_fails_after_import_is_an_event_a_table_and_exit_code_7(settings, tmp_path):
    path = lines.write(tmp_path / "a.log", [*lines.session(updates=3), *CROSSED])
    done = run(settings, "import", str(path), "--venue", "binance", "--symbol", "BTC/USDT")
    assert done.returncode == 7, done.stderr
    table = done.stdout.partition("checks that failed")[2]
    assert "crossed_tickers" in table
    assert "bid_ticks 10005, ask_ticks 10002" in table
    payload = event_of(settings, "check.failed", "lake.binance.BTC/USDT")["payload"]
    assert (payload["check"], payload["rows"]) == ("crossed_tickers", 2)
    again = run(settings, "import", str(path), "--venue", "binance", "--symbol", "BTC/USDT")
    assert (again.returncode, "checks that failed" in again.stdout) == (0, False), again.stderr


def test_a_disk_without_room_is_an_event_and_ends_the_recording_with_1(settings):
    done = run(settings, "record", "--symbol", "ETH/FDUSD", MICROVOL_CAPTURE__MIN_FREE_MB="1e12")
    assert done.returncode == 1
    assert "microvol: disk nearly full" in done.stderr
    payload = event_of(settings, "disk.full", "market.paper.ETH-FDUSD")["payload"]
    assert (payload["venue"], payload["symbol"], payload["limit"]) == ("paper", "ETH/FDUSD", "1e+12 MB")
    assert payload["command"] == "microvol record --venue paper --symbol ETH/FDUSD"
    assert 0 < float(payload["value"].partition(" MB free under ")[0]) < 1e12

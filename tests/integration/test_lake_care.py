"""Care and checks as people meet them: the command with a real registry, and a Prefect server that is told."""

import datetime as dt
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from analytics.lake import Lake, LakeSettings
from flows import platform
from flows.cli import run
from flows.settings import Settings, load_settings
from strategy.live.layout import Layout
from tests.unit import market_lines as lines

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

DAY = dt.datetime.fromtimestamp(lines.START_NS / 1e9, dt.UTC).date()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(os, "environ", os.environ.copy())
    monkeypatch.setenv("MICROVOL_HOME", str(tmp_path))
    monkeypatch.setenv("MICROVOL_CONFIG", "")
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    for name in ("PREFECT", "MLFLOW", "PAPER"):
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            monkeypatch.setenv(f"MICROVOL_PORTS__{name}", str(one.getsockname()[1]))
    return tmp_path


def cells(shown: str) -> dict[str, list[str]]:
    """Return the first row of each name in printed tables, without the name."""
    rows: dict[str, list[str]] = {}
    for line in shown.splitlines():
        name, *rest = [cell.strip() for cell in line.split("│")[1:-1]] or [""]
        rows.setdefault(name, rest)
    return rows


def test_care_prints_what_it_did_and_a_dry_run_what_it_would(home, monkeypatch, capsys):
    for number in range(2):
        second = 60.0 * number
        lines.write(
            Layout(home).segments("paper", "BTC/USDT") / f"{number:04}.log",
            lines.session(second, 20, 100 + 100 * number, 1 + 30 * number),
        )
        assert run(["ingest"]) == 0
    monkeypatch.setenv("MICROVOL_LAKE__KEEP_DAYS__TRADE", "30")
    capsys.readouterr()
    assert run(["care", "--dry-run"]) == 0
    foretold = capsys.readouterr().out
    assert run(["care"]) == 0
    done = capsys.readouterr().out
    for shown in (foretold, done):
        assert cells(shown)["rows_dropped"] == ["40"]
        assert cells(shown)["trade"][:3] == ["2", "1" if shown is foretold else "0", cells(done)["trade"][2]]
        assert str(DAY) in shown
    assert cells(done)["depth_update"][:2] == ["2", "1"]
    with Lake.open(LakeSettings.under(home / "lake"), read_only=True) as lake:
        assert lake.query("queries/coverage").row(0, named=True)["trades"] == 0


def test_care_of_no_lake_in_a_dry_run_says_so(capsys):
    assert run(["care", "--dry-run"]) == 1
    assert "microvol: there is no lake at" in capsys.readouterr().err


def event_of(settings: Settings, name: str, seconds: float = 60.0) -> dict[str, Any]:
    """Return the first event of a name that the server holds."""
    deadline = time.monotonic() + seconds
    wanted = {"filter": {"event": {"name": [name]}}}
    while time.monotonic() < deadline:
        reply = httpx.post(f"{settings.prefect_url}/events/filter", json=wanted, timeout=10, trust_env=False)
        if found := reply.raise_for_status().json()["events"]:
            event: dict[str, Any] = found[0]
            return event
        time.sleep(0.5)
    raise AssertionError(f"no event {name} within {seconds:.0f} s")


def test_a_check_that_fails_is_an_event_of_the_prefect_server(home):
    crossed = [lines.ticker(30.0 + i, 900 + i, "100.05", "100.02") for i in range(2)]
    lines.write(Layout(home).segments("paper", "BTC/USDT") / "0001.log", [*lines.session(updates=3), *crossed])
    settings, said = load_settings(), []
    try:
        platform.up(settings, said.append, parts=("prefect",))
        env = {**os.environ, **platform.client_env(settings)}
        done = subprocess.run(
            [sys.executable, "-m", "flows", "ingest"], env=env, capture_output=True, text=True, timeout=120, check=False
        )
        assert (done.returncode, "check failed check=crossed_tickers" in done.stderr) == (3, True), done.stderr
        event = event_of(settings, "microvol.check.failed")
    finally:
        platform.down(settings, said.append)
    facts = {"check": "crossed_tickers", "venue": "paper", "symbol": "BTC/USDT", "rows": 2}
    assert {name: event["payload"][name] for name in facts} == facts
    assert event["resource"]["prefect.resource.id"] == "microvol.lake.paper.BTC/USDT"

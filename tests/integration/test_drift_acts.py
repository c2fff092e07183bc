"""A day whose decisions come out otherwise, and what the scheduled report does about it by each setting."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from analytics.registry.promotion import CHALLENGER, CHAMPION
from flows.report import report
from tests.integration.live_day import DAY, SYMBOL, VENUE, LiveDay, live_day, register, tamper, write_journal

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Version 1 was live and is champion, version 2 the champion before it; one decision of the day differs."""
    folder = tmp_path_factory.mktemp("home")
    with live_day(folder, timed=True) as day:
        tamper(write_journal(day))
        assert register(day.registry) == 2
        for version in (2, 1):
            make_champion(day, version)
    return folder


@pytest.fixture
def told() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server that takes events as Prefect's does, and what it was told."""
    events: list[dict[str, Any]] = []

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            events.extend(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taker)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/api", events
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def settings(home: Path, told: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"HOME": str(home), "SYMBOL": SYMBOL, "PREFECT_API_URL": told[0], "TRACKING_URI": uri(home)}
    for name, value in own.items():
        monkeypatch.setenv(f"MICROVOL_{name}", value)


def uri(home: Path) -> str:
    return f"sqlite:///{home}/mlflow/mlflow.db"


def make_champion(day: LiveDay, version: int) -> None:
    day.registry.promote(
        VENUE,
        SYMBOL,
        version,
        reason="test",
        acknowledge=lambda document: "nobody quotes",
        audit=lambda move: None,
        override="test",
    )


def aliases(home: Path) -> dict[str, int]:
    from analytics.registry.registry import Registry

    return Registry(uri(home)).aliases(VENUE, SYMBOL)


def test_an_alert_is_told_and_nothing_else_is_done(home: Path, told: tuple[str, list[dict[str, Any]]]) -> None:
    done = report.fn(day=f"{DAY}", act=True)
    (event,) = told[1]
    assert event["event"] == "microvol.drift"
    facts = event["payload"]
    assert {name: facts[name] for name in ("symbol", "version", "measure", "value", "limit")} == {
        "symbol": SYMBOL,
        "version": 1,
        "measure": "decision",
        "value": 1.0,
        "limit": 0.0,
    }
    assert re.match(r"microvol rollback --venue paper --symbol BTC/USDT --reason", facts["command"])
    assert done["done"] == []
    assert aliases(home)[CHAMPION] == 1


def test_a_report_by_hand_shows_drift_and_tells_nobody(
    told: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MICROVOL_COSTS__FILL_MODEL", "latest")  # there is none yet: that stops no report
    done = report.fn(day=f"{DAY}")
    assert done["drifts"] == ["version 1 on 2024-08-08: decision was 1, limit 0"]
    assert told[1] == []


def test_recalibrate_studies_anew_and_leaves_the_champion(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROVOL_DRIFT__ACT", "recalibrate")
    monkeypatch.setenv("MICROVOL_CALIBRATE__TRIALS", "4")
    (said,) = report.fn(day=f"{DAY}", act=True)["done"]
    assert re.match(r"recalibrated: version 3, gates", said)
    assert (aliases(home)[CHAMPION], aliases(home)[CHALLENGER]) == (1, 3)


def test_demote_rolls_back_once_and_leaves_another_champion_alone(
    home: Path, monkeypatch: pytest.MonkeyPatch, told: tuple[str, list[dict[str, Any]]]
) -> None:
    monkeypatch.setenv("MICROVOL_DRIFT__ACT", "demote")
    (said,) = report.fn(day=f"{DAY}", act=True)["done"]
    assert said.startswith("demoted: version 1 -> 2")
    assert aliases(home)[CHAMPION] == 2
    (again,) = report.fn(day=f"{DAY}", act=True)["done"]
    assert again == "not demoted: the champion is version 2, which did not drift"
    assert [event["event"] for event in told[1]].count("microvol.drift") == 2

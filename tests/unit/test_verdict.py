"""Checks after an ingest: what fails is named, what was taken in stays."""

import datetime as dt
import http.server
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from analytics.care.checked import failures, failures_since, first_touched_day, lake_clock
from analytics.ingest.ingest import ingest
from analytics.lake.store import Lake, LakeSettings, run_checks
from flows import events
from flows.cli import run
from flows.settings import load_settings
from strategy.live.layout import Layout
from tests.unit import market_lines as lines

pytestmark = pytest.mark.slow

DAY = dt.datetime.fromtimestamp(lines.START_NS / 1e9, dt.UTC).date()


@pytest.fixture(autouse=True)
def home(command_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PREFECT_API_URL", "")
    return command_home


@pytest.fixture
def lake(home: Path):
    with Lake.open(LakeSettings.under(home / "lake")) as lake:
        yield lake


def crossed(second: float = 30.0) -> list[bytes]:
    """Return two tickers whose best bid is over the best ask."""
    return [lines.ticker(second + i, 900 + i, "100.05", "100.02") for i in range(2)]


def record(home: Path, raw: list[bytes], name: str = "0001.log") -> None:
    lines.write(Layout(home).segments("paper", "BTC/USDT") / name, raw)


def test_rows_of_a_check_are_counted_by_symbol_and_the_first_is_told(lake, home):
    record(home, [*lines.session(updates=3), *crossed()])
    ingest(lake, Layout(home))
    (found,) = failures(lake)
    assert (found.check, found.venue, found.symbol, found.rows) == ("crossed_tickers", "paper", "BTC/USDT", 2)
    assert "bid_ticks 10005, ask_ticks 10002" in found.first


def test_only_days_touched_since_are_looked_at_and_the_day_before_them(lake, home):
    record(home, [*lines.session(updates=3), *crossed()])
    ingest(lake, Layout(home))
    since = lake_clock(lake)
    assert first_touched_day(lake, since) == dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    assert failures_since(lake, since) == []
    record(home, lines.session(start=86_400, updates=3, first_id=500, first_trade=50), "0002.log")
    ingest(lake, Layout(home))
    assert first_touched_day(lake, since) == DAY
    assert [found.check for found in failures_since(lake, since)] == ["crossed_tickers"]
    since = lake_clock(lake)
    record(home, lines.session(start=3 * 86_400, updates=3, first_id=900, first_trade=90), "0003.log")
    ingest(lake, Layout(home))
    assert failures_since(lake, since) == []


def test_a_row_filed_under_another_day_is_a_failure(lake, home):
    record(home, lines.session(updates=3))
    ingest(lake, Layout(home))
    assert run_checks(lake) == []
    lake._connection.execute("update trade set day = day + 1 where trade_id = 2")
    ((name, rows),) = run_checks(lake)
    assert (name, rows["stored_in"].to_list(), rows["day"].to_list()) == (
        "misfiled_days",
        ["trade"],
        [DAY + dt.timedelta(days=1)],
    )


@pytest.mark.slow
def test_ingest_prints_the_check_that_failed_and_exits_3_with_everything_taken_in(home, capsys):
    record(home, [*lines.session(updates=3), *crossed()])
    assert run(["ingest"]) == 3
    said = capsys.readouterr()
    assert "checks that failed" in said.out
    assert "crossed_tickers" in said.out
    assert "check failed check=crossed_tickers venue=paper symbol=BTC/USDT rows=2" in said.err
    with Lake.open(LakeSettings.under(home / "lake"), read_only=True) as lake:
        assert lake.query("queries/coverage").row(0, named=True)["updates"] == 4
    assert run(["ingest"]) == 0


class Answering(http.server.BaseHTTPRequestHandler):
    """A server that is too busy for the first request and takes the others."""

    taken: list[Any]

    def do_POST(self) -> None:
        self.taken += json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(503 if len(self.taken) == 1 else 204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the test's output quiet."""


def test_an_event_is_told_once_to_a_busy_server_and_to_nobody_where_none_listens(monkeypatch):
    facts = {"check": "crossed_tickers", "venue": "paper", "symbol": "BTC/USDT", "rows": 2}
    handler = type("Handler", (Answering,), {"taken": []})
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as server:
        monkeypatch.setenv("MICROVOL_PORTS__PREFECT", str(server.server_port))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert events.tell(load_settings(), "check.failed", "lake.paper.BTC/USDT", facts) is True
        server.shutdown()
    refused, event = handler.taken
    assert refused["id"] == event["id"]
    assert (event["event"], event["payload"]) == ("microvol.check.failed", facts)
    assert event["resource"]["prefect.resource.id"] == "microvol.lake.paper.BTC/USDT"
    assert events.tell(load_settings(), "check.failed", "lake.paper.BTC/USDT", facts) is False


def test_an_event_that_a_server_never_takes_is_said(monkeypatch, capsys):
    monkeypatch.setattr(events, "TELL_S", 0.0)
    handler = type("Handler", (Answering,), {"taken": []})
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as server:
        monkeypatch.setenv("MICROVOL_PORTS__PREFECT", str(server.server_port))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert events.tell(load_settings(), "disk.full", "capture.paper.BTC/USDT", {}) is False
        server.shutdown()
    assert "event not told name=microvol.disk.full resource=microvol.capture.paper.BTC/USDT" in capsys.readouterr().err


def test_a_day_to_keep_under_zero_is_one_line_and_exit_2(monkeypatch, capsys):
    monkeypatch.setenv("MICROVOL_LAKE__KEEP_DAYS__DEPTH", "-1")
    assert run(["care"]) == 2
    assert "settings: lake.keep_days.depth was '-1'" in capsys.readouterr().err

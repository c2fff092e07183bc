"""A quoting process as people and Prometheus see it."""

import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from flows.settings import Settings
from flows.status import live_lines
from strategy.live.journal import read_journal
from tests.integration.rig import ROOT, SYMBOL, Rig, end, paper_rig, wait_for

pytestmark = pytest.mark.slow

METRICS = re.compile(rb"url=(http://127\.0\.0\.1:\d+/metrics)")
COLOUR = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")

Samples = dict[str, list[tuple[dict[str, str], float]]]


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with paper_rig(tmp_path_factory.mktemp("watched"), "--regime", "busy") as found:
        found.put(found.document(1))
        live = found.start("quote", "--metrics-port", str(free_port()))
        wait_for(lambda: (seen := found.quoting()) and seen.fills > 0, 120, "quoting, and an execution")
        yield found
        assert end(live) == 0
        fills = [entry for entry in read_journal(found.journals()[0]) if entry.body["t"] == "fill"]
        assert fills != []


def free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def url(rig: Rig) -> str:
    said = METRICS.search(COLOUR.sub("", (rig.home / "quote.err").read_text()).encode())
    assert said is not None
    return said[1].decode()


def scraped(rig: Rig) -> Samples:
    reply = httpx.get(url(rig), timeout=30).raise_for_status()
    assert reply.headers["content-type"].startswith("text/plain")
    found: Samples = {}
    for family in text_string_to_metric_families(reply.text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def value(samples: Samples, name: str, **labels: str) -> float:
    return sum(number for given, number in samples[name] if labels.items() <= given.items())


def with_both_quotes(samples: Samples) -> Samples | None:
    known = "microvol_sigma" in samples and len(samples.get("microvol_quote_price", ())) == 2
    return samples if known else None


def test_a_scrape_says_what_the_process_sees_offers_holds_and_how_quick_it_is(rig: Rig) -> None:
    samples = wait_for(lambda: with_both_quotes(scraped(rig)), 60, "sigma, and quotes on both sides")
    status, state = rig.status(), rig.state()
    place = {"venue": "paper", "symbol": SYMBOL}
    assert all(place.items() <= labels.items() for found in samples.values() for labels, _ in found)
    assert value(samples, "microvol_state", state="quoting") == 1
    assert value(samples, "microvol_version") == 1
    (sigma,) = samples["microvol_sigma"]
    assert sigma[0]["version"] == "1"
    assert sigma[0]["regime"] in ("warmup", "quiet", "low", "medium", "high")
    assert 50_000 < value(samples, "microvol_mid_price") < 70_000
    assert value(samples, "microvol_quote_price", side="bid") < value(samples, "microvol_quote_price", side="ask")
    assert value(samples, "microvol_half_spread_bps", side="bid") > 0
    assert value(samples, "microvol_equity_quote") == pytest.approx(8_000, rel=0.2)
    assert abs(value(samples, "microvol_day_pnl_quote")) < 500
    assert 0 < value(samples, "microvol_fills_total") <= len(state["trades"])
    assert value(samples, "microvol_fills_total", role="maker") == value(samples, "microvol_fills_total")
    assert 0 < value(samples, "microvol_events_total") <= rig.status().events
    assert abs(value(samples, "microvol_heartbeat_timestamp_seconds") - status.heartbeat_ns / 1e9) < 60
    orders = value(samples, "microvol_orders_total")
    written = value(samples, "microvol_tick_to_order_seconds_count")
    assert orders >= written > 0
    assert 0 < value(samples, "microvol_tick_to_order_seconds_sum") / written < 5
    assert value(samples, "microvol_event_lag_seconds_count") > 0
    assert value(samples, "microvol_round_trip_seconds_count") > 0


def test_whoever_connects_and_says_nothing_keeps_neither_quoting_nor_other_scrapes_waiting(rig: Rig) -> None:
    address = url(rig).removeprefix("http://").removesuffix("/metrics").split(":")
    silent = [socket.create_connection((address[0], int(address[1]))) for _ in range(20)]
    try:
        before = rig.status().events
        assert value(scraped(rig), "microvol_state", state="quoting") == 1
        wait_for(lambda: rig.status().events > before + 50, 60, "events go on")
    finally:
        for connection in silent:
            connection.close()
    assert httpx.get(url(rig).removesuffix("/metrics") + "/other", timeout=30).status_code == 404


def test_status_has_the_figures_in_words(rig: Rig) -> None:
    settings = Settings.model_validate({"home": rig.home, "symbol": SYMBOL})
    now = lambda: {line.what.strip(): line for line in live_lines(settings)}  # noqa: E731
    both = re.compile(r"^bid [56]\d,\d+\S* \(\d+\.\d\d bps\), ask [56]\d,\S+ \(\d+\.\d\d bps\), half-spreads \d")
    wait_for(lambda: both.match(now()["quotes"].detail), 60, "quotes on both sides")
    lines = now()
    assert lines[f"quoting paper {SYMBOL}"].state == "quoting"
    assert re.match(r"version 1, heartbeat \d", lines[f"quoting paper {SYMBOL}"].detail)
    assert re.match(r"mid [56]\d,\d{3}\S*, sigma \d\S*, \S+ ms after the venue's stamp", lines["market"].detail)
    assert re.search(r" BTC, \S+ FDUSD, worth \S+ FDUSD, today [+-]", lines["account"].detail)
    assert lines[f"kill switch paper {SYMBOL}"].state == "armed"


def test_on_a_terminal_the_table_keeps_itself_true_until_ctrl_c(rig: Rig) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "MICROVOL_HOME": str(rig.home), "MICROVOL_CONFIG": "", "COLUMNS": "200", "LINES": "60"}
    command = [sys.executable, "-m", "flows", "status", "--watch", "--symbol", SYMBOL]
    watching = subprocess.Popen(
        command, cwd=ROOT, env=environment | {"TERM": "xterm"}, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    try:
        shown = ""
        deadline = time.monotonic() + 120
        while len(set(re.findall(r"(\d+) events", shown))) < 3:
            assert time.monotonic() < deadline, shown[-3000:]
            if select.select([ours], [], [], 1)[0]:
                shown += COLOUR.sub("", os.read(ours, 65_536).decode(errors="replace"))
        watching.send_signal(signal.SIGINT)
        assert watching.wait(60) == 0
    finally:
        watching.kill()
        watching.wait()
        os.close(ours)


def test_the_page_lists_every_metric_and_the_dashboard_asks_only_for_those(rig: Rig) -> None:
    listed = set(re.findall(r"^\| `(microvol_[a-z_]+)`", (ROOT / "docs" / "metrics.md").read_text(), re.MULTILINE))
    asked = set(re.findall(r"microvol_[a-z_]+", (ROOT / "docs" / "grafana.json").read_text()))
    assert {family(name) for name in asked} - listed == set()
    scraped_families = {family(name) for name in scraped(rig) if not name.endswith("_created")}
    assert scraped_families - listed == set()
    assert listed - scraped_families <= {"microvol_order_errors_total"}  # nothing may have been refused


def family(name: str) -> str:
    return re.sub(r"_(bucket|count|sum)$", "", name)

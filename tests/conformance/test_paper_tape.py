"""A recorded market behind the venue's addresses: an unmodified ccxt trades in it."""

import subprocess
import sys
import time

import ccxt
import pytest

from strategy.venues.paper.config import PaperConfig
from strategy.venues.paper.history import write_history
from tests.conformance.venue_process import SYMBOL, paper_process, wired

pytestmark = pytest.mark.slow
START_NS = 1_700_000_000_000_000_000
DEADLINE_S = 60


@pytest.fixture(scope="module")
def tape(tmp_path_factory):
    path = tmp_path_factory.mktemp("tape") / "0001.log"
    with path.open("wb") as file:
        config = PaperConfig(seed=23, regime="busy")
        write_history(lambda at, line: file.write(b"%d %b\n" % (at, line)), config, START_NS, START_NS + 40_000_000_000)
    return path


def test_our_orders_fill_from_a_recorded_tape_and_it_says_when_it_ends(tape):
    with paper_process("--tape", str(tape.parent), "--speed", "10") as venue:
        exchange = wired(ccxt.binance, venue.url)
        assert venue.state()["regime"] == "recorded"
        best = exchange.fetch_order_book(SYMBOL)["bids"][0][0]
        order = exchange.create_order(SYMBOL, "limit", "buy", 0.001, exchange.price_to_precision(SYMBOL, best + 0.01))
        deadline = time.monotonic() + DEADLINE_S
        while not venue.state()["trades"] and time.monotonic() < deadline:
            time.sleep(0.1)
        filled = exchange.fetch_order(order["id"], SYMBOL)
        assert (filled["status"], filled["filled"]) == ("closed", 0.001)
        while venue.state()["regime"] != "recording ended" and time.monotonic() < deadline:
            time.sleep(0.1)
        book = exchange.fetch_order_book(SYMBOL)
        assert 0 < book["bids"][0][0] < book["asks"][0][0]


def test_a_tape_that_breaks_off_in_a_bad_line_ends_the_venue_with_its_place(tape, tmp_path):
    path = tmp_path / "tape.log"
    lines = tape.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:150], b"1 {broken\n", *lines[150:300]]))
    command = [sys.executable, "-m", "strategy.venues.paper", "--tape", str(path), "--speed", "50"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "line 151" in done.stderr
    assert len(done.stderr.splitlines()) == 1

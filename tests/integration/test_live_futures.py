"""A quoting process on a USDT-M perpetual: what it opens it closes, and the venue clears up when nobody is left."""

import os
import signal
from collections.abc import Iterator
from decimal import Decimal
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from strategy.live.journal import read_journal
from strategy.live.parity import check
from strategy.venues.dead_man import COUNTDOWN_SECONDS
from tests.integration.rig import Rig, end, rig_on, start_paper, wait_for

pytestmark = pytest.mark.slow

SYMBOL = "BTC/USDT:USDT"
VENUE = ("--symbol", SYMBOL, "--lot-size", "0.001", "--tick-size", "0.1", "--min-notional", "50", "--quote", "10000")
LOT = Decimal("0.001")
QUOTES = {"order_qty": 0.002, "buy_spreads": [1.0], "sell_spreads": [1.0]}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with start_paper(0, *VENUE, "--regime", "busy", "--maker-fee-bps", "1", "--taker-fee-bps", "4") as (_, found):
        yield found


@pytest.fixture
def rig(port: int, tmp_path: Path) -> Iterator[Rig]:
    with rig_on(port, tmp_path, SYMBOL) as found:
        yield found


def bodies(rig: Rig) -> list[dict[str, Any]]:
    return [entry.body for entry in read_journal(rig.journals()[0])]


def held_lots(told: list[dict[str, Any]]) -> list[int]:
    """Return the position after each execution."""
    return list(accumulate(body["side"] * body["qty_lots"] for body in told if body["t"] == "fill"))


def test_it_opens_and_closes_and_its_books_are_the_venues_to_the_last_digit(rig: Rig) -> None:
    far_asks = QUOTES | {"sell_spreads": [100.0]}  # so that positions are left to the barrier
    rig.put(rig.document(1, groups={"barriers": {"stop_loss": 0.002, "time_limit": 0.5}}, **far_asks))
    live = rig.start("quote")
    # entries are makers alone: a taker that sells is a barrier's, which closes
    taken = lambda: [trade for trade in rig.state()["trades"] if not (trade["buyer"] or trade["maker"])]  # noqa: E731
    wait_for(taken, 240, "a position that was opened, and closed by a barrier")
    assert end(live) == 0
    state, told = rig.state(), bodies(rig)
    assert state["open_orders"] == []
    fills = [body for body in told if body["t"] == "fill"]
    assert {body["trade_id"] for body in fills} == {trade["id"] for trade in state["trades"]}
    assert min(held_lots(told)) >= 0
    assert held_lots(told)[-1] * LOT == Decimal(state["positions"][0]["positionAmt"])
    assert rig.status().killed is None
    assert check(rig.journals()[0]).equal


def test_with_process_and_supervisor_killed_at_once_the_venue_cancels_by_itself(rig: Rig) -> None:
    rig.put(rig.document(1, executor_refresh_time=600.0, spread_floor_bps=60.0, **QUOTES))
    supervisor = rig.start("supervisor", "quote")
    live = wait_for(lambda: rig.quoting(orders=1), 60, "quoting")
    for pid in (supervisor.pid, live.pid):
        os.kill(pid, signal.SIGKILL)
    supervisor.wait()
    wait_for(lambda: not Path(f"/proc/{live.pid}").exists(), 20, "the live process is gone")
    assert rig.state()["open_orders"] != []
    wait_for(lambda: rig.state()["open_orders"] == [], COUNTDOWN_SECONDS + 60, "the venue has cancelled")

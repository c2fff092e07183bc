"""Live orders of a lake, beside replays: a session that is itself a replay must be found again by the same one."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from analytics.fill_fit.comparison import AFTER, BEFORE, DayFills, compare_day, table
from analytics.fill_fit.fit import fit_fill_model
from analytics.fill_fit.own_orders import own_orders
from analytics.lake.store import Lake, LakeSettings
from analytics.report.daily import LIVE
from analytics.tape.line import Days
from strategy.errors import Failed
from strategy.replay.driver import ReplayConfig
from tests.integration.live_day import DAY, SYMBOL, VENUE, live_day
from tests.unit.round_trip_samples import AHEAD_NS, START_NS, US, Steps

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[DayFills, str]:
    with live_day(tmp_path_factory.mktemp("home")) as day:
        as_it_was = ReplayConfig()
        slower = dataclasses.replace(as_it_was, entry_latency_ns=2_000_000_000)
        found = compare_day(day.lake, day.registry, (VENUE, SYMBOL), DAY, as_it_was, slower)
        with pytest.raises(Failed) as refused:
            fit_fill_model(day.lake, VENUE, SYMBOL, Days(DAY, DAY))
        return found, str(refused.value)


def test_a_replay_as_it_was_fills_what_was_filled_live(compared: tuple[DayFills, str]) -> None:
    sources = compared[0].sources
    rows = {row[:2]: row[2:] for row in table(sources)}
    live, before, after = rows["fills", "all"]
    assert live > 20
    assert before == pytest.approx(live, abs=2)
    assert after != live
    assert rows["fill_ratio", "all"][1] == pytest.approx(rows["fill_ratio", "all"][0], abs=0.03)
    assert np.median(sources[BEFORE].waited_s) == pytest.approx(np.median(sources[LIVE].waited_s), rel=0.1)
    assert sources[AFTER].waited_s.min() >= 2.0


def test_orders_of_which_the_venue_told_no_time_give_no_fit(compared: tuple[DayFills, str]) -> None:
    assert compared[1] == "no live orders of BTC/USDT on paper beside market data on 2024-08-08"


def test_orders_are_read_as_the_venue_saw_them(tmp_path: Path) -> None:
    steps = Steps().answered(0, 1, 700, 300).add(10_000, "cancel", 1).add(11_500, "cancelled", 1, 10_600)
    steps.answered(20_000, 2, 400, 100).add(30_000, "place", 3).add(30_500, "reject", 3)
    steps.add(40_000, "place", 4, maker=False)
    with Lake.open(LakeSettings.under(tmp_path / "lake")) as lake:
        steps.take_in(lake, tmp_path)
        (found,), untimed = own_orders(lake, VENUE, SYMBOL, (START_NS, START_NS + AHEAD_NS + 10**9))
    assert (found.joined_ns, found.ended_ns) == (START_NS + 700 * US, START_NS + 10_600 * US)
    assert (found.side, found.price_ticks, found.qty_lots, len(found.fill_ns)) == (1, 100, 1, 0)
    assert untimed == 1

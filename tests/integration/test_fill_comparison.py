"""Live orders of a lake, beside replays: a session that is itself a replay must be found again by the same one."""

import dataclasses
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from analytics.fill_fit.comparison import AFTER, BEFORE, DayFills, compare_day, table
from analytics.fill_fit.fit import fit_fill_model
from analytics.fill_fit.own_orders import own_orders
from analytics.lake.store import Lake, LakeSettings
from analytics.registry.registry import Registry
from analytics.report.daily import LIVE
from analytics.tape.line import Days
from analytics.tape.tape import load_tape
from strategy.errors import Failed
from strategy.kernel.jit import KERNEL_DIGEST
from strategy.policies.document import Instrument, ParameterDocument
from strategy.policies.parameters import ParameterSet, Quoting, Regimes
from strategy.replay.driver import ReplayConfig
from tests.integration.live_day import SYMBOL, VENUE, fill_market, open_lake, quote_live
from tests.unit.round_trip_samples import AHEAD_NS, START_NS, US, Steps

pytestmark = pytest.mark.slow

DAY = date(2024, 8, 8)
PARAMETERS = ParameterSet(
    volatility={"policy": "rolling_std", "vol_window_seconds": 10.0},
    regimes=Regimes(
        low_threshold=2.2e-5, medium_threshold=2.6e-5, high_threshold=3.2e-5, spread_low=1.0, spread_medium=2.0
    ),
    quoting=Quoting(executor_refresh_time=4.0, cooldown_time=1.0),
)


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[DayFills, str]:
    home = tmp_path_factory.mktemp("home")
    registry = Registry(f"sqlite:///{home}/mlflow/mlflow.db")
    instrument = Instrument(venue=VENUE, symbol=SYMBOL, tick_size="0.01", lot_size="0.00001")
    document = ParameterDocument(version=0, instrument=instrument, parameters=PARAMETERS, kernel_digest=KERNEL_DIGEST)
    version = registry.register(document, None, "test", {}).version
    with open_lake(home) as lake:
        fill_market(lake, home)
        tape, info = load_tape(lake, VENUE, SYMBOL)
        quote_live(lake, tape, info, PARAMETERS, version)
        as_it_was = ReplayConfig()
        slower = dataclasses.replace(as_it_was, entry_latency_ns=2_000_000_000)
        found = compare_day(lake, registry, (VENUE, SYMBOL), DAY, as_it_was, slower)
        with pytest.raises(Failed) as refused:
            fit_fill_model(lake, VENUE, SYMBOL, Days(DAY, DAY))
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

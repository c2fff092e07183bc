"""Yesterday's live beside yesterday's replay, from a lake that holds both."""

from datetime import date

import pytest

from analytics.gates.agreement import NOTHING_LIVE, yesterday
from analytics.registry.registry import Registry
from analytics.tape.tape import load_tape
from strategy.kernel.jit import KERNEL_DIGEST
from strategy.policies.document import Instrument, ParameterDocument
from strategy.policies.parameters import ParameterSet, Quoting, Regimes
from strategy.replay.driver import ReplayConfig
from tests.integration.live_day import SYMBOL, VENUE, fill_market, open_lake, quote_live

pytestmark = pytest.mark.slow

DAY_NS = 86_400 * 10**9
LIVE_DAY = date(2024, 8, 8)
PARAMETERS = ParameterSet(
    volatility={"policy": "rolling_std", "vol_window_seconds": 10.0},
    regimes=Regimes(
        low_threshold=2.2e-5, medium_threshold=2.6e-5, high_threshold=3.2e-5, spread_low=1.0, spread_medium=2.0
    ),
    quoting=Quoting(executor_refresh_time=4.0, cooldown_time=1.0),
)
CONFIG = ReplayConfig(base=0.01, quote=2_000.0)


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    """A lake with a market and one live session that is a replay's, and a registry with the version that was live."""
    home = tmp_path_factory.mktemp("home")
    registry = Registry(f"sqlite:///{home}/mlflow/mlflow.db")
    instrument = Instrument(venue=VENUE, symbol=SYMBOL, tick_size="0.01", lot_size="0.00001")
    document = ParameterDocument(version=0, instrument=instrument, parameters=PARAMETERS, kernel_digest=KERNEL_DIGEST)
    version = registry.register(document, None, "test", {}).version
    with open_lake(home) as lake:
        fill_market(lake, home)
        tape, info = load_tape(lake, VENUE, SYMBOL)
        result = quote_live(lake, tape, info, PARAMETERS, version)
        yield lake, registry, info, result


def test_a_live_day_that_is_a_replays_agrees_with_its_replay(day):
    lake, registry, info, result = day
    found = yesterday(lake, registry, info._replace(end_ns=info.end_ns + DAY_NS), CONFIG)
    assert (found.day, found.missing) == (LIVE_DAY, "")
    assert found.live_fills == found.replay_fills == len(result.fills) > 5
    assert found.replay_edge_bps == pytest.approx(found.live_edge_bps, rel=1e-9)


def test_slower_lines_than_the_live_ones_do_not_agree(day):
    lake, registry, info, _ = day
    slow = ReplayConfig(entry_latency_ns=3 * 10**9, response_latency_ns=3 * 10**9)
    found = yesterday(lake, registry, info._replace(end_ns=info.end_ns + DAY_NS), slow)
    assert found.replay_fills != found.live_fills
    assert found.replay_edge_bps != pytest.approx(found.live_edge_bps, rel=1e-3)


def test_a_day_without_live_quoting_is_said_and_nothing_is_measured(day):
    lake, registry, info, _ = day
    found = yesterday(lake, registry, info, CONFIG)
    assert (found.day, found.missing) == (date(2024, 8, 7), NOTHING_LIVE)


def test_a_version_that_nobody_knows_leaves_nothing_to_compare(day, tmp_path):
    lake, _, info, _ = day
    empty = Registry(f"sqlite:///{tmp_path}/mlflow.db")
    found = yesterday(lake, empty, info._replace(end_ns=info.end_ns + DAY_NS), CONFIG)
    assert found.missing == "no version that was live is known"

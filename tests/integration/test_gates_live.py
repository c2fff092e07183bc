"""Yesterday's live beside yesterday's replay, from a lake that holds both."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from analytics.gates.agreement import NOTHING_LIVE, yesterday
from analytics.registry.registry import Registry
from strategy.replay.driver import ReplayConfig
from tests.integration.live_day import DAY, LiveDay, live_day

pytestmark = pytest.mark.slow

DAY_NS = 86_400 * 10**9
CONFIG = ReplayConfig(base=0.01, quote=2_000.0)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveDay]:
    with live_day(tmp_path_factory.mktemp("home")) as made:
        yield made


def test_a_live_day_that_is_a_replays_agrees_with_its_replay(day: LiveDay) -> None:
    found = yesterday(day.lake, day.registry, day.info._replace(end_ns=day.info.end_ns + DAY_NS), CONFIG)
    assert (found.day, found.missing) == (DAY, "")
    assert found.live_fills == found.replay_fills == len(day.result.fills) > 5
    assert found.replay_edge_bps == pytest.approx(found.live_edge_bps, rel=1e-9)


def test_slower_lines_than_the_live_ones_do_not_agree(day: LiveDay) -> None:
    slow = ReplayConfig(entry_latency_ns=3 * 10**9, response_latency_ns=3 * 10**9)
    found = yesterday(day.lake, day.registry, day.info._replace(end_ns=day.info.end_ns + DAY_NS), slow)
    assert found.replay_fills != found.live_fills
    assert found.replay_edge_bps != pytest.approx(found.live_edge_bps, rel=1e-3)


def test_a_day_without_live_quoting_is_said_and_nothing_is_measured(day: LiveDay) -> None:
    found = yesterday(day.lake, day.registry, day.info, CONFIG)
    assert (found.day, found.missing) == (date(2024, 8, 7), NOTHING_LIVE)


def test_a_version_that_nobody_knows_leaves_nothing_to_compare(day: LiveDay, tmp_path: Path) -> None:
    empty = Registry(f"sqlite:///{tmp_path}/mlflow.db")
    found = yesterday(day.lake, empty, day.info._replace(end_ns=day.info.end_ns + DAY_NS), CONFIG)
    assert found.missing == "no version that was live is known"

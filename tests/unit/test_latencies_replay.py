"""Replays and studies whose latencies are said: recorded ones, constants, and what nobody recorded."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from analytics.ingest.importer import import_files
from analytics.lake.store import Lake, LakeSettings
from flows.cli import run
from flows.plan import Wanted, plan_study
from flows.replay import Request, load, replay_config, replay_window
from flows.report import assumptions
from flows.settings import Settings, load_settings
from strategy.errors import BadInput, Failed
from strategy.policies.parameters import ParameterSet
from strategy.replay.driver import replay
from strategy.replay.latency import Latencies, drawn
from tests.unit import market_lines as lines
from tests.unit.round_trip_samples import DAY, NEXT_DAY, SYMBOL, VENUE, Steps

pytestmark = pytest.mark.slow

PARAMETERS = {
    "schema_version": 2,
    "volatility": {"policy": "rolling_std", "vol_window_seconds": 1.0},
    "regimes": {"low_threshold": 1e-5, "medium_threshold": 2e-5, "high_threshold": 3e-5},
    "quoting": {"executor_refresh_time": 0.3, "cooldown_time": 0.1, "order_qty": 0.1},
}
TRIPS_US = ((9_000, 4_000), (30_000, 2_000), (1_500, 61_000), (400, 800))
PAIRS = [(entry * 1_000, response * 1_000) for entry, response in TRIPS_US]


@pytest.fixture(autouse=True)
def home(command_home: Path) -> Path:
    return command_home


@pytest.fixture
def parameters(home: Path) -> str:
    path = home / "set.json"
    path.write_text(json.dumps(PARAMETERS))
    return str(path)


def recorded(home: Path, sessions: bool = True) -> Settings:
    """Fill a lake with six seconds of market and, unless told otherwise, one session on the same day."""
    with Lake.open(LakeSettings.under(home / "lake")) as lake:
        import_files(lake, [lines.write(home / "raw.log", lines.session(updates=60))], VENUE, SYMBOL)
        steps = Steps(ahead_ns=lines.LATENCY_NS)
        for order_id, (entry, response) in enumerate(TRIPS_US):
            steps.answered(order_id * 1_000_000, order_id, entry, response)
        if sessions:
            steps.add(5_000_000, "place", 9).take_in(lake, home)
    return load_settings(venue=VENUE, symbol=SYMBOL)


def by_hand(settings: Settings, latencies: Latencies | None) -> np.ndarray:
    tape, info = load(settings, (None, None))
    config = dataclasses.replace(replay_config(settings), latencies=latencies, record_decisions=True)
    return replay(tape, info, ParameterSet(**PARAMETERS), config).orders


@pytest.mark.slow
def test_recorded_latencies_replay_as_the_same_draws_given_by_hand(home: Path, parameters: str) -> None:
    settings = recorded(home)
    done = replay_window(settings, Request(named=parameters, latency="recorded")).replayed
    orders = done.result.orders
    assert len(orders) > 5
    assert orders.tolist() == by_hand(settings, drawn(PAIRS, settings.costs.latency_seed)).tolist()
    assert orders.tolist() != by_hand(settings, drawn(PAIRS, settings.costs.latency_seed + 1)).tolist()
    assert orders.tolist() != by_hand(settings, None).tolist()
    assert done.metrics.overall["entry_latency_ms_p50"] == pytest.approx(5.25)
    assert done.metrics.overall["round_trips"] == len(PAIRS)


@pytest.mark.slow
def test_constants_stand_in_place_of_the_settings(home: Path, parameters: str) -> None:
    settings = recorded(home, sessions=False)
    done = replay_window(settings, Request(named=parameters, latency="3,1.5")).replayed
    assert (done.config.entry_latency_ns, done.config.response_latency_ns) == (3_000_000, 1_500_000)
    assert done.round_trips is None
    assert "round_trips" not in done.metrics.overall


@pytest.mark.slow
def test_the_command_tells_the_latencies_and_keeps_them(
    home: Path, parameters: str, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded(home)
    given = ["replay", "--params", parameters, "--venue", VENUE, "--symbol", SYMBOL, "--out", str(home / "out")]
    assert run([*given, "--latency", "recorded:2023-11-14"]) == 0
    shown = capsys.readouterr().out
    for name in ("entry_latency_ms_p50", "response_latency_ms_p99", "round_trips"):
        assert name in shown
    assert "latencies drawn from 4 round trips of paper BTC/USDT on 2023-11-14; left out 1 pending" in shown
    said = json.loads((home / "out" / "replay.json").read_text())
    assert said["round_trips"].startswith("4 round trips")
    assert len(said["config"]["latencies"]["entry_ns"]) == 4096


@pytest.mark.parametrize(
    ("latency", "said"),
    [
        ("recorded:yesterday", "--latency was 'recorded:yesterday': write recorded, recorded:2026-01-31"),
        ("5,-1", "--latency was '5,-1': both are ms from 0 to 60000"),
    ],
)
def test_what_says_nothing_of_a_line_is_bad_input(capsys: pytest.CaptureFixture[str], latency: str, said: str) -> None:
    assert run(["replay", "--venue", VENUE, "--symbol", SYMBOL, "--latency", latency]) == 2
    assert said in capsys.readouterr().err


def test_days_without_round_trips_fail_in_one_line(
    home: Path, parameters: str, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded(home)
    given = ["replay", "--params", parameters, "--venue", VENUE, "--symbol", SYMBOL]
    assert run([*given, "--latency", "recorded:2023-11-13"]) == 1
    complaint = capsys.readouterr().err.strip()
    assert "no round trips of BTC/USDT on paper for 2023-11-13: days with some are 2023-11-14" in complaint
    assert "\n" not in complaint


def test_a_study_settles_its_days_and_searches_with_the_draws(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROVOL_COSTS__LATENCY", "recorded")
    settings = recorded(home)
    plan = plan_study(load_settings(venue=VENUE, symbol=SYMBOL), Wanted(3, base="micro_vol"))
    assert plan.latency == "recorded:2023-11-14"
    assert plan.search(settings).replay.latencies == drawn(PAIRS, 7)
    other = plan_study(settings, Wanted(3, base="micro_vol", latency="4,2"))
    assert other.search(settings).replay.lines().entry_ns.tolist() == [4_000_000]
    without = plan.model_copy(update={"latency": "recorded:2023-11-13"})
    with pytest.raises(Failed, match="no round trips"):
        without.search(settings)


def test_a_report_replays_with_its_own_days_round_trips_or_says_that_there_are_none(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MICROVOL_COSTS__LATENCY", "recorded")
    caplog.set_level("INFO", "microvol")
    settings = recorded(home)
    assert assumptions(settings, DAY).latencies == drawn(PAIRS, 7)
    assert assumptions(settings, NEXT_DAY) == replay_config(settings)
    assert "no round trips of BTC/USDT on paper for 2023-11-15" in caplog.text


def test_a_setting_that_says_nothing_of_a_line_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROVOL_COSTS__LATENCY", "quick")
    with pytest.raises(BadInput, match=r"^costs.latency was 'quick'"):
        load_settings()

"""Fill models as versions in the lake, and what replays and studies make of them."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from analytics.fill_fit.comparison import AFTER, BEFORE, DayFills, Filled, store_day, table, together
from analytics.fill_fit.figure import fit_figure
from analytics.fill_fit.model import FillModel, FittedOn, Interval, Latency, load, settled_version, store, versions
from analytics.fill_fit.profile import Estimate, Profile
from analytics.fill_fit.queue_fit import QueueFit
from analytics.lake.store import Lake, LakeSettings
from analytics.metrics.figures import REGIMES, SUMS, Tally
from analytics.report.daily import LIVE
from analytics.report.plots import png
from flows.cli import run
from flows.fill_model import settled_model, with_fill_model
from flows.replay import replay_config
from flows.settings import load_settings
from strategy.errors import BadInput, Failed
from strategy.kernel.records import REGIME_NAMES
from strategy.replay.run import ReplayConfig
from tests.unit.older_lake import make_older_lake
from tests.unit.round_trip_samples import DAY, NEXT_DAY, SYMBOL, VENUE

PLACE = (VENUE, SYMBOL)


def interval(value: float) -> Interval:
    return Interval(value=value, low=0.5 * value, high=2.0 * value)


def fitted(exponent: float = 0.8, **changes: object) -> FillModel:
    on = FittedOn(
        first_day=DAY,
        last_day=NEXT_DAY,
        tapes=("a", "b"),
        orders_digest="c",
        orders=90,
        silent=5,
        untimed=1,
        unmatched=0,
        round_trips=80,
    )
    model = FillModel(
        venue=VENUE,
        symbol=SYMBOL,
        queue_model="power",
        queue_exponent=interval(exponent),
        clumping=0.5,
        log_likelihoods={"risk_averse": -9.0, "power": -5.0, "log": -6.0},
        entry=Latency(median_ms=interval(4.0), spread=0.3),
        response=Latency(median_ms=interval(2.0), spread=0.2),
        fitted_on=on,
        kernel_digest="d",
        lake_snapshot=7,
    )
    return model.model_copy(update=changes)


@pytest.fixture
def lake(command_home: Path) -> Iterator[Lake]:
    with Lake.open(LakeSettings.under(command_home / "lake")) as lake:
        yield lake


def test_versions_count_up_and_the_same_fit_keeps_its_own(lake: Lake) -> None:
    assert store(lake, fitted(), 1) == 1
    assert store(lake, fitted(1.5), 2) == 2
    assert store(lake, fitted(lake_snapshot=9), 3) == 1
    assert load(lake, *PLACE, 2) == fitted(1.5)
    assert versions(lake, *PLACE)["queue_exponent"].to_list() == ["0.8 (0.4 to 1.6)", "1.5 (0.75 to 3)"]


def test_a_version_is_named_by_number_or_as_the_latest(lake: Lake) -> None:
    with pytest.raises(Failed, match="no fill model of BTC/USDT on paper: microvol fills makes one"):
        settled_version(lake, *PLACE, "latest")
    store(lake, fitted(), 1)
    store(lake, fitted(1.5), 2)
    assert [settled_version(lake, *PLACE, said) for said in ("latest", "1")] == [2, 1]
    with pytest.raises(BadInput, match="fill model was '3', known are latest, 1, 2"):
        settled_version(lake, *PLACE, "3")


def test_a_changed_document_is_refused(lake: Lake) -> None:
    row = {"venue": VENUE, "symbol": SYMBOL, "version": 1, "day": DAY, "fitted_ns": 1}
    frame = pl.DataFrame([row | {"content_hash": fitted().content_hash, "document": fitted(1.1).model_dump_json()}])
    lake.append("fill_model", frame)
    with pytest.raises(Failed, match="fill model 1 of BTC/USDT on paper was changed"):
        load(lake, *PLACE, 1)


def test_a_replay_takes_queue_and_latencies_of_a_version(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    store(lake, fitted(), 1)
    settings = load_settings(venue=VENUE, symbol=SYMBOL)
    plain = replay_config(settings)
    assert with_fill_model(plain, settings, settled_model(settings, None)) == plain
    monkeypatch.setenv("MICROVOL_COSTS__FILL_MODEL", "latest")
    settings = load_settings(venue=VENUE, symbol=SYMBOL)
    assert settled_model(settings, "none") is None
    config = with_fill_model(plain, settings, settled_model(settings, None))
    assert (config.queue_model, config.queue_exponent) == ("power", 0.8)
    assert config == fitted().applied(plain, settings.costs.latency_seed)
    assert config.latencies is not None
    assert np.median(config.latencies.entry_ns) == pytest.approx(4e6, rel=0.03)
    assert dataclasses.replace(config, latencies=None, queue_model="risk_averse", queue_exponent=3.0) == plain


@pytest.mark.parametrize("command", ["replay", "calibrate"])
def test_what_names_no_version_is_bad_usage(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([command, "--fill-model", "newest"]) == 2
    assert capsys.readouterr().err == (
        "microvol: --fill-model was 'newest': write none, latest or a version's number\n"
    )


def test_commands_say_in_one_line_what_is_missing(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    place = ["--venue", VENUE, "--symbol", SYMBOL]
    assert run(["fills", "--list", *place]) == 1
    assert run(["fills", "--days", "2023-11-14", *place]) == 1
    assert run(["fills", "--days", "2023-11-15..2023-11-14", *place]) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("microvol: ")]
    assert lines == [
        "microvol: the lake holds no fill model of BTC/USDT on paper: microvol fills makes one",
        "microvol: no live orders of BTC/USDT on paper beside market data on 2023-11-14",
        "microvol: --days was '2023-11-15..2023-11-14': the first day must not be after the last",
    ]


def test_a_lake_of_an_older_build_says_how_to_bring_it_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = LakeSettings.under(tmp_path / "old")
    make_older_lake(settings, 50, monkeypatch)
    with (
        Lake.open(settings, read_only=True) as old,
        pytest.raises(Failed, match="kept no fill models"),
    ):
        load(old, *PLACE, 1)


def filled(orders: int, with_fill: int, fills: int, waited: list[float]) -> Filled:
    """Return what became of orders that were all sent in the second regime."""
    sums = {name: np.zeros(REGIMES) for name in SUMS}
    for name, value in (("orders", orders), ("filled_orders", with_fill), ("fills", fills), ("seconds", 60)):
        sums[name][1] = value
    return Filled(Tally(sums, 0.0, 0.0, 0.0, 0.0), np.array(waited), np.ones(len(waited), np.int64))


def compared(live: Filled) -> DayFills:
    return DayFills(DAY, {LIVE: live, BEFORE: filled(10, 2, 2, [4.0, 8.0]), AFTER: filled(10, 4, 5, [1.0, 3.0])})


def test_days_add_up_and_stand_beside_each_other() -> None:
    both = together([compared(filled(10, 5, 6, [1.0, 2.0])), compared(filled(10, 3, 3, [6.0]))])
    rows = {row[:2]: row[2:] for row in table(both)}
    assert rows["fills", "all"] == (9.0, 4.0, 10.0)
    assert rows["fill_ratio", REGIME_NAMES[1]] == (0.4, 0.2, 0.4)
    assert rows["fill_time_s_p50", "all"] == (2.0, 6.0, 2.0)


def test_a_day_is_stored_once_for_each_version(lake: Lake) -> None:
    for live in (filled(10, 5, 6, [1.0]), filled(10, 0, 0, [])):
        store_day(lake, PLACE, 1, compared(live))
    days = {"first_day": DAY, "last_day": DAY, "fill_model": 1}
    kept = lake.query("queries/fill_model_metrics", venue=VENUE, symbol=SYMBOL, **days)
    assert kept.filter(source=LIVE, metric="fills", regime="all")["value"].to_list() == [0.0]
    assert kept.filter(source=LIVE, metric="fill_time_s_p50", regime="all")["value"].to_list() == [None]
    assert kept.filter(source=AFTER, metric="fills", regime="all")["value"].to_list() == [5.0]


def test_the_figure_shows_the_profile_alone_where_nothing_could_be_replayed() -> None:
    curve = Profile(np.array([0.5, 1.0, 2.0]), np.array([-9.0, -5.0, -8.0]))
    fit = QueueFit("power", Estimate(1.0, 0.6, 1.7), 0.5, {"risk_averse": -30.0, "power": -5.0, "log": -6.0}, 90, curve)
    alone, whole = (fit_figure("t", fit, each) for each in (None, compared(filled(10, 5, 6, [1.0])).sources))
    assert (len(alone.axes), len(whole.axes)) == (1, 3)
    assert png(whole)[:4] == b"\x89PNG"


def test_an_applied_version_changes_nothing_else() -> None:
    config = ReplayConfig(base=1.0, maker_fee_bps=2.0, start_ns=5)
    changed = fitted().applied(config, 7)
    assert (changed.base, changed.maker_fee_bps, changed.start_ns) == (1.0, 2.0, 5)

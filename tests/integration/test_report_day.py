import dataclasses
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from analytics.lake.store import Lake
from analytics.metrics.activity import of_replay
from analytics.metrics.figures import measure
from analytics.metrics.markout import mid_path
from analytics.report.report import ReportResult, write_report
from strategy.replay.driver import ReplayConfig
from tests.integration.live_day import DAY, SYMBOL, VENUE, LiveDay, fill_market, live_day, open_lake, quote_live

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveDay]:
    with live_day(tmp_path_factory.mktemp("home")) as made:
        yield made


def report(
    day: LiveDay,
    lake: Lake | None = None,
    symbol: str = SYMBOL,
    on: date = DAY,
    assumed: ReplayConfig | None = None,
) -> ReportResult:
    """Write a page of the day."""
    out = day.layout.home / "report"
    return write_report(lake or day.lake, day.registry, day.layout, VENUE, symbol, on, out, assumed)


def rows_of(lake: Lake) -> pl.DataFrame:
    return lake.query("queries/daily_metrics", venue=VENUE, symbol=SYMBOL, first_day=DAY, last_day=DAY)


def value(frame: pl.DataFrame, source: str, metric: str, regime: str = "all") -> float:
    return frame.filter(source=source, metric=metric, regime=regime)["value"].item()


@pytest.fixture(scope="module")
def written(day: LiveDay) -> ReportResult:
    return report(day)


def test_live_figures_equal_those_of_the_replay_that_the_session_was_made_of(
    day: LiveDay, written: ReportResult
) -> None:
    activity = of_replay(day.result, day.info.start_ns, day.info.end_ns)
    expected = measure([activity], mid_path(day.tape), day.info).overall
    stored = rows_of(day.lake)
    assert written.fills == len(day.result.fills) > 5
    exact = ("fills", "orders", "turnover_quote", "spread_capture_quote", "fees_quote", "edge_bps", "fill_ratio")
    for name in (*exact, "quoted_capture_bps", "realised_capture_5s_bps", "adverse_selection_30s_bps"):
        assert value(stored, "live", name) == pytest.approx(expected[name], rel=1e-9), name
    assert value(stored, "live", "excess_pnl_quote") == pytest.approx(expected["excess_pnl_quote"], abs=0.05)
    assert value(stored, "live", "identity_error") < 1e-9
    assert value(stored, "live", "vol_samples") > 0


def test_the_replay_beside_the_live_day_uses_its_holdings_and_fees(day: LiveDay, written: ReportResult) -> None:
    stored = rows_of(day.lake)
    for name in ("fills", "turnover_quote", "edge_bps", "spread_capture_quote"):
        assert value(stored, "replay", name) == pytest.approx(value(stored, "live", name), rel=1e-9), name
    assert value(stored, "replay", "fees_bps") == pytest.approx(1.0)


def test_regimes_of_the_live_day_add_up(day: LiveDay, written: ReportResult) -> None:
    stored = rows_of(day.lake).filter(source="live")
    for name in ("fills", "orders", "pnl_quote"):
        split = stored.filter((pl.col("metric") == name) & (pl.col("regime") != "all"))["value"].sum()
        assert split == pytest.approx(value(stored, "live", name))
    assert len(set(stored["regime"])) > 3


def test_writing_a_report_again_replaces_its_rows_and_its_run(day: LiveDay, written: ReportResult) -> None:
    before = rows_of(day.lake)
    again = report(day)
    assert rows_of(day.lake).equals(before)
    assert again.run_id == written.run_id


def test_the_page_is_self_contained_and_carries_the_figures(written: ReportResult) -> None:
    page = written.path.read_text()
    assert written.path.name == "paper-BTC-USDT-2024-08-08.html"
    assert not re.search(r"(src|href)=\"http|<script|@import|url\((?!#)", page)
    assert page.count("<svg") >= 5
    assert "nan" not in re.sub(r"<svg.*?</svg>", "", page, flags=re.S).lower()
    assert f"<b>{written.fills}</b>" in page
    for words in ("Sessions", "By regime", "foretold, and why it came otherwise", "QLIKE"):
        assert words in page


def test_live_metrics_stand_on_the_versions_own_page_in_mlflow(day: LiveDay, written: ReportResult) -> None:
    registry = day.registry
    (version,) = written.versions
    model = registry.client.get_logged_model(registry.model_id(VENUE, SYMBOL, version))
    logged = {metric.key: metric.value for metric in model.metrics}
    assert logged["live.fills"] == written.fills
    assert "replay.edge_bps" in logged
    assert [file.path for file in registry.client.list_artifacts(written.run_id)] == [written.path.name]


def test_what_a_day_told_nothing_of_is_the_venues_share_and_said(day: LiveDay, written: ReportResult) -> None:
    stored = rows_of(day.lake)
    assert value(stored, "latency", "fills") is None
    assert value(stored, "decision", "fills") is None
    assert value(stored, "venue", "fills") == value(stored, "difference", "fills") == 0
    said = " ".join(written.notes)
    for words in ("what latency did is part", "what the fill model did is part", "session s1 has no journal"):
        assert words in said


def test_a_day_without_live_quoting_gives_a_page_that_says_so(day: LiveDay) -> None:
    quiet = report(day, on=date(2024, 8, 9))
    assert (quiet.sessions, quiet.fills, quiet.run_id) == (0, 0, None)
    assert np.isnan(quiet.edge_bps)
    assert "Nothing was quoted live" in quiet.path.read_text()
    nothing = report(day, symbol="ETH/USDT")
    assert "Nothing was quoted live" in nothing.path.read_text()


def test_a_version_that_the_registry_does_not_know_is_noted(day: LiveDay, tmp_path: Path) -> None:
    with open_lake(tmp_path) as lake:
        fill_market(lake, tmp_path)
        quote_live(lake, day.tape, day.info, 77)
        found = report(day, lake)
    assert found.versions == (77,)
    assert any("has no version 77" in note for note in found.notes)


def test_a_swap_splits_a_session_into_stretches_that_add_up(day: LiveDay, tmp_path: Path) -> None:
    with open_lake(tmp_path) as lake:
        fill_market(lake, tmp_path)
        quote_live(lake, day.tape, day.info, 1, swap_to=2)
        found = report(day, lake)
        stored = rows_of(lake).filter(source="live", regime="all")
    assert (found.sessions, found.versions) == (1, (1, 2))
    fills = stored.filter(metric="fills")["value"].to_list()
    assert min(fills) > 0
    assert sum(fills) == len(day.result.fills)
    assert stored.filter(metric="identity_error")["value"].max() < 1e-9
    assert stored.filter(metric="total_pnl_quote")["value"].sum() == pytest.approx(found.pnl_quote)


def test_latency_of_the_replay_can_be_stated(day: LiveDay) -> None:
    slow = dataclasses.replace(ReplayConfig(), entry_latency_ns=2_000_000_000)
    report(day, assumed=slow)
    stored = rows_of(day.lake)
    name = "realised_capture_1s_bps"
    assert value(stored, "replay", name) != value(stored, "live", name)

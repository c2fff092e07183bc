import dataclasses
import re
from datetime import date

import numpy as np
import polars as pl
import pytest

from analytics.metrics.activity import of_replay
from analytics.metrics.figures import measure
from analytics.metrics.markout import mid_path
from analytics.registry.registry import Registry
from analytics.report.report import write_report
from analytics.tape.tape import load_tape
from strategy.kernel.jit import KERNEL_DIGEST
from strategy.live.layout import Layout
from strategy.policies.document import Instrument, ParameterDocument
from strategy.policies.parameters import ParameterSet, Quoting, Regimes
from strategy.replay.driver import ReplayConfig
from tests.integration.live_day import SYMBOL, VENUE, fill_market, open_lake, quote_live

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
def day(tmp_path_factory):
    """A lake with a market and one live session, and a registry with the version that was live."""
    home = tmp_path_factory.mktemp("home")
    registry = Registry(f"sqlite:///{home}/mlflow/mlflow.db")
    instrument = Instrument(venue=VENUE, symbol=SYMBOL, tick_size="0.01", lot_size="0.00001")
    document = ParameterDocument(version=0, instrument=instrument, parameters=PARAMETERS, kernel_digest=KERNEL_DIGEST)
    version = registry.register(document, None, "test", {}).version
    with open_lake(home) as lake:
        fill_market(lake, home)
        tape, info = load_tape(lake, VENUE, SYMBOL)
        result = quote_live(lake, tape, info, PARAMETERS, version)
        yield lake, registry, Layout(home), home / "report", (tape, info, result)


def rows_of(lake) -> pl.DataFrame:
    return lake.query("queries/daily_metrics", venue=VENUE, symbol=SYMBOL, first_day=DAY, last_day=DAY)


def value(frame: pl.DataFrame, source: str, metric: str, regime: str = "all") -> float:
    return frame.filter(source=source, metric=metric, regime=regime)["value"].item()


@pytest.fixture(scope="module")
def written(day):
    lake, registry, layout, out, _ = day
    return write_report(lake, registry, layout, VENUE, SYMBOL, DAY, out)


def test_live_figures_equal_those_of_the_replay_that_the_session_was_made_of(day, written):
    lake, _, _, _, (tape, info, result) = day
    expected = measure([of_replay(result, info.start_ns, info.end_ns)], mid_path(tape), info).overall
    stored = rows_of(lake)
    assert written.fills == len(result.fills) > 5
    exact = ("fills", "orders", "turnover_quote", "spread_capture_quote", "fees_quote", "edge_bps", "fill_ratio")
    for name in (*exact, "quoted_capture_bps", "realised_capture_5s_bps", "adverse_selection_30s_bps"):
        assert value(stored, "live", name) == pytest.approx(expected[name], rel=1e-9), name
    assert value(stored, "live", "excess_pnl_quote") == pytest.approx(expected["excess_pnl_quote"], abs=0.05)
    assert value(stored, "live", "identity_error") < 1e-9
    assert value(stored, "live", "vol_samples") > 0


def test_the_replay_beside_the_live_day_uses_its_holdings_and_fees(day, written):
    stored = rows_of(day[0])
    for name in ("fills", "turnover_quote", "edge_bps", "spread_capture_quote"):
        assert value(stored, "replay", name) == pytest.approx(value(stored, "live", name), rel=1e-9), name
    assert value(stored, "replay", "fees_bps") == pytest.approx(1.0)


def test_regimes_of_the_live_day_add_up(day, written):
    stored = rows_of(day[0]).filter(source="live")
    for name in ("fills", "orders", "pnl_quote"):
        split = stored.filter((pl.col("metric") == name) & (pl.col("regime") != "all"))["value"].sum()
        assert split == pytest.approx(value(stored, "live", name))
    assert len(set(stored["regime"])) > 3


def test_writing_a_report_again_replaces_its_rows_and_its_run(day, written):
    lake, registry, layout, out, _ = day
    before = rows_of(lake)
    again = write_report(lake, registry, layout, VENUE, SYMBOL, DAY, out)
    assert rows_of(lake).equals(before)
    assert again.run_id == written.run_id


def test_the_page_is_self_contained_and_carries_the_figures(written):
    page = written.path.read_text()
    assert written.path.name == "paper-BTC-USDT-2024-08-08.html"
    assert not re.search(r"(src|href)=\"http|<script|@import|url\((?!#)", page)
    assert page.count("<svg") >= 5
    assert "nan" not in re.sub(r"<svg.*?</svg>", "", page, flags=re.S).lower()
    assert f"<b>{written.fills}</b>" in page
    for words in ("Sessions", "By regime", "realised beside replayed", "QLIKE"):
        assert words in page


def test_live_metrics_stand_on_the_versions_own_page_in_mlflow(day, written):
    registry = day[1]
    (version,) = written.versions
    model = registry.client.get_logged_model(registry.model_id(VENUE, SYMBOL, version))
    logged = {metric.key: metric.value for metric in model.metrics}
    assert logged["live.fills"] == written.fills
    assert "replay.edge_bps" in logged
    assert [file.path for file in registry.client.list_artifacts(written.run_id)] == [written.path.name]


def test_a_day_without_live_quoting_gives_a_page_that_says_so(day):
    lake, registry, layout, out, _ = day
    quiet = write_report(lake, registry, layout, VENUE, SYMBOL, date(2024, 8, 9), out)
    assert (quiet.sessions, quiet.fills, quiet.run_id) == (0, 0, None)
    assert np.isnan(quiet.edge_bps)
    assert "Nothing was quoted live" in quiet.path.read_text()
    nothing = write_report(lake, registry, layout, VENUE, "ETH/USDT", DAY, out)
    assert "Nothing was quoted live" in nothing.path.read_text()


def test_a_version_that_the_registry_does_not_know_is_noted(day, tmp_path):
    _, registry, layout, out, (tape, info, _) = day
    with open_lake(tmp_path) as lake:
        fill_market(lake, tmp_path)
        quote_live(lake, tape, info, PARAMETERS, 77)
        found = write_report(lake, registry, layout, VENUE, SYMBOL, DAY, out)
    assert found.versions == (77,)
    assert any("has no version 77" in note for note in found.notes)


def test_a_swap_splits_a_session_into_stretches_that_add_up(day, tmp_path):
    _, registry, layout, out, (tape, info, result) = day
    with open_lake(tmp_path) as lake:
        fill_market(lake, tmp_path)
        quote_live(lake, tape, info, PARAMETERS, 1, swap_to=2)
        found = write_report(lake, registry, layout, VENUE, SYMBOL, DAY, out)
        stored = rows_of(lake).filter(source="live", regime="all")
    assert (found.sessions, found.versions) == (1, (1, 2))
    fills = stored.filter(metric="fills")["value"].to_list()
    assert min(fills) > 0
    assert sum(fills) == len(result.fills)
    assert stored.filter(metric="identity_error")["value"].max() < 1e-9
    assert stored.filter(metric="total_pnl_quote")["value"].sum() == pytest.approx(found.pnl_quote)


def test_latency_of_the_replay_can_be_stated(day):
    lake, registry, layout, out, _ = day
    slow = dataclasses.replace(ReplayConfig(), entry_latency_ns=2_000_000_000)
    write_report(lake, registry, layout, VENUE, SYMBOL, DAY, out, slow)
    assert value(rows_of(lake), "replay", "realised_capture_1s_bps") != value(
        rows_of(lake), "live", "realised_capture_1s_bps"
    )

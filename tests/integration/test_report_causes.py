"""Why a live day came out otherwise than foretold: sessions made with one cause each, found again by the report."""

import dataclasses
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from analytics.fill_fit.model import versions
from analytics.gates.agreement import yesterday
from analytics.report.causes import explained
from analytics.report.daily import Day
from analytics.report.difference import DECISION, FIGURES, FILL_MODEL, LATENCY, Split
from analytics.report.difference import VENUE as REST
from analytics.report.drift import drifts
from analytics.report.drift_settings import DriftSettings
from analytics.report.report import ReportResult, measure_day, write_report
from strategy.replay.driver import ReplayConfig
from tests.integration.live_day import (
    AS_IT_WAS,
    DAY,
    SYMBOL,
    VENUE,
    LiveDay,
    live_day,
    placed,
    size_row,
    tamper,
    write_journal,
)

pytestmark = pytest.mark.slow

SLOW_NS = 400_000_000
SLOW_LINE = dataclasses.replace(AS_IT_WAS, entry_latency_ns=SLOW_NS)  # what was live; the settings assume 10 ms
ASSUMED = ReplayConfig()


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveDay]:
    """A day whose line was far slower than assumed, with the venue's answers and a journal."""
    with live_day(tmp_path_factory.mktemp("slow"), SLOW_LINE, timed=True) as made:
        write_journal(made)
        yield made


@pytest.fixture(scope="module")
def split(slow: LiveDay) -> Split:
    return only(explain(slow))


@pytest.fixture(scope="module")
def written(slow: LiveDay) -> ReportResult:
    out = slow.layout.home / "report"
    return write_report(slow.lake, slow.registry, slow.layout, VENUE, SYMBOL, DAY, out, ASSUMED)


def explain(day: LiveDay, assumed: ReplayConfig = ASSUMED) -> Day:
    measured = measure_day(day.lake, day.registry, VENUE, SYMBOL, DAY, assumed)
    return explained(day.lake, day.layout, measured)


def only(day: Day) -> Split:
    (found,) = day.splits
    return found


def figure(day: LiveDay, source: str, metric: str) -> float | None:
    rows = day.lake.query("queries/daily_metrics", venue=VENUE, symbol=SYMBOL, first_day=DAY, last_day=DAY)
    return rows.filter(source=source, metric=metric, regime="all")["value"].item()


def test_the_shares_add_up_to_the_difference(split: Split) -> None:
    for name in FIGURES:
        shares = [split.share(cause, name) for cause in (DECISION, LATENCY, REST)]
        assert sum(shares) == pytest.approx(split.total(name), abs=1e-9), name


def test_a_slower_line_is_found_to_be_the_cause(split: Split) -> None:
    assert split.total("fills") != 0
    at_latency = split.steps[LATENCY].overall
    for name in ("fills", "turnover_quote", "spread_capture_quote", "edge_bps"):
        assert at_latency[name] == pytest.approx(split.live.overall[name], rel=1e-9), name


def test_decisions_of_the_journal_are_proven(split: Split) -> None:
    assert split.decided.proven
    assert split.decided.decisions > 50
    assert split.share(DECISION, "fills") == 0.0


def test_the_differences_are_rows_of_the_lake_and_metrics_of_the_version(slow: LiveDay, written: ReportResult) -> None:
    found = only(explain(slow))
    assert figure(slow, "difference", "fills") == found.total("fills")
    assert figure(slow, "latency", "fills") == found.share(LATENCY, "fills")
    assert figure(slow, "decision", "differing_fields") == 0
    model = slow.registry.client.get_logged_model(slow.registry.model_id(VENUE, SYMBOL, slow.version))
    logged = {metric.key: metric.value for metric in model.metrics}
    assert logged["difference.fills"] == found.total("fills")
    assert logged["difference.latency.fills"] == found.share(LATENCY, "fills")
    assert logged["difference.decision.differing_fields"] == 0


def test_page_and_digest_show_foretold_causes_and_realised(written: ReportResult) -> None:
    page = written.path.read_text()
    for words in ("foretold", "decisions", "latency", "fill model", "venue, rest", "realised"):
        assert f"<th>{words}</th>" in page
        assert f" {words} |" in written.summary
    assert not re.search(r"(src|href)=\"http|<script|@import|url\((?!#)", page)


def test_another_queue_than_assumed_is_found_to_be_the_cause(tmp_path: Path) -> None:
    quick = dataclasses.replace(AS_IT_WAS, queue_model="power", queue_exponent=0.5)
    with live_day(tmp_path, quick, timed=True, coarse=True) as day:
        found = only(explain(day))
        assert versions(day.lake, VENUE, SYMBOL)["days"].to_list() == [str(DAY)]
    assert found.share(LATENCY, "fills") == 0
    assert found.share(FILL_MODEL, "fills") >= 8
    assert abs(found.share(REST, "fills")) <= 4


def test_missing_fills_are_the_venues_and_another_decision_a_drift_that_fails_the_gate(tmp_path: Path) -> None:
    with live_day(tmp_path, timed=True, missed=2) as day:
        tamper(write_journal(day))
        found = only(explain(day))
        done = write_report(day.lake, day.registry, day.layout, VENUE, SYMBOL, DAY, tmp_path / "report", ASSUMED)
        agreed = yesterday(day.lake, day.registry, day.info._replace(end_ns=day.info.end_ns + 86_400 * 10**9), ASSUMED)
    assert found.share(LATENCY, "fills") == 0
    assert found.live.overall["fills"] == len(day.result.fills)
    assert found.share(REST, "fills") < -len(day.result.fills) / 2
    assert not found.decided.proven
    drift = next(each for each in done.drifts if each.measure == DECISION)
    assert (drift.value, drift.version) == (1.0, day.version)
    assert agreed.differing_fields == 1
    assert "drift: version 1" in done.path.read_text()


def test_a_difference_drifts_by_its_limit_and_not_under_it(slow: LiveDay, written: ReportResult) -> None:
    gap = abs(figure(slow, "difference", "edge_bps") or 0.0)
    tight, wide = (DriftSettings(max_edge_gap_bps=limit, min_fills=5) for limit in (0.5 * gap, 2 * gap))
    assert [each.measure for each in drifts(slow.lake, VENUE, SYMBOL, DAY, tight)] == ["edge, live - foretold, bps"]
    assert drifts(slow.lake, VENUE, SYMBOL, DAY, wide) == []
    few = DriftSettings(max_edge_gap_bps=0.5 * gap, min_fills=100_000)
    assert drifts(slow.lake, VENUE, SYMBOL, DAY, few) == []


def test_one_bad_day_of_three_does_not_drift_where_two_are_asked_for(slow: LiveDay, written: ReportResult) -> None:
    gap = abs(figure(slow, "difference", "edge_bps") or 0.0)
    asked = DriftSettings(max_edge_gap_bps=0.5 * gap, min_fills=5, breaches=2, days=3)
    assert drifts(slow.lake, VENUE, SYMBOL, DAY, asked) == []
    rows = slow.lake.query("queries/daily_metrics", venue=VENUE, symbol=SYMBOL, first_day=DAY, last_day=DAY)
    _store_again(slow, rows, DAY - timedelta(days=2))
    (found,) = drifts(slow.lake, VENUE, SYMBOL, DAY, asked)
    assert (found.breaches, found.days) == (2, 2)


def _store_again(day: LiveDay, rows: pl.DataFrame, on: date) -> None:
    place = (pl.lit(VENUE).alias("venue"), pl.lit(SYMBOL).alias("symbol"), pl.lit(on).alias("day"))
    day.lake.append("daily_metric", rows.with_columns(*place))


def test_a_day_on_trial_is_foretold_in_the_size_that_was_quoted(tmp_path: Path) -> None:
    with live_day(tmp_path, timed=True, size=0.5) as day:
        write_journal(day)
        measured = measure_day(day.lake, day.registry, VENUE, SYMBOL, DAY, day.config)
        found = only(explained(day.lake, day.layout, measured))
        done = write_report(day.lake, day.registry, day.layout, VENUE, SYMBOL, DAY, tmp_path / "report", day.config)
    assert "1 (size 0.5)" in done.path.read_text()
    assert [stretch.size_factor for stretch in measured.stretches] == [0.5]
    assert found.decided.proven
    assert found.live.overall["fills"] == len(day.result.fills) > 5
    for name in ("fills", "turnover_quote", "spread_capture_quote", "edge_bps"):
        assert found.foretold.overall[name] == pytest.approx(found.live.overall[name], rel=1e-9), name


def test_a_session_is_cut_where_a_trial_passes(tmp_path: Path) -> None:
    with live_day(tmp_path, size=0.5) as day:
        turn = day.result.decisions[len(day.result.decisions) // 2]
        local_ts = int(turn["local_ts"]) + day.info.clock_offset_ns
        day.lake.append("quoted_size", placed(size_row(local_ts, int(turn["seq"]), day.version, 1.0)))
        measured = measure_day(day.lake, day.registry, VENUE, SYMBOL, DAY, day.config)
        (version,) = measured.versions
    assert [(each.version, each.size_factor) for each in measured.stretches] == [(1, 0.5), (1, 1.0)]
    assert measured.stretches[1].activity.start_ns == turn["local_ts"]
    assert version.beside is not None
    small, full = (run.orders["qty_lots"].max() for run in version.beside.replays)
    assert full == 2 * small

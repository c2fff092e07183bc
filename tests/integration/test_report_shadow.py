"""A day on which a second version ran in the shadow: the report's table, the lake's figures, the version's own page."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from analytics.ingest.ingest import ingest
from analytics.metrics.activity import of_replay
from analytics.metrics.figures import measure
from analytics.metrics.markout import mid_path
from analytics.report.report import ReportResult, write_report
from strategy.live.simulation.assumptions import Assumptions
from strategy.live.simulation.shadow import Shadow
from strategy.live.simulation.shadow_journal import ShadowJournal
from strategy.replay.driver import ReplayResult, replay
from strategy.venues.ports import Balance
from tests.integration.live_day import DAY, PARAMETERS, SYMBOL, VENUE, LiveDay, live_day, register

pytestmark = pytest.mark.slow

SESSION = "20240808T070000-1"
CHALLENGER = PARAMETERS.model_copy(
    update={"quoting": PARAMETERS.quoting.model_copy(update={"executor_refresh_time": 2.0})}
)


def run_in_shadow(day: LiveDay, version: int) -> ReplayResult:
    """Let a version follow the day's frames in the shadow; return the replay that it should be equal to."""
    document = day.registry.document(VENUE, SYMBOL, version)
    shadow = Shadow(document, Assumptions(maker_fee_bps=1.0), Balance(1_000.0, 2e10))
    journal = ShadowJournal(day.layout.shadow(VENUE, SYMBOL), f"{SESSION}-v{version}-1")
    for line in gzip.decompress((day.layout.home / "market.gz").read_bytes()).splitlines():
        stamp, _, payload = line.partition(b" ")
        shadow.frame(int(stamp), payload)
    told = shadow.walk(day.info.end_ns + 1 + shadow.clock.ns)
    journal.begin(int(stamp), SESSION, shadow)
    journal.tell(int(stamp), told + shadow.still_open() + shadow.last_sample())
    journal.end(int(stamp), "stopped")
    journal.close()
    return replay(day.tape, day.info, CHALLENGER, shadow.config)


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LiveDay, int, ReplayResult, ReportResult]]:
    with live_day(tmp_path_factory.mktemp("home")) as day:
        version = register(day.registry, CHALLENGER)
        result = run_in_shadow(day, version)
        assert ingest(day.lake, day.layout).problems == []
        out = Path(day.layout.home) / "report"
        yield day, version, result, write_report(day.lake, day.registry, day.layout, VENUE, SYMBOL, DAY, out)


def test_the_daily_figures_of_a_shadow_are_those_of_what_ran(
    reported: tuple[LiveDay, int, ReplayResult, ReportResult],
) -> None:
    day, version, result, _ = reported
    stored = day.lake.query("queries/daily_metrics", venue=VENUE, symbol=SYMBOL, first_day=DAY, last_day=DAY)
    figures = stored.filter(source="shadow", regime="all", version=version)
    expected = measure([of_replay(result, day.info.start_ns, day.info.end_ns)], mid_path(day.tape), day.info).overall
    assert expected["fills"] > 5
    for name in ("fills", "fill_ratio", "spread_capture_quote", "realised_capture_5s_bps", "fees_quote"):
        assert figures.filter(metric=name)["value"].item() == pytest.approx(expected[name], rel=1e-9), name
    assert set(stored.filter(pl.col("source") == "live")["version"]) == {day.version}


def test_the_page_shows_it_beside_what_quoted(reported: tuple[LiveDay, int, ReplayResult, ReportResult]) -> None:
    _, version, result, report = reported
    page = report.path.read_text()
    table = page.partition("In the shadow, on paper")[2].partition("</table>")[0]
    assert f"<th>version {version}</th>" in table
    assert f"<td>fills</td><td>{report.fills}</td><td>{len(result.fills)}</td>" in table
    for words in ("fill ratio", "spread capture", "adverse selection at 30 s", "PnL above holding", "ran for"):
        assert f"<td>{words}</td>" in table


def test_its_figures_stand_on_the_versions_own_page_in_mlflow(
    reported: tuple[LiveDay, int, ReplayResult, ReportResult],
) -> None:
    day, version, result, _ = reported
    model = day.registry.client.get_logged_model(day.registry.model_id(VENUE, SYMBOL, version))
    logged = {metric.key: metric.value for metric in model.metrics}
    assert logged["shadow.fills"] == len(result.fills)
    assert not any(name.startswith("live.") for name in logged)

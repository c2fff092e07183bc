"""Two versions, aliases or runs side by side: on the console, and on a page that needs no network."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest
from mlflow.entities import Metric

from analytics.report.report import write_report
from flows.cli import run
from strategy.kernel.jit import KERNEL_DIGEST
from strategy.policies.document import ParameterDocument, Provenance
from strategy.policies.dotted import changed
from strategy.replay.driver import ReplayConfig
from tests.integration.live_day import DAY, PARAMETERS, SYMBOL, VENUE, LiveDay, live_day

pytestmark = pytest.mark.slow

WIDE = changed(PARAMETERS, {"regimes.spread_low": 2.0, "regimes.spread_medium": 3.5})
GATES = (
    {"name": "edge", "passed": False, "value": -0.4, "threshold": 0.0, "rule": "edge held out, bps >", "why": ""},
    {"name": "fills", "passed": True, "value": 12.0, "threshold": 5.0, "rule": "fills held out >=", "why": ""},
)


class Place(NamedTuple):
    """A home with version 1, which was live, version 2, and the runs of a study that was never registered."""

    home: Path
    study: str
    candidate: str
    report: str


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    home = tmp_path_factory.mktemp("home")
    with live_day(home) as day:
        written = write_report(day.lake, day.registry, day.layout, VENUE, SYMBOL, DAY, home / "report", ReplayConfig())
        register_judged(day)
        study, candidate = log_study(day)
    return Place(home, study, candidate, str(written.run_id))


@pytest.fixture(autouse=True)
def settings(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = f"sqlite:///{place.home}/mlflow/mlflow.db"
    for name, value in {"HOME": str(place.home), "SYMBOL": SYMBOL, "TRACKING_URI": uri}.items():
        monkeypatch.setenv(f"MICROVOL_{name}", value)


def register_judged(day: LiveDay) -> None:
    """Register version 2 with gates and a figure of its held-out fold."""
    instrument = day.registry.document(VENUE, SYMBOL, 1).instrument
    provenance = Provenance(study="s-1", trials=40, gates=GATES)
    document = ParameterDocument(
        version=0, instrument=instrument, parameters=WIDE, kernel_digest=KERNEL_DIGEST, provenance=provenance
    )
    version = day.registry.register(document, None, "judged", {}).version
    model = day.registry.model_id(VENUE, SYMBOL, version)
    run_id = day.registry.client.create_run(day.registry.experiment(VENUE, SYMBOL)).info.run_id
    logged = [
        Metric("held_out.edge_bps", -0.4, 0, 0, model_id=model),
        Metric("held_out.fills", 12, 0, 0, model_id=model),
    ]
    day.registry.client.log_batch(run_id, metrics=logged)


def log_study(day: LiveDay) -> tuple[str, str]:
    """Log a study without a version, and its winner."""
    client, experiment = day.registry.client, day.registry.experiment(VENUE, SYMBOL)
    study = client.create_run(experiment, run_name="s-2", tags={"kind": "study"}).info.run_id
    tags = {"mlflow.parentRunId": study, "place": "1", "kind": "candidate", "trial": "7"}
    winner = client.create_run(experiment, run_name="winner-7", tags=tags).info.run_id
    client.log_text(winner, WIDE.canonical_json().decode(), "parameters.json")
    client.log_metric(winner, "validation.edge_bps", 0.9)
    return study, winner


def section(page: str, title: str) -> str:
    """Return the text of a page from one heading to the next."""
    found = page[page.index(f"<h2>{title}</h2>") :]
    return found[: found.index("<h2>", 4)] if "<h2>" in found[4:] else found


def test_two_versions_show_what_differs_their_gates_and_both_replayed(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "page.html"
    assert run(["compare", "1", "challenger", "--out", str(path)]) == 0
    said, page = capsys.readouterr().out, path.read_text()
    assert f"page: {path}" in said
    assert "regimes.spread_low" in said
    differing = section(page, "Parameters that differ")
    assert re.findall(r"<tr><td>([a-z_.]+)</td><td>(.*?)</td><td>(.*?)</td>", differing) == [
        ("regimes.spread_low", "1", "2"),
        ("regimes.spread_medium", "2", "3.5"),
    ]
    fills = re.search(r"<td>fills</td><td>(\d+)</td><td>(\d+)</td>", section(page, "Both over the same window"))
    assert fills is not None
    assert int(fills[1]) > 2 * int(fills[2]) > 0
    gates = section(page, "Gates")
    assert "–" in gates
    assert '<td class="text failed">failed</td><td>-0.4</td>' in gates
    assert "-0.400" in section(page, "As their studies logged them")
    assert "days live" in section(page, "Live so far")
    assert page.count("<svg") == 4
    assert not re.search(r"(src|href)=\"http|<script|@import|url\((?!#)", page)


def test_a_studys_run_stands_for_its_winner(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", place.study, place.candidate]) == 0
    said = capsys.readouterr().out
    assert "have the same parameters" in said
    page = Path(said.rpartition("page: ")[2].strip()).read_text()
    assert "None: all" in section(page, "Parameters that differ")
    assert "on validation" in section(page, "As their studies logged them")


def test_a_version_and_a_run_of_the_same_set_fill_the_same(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", "2", place.candidate]) == 0
    fills = re.search(r"fills +│ (\d+) +│ (\d+) +│ (\S+)", capsys.readouterr().out)
    assert fills is not None
    assert fills[1] == fills[2]
    assert fills[3] == "0"


@pytest.mark.parametrize(
    ("named", "fault"),
    [
        ("9", "paper BTC/USDT has no version 9"),
        ("champion", "'champion' names no version and no run: write a number, a run's id, or one of challenger"),
        ("0" * 32, f"MLflow has no run {'0' * 32}"),
    ],
)
def test_what_names_nothing_is_bad_input(named: str, fault: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", "1", named]) == 2
    assert fault in capsys.readouterr().err


def test_a_run_without_a_parameter_set_is_bad_input(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", "1", place.report]) == 2
    assert f"run {place.report} is daily-report, which holds no parameter set" in capsys.readouterr().err


def test_a_folder_is_no_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", "1", "2", "--out", str(tmp_path)]) == 2
    assert "which is a folder: name a file" in capsys.readouterr().err


def test_a_window_that_the_lake_does_not_hold_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", "1", "2", "--from", "2026-01-01"]) == 2
    assert "the lake holds 2024-08-08T07:00:01 to" in capsys.readouterr().err

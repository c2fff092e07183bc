import dataclasses
import json
import multiprocessing
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import mlflow
import pytest

from analytics.calibration import calibrate
from analytics.gates.thresholds import GateSettings
from analytics.registry.registry import Registry
from analytics.registry.rest import RestRegistry
from analytics.reproduction import known_recipe, reproduce
from analytics.study.folds import FoldSettings
from analytics.study.objective import Objective
from analytics.study.settings import SearchSettings
from analytics.study.study import StudySettings, run_study
from strategy.errors import BadInput, Failed
from strategy.policies.dotted import flat
from strategy.policies.parameters import ParameterSet, Quoting
from strategy.replay.driver import ReplayConfig
from strategy.replay.synthetic import SyntheticMarket, synthetic_tape
from tests.rigs.late_answers import late_answers
from tests.unit.registry_documents import document_with

pytestmark = pytest.mark.slow

PLACE = ("synthetic", "BTC/USDT")
BASE = ParameterSet(
    volatility={"policy": "rolling_std", "vol_window_seconds": 10.0}, quoting=Quoting(executor_refresh_time=5.0)
)
SETTINGS = StudySettings(
    replay=ReplayConfig(base=0.01, quote=2_000.0),
    trials=14,
    candidates=3,
    folds=FoldSettings(train_folds=2, validation_folds=1),
    objective=Objective(min_fills=1, min_fills_per_hour=0.0),
)
GATES = GateSettings(neighbour_draws=0, trials=2)


@pytest.fixture(scope="module")
def market():
    return synthetic_tape(SyntheticMarket(updates=2_400, seed=3, volatility_ticks=300.0))


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    return Registry(f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db")


def promote(registry):
    """Promote the challenger; what a short synthetic market shows is no reason to stop."""
    no_wait = {"acknowledge": lambda document: "ok", "audit": lambda record: None}
    return registry.promote(*PLACE, None, reason="first", override="a synthetic market", **no_wait)


@pytest.fixture(scope="module")
def done(registry, market):
    return calibrate(registry, *market, BASE, SETTINGS, GATES)


def test_the_challenger_is_the_winner_with_its_provenance(registry, market, done):
    info = market[1]
    document = registry.document(*PLACE, registry.aliases(*PLACE)["challenger"])
    assert document == done.document
    assert document.parameters == done.result.winner.point.parameters
    assert document.provenance.tape_fingerprint == info.fingerprint
    assert document.provenance.run_id == done.logged.run_id
    assert [gate["name"] for gate in document.provenance.gates] == [verdict.name for verdict in done.verdicts]
    assert {"fills", "edge", "overfitting", "neighbourhood", "stress_fee"} <= {each.name for each in done.verdicts}
    assert document.instrument.tick_size == info.tick_size


def test_the_parent_run_holds_every_trial_the_plots_and_the_dataset(registry, done):
    client, run_id = registry.client, done.logged.run_id
    run = client.get_run(run_id)
    assert run.data.params["seed"] == "7"
    assert (run.data.params["fill_model"], run.data.params["replay.entry_latency_ns"]) == ("none", "10000000")
    assert run.data.tags["study"] == done.result.name
    assert len(client.get_metric_history(run_id, "trial.score")) == 14
    assert run.inputs.dataset_inputs[0].dataset.digest == done.document.provenance.tape_fingerprint[:36]
    names = {file.path for file in client.list_artifacts(run_id)}
    assert "trials.json" in names
    plots = {file.path for file in client.list_artifacts(run_id, "plots")}
    drawn = ("spread_against_sigma", "equity_by_fold", "markout_held_out", "fill_ratio_by_regime", "slices")
    assert plots == {f"plots/{name}.png" for name in drawn}
    table = json.loads(mlflow.artifacts.load_text(f"{run.info.artifact_uri}/trials.json"))
    assert len(table["data"]) == 14
    searched = {"regimes.threshold_quantiles.1", "regimes.low_threshold", "quoting.executor_refresh_time"}
    axes = {"u_threshold_1", "u_spread_3", "u_quoting.cooldown_time"}
    figures = {"edge_bps", "taker_fills", "taker_fees_quote"}
    assert {"trial", "score", "feasible"} | figures | searched | axes <= set(table["columns"])
    winner = done.result.winner.point.parameters
    assert float(run.data.params["regimes.low_threshold"]) == winner.regimes.low_threshold
    assert {name for name in run.data.params if name.startswith("base.")} == {f"base.{name}" for name in flat(BASE)}


def test_a_run_is_found_by_its_tags_and_says_what_happened(registry, market, done):
    run = registry.client.get_run(done.logged.run_id)
    tags = run.data.tags
    assert tags["policies"] == "rolling_std / discrete / buy_only"
    assert tags["window"].endswith(" UTC")
    assert (tags["sampler"], tags["objective"], tags["kind"]) == ("tpe", "markout", "study")
    assert (tags["lake_snapshot"], tags["fill_model"]) == (str(market[1].lake_snapshot), "none")
    assert tags["kernel_digest"] == done.document.kernel_digest
    assert tags["git_commit"].startswith(tags["mlflow.source.git.commit"])
    assert tags["version"] == str(done.document.version)
    assert f"Trial **{done.result.winner.trial.number}** won" in tags["mlflow.note.content"]
    assert "| edge, bps |" in tags["mlflow.note.content"]


def test_scores_of_folds_are_steps_in_the_order_of_time(registry, done):
    def steps(run_id: str, name: str) -> list[float]:
        history = registry.client.get_metric_history(run_id, name)
        assert [each.step for each in history] == list(range(1, len(history) + 1))
        return [each.value for each in history]

    winner, held_out = done.result.winner, done.result.held_out
    expected = [*winner.trial.fold_scores, *winner.validation.fold_scores, *held_out.fold_scores]
    assert steps(done.logged.run_id, "winner.fold_score") == expected
    assert steps(done.logged.candidate_run_ids[0], "train.fold_score") == list(winner.trial.fold_scores)


def test_a_version_page_says_what_an_operator_needs(registry, done):
    version = done.document.version
    page = registry.client.get_model_version("microvol-synthetic-BTC-USDT", str(version))
    assert page.description.splitlines()[0].startswith(f"winner of 14 trials (trial {done.result.winner.trial.number})")
    assert all(f"| {verdict.name} |" in page.description for verdict in done.verdicts)
    blocked = ", ".join(verdict.name for verdict in done.verdicts if verdict.passed is False)
    assert (f"**Promotion is blocked** by {blocked}." if blocked else "No gate is in the way") in page.description
    assert f"--reproduce {version}" in page.description
    assert "nan" not in page.description
    tables = re.findall(r"([^\n]*)\n\n(\| [^|]* \|)", page.description)
    assert [table[1] for table in tables] == ["| held out |", "| half-spread, bps |", "| gate |"]
    assert all(said for said, _ in tables)
    assert f'--version {version} --reason "..."' in page.description
    model = registry.client.get_logged_model(registry.model_id(*PLACE, version))
    assert model.params["regimes.spread_low"] == str(done.document.parameters.regimes.spread_low)
    assert {"held_out.edge_bps", "held_out.fills"} <= {each.key for each in model.metrics}
    shown = registry.versions(*PLACE).filter(version=version)["description"].item()
    assert shown == page.description.splitlines()[0]


def test_nested_runs_are_the_best_candidates_winner_first(registry, done):
    parent = done.logged.run_id
    experiment = registry.experiment(*PLACE)
    found = registry.client.search_runs([experiment], f"tags.mlflow.parentRunId = '{parent}'")
    assert {run.info.run_id for run in found} == set(done.logged.candidate_run_ids)
    winner = registry.client.get_run(done.logged.candidate_run_ids[0])
    assert winner.info.run_name.startswith("winner-")
    assert winner.data.metrics["validation.score"] == done.result.winner.validation.score
    stored = json.loads(mlflow.artifacts.load_text(f"{winner.info.artifact_uri}/parameters.json"))
    assert ParameterSet.model_validate(stored) == done.result.winner.point.parameters


def test_the_next_calibration_has_to_beat_the_champion(registry, market, done):
    promote(registry)
    again = calibrate(registry, *market, BASE, dataclasses.replace(SETTINGS, seed=11), GATES)
    assert again.result.champion.score == done.result.held_out.score
    assert again.document.version == done.document.version + 1
    rival = next(verdict for verdict in again.verdicts if verdict.name == "rival")
    assert (rival.value, rival.threshold) == (again.result.held_out.score, done.result.held_out.score)


@pytest.mark.parametrize(
    "changes",
    [
        {"search": SearchSettings(batch=4), "seed": 21},
        {"search": SearchSettings(sampler="random", batch=4, prune=0.3), "folds": FoldSettings(train_folds=4)},
        {"search": SearchSettings(sampler="nsga2", batch=4), "objective": Objective(also=("sharpe",), min_fills=1)},
    ],
)
def test_a_version_is_computed_again_equal_to_the_last_digit(registry, market, tmp_path, changes):
    kept = dataclasses.replace(SETTINGS, **changes, trials=10, journal_dir=tmp_path)
    run_study(*market, BASE, kept)
    # the next one knows the last study's best, and is left and gone on with
    left = dataclasses.replace(kept, seed=99)

    def interrupt(seen):
        if seen.done == 6:
            raise KeyboardInterrupt

    for progress in (interrupt, None):
        found = calibrate(registry, *market, BASE, left, GATES, progress)
    assert found.result.resumed == 6
    assert any(row.source.startswith("best of ") for row in found.result.trials)
    again = reproduce(found.document, known_recipe(registry, found.document), *market)
    assert again.different == ()
    assert again.figures > 200
    assert "equal to the last digit" in again.said


def test_a_pareto_study_shows_its_front(registry, market):
    both = Objective(also=("calm_aggressiveness",), min_fills=1, min_fills_per_hour=0.0)
    found = calibrate(registry, *market, BASE, dataclasses.replace(SETTINGS, objective=both, seed=31), GATES)
    run = registry.client.get_run(found.logged.run_id)
    assert run.data.tags["objective"] == "markout + calm_aggressiveness"
    assert "plots/pareto.png" in {file.path for file in registry.client.list_artifacts(run.info.run_id, "plots")}
    table = json.loads(mlflow.artifacts.load_text(f"{run.info.artifact_uri}/front.json"))
    rows = [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]
    assert [row["trial"] for row in rows] == [each.trial.number for each in found.result.candidates]
    assert [row["validation.markout"] for row in rows] == pytest.approx(
        [each.validation.score for each in found.result.candidates]
    )
    assert rows[0]["validation_front"]
    trials = json.loads(mlflow.artifacts.load_text(f"{run.info.artifact_uri}/trials.json"))
    place = trials["columns"].index("front")
    assert {i for i, row in enumerate(trials["data"]) if row[place]} == {row["trial"] for row in rows}
    nested = registry.client.get_run(found.logged.candidate_run_ids[-1])
    assert nested.data.tags["kind"] == "front"
    assert "validation.score.calm_aggressiveness" in nested.data.metrics


def test_an_interrupted_calibration_registers_nothing(registry, market):
    before = registry.versions(*PLACE).height

    def interrupt(seen):
        raise KeyboardInterrupt

    stopped = calibrate(registry, *market, BASE, dataclasses.replace(SETTINGS, seed=12), progress=interrupt)
    assert (stopped.document, stopped.passed) == (None, False)
    assert registry.versions(*PLACE).height == before


def register_one(uri: str, start) -> None:
    start.wait()
    Registry(uri).register(document_with(os.getpid() % 100 + 1.0), None, "", {})


def test_processes_that_meet_on_a_fresh_database_all_register(tmp_path):
    context = multiprocessing.get_context("spawn")
    uri, start = f"sqlite:///{tmp_path}/mlflow.db", context.Event()
    processes = [context.Process(target=register_one, args=(uri, start)) for _ in range(3)]
    for process in processes:
        process.start()
    start.set()
    for process in processes:
        process.join(300)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert sorted(Registry(uri).versions("paper", "BTC/FDUSD")["version"].to_list()) == [1, 2, 3]


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    return f"sqlite:///{tmp_path_factory.mktemp('server')}/mlflow.db"


@pytest.fixture(scope="module")
def server(database):
    """A real MLflow server on a free port of loopback, as `microvol up` starts one."""
    folder = Path(database.removeprefix("sqlite:///")).parent
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    Registry(database)
    place = ["--backend-store-uri", database, "--artifacts-destination", str(folder / "artifacts")]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command + place, env=environment, stdout=log, stderr=log)
    try:
        wait_until_healthy(port, folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def wait_until_healthy(port: int, log) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(log.read_text())


def test_the_whole_calibration_works_through_an_mlflow_server(server, market):
    registry = Registry(server)
    done = calibrate(registry, *market, BASE, SETTINGS, GATES)
    moved = promote(registry)
    assert moved.to_version == done.document.version
    assert Registry(server).champion(*PLACE) == done.document
    assert registry.versions(*PLACE)["aliases"].to_list() == ["champion"]


def test_a_server_that_answers_late_registers_one_version(server, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "5")
    with late_answers(server, "/model-versions/create") as (address, answers):
        stored = Registry(address).register(document_with(7.0), None, "late", {})
    registry = Registry(server)
    assert [answer["model_version"]["version"] for answer in answers] == ["1", "2"]
    found = registry.versions("paper", "BTC/FDUSD")
    assert found.select("version", "aliases").rows() == [(stored.version, "challenger")] == [(1, "challenger")]
    assert registry.document("paper", "BTC/FDUSD", 1) == stored
    assert registry.register(document_with(8.0), None, "next", {}).version > 1


def test_the_rest_door_moves_versions_as_mlflow_does(server, database, tmp_path):
    """Documents of one symbol are files beside the database, of the other they come through the server."""
    rest, mine = RestRegistry(server, lock_dir=tmp_path), {"DOT/EUR": Registry(database), "ADA/EUR": Registry(server)}
    for symbol, registry in mine.items():
        assert rest.aliases("paper", symbol) == {}
        stored = registry.register(document_with(7.0, symbol), None, "", {})
        place = ("paper", symbol)
        assert rest.document(*place, 1) == registry.document(*place, 1) == stored
        rest.point(*place, "champion", 1)
        assert rest.aliases(*place) == registry.aliases(*place) == {"challenger": 1, "champion": 1}
        for _ in range(2):  # a request whose answer was lost comes again
            rest.point(*place, "challenger", None)
        assert rest.aliases(*place) == registry.aliases(*place) == {"champion": 1}
        rest.tag(*place, 1, {"moved_why": "a test, \u00fcber", "moved_by": "ann"})
        assert registry.versions(*place).select("who", "why").row(0) == ("ann", "a test, \u00fcber")
        with pytest.raises(BadInput, match=f"paper {symbol} has no version 2"):
            rest.document(*place, 2)


def test_the_rest_door_says_what_the_server_refuses_and_when_it_is_away(server):
    with pytest.raises(Failed, match=r"moving champion of microvol-paper-XRP-EUR: 404 .*not found"):
        RestRegistry(server).point("paper", "XRP/EUR", "champion", 1)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(Failed, match=f"MLflow at {address}, reading microvol-paper-XRP-EUR: ConnectError"):
            RestRegistry(address).aliases("paper", "XRP/EUR")

"""The real servers: up, schedules, forms, an operator's answer, alerts, what dies and comes back, down."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

import httpx
import polars as pl
import psutil
import pytest

from analytics.ingest.ingest import ingest
from analytics.registry.registry import Registry
from flows import canary, platform, processes, rooms, watch
from flows.settings import Settings, load_settings
from strategy.live.layout import slug
from strategy.live.parity import check
from tests.integration.platform_rig import (
    Webhook,
    ask,
    ended,
    own_home,
    post,
    running,
    runs,
    start,
    state_of,
    until,
    webhook,
)
from tests.integration.rig import Rig, close_quotes, rig_on, start_paper
from tests.unit.registry_documents import document_with

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

CANARY = {"size_factor": 0.5, "minutes": 10, "window_minutes": 0.05, "windows": 2, "breaches": 2, "max_order_faults": 0}
AUTH = "nina:correct-horse-battery"  # of both servers, so that every part is shown to have it
ASKED = "ETH/FDUSD"  # a market that nobody quotes


@dataclass
class Stage:
    """The servers, what was said of them, the webhook, and a quoting market's venue."""

    settings: Settings
    said: list[str]
    hook: Webhook
    venue: Rig

    def configure(self, text: str) -> None:
        """Write the settings file that every later run reads."""
        (self.settings.home / "microvol.toml").write_text(text)

    def registry(self) -> Registry:
        """Return the registry without its server, which may be asked twice when it is slow to answer."""
        return Registry(self.settings.mlflow_store, self.settings.home / "mlflow")

    def held(self, role: str) -> processes.Record | None:
        name = f"{role}-{self.settings.venue}-{slug(self.settings.symbol)}"
        return processes.running(self.settings.home, name)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    home = tmp_path_factory.mktemp("home")
    with ExitStack() as held:
        hook = held.enter_context(webhook())
        settings = held.enter_context(own_home(home, MICROVOL_ALERTS_WEBHOOK=hook.url, MICROVOL_AUTH=AUTH))
        held.enter_context(start_paper(settings.ports.paper))
        said = held.enter_context(running(settings))
        yield Stage(settings, said, hook, held.enter_context(rig_on(settings.ports.paper, home)))


@pytest.fixture(scope="module")
def quoting(stage: Stage) -> Rig:
    """Have version 1 quoted by a run of the deployment."""
    registry, audit = stage.registry(), list[object]()
    instrument = stage.venue.ask(lambda broker: broker.instrument())
    for refresh_s in (2.0, 2.5):
        registry.register(close_quotes(instrument, 0, executor_refresh_time=refresh_s), None, "by hand", {})
    told = {"reason": "test", "acknowledge": lambda document: "nobody quotes", "audit": audit.append}
    registry.promote("paper", "BTC/FDUSD", 1, override="a test has no study", **told)
    start(stage.settings, "quote")
    until(lambda: stage.venue.quoting(1), "version 1 quotes", 180)
    return stage.venue


def test_every_server_answers_and_up_says_so(stage: Stage) -> None:
    assert [(each.name, each.up, each.pid is not None) for each in platform.services(stage.settings)] == [
        ("prefect", True, True),
        ("mlflow", True, True),
        ("worker", True, True),
    ]
    assert any(line.startswith("mlflow: answers after") for line in stage.said)


def test_nobody_is_let_in_without_the_password(stage: Stage) -> None:
    prefect, mlflow = f"{stage.settings.prefect_url}/flows/count", f"{stage.settings.mlflow_url}/api/2.0/mlflow"
    experiments = f"{mlflow}/experiments/search?max_results=1"
    for auth, code in ((None, 401), (("nina", "guessed-for-twelve"), 401), (tuple(AUTH.split(":")), 200)):
        assert httpx.post(prefect, json={}, auth=auth, timeout=60, trust_env=False).status_code == code
        assert httpx.get(experiments, auth=auth, timeout=60, trust_env=False).status_code == code


def test_a_second_up_changes_nothing_and_leaves_a_mute(stage: Stage) -> None:
    automations = post(stage.settings, "automations/filter", {})
    muted = next(each for each in automations if each["name"] == "microvol: checks")
    ask(stage.settings, "PATCH", f"automations/{muted['id']}", {"enabled": False})
    before = processes.records(stage.settings.home)
    platform.up(stage.settings, stage.said.append)
    assert processes.records(stage.settings.home) == before
    again = post(stage.settings, "automations/filter", {})
    assert sorted(each["id"] for each in again) == sorted(each["id"] for each in automations)
    assert [each["name"] for each in again if not each["enabled"]] == ["microvol: checks"]


def test_a_scheduled_run_appears_and_the_worker_completes_a_run(stage: Stage) -> None:
    until(lambda: [run for run in runs(stage.settings, "ingest") if run["auto_scheduled"]], "a scheduled run of ingest")
    assert ended(stage.settings, start(stage.settings, "ingest"))["type"] == "COMPLETED"


def test_the_deployments_are_those_of_the_contract(stage: Stage) -> None:
    found = {each["name"]: each for each in post(stage.settings, "deployments/filter", {})}
    scheduled = {"ingest", "lake-care", "nightly", "reconcile", "report"}
    names = scheduled | {"approve", "calibrate", "kill", "promote", "quote", "rearm", "record", "rollback", "work"}
    assert set(found) == names
    for name in ("quote", "record"):
        assert found[name]["global_concurrency_limit"]["limit"] == 1
        assert found[name]["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"
    assert {name for name in names if found[name]["schedules"]} == scheduled
    night = found["nightly"]["schedules"][0]["schedule"]
    assert (night["cron"], night["timezone"]) == ("10 0 * * *", "UTC")


@pytest.mark.parametrize("name", ["kill", "rearm", "promote", "rollback"])
def test_what_an_operator_runs_has_a_form_that_checks_and_explains(stage: Stage, name: str) -> None:
    wanted = {"deployments": {"name": {"any_": [name]}}}
    found = post(stage.settings, "deployments/filter", wanted)[0]
    form = found["parameter_openapi_schema"]
    assert form["required"] == ["reason"]
    assert form["properties"]["reason"]["minLength"] == 1
    assert all(field["description"] for field in form["properties"].values())
    assert found["parameters"] == {"venue": "paper", "symbol": "BTC/FDUSD"}


def test_a_command_is_recorded_as_a_run(stage: Stage) -> None:
    command = [sys.executable, "-c", "from flows.cli import main; main()", "ingest"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert f"flow name=ingest run={stage.settings.prefect_url}" in done.stderr
    until(lambda: [run for run in runs(stage.settings, "ingest") if not run["deployment_id"]], "the command's run", 20)


def test_a_yes_promotes_and_silence_does_not(stage: Stage) -> None:
    registry, place = stage.registry(), ("paper", ASKED)
    sizes = {"instrument": document_with(10.0).instrument.model_copy(update={"symbol": ASKED})}
    for refresh_s in (10.0, 12.0):
        registry.register(document_with(refresh_s).model_copy(update=sizes | {"content_hash": ""}), None, "x", {})
    asked = {"reason": "nightly: passed", "venue": "paper", "symbol": ASKED}
    stage.configure("[promotion]\nanswer_hours = 0.002\n")
    silent = start(stage.settings, "approve", version=2, **asked)
    assert ended(stage.settings, silent)["type"] == "FAILED"
    assert registry.aliases(*place) == {"challenger": 2}
    stage.configure("[promotion]\nanswer_hours = 1.0\n")
    run = start(stage.settings, "approve", version=2, **asked)
    until(lambda: state_of(stage.settings, run)["type"] == "PAUSED", "the question")
    kept = post(stage.settings, "artifacts/filter", {"flow_runs": {"id": {"any_": [run]}}})
    assert {each["type"] for each in kept} == {"table", "markdown"}
    assert '"gate": "fills"' in str(next(each["data"] for each in kept if each["type"] == "table"))
    until(lambda: stage.hook.about("approval.wanted", ASKED, run), "the question's alert")
    answer = {"promote": True, "reason": "looks right", "who": "nina"}
    assert post(stage.settings, f"flow_runs/{run}/resume", {"run_input": answer})["status"] == "ACCEPT"
    assert ended(stage.settings, run)["type"] == "COMPLETED"
    assert registry.aliases(*place) == {"champion": 2}
    newest = registry.versions(*place).row(0, named=True)
    assert (newest["who"], newest["why"]) == ("nina", "looks right (nightly: passed)")


def test_status_asks_the_registrys_server_and_imports_no_client_of_it(stage: Stage, quoting: Rig) -> None:
    code = "import sys; from flows.cli import run; run(['status']); sys.exit('mlflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    rows = [line.split("│")[1:3] for line in done.stdout.splitlines() if line.count("│") > 2]
    named = {what.strip(): state.strip() for what, state in rows}
    assert [named[each] for each in ("champion", "challenger", "previous")] == ["version 1", "version 2", "none"]


def test_a_kill_from_the_page_is_told_with_all_that_is_needed_to_act(stage: Stage, quoting: Rig) -> None:
    run = start(stage.settings, "kill", reason="drill", who="nina")
    assert ended(stage.settings, run)["type"] == "COMPLETED"
    assert quoting.resting() == []
    command = 'command: microvol rearm --venue paper --symbol BTC/FDUSD --reason "why it is safe again"'
    wanted = ("microvol.kill BTC/FDUSD", "version: 1", "value: by hand, by nina: drill", "limit: ", command)
    assert until(lambda: stage.hook.about(*wanted), "the alert", 150)
    assert ended(stage.settings, start(stage.settings, "rearm", reason="drill over", who="nina"))["type"] == "COMPLETED"
    until(lambda: quoting.quoting(1), "version 1 quotes again")


def test_what_dies_comes_back_also_across_a_restart_of_the_server(stage: Stage, quoting: Rig) -> None:
    before = stage.held("quote")
    assert before is not None
    assert before.run
    os.kill(before.pid, signal.SIGKILL)
    processes.stop(stage.settings.home, "prefect")
    platform.up(stage.settings, stage.said.append, parts=("prefect",))
    after = until(lambda: stage.held("quote"), "a quoting process", 180)
    assert (after.pid, after.run) != (before.pid, before.run)
    until(lambda: quoting.quoting(1), "version 1 quotes again", 120)
    assert state_of(stage.settings, before.run)["type"] == "CRASHED"
    assert until(lambda: stage.hook.about("microvol.died", "started again, attempt 1"), "the alert", 90)


def test_quoting_goes_on_through_an_outage_of_everything_and_what_was_missed_is_told(
    stage: Stage, quoting: Rig
) -> None:
    stage.configure("[alerts]\nmax_order_faults = 1\n")
    settings, log = load_settings(), stage.settings.home / "run" / "worker.log"
    before = until(lambda: quoting.quoting(1), "version 1 quotes")
    watch.look(settings)  # faults are counted from here on
    with rooms.lake(settings):
        pass  # it is made, where no ingest has
    unknown, known = "champion unknown", "champion known again"
    seen = {said: log.read_text().count(said) for said in (unknown, known)}
    with everything_away(stage):
        begun, resting = time.time_ns(), {order.client_id for order in quoting.resting()}
        quoting.fault("error", code=-2010, on="place", count=before.order_faults + 4)
        until(lambda: quoting.status().order_faults > before.order_faults + 1, "orders are refused")  # type: ignore[union-attr]
        until(
            lambda: resting.isdisjoint(order.client_id for order in quoting.resting()) and quoting.quoting(1),
            "new orders",
        )
        until(lambda: log.read_text().count(unknown) > seen[unknown], "the registry is missed")
        during = quoting.quoting(1, orders=0)
        ended = time.time_ns()
    assert during is not None
    assert (during.pid, during.session) == (before.pid, before.session)
    assert during.events > before.events + 50
    until(lambda: log.read_text().count(known) > seen[known], "the registry is asked again")
    until(lambda: watch.look(settings) or stage.hook.about("order_faults"), "what was seen meanwhile")
    until(
        lambda: stage.hook.about("microvol.order_faults", "version: 1", "orders refused or not answered"), "the alert"
    )
    with rooms.lake(settings) as lake:
        ingest(lake, settings.layout)
        place = {"venue": settings.venue, "symbol": settings.symbol}
        made = lake.query("queries/decisions", **place, start_ns=begun, end_ns=ended)
    assert made["session"].unique().to_list() == [before.session]
    assert made["seq"].n_unique() == len(made) > 5
    stage.configure("")


@contextmanager
def everything_away(stage: Stage) -> Iterator[None]:
    """Have neither Prefect nor MLflow, and a lake whose catalogue nobody gets at."""
    for name in ("prefect", "mlflow"):
        processes.stop(stage.settings.home, name)
    with closing(sqlite3.connect(stage.settings.home / "lake" / "catalog.sqlite", isolation_level=None)) as catalogue:
        catalogue.execute("begin exclusive")
        yield
    platform.up(stage.settings, stage.said.append, parts=("prefect", "mlflow"))


def test_a_version_on_trial_quotes_small_and_is_taken_back_by_itself(stage: Stage, quoting: Rig) -> None:
    stage.configure("[canary]\n" + "\n".join(f"{name} = {value}" for name, value in CANARY.items()))
    settings = stage.settings
    promoted = start(settings, "promote", reason="on trial", version=2, override="a test has no study", who="nina")
    assert ended(settings, promoted)["type"] == "COMPLETED"
    status = quoting.quoting(2, orders=0)
    assert status is not None
    assert status.size_factor == 0.5
    assert canary.read(settings) is not None
    quoting.fault("error", code=-2010, on="place", count=30)
    until(lambda: quoting.quoting(1), "the trial is over and version 1 quotes", 180)
    until(lambda: canary.read(settings) is None, "the trial's record is gone", 20)
    status = quoting.status()
    assert status is not None
    assert status.size_factor == 1.0
    newest = stage.registry().versions("paper", "BTC/FDUSD").row(by_predicate=pl.col("version") == 1, named=True)
    assert newest["who"] == "canary"
    assert "order faults were" in newest["why"]
    assert until(lambda: stage.hook.about("canary.rolled_back", "version: 2", "2 of 2 windows"), "the alert", 60)


def test_a_rollback_is_quick_by_command_and_from_the_page(stage: Stage, quoting: Rig) -> None:
    """The bounds that people are promised are measured in bench; here a crowded machine is given more."""
    stage.configure("")
    place = {"venue": "paper", "symbol": "BTC/FDUSD"}
    told = ("--reason", "back", "--venue", "paper")
    assert quoting.run("promote", "--version", "2", "--override", "a test has no study", *told).returncode == 0
    begun = time.monotonic()
    done = quoting.run("rollback", *told)
    assert (done.returncode, time.monotonic() - begun < 120) == (0, True), done.stderr
    assert quoting.quoting(1, orders=0)
    begun = time.monotonic()
    run = start(stage.settings, "rollback", reason="from the page", version=2, who="nina", **place)
    until(lambda: quoting.quoting(2, orders=0), "version 2 quotes", 90)
    assert ended(stage.settings, run)["type"] == "COMPLETED"


def test_down_takes_quotes_off_first_ends_what_up_started_and_can_be_repeated(stage: Stage, quoting: Rig) -> None:
    assert quoting.resting()
    pids = [record.pid for record in processes.records(stage.settings.home).values()]
    said: list[str] = []
    platform.down(stage.settings, said.append)
    assert said == ["quote-paper-BTC-FDUSD: stopped", "worker: stopped", "mlflow: stopped", "prefect: stopped"]
    assert [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie"] == []
    assert quoting.resting() == []
    for journal in quoting.journals():
        assert check(journal).equal
    platform.down(stage.settings, said.append)
    assert said[-1] == "prefect: was not running"

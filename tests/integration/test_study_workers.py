"""One study, replayed by worker processes that meet in a real PostgreSQL: whoever replays, it is the same study."""

import contextvars
import dataclasses
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from analytics.study import shared_bench
from analytics.study.postgres import reached
from analytics.study.study import StudyResult, StudySettings, run_study, study_name
from analytics.tape.tape import load_tape
from flows import rooms
from flows.demo_market import simulate
from flows.ingest import ingest
from flows.plan import StudyPlan, Wanted, plan_study
from flows.settings import ROOT, Settings, load_settings
from flows.work import start_workers
from strategy.replay.tape import Tape, TapeInfo
from tests.integration.platform_rig import free_port, post, running, runs
from tests.rigs.postgres import PASSWORD, USER, Database, PostgresServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SECONDS_OF_MARKET, TRIALS, SILENCE_S, WAIT_S = 120, 18, 5, 400.0
TOML = f"""
[calibrate]
trials = {TRIALS}
[study]
batch = 6
workers = 1
[study.folds]
train_folds = 2
validation_folds = 1
embargo_s = 1.0
min_window_s = 5.0
[study.objective]
min_fills = 0
min_fills_per_hour = 0.0
[study.shared]
share = 1
silence_s = {SILENCE_S}
"""


@dataclass(frozen=True)
class Study:
    """A study on a small lake: by which variables every process finds it, and what it is alone in one process."""

    variables: dict[str, str]
    tape: Tape
    info: TapeInfo
    plan: StudyPlan
    settings: StudySettings
    alone: StudyResult

    @property
    def name(self) -> str:
        return study_name(self.info, self.plan.base, self.settings)

    def run(self, storage: str, journal: Path, progress: Callable[[Any], None] | None = None) -> StudyResult:
        """Run it where workers can join it."""
        shared = self.settings.shared.model_copy(update={"storage": storage})
        settings = dataclasses.replace(self.settings, shared=shared, journal_dir=journal)
        return run_study(self.tape, self.info, self.plan.base, settings, progress)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("workers")
    (folder / "microvol.toml").write_text(TOML)
    variables = {"MICROVOL_CONFIG": str(folder / "microvol.toml"), "MICROVOL_HOME": str(folder / "home")}
    variables |= {f"MICROVOL_PORTS__{name}": "9" for name in ("PREFECT", "MLFLOW")}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        settings = load_settings()
        simulate(settings, SECONDS_OF_MARKET / 3600, lambda said: None)
        ingest.fn()
        plan = plan_study(settings, Wanted(base="micro_vol"))
        with rooms.lake(settings, read_only=True) as lake:
            tape, info = load_tape(lake, plan.venue, plan.symbol, plan.start_ns, plan.end_ns, settings.home / "tape")
        wanted = plan.search(settings)
    alone = run_study(tape, info, plan.base, dataclasses.replace(wanted, journal_dir=folder / "alone"))
    return Study(variables, tape, info, plan, wanted, alone)


@dataclass
class Crew:
    """Worker processes of a study."""

    variables: dict[str, str]
    folder: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        """Start one more."""
        command = [sys.executable, "-m", "flows", "work", *options]
        with (self.folder / f"{len(self.processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, env=os.environ | self.variables, stdout=log, stderr=subprocess.STDOUT
            )
        self.processes.append(process)
        return process

    def said(self, number: int = 0) -> str:
        return (self.folder / f"{number}.log").read_text()

    def has_joined(self, number: int) -> bool:
        assert self.processes[number].poll() is None, self.said(number)
        return " joined " in self.said(number)

    def ended(self) -> list[int]:
        """Wait until each has ended by itself and return their exit codes."""
        return [each.wait(WAIT_S) for each in self.processes]


@pytest.fixture
def database(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    return postgres.database()


@pytest.fixture
def crew(study: Study, database: Database, tmp_path: Path) -> Iterator[Crew]:
    named = {"MICROVOL_STUDY__SHARED__STORAGE": address(database), "PGPASSWORD": PASSWORD}
    crew = Crew(study.variables | named, tmp_path)
    try:
        yield crew
    finally:
        for process in crew.processes:
            process.kill()
            process.wait()


def address(database: Database) -> str:
    return f"postgresql://{USER}@127.0.0.1:{database.port}/{database.name}"


def until(seen: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + WAIT_S
    while not (found := seen()):
        assert time.monotonic() < deadline, f"{what} did not happen within {WAIT_S:g} s"
        time.sleep(0.05)
    return found


def kill_busy(worker: int, postgres: PostgresServer, database: Database) -> None:
    """Halt a study's only worker again and again until it has trials in its hands; then it dies."""
    query = "select count(*) from trials where state = 'RUNNING'"
    while True:
        os.kill(worker, signal.SIGSTOP)
        if postgres.sql(query, database) != "0":
            break
        os.kill(worker, signal.SIGCONT)
        time.sleep(0.02)
    os.kill(worker, signal.SIGKILL)


def only_workers_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the process that runs the study wait for its workers."""
    monkeypatch.setattr(shared_bench, "replay_share", lambda *of_the_study: None)


def same(left: StudyResult, right: StudyResult) -> bool:
    """Compare all that a study found, to the last digit; unknown figures are nan, which is not equal to itself."""
    found = [
        (each.trials, [(one.trial.number, one.validation.score) for one in each.candidates], each.held_out.score)
        for each in (left, right)
    ]
    return repr(found[0]) == repr(found[1])


def workers_of(postgres: PostgresServer, database: Database) -> set[int]:
    """Return the pids of those that took trials so far."""
    query = "select distinct value_json from trial_user_attributes where key = 'worker'"
    return {int(line.strip('"').rpartition(":")[2]) for line in postgres.sql(query, database).splitlines()}


@pytest.mark.parametrize("count", [2, 4])
def test_workers_make_the_study_that_one_process_makes(
    study: Study, postgres: PostgresServer, database: Database, crew: Crew, count: int, monkeypatch, tmp_path
) -> None:
    only_workers_replay(monkeypatch)
    for _ in range(count):
        crew.start("--study", study.name)
    seen: set[int] = set()

    def watch(progress: Any) -> None:
        until(lambda: all(crew.has_joined(number) for number in range(count)), f"{count} workers joining")
        seen.update(workers_of(postgres, database))

    found = study.run(address(database), tmp_path, watch)
    assert same(found, study.alone)
    assert crew.ended() == [0] * count, [crew.said(number) for number in range(count)]
    assert seen <= {process.pid for process in crew.processes}
    assert len(seen) > 1
    replayed = [re.search(r"work: (\d+) trials replayed, the study is over", crew.said(i)) for i in range(count)]
    assert sum(int(each[1]) for each in replayed if each) >= TRIALS
    with reached(address(database), SILENCE_S) as storage:
        copy = optuna.load_study(study_name=study.name, storage=storage)
        assert copy.best_value == max(row.score for row in study.alone.trials if row.feasible)
        assert [trial.user_attrs["row"]["score"] for trial in copy.trials] == [row.score for row in found.trials]
        assert optuna.get_all_study_names(storage) == [study.name]
    assert not any(PASSWORD in crew.said(number) for number in range(count))


def test_a_killed_worker_costs_what_it_held_and_another_ends_the_study_and_waits_for_the_next(
    study: Study, postgres: PostgresServer, database: Database, crew: Crew, monkeypatch, tmp_path
) -> None:
    only_workers_replay(monkeypatch)
    victim = crew.start("--study", study.name)
    killed: list[int] = []

    def kill() -> None:
        until(lambda: crew.has_joined(0), "the worker joining")
        kill_busy(victim.pid, postgres, database)
        killed.append(victim.wait())
        crew.start()

    killing = threading.Thread(target=kill)
    killing.start()
    found = study.run(address(database), tmp_path)
    killing.join()
    assert killed == [-signal.SIGKILL]
    assert len(found.trials) == TRIALS
    assert same(found, study.alone)
    crew.processes[1].send_signal(signal.SIGTERM)
    assert crew.processes[1].wait(WAIT_S) == 0, crew.said(1)
    assert re.search(r"work: \d+ trials replayed, stopped", crew.said(1))


@pytest.fixture
def pool(study: Study, database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Yield the settings of a Prefect server with a worker on the pool, which sees the study's lake and database."""
    port = free_port()
    own = {"MICROVOL_PORTS__PREFECT": str(port), "MICROVOL_PREFECT_API_URL": f"http://127.0.0.1:{port}/api"}
    for name, value in (study.variables | own | {"MICROVOL_STUDY__SHARED__STORAGE": address(database)}).items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    with running(settings, ("prefect", "worker")), temporary_settings({PREFECT_API_URL: settings.prefect_url}):
        yield settings


def log_of(settings: Settings, run: str) -> list[str]:
    """Return the lines of a flow run's log."""
    lines = post(settings, "logs/filter", {"logs": {"flow_run_id": {"any_": [run]}}})
    return [line["message"] for line in lines]


def by_state(settings: Settings) -> dict[str, str]:
    """Return the runs of work by the state that they are in."""
    return {run["state_type"]: run["id"] for run in runs(settings, "work")}


def test_runs_of_the_work_pool_make_the_study_also_when_one_is_killed_and_tell_it_in_their_logs(
    study: Study, postgres: PostgresServer, database: Database, pool: Settings, monkeypatch, tmp_path
) -> None:
    only_workers_replay(monkeypatch)
    start_workers(pool, study.name, 1)

    def kill() -> None:
        """Let the first run die, and another one come."""
        kill_busy(workers_of(postgres, database).pop(), postgres, database)
        start_workers(pool, study.name, 1)

    killing = threading.Thread(target=contextvars.copy_context().run, args=(kill,))  # with Prefect's settings

    def watch(progress: Any) -> None:
        if progress.done == 1:
            killing.start()

    found = study.run(address(database), tmp_path, watch)
    killing.join()
    assert same(found, study.alone)
    until(lambda: by_state(pool).keys() == {"COMPLETED", "CRASHED"}, "the end of both runs")
    left = by_state(pool)["COMPLETED"]
    (joined,) = until(lambda: [line for line in log_of(pool, left) if line.startswith("joined ")], "a line of its log")
    assert f"study={study.name}" in joined
    until(lambda: [line for line in log_of(pool, left) if line.startswith("replayed ")], "what it replayed in its log")

"""From a live session to a study: its orders become a fill model, the study replays with it and says which it was."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from mlflow.entities import Run

from analytics.fill_fit.model import FillModel, load
from analytics.ingest.ingest import ingest
from analytics.lake.store import Lake, LakeSettings
from analytics.registry.names import model_name
from analytics.registry.recipe import Recipe
from analytics.registry.registry import Registry
from analytics.reproduction import known_recipe
from analytics.tape.line import Days
from flows.settings import load_settings
from strategy.policies.document import write_atomically
from tests.integration.rig import SYMBOL, Rig, end, paper_rig, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ORDERS = 180  # acknowledged: half of them stand in a queue that trades reach, and 30 are needed
MARKET = ("--tick-size", "2", "--speed", "3", "--regime", "busy")  # coarse ticks make queues
QUOTING = {"buy_spreads": [0.6, 1.0, 1.5, 2.0], "sell_spreads": [0.6, 1.0, 1.5, 2.0], "executor_refresh_time": 2.0}
REGIMES = {"regimes": {"spread_low": 1.0, "spread_medium": 1.0, "spread_high": 1.0}}
SETTINGS = {
    "MICROVOL_STUDY__FOLDS": '{"train_folds": 2, "validation_folds": 1, "embargo_s": 0.5, "min_window_s": 2.0}',
    "MICROVOL_STUDY__OBJECTIVE": '{"min_fills": 0, "min_fills_per_hour": 0.0}',
    "MICROVOL_PORTS__PREFECT": "9",
    "MICROVOL_PORTS__MLFLOW": "9",
}


@dataclass(frozen=True)
class Studied:
    """What the commands said, the model in the lake, the runs of the study, and the version and its recipe."""

    said: dict[str, str]
    model: FillModel
    runs: list[Run]
    version_tags: dict[str, str]
    recipe: Recipe


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studied]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch, paper_rig(home, *MARKET) as rig:
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        days = quoted(rig)
        said = {"fills": command(rig, "fills", "--days", str(days))}
        said["calibrate"] = command(rig, "calibrate", "--trials", "4", "--fill-model", "latest")
        with Lake.open(LakeSettings.under(home / "lake"), read_only=True) as lake:
            model = load(lake, "paper", SYMBOL, 1)
        registry = Registry(load_settings(home=home).mlflow_store)
        experiment = registry.experiment("paper", SYMBOL)
        version = registry.client.get_model_version(model_name("paper", SYMBOL), "1")
        recipe = known_recipe(registry, registry.document("paper", SYMBOL, 1))
        runs = [registry.client.get_run(run.info.run_id) for run in registry.client.search_runs([experiment])]
        yield Studied(said, model, runs, version.tags, recipe)


def quoted(rig: Rig) -> Days:
    """Quote and record until enough orders have ended, and take both in."""
    champion, begun = rig.home / "champion.json", time.time_ns()
    write_atomically(champion, rig.document(1, REGIMES, **QUOTING).to_json())
    capture = rig.start("capture")
    supervisor = rig.start("supervisor", "--champion-file", str(champion), "quote")
    wait_for(lambda: rig.quoting(1), 120, "quoting")
    wait_for(lambda: (seen := rig.status()) and seen.round_trips >= ORDERS, 300, f"{ORDERS} orders")
    assert (end(supervisor), end(capture)) == (0, 0)
    with Lake.open(LakeSettings.under(rig.home / "lake")) as lake:
        assert ingest(lake, rig.layout).problems == []
    return Days.within(begun, time.time_ns())


def command(rig: Rig, *arguments: str) -> str:
    done = rig.run(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_the_fit_is_a_version_that_the_study_takes_as_the_latest(studied: Studied) -> None:
    assert "fill_model version=1 " in studied.said["fills"]
    assert studied.model.fitted_on.orders >= 30
    replayed = studied.recipe.replay
    assert (replayed["queue_model"], replayed["queue_exponent"]) == (
        studied.model.queue_model,
        studied.model.queue_exponent.value,
    )
    assert studied.recipe.latencies is not None


def test_every_run_of_the_study_and_its_version_say_which_model_it_was(studied: Studied) -> None:
    assert sorted(run.data.tags["kind"] for run in studied.runs)[-1] == "study"
    assert len(studied.runs) > 1
    assert {run.data.tags["fill_model"] for run in studied.runs} == {"1"}
    assert studied.version_tags["fill_model"] == "1"
    own = next(run.data.params for run in studied.runs if run.data.tags["kind"] == "study")
    assert (own["fill_model"], own["replay.queue_model"]) == ("1", studied.model.queue_model)
    assert float(own["replay.entry_ns_median"]) > 0

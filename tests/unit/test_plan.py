"""What a command, the settings and a file make of a study before it begins."""

import importlib.util
from pathlib import Path

import pytest

from analytics.study.settings import MOST_TRIALS
from flows import plan as flows_plan
from flows.plan import StudyPlan, Wanted, plan_study, remember, resumed
from flows.settings import Settings, load_settings
from strategy.errors import BadInput

HELD = (1_000_000_000_000, 9_000_000_000_000)
NAME = "paper-BTC-FDUSD-0123456789ab"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(flows_plan, "_held", lambda settings: HELD)  # what a lake would say
    file = tmp_path / "microvol.toml"
    file.write_text(
        '[calibrate]\ntrials = 40\n[study]\nsampler = "nsga2"\nbatch = 5\n'
        "[study.folds]\ntrain_folds = 4\n[study.objective]\nmin_fill_ratio = 0.1\n"
    )
    monkeypatch.setenv("MICROVOL_CONFIG", str(file))
    monkeypatch.setenv("MICROVOL_HOME", str(tmp_path / "home"))
    return load_settings()


def planned(settings: Settings, **given: object) -> StudyPlan:
    return plan_study(settings, Wanted(base="micro_vol", **given))  # type: ignore[arg-type]


def test_what_the_command_leaves_open_comes_from_the_settings(settings: Settings) -> None:
    plan = planned(settings)
    assert (plan.trials, plan.minutes, plan.seed) == (40, None, 7)
    assert (plan.start_ns, plan.end_ns) == (None, HELD[1])
    assert (plan.sampling.sampler, plan.sampling.batch) == ("nsga2", 5)
    assert (plan.folds.train_folds, plan.objective.min_fill_ratio) == (4, 0.1)


def test_what_the_command_says_wins(settings: Settings) -> None:
    plan = planned(settings, trials=3, minutes=2.0, sampler="random", measures=("sharpe",), seed=0, window=(5, 6))
    assert (plan.trials, plan.minutes, plan.seed) == (3, 2.0, 0)
    assert (plan.start_ns, plan.end_ns) == (5, 6)
    assert (plan.sampling.sampler, plan.sampling.batch) == ("random", 5)
    assert (plan.objective.measure, plan.objective.min_fill_ratio) == ("sharpe", 0.1)


def test_several_objectives_their_weights_and_pruning_stand_in_the_plan(settings: Settings) -> None:
    weights = {"pnl": 1.0, "sharpe": 3.0}
    plan = planned(settings, measures=("pnl", "sharpe"), weights=weights)
    assert (plan.objective.measures, plan.objective.weights) == (("pnl", "sharpe"), weights)
    assert planned(settings, sampler="tpe", prune=0.2).sampling.prune == 0.2
    with pytest.raises(BadInput, match="weights were of pnl, sharpe, they must be of"):
        planned(settings, weights=weights)
    with pytest.raises(BadInput, match="sampler was 'cmaes', which takes one objective, not 2"):
        planned(settings, measures=("pnl", "sharpe"), sampler="cmaes")


def test_minutes_alone_leave_the_number_of_trials_open(settings: Settings) -> None:
    assert planned(settings, minutes=2.0).trials == MOST_TRIALS


def test_a_plan_goes_on_as_it_was_with_other_limits_where_they_are_given(settings: Settings) -> None:
    plan = planned(settings, sampler="random", measures=("pnl",))
    remember(settings, NAME, plan)
    assert resumed(settings, NAME, None, None) == plan
    assert resumed(settings, NAME, 90, None) == plan.model_copy(update={"trials": 90})
    longer = {"trials": MOST_TRIALS, "minutes": 5.0}
    assert resumed(settings, NAME, None, 5.0) == plan.model_copy(update=longer)


def test_the_search_is_what_was_planned(settings: Settings) -> None:
    plan = planned(settings, minutes=2.0)
    search = plan.search(settings)
    assert (search.search, search.folds, search.objective) == (plan.sampling, plan.folds, plan.objective)
    assert (search.minutes, search.trials) == (2.0, MOST_TRIALS)
    assert (search.journal_dir, search.index_dir) == (settings.home / "study", settings.home / "tape")


def test_a_space_file_stands_in_the_plan_and_its_faults_name_it(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "space.toml"
    file.write_text('[parameters]\n"quoting.cooldown_time" = [1, 2]\n')
    assert planned(settings, space=file).space.ranges == {"quoting.cooldown_time": (1, 2)}
    file.write_text('[parameters]\n"spread.gamma" = true\n')
    with pytest.raises(BadInput, match=r"^space file .*space.toml: .*spread.gamma, which the set does not have$"):
        planned(settings, space=file)


def test_an_unknown_sampler_is_bad_input(settings: Settings) -> None:
    with pytest.raises(BadInput, match=r"sampling\.sampler was 'annealing'"):
        planned(settings, sampler="annealing")


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="torch is installed")
def test_a_sampler_that_is_not_installed_is_refused_before_any_work(settings: Settings) -> None:
    with pytest.raises(BadInput, match="which needs the package torch"):
        planned(settings, sampler="gp")

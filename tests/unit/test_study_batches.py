"""Trials that are replayed together: each has the result it would have alone, and the study is the same."""

import dataclasses

import numpy as np
import pytest

from analytics.metrics.markout import mid_path
from analytics.study.folds import Folds, FoldSettings, Window, split
from analytics.study.objective import Bench, Objective
from analytics.study.search import SpaceSettings
from analytics.study.settings import SearchSettings
from analytics.study.study import Progress, StudySettings, run_study, study_name
from strategy.errors import Failed
from strategy.policies.dotted import changed
from strategy.policies.parameters import ParameterSet, Quoting
from strategy.replay.driver import ReplayConfig
from strategy.replay.latency import Latencies
from strategy.replay.synthetic import SyntheticMarket, synthetic_tape

BASE = ParameterSet(
    volatility={"policy": "rolling_std", "vol_window_seconds": 5.0},
    quoting=Quoting(order_qty=0.001, executor_refresh_time=5.0),
)
SETS = [changed(BASE, {"quoting.executor_refresh_time": each, "quoting.cooldown_time": each / 4}) for each in (2, 4, 9)]
SETTINGS = StudySettings(
    replay=ReplayConfig(base=0.01, quote=2_000.0),
    trials=8,
    candidates=1,
    search=SearchSettings(sampler="random", batch=4, workers=1),
    space=SpaceSettings(parameters=("quoting.cooldown_time", "regimes.spreads")),
    folds=FoldSettings(train_folds=2, validation_folds=1, embargo_s=1.0, min_window_s=5.0),
    objective=Objective(measure="pnl", min_fills=0, min_fills_per_hour=0.0),
)


@pytest.fixture(scope="module")
def market():
    return synthetic_tape(SyntheticMarket(updates=400, seed=3, volatility_ticks=300.0))


@pytest.fixture(scope="module")
def folds(market) -> Folds:
    """Return two folds of train windows, one of two pieces."""
    start, second = market[1].start_ns, 1_000_000_000
    a, b, c = (Window(start + first * second, start + last * second) for first, last in ((1, 9), (11, 18), (20, 32)))
    return Folds(((a, b), (c,)), ((c,),), ((c,),))


def bench_of(market, driver="reference", **given) -> Bench:
    config = dataclasses.replace(SETTINGS.replay, driver=driver)
    return Bench(market[0], market[1], mid_path(market[0]), config, SETTINGS.objective, **given)


def same(left, right) -> bool:
    numbers = [
        (each.score, each.violation, *each.fold_scores, *each.metrics.overall.values()) for each in (left, right)
    ]
    return np.array_equal(*numbers, equal_nan=True) and left.violations == right.violations


def test_a_batch_gives_each_set_what_it_has_alone(market, folds):
    together = list(bench_of(market).evaluate_many(SETS, folds.train))
    alone = [bench_of(market).evaluate(each, folds.train) for each in SETS]
    assert len(together) == 3
    assert all(same(left, right) for left, right in zip(together, alone, strict=True))
    assert len({each.score for each in alone}) == 3
    assert [len(each.activities) for each in alone] == [3, 3, 3]
    assert all(each.activities == () for each in together)


@pytest.mark.slow  # the skip driver's loop takes up to a minute to compile
@pytest.mark.parametrize("workers", [1, 2])
def test_sets_that_skip_together_have_the_same_results_and_share_one_index_on_disk(market, folds, tmp_path, workers):
    skipping = bench_of(market, "skip", cache=tmp_path, workers=workers)
    skipping.warm_up(SETS[:1], folds.train, 3)
    assert len(list(tmp_path.glob("index-*"))) == 3
    found = list(skipping.evaluate_many(SETS, folds.train))
    alone = [bench_of(market).evaluate(each, folds.train) for each in SETS]
    assert all(same(left, right) for left, right in zip(found, alone, strict=True))
    assert set(skipping.indices) == {window for fold in folds.train for window in fold}


@pytest.fixture(scope="module")
def study(market):
    return run_study(*market, BASE, SETTINGS)


def test_the_size_of_a_batch_changes_nothing_that_a_sampler_without_memory_proposes(market, study):
    single = dataclasses.replace(SETTINGS, search=SearchSettings(sampler="random", batch=1, workers=2))
    one_by_one = run_study(*market, BASE, single)
    assert [(row.u, row.score, row.fold_scores) for row in one_by_one.trials] == [
        (row.u, row.score, row.fold_scores) for row in study.trials
    ]
    assert study_name(market[1], BASE, single) != study.name


def test_the_name_does_not_depend_on_who_replays(market, study):
    for given in ({"workers": 3}, {"workers": 0}):
        search = SETTINGS.search.model_copy(update=given)
        other = dataclasses.replace(SETTINGS, search=search, minutes=9.0, trials=2)
        assert study_name(market[1], BASE, other) == study.name
    sharpe = dataclasses.replace(SETTINGS, objective=Objective(measure="sharpe"))
    assert study_name(market[1], BASE, sharpe) != study.name


def test_the_name_depends_on_every_drawn_latency(market):
    draws = [np.full(4_096, 8_000_000, np.int64) for _ in range(2)]
    other = [each.copy() for each in draws]
    other[1][2_000] += 1
    names = [
        study_name(market[1], BASE, dataclasses.replace(SETTINGS, replay=ReplayConfig(latencies=each)))
        for each in (Latencies(*draws), Latencies(*draws), Latencies(*other))
    ]
    assert names[0] == names[1] != names[2]


def test_progress_comes_after_every_trial_of_a_batch(market):
    seen = []
    run_study(*market, BASE, dataclasses.replace(SETTINGS, trials=6), progress=seen.append)
    assert [each.done for each in seen] == [1, 2, 3, 4, 5, 6]
    assert all(each.total == 6 and each.best >= each.score for each in seen)


def test_minutes_end_a_study_after_the_batch_that_is_running(market):
    short = run_study(*market, BASE, dataclasses.replace(SETTINGS, trials=1_000, minutes=1e-9))
    assert (len(short.trials), short.interrupted) == (4, False)


def test_a_grid_ends_with_its_last_point_and_can_be_gone_on_with(market, tmp_path):
    search = SearchSettings(sampler="grid", grid_points=3, batch=2, warm_start=False, workers=1)
    space = SpaceSettings(parameters=("quoting.cooldown_time",))
    wanted = dataclasses.replace(SETTINGS, search=search, space=space, trials=2, journal_dir=tmp_path)
    first = run_study(*market, BASE, wanted)
    assert len(first.trials) == 2
    rest = run_study(*market, BASE, dataclasses.replace(wanted, trials=50, resume=first.name))
    assert sorted(row.u["u_quoting.cooldown_time"] for row in rest.trials) == [0.0, 0.5, 1.0]


def test_a_new_study_tries_the_champion_and_the_last_best_first(market, tmp_path):
    kept = dataclasses.replace(SETTINGS, trials=4, journal_dir=tmp_path)
    first = run_study(*market, BASE, kept)
    champion = changed(BASE, {"quoting.cooldown_time": 4.0})
    second = run_study(*market, BASE, dataclasses.replace(kept, seed=8), champion=champion)
    assert [row.source for row in second.trials] == ["champion", f"best of {first.name}", "sampler", "sampler"]
    assert second.trials[0].values["quoting.cooldown_time"] == pytest.approx(4.0)
    best = max(first.trials, key=lambda row: row.score)
    assert (second.trials[1].u, second.trials[1].score) == (best.u, best.score)
    again = run_study(*market, BASE, dataclasses.replace(kept, seed=8, trials=6), champion=champion)
    assert [row.source for row in again.trials[2:]] == ["sampler"] * 4
    cold = SETTINGS.search.model_copy(update={"warm_start": False})
    third = run_study(*market, BASE, dataclasses.replace(kept, seed=9, search=cold), champion=champion)
    assert {row.source for row in third.trials} == {"sampler"}


def test_a_study_that_is_running_is_refused(market, tmp_path):
    kept = dataclasses.replace(SETTINGS, journal_dir=tmp_path)

    def again(seen) -> None:
        run_study(*market, BASE, kept)

    with pytest.raises(Failed, match="is being run by another process"):
        run_study(*market, BASE, kept, progress=again)


def test_the_walk_forward_stands_in_the_result(study):
    (step,) = study.steps
    best = max(study.trials, key=lambda row: row.fold_scores[0])
    assert (step.trial, step.before, step.after) == (best.number, *best.fold_scores)


@pytest.mark.parametrize(
    ("together", "trials", "driver"), [(16, 10**6, "reference"), (10**4, 10, "reference"), (10**4, 10**6, "skip")]
)
def test_the_skip_loop_is_compiled_where_batches_use_it_and_all_trials_pay_for_it(
    market, monkeypatch, together, trials, driver
):
    chosen = set()
    monkeypatch.setattr("strategy.replay.driver.is_compiled", lambda parameters: False)
    monkeypatch.setattr(
        "analytics.study.objective.replay",
        lambda tape, info, parameters, config, index: chosen.add(config.driver),
    )
    tape, info = market
    bench = Bench(tape, info, mid_path(tape), SETTINGS.replay, SETTINGS.objective)
    bench.warm_up(SETS[:1], split(tape, SETTINGS.folds).train, together, trials)
    assert chosen == {driver}


def test_the_few_sets_of_a_share_skip_where_all_trials_are_worth_it(market, folds, monkeypatch):
    chosen = []

    def stop(tape, info, sets, config, workers, index):
        chosen.append((len(sets), config.driver))
        yield from ()

    monkeypatch.setattr("strategy.replay.driver.is_compiled", lambda parameters: True)
    monkeypatch.setattr("analytics.study.objective.replay", lambda *one_to_compile: None)
    monkeypatch.setattr("analytics.study.objective.replay_many", stop)
    bench = bench_of(market, "auto")
    list(bench.over(SETS[:1], folds.train[1], kept=False))
    bench.warm_up(SETS[:1], folds.train, 10**4, 10**6)
    list(bench.over(SETS[:1], folds.train[1], kept=False))
    assert chosen == [(1, "auto"), (1, "skip")]


@pytest.mark.parametrize(("best", "note"), [(float("nan"), "none feasible yet"), (12.345, "best 12.3")])
def test_progress_says_the_best_score_only_when_there_is_one(best: float, note: str) -> None:
    assert Progress(1, 8, 0.5, best).note == note

"""Pruning: a trial that a signed-rank test puts behind the best one is not replayed on later folds."""

import dataclasses

import pytest

from analytics.study import objective
from analytics.study.search import SpaceSettings
from analytics.study.settings import FoldSettings, Objective, SearchSettings
from analytics.study.study import StudySettings, run_study
from analytics.study.walk_forward import walk_forward
from strategy.errors import BadInput
from strategy.policies.parameters import ParameterSet, Quoting
from strategy.replay.driver import ReplayConfig
from strategy.replay.synthetic import SyntheticMarket, synthetic_tape

pytestmark = pytest.mark.slow  # seven folds, replayed for three studies

FOLDS = 7
BASE = ParameterSet(
    volatility={"policy": "rolling_std", "vol_window_seconds": 5.0},
    quoting=Quoting(order_qty=0.001, executor_refresh_time=5.0),
)
# Planted: quotes rest where they are wanted, so that the widest point is the best one on every fold.
SETTINGS = StudySettings(
    replay=ReplayConfig(base=0.01, quote=2_000.0),
    trials=24,
    candidates=2,
    search=SearchSettings(sampler="random", batch=6, workers=1),
    space=SpaceSettings(parameters=("regimes.spreads",), spread_bps=(1.0, 20.0)),
    folds=FoldSettings(train_folds=FOLDS, train_share=0.7, validation_share=0.15, validation_folds=1, min_window_s=5.0),
    objective=Objective(measure="calm_aggressiveness", min_fills=0, min_fills_per_hour=0.0),
)


def pruned(search: float, **changes) -> StudySettings:
    return dataclasses.replace(SETTINGS, search=SETTINGS.search.model_copy(update={"prune": search}), **changes)


@pytest.fixture(scope="module")
def market():
    return synthetic_tape(SyntheticMarket(updates=3_000, seed=3, volatility_ticks=100.0))


@pytest.fixture(scope="module")
def counted(market):
    """Run the study without and with pruning; return both and how many replays of one set over one window each took."""
    replays, real = [], objective.replay_many

    def counting(tape, info, sets, *rest):
        replays[-1] += len(sets)
        return real(tape, info, sets, *rest)

    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(objective, "replay_many", counting)
        for settings in (SETTINGS, pruned(0.1)):
            replays.append(0)
            found.append(run_study(*market, BASE, settings))
    return found, replays


def test_pruning_saves_replays_and_finds_the_same_winner(counted):
    (whole, cut), (before, after) = counted
    assert cut.winner.trial.number == whole.winner.trial.number
    assert [row.u for row in cut.trials] == [row.u for row in whole.trials]
    saved = sum(FOLDS - len(row.fold_scores) for row in cut.trials)
    assert before - after == saved
    assert saved > 0.2 * FOLDS * len(cut.trials)


def test_a_pruned_trial_is_worse_than_the_best_on_the_folds_it_saw(counted):
    (whole, cut), _ = counted
    gone = [row for row in cut.trials if row.pruned]
    best = max((row for row in cut.trials if row.feasible), key=lambda row: row.score)
    for row in gone:
        assert 4 <= len(row.fold_scores) < FOLDS
        assert row.fold_scores == whole.trials[row.number].fold_scores[: len(row.fold_scores)]
        assert sum(row.fold_scores) < sum(best.fold_scores[: len(row.fold_scores)])
    assert all(row.number >= SETTINGS.search.batch for row in gone)  # the first batch has nothing to be held against
    assert not {row.number for row in gone} & {each.trial.number for each in cut.candidates}
    assert not any(row.feasible for row in gone)


def test_a_study_with_pruned_trials_goes_on_with_them(market, counted, tmp_path):
    first = run_study(*market, BASE, pruned(0.1, trials=18, journal_dir=tmp_path))
    rest = run_study(*market, BASE, pruned(0.1, trials=24, journal_dir=tmp_path, resume=first.name))
    assert [row.pruned for row in first.trials] == [row.pruned for row in counted[0][1].trials[:18]]
    kept = [(row.u, row.fold_scores, row.pruned) for row in first.trials]
    assert [(row.u, row.fold_scores, row.pruned) for row in rest.trials[:18]] == kept
    assert len(rest.trials) == 24
    assert len(walk_forward(rest.trials)) == FOLDS - 1


def test_too_few_folds_for_any_trial_to_be_pruned_are_bad_input(market):
    few = SETTINGS.folds.model_copy(update={"train_folds": 4})
    with pytest.raises(BadInput, match=r"prune was 0\.1, which needs 5 train folds to stop a trial, not 4"):
        run_study(*market, BASE, pruned(0.1, folds=few))

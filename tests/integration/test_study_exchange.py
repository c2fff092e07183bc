"""Where processes of a study meet: what is offered is replayed by somebody, whoever dies, and by nobody wrongly."""

import dataclasses
import os
import threading
from collections.abc import Iterator

import optuna
import pytest
from optuna.storages import RDBStorage

from analytics.study import workers
from analytics.study.bell import bell
from analytics.study.exchange import Exchange, Over, Share, discard
from analytics.study.folds import FoldSettings, split
from analytics.study.objective import Objective
from analytics.study.postgres import TRIES, locked, reached
from analytics.study.postgres import address as address_of
from analytics.study.search import SpaceSettings
from analytics.study.settings import SearchSettings
from analytics.study.shared import SharedSettings
from analytics.study.shared_bench import SharedBench
from analytics.study.study import StudySettings, bench_of, run_study, study_name
from analytics.study.workers import Prepared, work
from strategy.errors import BadInput, Failed
from strategy.policies.dotted import changed
from strategy.policies.parameters import ParameterSet, Quoting
from strategy.replay.driver import ReplayConfig
from strategy.replay.synthetic import SyntheticMarket, synthetic_tape
from tests.rigs.postgres import PASSWORD, USER, Database, PostgresServer

pytestmark = pytest.mark.slow

NAME = "synthetic-BTC-USDT-0123456789ab"
SILENCE_S, UPDATES = 2, 160
BASE = ParameterSet(
    volatility={"policy": "rolling_std", "vol_window_seconds": 5.0},
    quoting=Quoting(order_qty=0.001, executor_refresh_time=5.0),
)
SHARES = [Share(i, (changed(BASE, {"quoting.cooldown_time": i / 7}),), (0, 1)) for i in range(3)]
SETTINGS = StudySettings(
    replay=ReplayConfig(base=0.01, quote=2_000.0),
    trials=6,
    seed=1,
    candidates=1,
    search=SearchSettings(sampler="tpe", batch=3, workers=1),
    space=SpaceSettings(parameters=("quoting.cooldown_time", "regimes.spreads")),
    folds=FoldSettings(train_folds=3, validation_folds=1, embargo_s=0.5, min_window_s=1.5),
    objective=Objective(measure="pnl", min_fills=0, min_fills_per_hour=0.0),
)


def address(database: Database) -> str:
    return f"postgresql://{USER}@127.0.0.1:{database.port}/{database.name}"


@pytest.fixture
def storage(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    return address(postgres.database())


@pytest.fixture
def opened(storage: str) -> Iterator[RDBStorage]:
    with reached(storage, SILENCE_S) as opened:
        yield opened


@pytest.fixture
def exchange(opened: RDBStorage) -> Exchange:
    return Exchange.anew(opened, NAME, "host:1", {"plan": "as it is"})


def taken(exchange: Exchange) -> Share:
    share = exchange.take()
    assert share is not None
    return share


def test_shares_are_taken_once_in_their_order_and_their_measures_come_back(opened, exchange):
    for share in SHARES:
        exchange.offer(share)
    other = Exchange(opened, NAME, "host:2")
    found = [taken(exchange), taken(other), taken(exchange)]
    assert other.take() is None
    assert [dataclasses.replace(each, trial_id=-1) for each in found] == SHARES
    assert other.told("plan") == "as it is"
    measures = [[{"scores": [0.1 + 0.2, float("inf")]}]]
    assert other.leave(found[1], measures)
    assert exchange.measured() == {1: measures}


def test_what_is_held_when_an_error_or_a_stop_comes_is_offered_anew_at_once(opened, exchange):
    exchange.offer(SHARES[0])
    with pytest.raises(KeyboardInterrupt):
        hold_and_fail(exchange, KeyboardInterrupt())
    again = taken(Exchange(opened, NAME, "host:2"))
    assert (again.number, again.sets) == (0, SHARES[0].sets)
    assert exchange.leave(again, [[]])
    assert exchange.measured() == {0: [[]]}


def hold_and_fail(exchange: Exchange, error: BaseException) -> None:
    with exchange.held(taken(exchange)):
        raise error


def test_what_a_silent_worker_has_is_offered_anew_and_its_late_answer_is_dropped(opened, exchange, monkeypatch):
    monkeypatch.setattr("analytics.study.exchange.RENEWED_S", 0.0)
    exchange.offer(SHARES[0])
    silent = taken(Exchange(opened, NAME, "host:2"))
    again = None
    while again is None:  # as long as it is silent for less than SILENCE_S
        assert exchange.measured() == {}
        again = exchange.take()
    assert not exchange.leave(silent, [["late"]])
    assert exchange.leave(again, [["in time"]])
    assert exchange.measured() == {0: [["in time"]]}


def test_who_gives_signs_of_life_keeps_what_it_has_for_as_long_as_it_takes(opened, exchange, monkeypatch):
    monkeypatch.setattr("analytics.study.exchange.RENEWED_S", 0.0)
    exchange.offer(SHARES[0])
    other = Exchange(opened, NAME, "host:2")
    share = taken(other)
    with other.held(share):
        over = threading.Event()
        for _ in range(3 * SILENCE_S):
            over.wait(1.0)
            assert exchange.measured() == {}
            assert exchange.take() is None
        assert other.leave(share, [[]])


def test_trials_that_end_one_worker_after_another_end_the_study(exchange):
    exchange.offer(SHARES[0])
    for _ in range(TRIES + 1):
        with pytest.raises(MemoryError):
            hold_and_fail(exchange, MemoryError())
    with pytest.raises(Failed, match=f"given up: {TRIES + 1} workers ended while they replayed them, last host:1"):
        exchange.measured()


def test_a_worker_of_a_study_that_was_ended_is_told_so(opened, exchange):
    exchange.offer(SHARES[0])
    share = taken(exchange)
    discard(opened, NAME)
    with pytest.raises(Over), exchange.held(share):
        exchange.leave(share, [[]])
    with pytest.raises(Over):
        exchange.take()


def test_a_bell_wakes_the_others_also_when_it_rang_before_they_waited(opened):
    with bell(opened, NAME) as one, bell(opened, NAME) as other, bell(opened, "another study") as far:
        one.ring()
        assert other.wait(60.0)
        assert not any(each.wait(0.01) for each in (one, other, far))


def test_sets_are_on_offer_as_soon_as_there_is_a_share_of_them(opened, exchange):
    tape, info = market()
    bench, folds = bench_of(tape, info, SETTINGS), split(tape, SETTINGS.folds)
    sets = [share.sets[0] for share in SHARES]
    with bell(opened, NAME) as ringing:
        own = {"train": folds.train, "together": 2, "ahead": True}
        shared = SharedBench.of(bench, exchange=exchange, bell=ringing, **own)
        shared.expect(sets[0])
        assert exchange.first() is None
        shared.expect(sets[1])
        offered = exchange.first()
        assert offered is not None
        assert (offered.sets, offered.folds) == ((sets[0], sets[1]), (0, 1, 2))
        shared.expect(sets[2])
        found = list(shared.evaluate_many(sets, folds.train))
    alone = list(bench.evaluate_many(sets, folds.train))
    assert [each.fold_scores for each in found] == [each.fold_scores for each in alone]
    assert exchange.take() is None


@pytest.mark.parametrize(
    ("storage", "said"),
    [
        ("nowhere", "study.shared.storage is no address like"),
        ("sqlite:///studies.db", "study.shared.storage was of sqlite, it must be of postgresql"),
        ("postgresql://keeper:hidden@127.0.0.1/studies", "study.shared.storage holds a password"),
        ("postgresql://keeper@127.0.0.1/studies?password=hidden", "study.shared.storage holds a password"),
    ],
)
def test_an_address_that_is_none_or_holds_a_password_is_refused_without_repeating_it(storage, said):
    with pytest.raises(BadInput) as refused, reached(storage, SILENCE_S):
        pass
    assert str(refused.value).startswith(said)
    assert "hidden" not in str(refused.value)


def test_a_server_that_refuses_or_is_not_there_is_told_in_one_line(storage, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", "another one")
    with pytest.raises(Failed, match=r"study storage .*authentication failed for user") as refused:
        run_study(*market(), BASE, dataclasses.replace(SETTINGS, shared=SharedSettings(storage=storage)))
    assert "another one" not in str(refused.value)
    absent = SharedSettings(storage="postgresql://keeper@127.0.0.1:9/studies")
    with pytest.raises(Failed, match=r"study storage 127.0.0.1/studies: .*refused") as missing:
        work(absent, NAME, nobody, threading.Event(), lambda study, trials: None)
    assert "\n" not in f"{refused.value}{missing.value}"


def nobody(plan: str) -> Prepared:
    raise AssertionError(plan)


def market():
    return synthetic_tape(SyntheticMarket(updates=UPDATES, seed=3, volatility_ticks=300.0))


@pytest.fixture(scope="module")
def alone():
    return run_study(*market(), BASE, SETTINGS)


@pytest.mark.parametrize(
    ("search", "objective"),
    [
        ({}, {}),
        ({"sampler": "random", "prune": 0.45}, {}),
        ({"sampler": "nsga2"}, {"also": ("markout",)}),
    ],
)
def test_pruned_and_pareto_studies_are_shared_too_and_found_whole_in_their_copy(storage, search, objective):
    settings = dataclasses.replace(
        SETTINGS,
        search=SETTINGS.search.model_copy(update=search),
        objective=SETTINGS.objective.model_copy(update=objective),
    )
    alone = run_study(*market(), BASE, settings)
    shared = SharedSettings(storage=storage, share=2)
    found = run_study(*market(), BASE, dataclasses.replace(settings, shared=shared))
    assert repr(found.trials) == repr(alone.trials)  # unknown figures are nan, which is not equal to itself
    assert repr(found.winner.trial) == repr(alone.winner.trial)
    assert any(row.pruned for row in found.trials) == bool(settings.search.prune)
    with reached(storage, SILENCE_S) as opened:
        copy = optuna.load_study(study_name=found.name, storage=opened)
        assert len(copy.directions) == len(settings.objective.measures)
        assert [trial.params for trial in copy.trials] == [row.u for row in found.trials]
        states = ["PRUNED" if row.pruned else "COMPLETE" for row in found.trials]
        assert [trial.state.name for trial in copy.trials] == states


def test_a_study_that_goes_on_goes_on_in_its_copy_and_one_begun_anew_replaces_it(storage, tmp_path, alone):
    shared = dataclasses.replace(SETTINGS, shared=SharedSettings(storage=storage))
    kept = dataclasses.replace(shared, journal_dir=tmp_path)
    assert len(run_study(*market(), BASE, dataclasses.replace(kept, trials=3)).trials) == 3
    second = run_study(*market(), BASE, kept)
    assert second.resumed == 3
    assert copied(storage, second.name) == [row.u for row in second.trials]
    third = run_study(*market(), BASE, shared)
    assert copied(storage, third.name) == [row.u for row in third.trials] == [row.u for row in alone.trials]


def copied(storage: str, name: str) -> list[dict[str, float]]:
    with reached(storage, SILENCE_S) as opened:
        return [trial.params for trial in optuna.load_study(study_name=name, storage=opened).trials]


def test_a_study_is_run_by_one_process_at_a_time(storage, monkeypatch):
    monkeypatch.setattr(workers, "PATIENCE_S", 1)
    tape, info = market()
    settings = dataclasses.replace(SETTINGS, shared=SharedSettings(storage=storage))
    name = study_name(info, BASE, settings)
    with (
        locked(address_of(storage), f"study {name}", 1),
        pytest.raises(Failed, match=f"study {name} is being run by another process"),
    ):
        run_study(tape, info, BASE, settings)


@pytest.mark.parametrize("other", ["tape", "settings", "code"])
def test_a_worker_with_another_tape_other_settings_or_other_code_is_refused(storage, monkeypatch, other):
    tape, info = market()
    settings = dataclasses.replace(SETTINGS, trials=2, shared=SharedSettings(storage=storage), plan="told")
    name, refusals = study_name(info, BASE, settings), []

    def prepare(plan: str) -> Prepared:
        assert plan == "told"
        own_tape, own_info = synthetic_tape(SyntheticMarket(updates=UPDATES)) if other == "tape" else market()
        own = dataclasses.replace(settings, seed=8) if other == "settings" else settings
        bench, folds = bench_of(own_tape, own_info, own), split(own_tape, own.folds)
        return Prepared(study_name(own_info, BASE, own), bench, folds, own)

    def join(progress) -> None:
        if progress.done > 1:
            return
        if other == "code":
            monkeypatch.setattr(workers, "code_digest", lambda: "of another version")
        with pytest.raises(Failed) as refused:
            work(settings.shared, name, prepare, threading.Event(), lambda study, trials: None)
        refusals.append(str(refused.value))

    run_study(tape, info, BASE, settings, join)
    said = "it is run by another version of the code" if other == "code" else "this tape and these settings make study"
    assert refusals
    assert refusals[0].startswith(f"study {name} cannot be replayed here: {said}")


def test_the_password_is_in_no_address_that_is_kept(storage, opened):
    assert os.environ["PGPASSWORD"] == PASSWORD
    assert PASSWORD not in repr(opened.__dict__)

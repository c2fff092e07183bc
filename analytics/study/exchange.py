"""Replays that several processes share: waiting trials of an Optuna study in PostgreSQL.

The process that runs the study NAME offers its trials in shares, some parameter sets and the train folds to go over, as
trials of a study `NAME/replays`. Others take them, say that they live while at it, and leave what they measured. What
one had that died or was stopped is offered anew. The sampler is asked in one place: who replays decides nothing.
"""

import logging
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Self

import optuna
from optuna.exceptions import ExperimentalWarning, StorageInternalError, UpdateFinishedTrialError
from optuna.storages import RDBStorage, fail_stale_trials
from optuna.trial import TrialState, create_trial

from analytics.study.postgres import TRIES
from strategy.errors import Failed
from strategy.policies.parameters import ParameterSet

LOGGER: Final = "microvol"
COMPANION: Final = "/replays"
FACTS: Final = "facts"  # of a study: the last that is written when one is begun
SHARE, WORKER, MEASURED = "share", "worker", "measured"  # of a trial
RENEWED_S: Final = 1.0  # how often is looked for processes that fell silent
OPEN: Final = (TrialState.WAITING, TrialState.RUNNING)

Measures = list[list[dict[str, Any]]]  # what was measured, by set and fold


class Over(Failed):
    """The process that ran the study has ended it, and nobody waits for its replays any more."""


@dataclass(frozen=True, slots=True)
class Share:
    """Parameter sets that are replayed together and the train folds, by number, that they go over."""

    number: int
    sets: tuple[ParameterSet, ...]
    folds: tuple[int, ...]
    trial_id: int = -1  # of Optuna, once it is taken


class Exchange:
    """The shares of one study: those offered, those taken and those that were measured."""

    def __init__(self, storage: RDBStorage, name: str, worker: str) -> None:
        """Take an open storage that has the study `name`, and who we are."""
        self._storage, self._worker = storage, worker
        with _there():
            self._study = optuna.load_study(study_name=name + COMPANION, storage=storage)
        self._retried = storage.get_heartbeat_stale_trial_callback()
        self._looked = time.monotonic()

    @classmethod
    def anew(cls, storage: RDBStorage, name: str, worker: str, facts: dict[str, str]) -> Self:
        """Return an exchange with nothing in it and what every worker has to know of the study."""
        discard(storage, name)
        study = optuna.create_study(study_name=name + COMPANION, storage=storage)
        study.set_user_attr(FACTS, facts)
        return cls(storage, name, worker)

    def told(self, fact: str) -> str:
        """Return something that every worker has to know of the study."""
        with _there():
            return str(self._study.user_attrs[FACTS][fact])

    def offer(self, share: Share) -> None:
        """Let a process take a share."""
        sets = [each.model_dump(mode="json") for each in share.sets]
        wanted = {SHARE: {"number": share.number, "sets": sets, "folds": share.folds}}
        self._study.add_trial(create_trial(state=TrialState.WAITING, user_attrs=wanted))

    def first(self) -> Share | None:
        """Return the share that was offered first, whoever has it; None when none was offered yet."""
        with _there():
            return next(map(_share_of, self._study.get_trials(deepcopy=False)), None)

    def take(self) -> Share | None:
        """Take the share that was offered first; None when none waits."""
        with _there():
            return next((_share_of(trial) for trial in self._waiting() if self._took(trial._trial_id)), None)

    @contextmanager
    def held(self, taken: Share) -> Iterator[None]:
        """Say that we live while the block runs; where it ends with an error, what was taken is offered anew."""
        over = threading.Event()
        living = threading.Thread(target=self._live, args=(taken, over), daemon=True)
        living.start()
        try:
            yield
        except Over:
            raise
        except BaseException:
            self._give_back(taken)
            raise
        finally:
            over.set()
            living.join()

    def leave(self, taken: Share, measures: Measures) -> bool:
        """Hand in what was measured; False when it was given up meanwhile."""
        try:
            with _there():
                self._storage.set_trial_user_attr(taken.trial_id, MEASURED, measures)
                return bool(self._storage.set_trial_state_values(taken.trial_id, TrialState.COMPLETE, [0.0]))
        except UpdateFinishedTrialError:
            return False

    def measured(self) -> dict[int, Measures]:
        """Return what was measured so far, by share; one that nobody will replay any more is a failure."""
        if time.monotonic() - self._looked > RENEWED_S:
            self._renew()
        trials = self._study.get_trials(deepcopy=False)
        done = {_number(each): each for each in trials if each.state == TrialState.COMPLETE}
        hoped = {_number(each) for each in trials if each.state in OPEN} | set(done)
        for trial in trials:
            if _number(trial) not in hoped:
                last = trial.user_attrs.get(WORKER, "unknown")
                raise Failed(f"trials were given up: {TRIES + 1} workers ended while they replayed them, last {last}")
        return {number: trial.user_attrs[MEASURED] for number, trial in done.items()}

    def _waiting(self) -> list[Any]:
        with _there():
            return list(self._study.get_trials(deepcopy=False, states=(TrialState.WAITING,)))

    def _took(self, trial_id: int) -> bool:
        # A sign of life comes first: who dies between the two has taken nothing.
        self._storage.record_heartbeat(trial_id)
        try:
            if not self._storage.set_trial_state_values(trial_id, TrialState.RUNNING):
                return False
        except UpdateFinishedTrialError:
            return False
        self._storage.set_trial_user_attr(trial_id, WORKER, self._worker)
        return True

    def _live(self, taken: Share, over: threading.Event) -> None:
        while not over.wait(self._storage.get_heartbeat_interval()):
            try:
                self._storage.record_heartbeat(taken.trial_id)
            except StorageInternalError as error:
                # Who cannot say that he lives is given up by the others, and that is right.
                logging.getLogger(LOGGER).warning("no sign of life could be given: %s", error)

    def _give_back(self, taken: Share) -> None:
        """Offer anew what was not measured; first that, so that at every moment somebody can take it."""
        trial = self._storage.get_trial(taken.trial_id)
        if not trial.state.is_finished():
            self._retried(self._study, trial)
            self._storage.set_trial_state_values(taken.trial_id, TrialState.FAIL)

    def _renew(self) -> None:
        """Offer anew what silent processes had taken."""
        self._looked = time.monotonic()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)  # of interfaces: Optuna is pinned
            fail_stale_trials(self._study)


@contextmanager
def _there() -> Iterator[None]:
    """Take Optuna's word for a study that was deleted for what it means here."""
    try:
        yield
    except KeyError as error:
        raise Over("the study was ended") from error


def discard(storage: RDBStorage, name: str) -> None:
    """Forget the replays of a study, if there are any."""
    if name + COMPANION in optuna.get_all_study_names(storage):
        optuna.delete_study(study_name=name + COMPANION, storage=storage)


def shared_studies(storage: RDBStorage) -> list[str]:
    """Return the names of the studies that have replays in a storage."""
    known = [each for each in storage.get_all_studies() if FACTS in each.user_attrs]
    return [each.study_name.removesuffix(COMPANION) for each in known if each.study_name.endswith(COMPANION)]


def _number(trial: Any) -> int:
    return int(trial.user_attrs[SHARE]["number"])


def _share_of(trial: Any) -> Share:
    offer = trial.user_attrs[SHARE]
    sets = tuple(ParameterSet.model_validate(each) for each in offer["sets"])
    return Share(offer["number"], sets, tuple(offer["folds"]), trial._trial_id)

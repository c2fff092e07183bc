"""Replays that several processes share: waiting trials of an Optuna study in PostgreSQL.

The process that runs the study NAME offers replays, a parameter set and the train folds to go over, as trials of a
study `NAME/replays`. Others take them, say that they live while they are at it, and leave what they measured. What one
had that died or was stopped is offered anew. The sampler is asked in one place, so who replays decides nothing.
"""

import logging
import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Self

import optuna
from optuna.exceptions import ExperimentalWarning, StorageInternalError, UpdateFinishedTrialError
from optuna.storages import RDBStorage, fail_stale_trials
from optuna.trial import TrialState, create_trial

from strategy.errors import Failed
from strategy.policies.parameters import ParameterSet

LOGGER: Final = "microvol"
COMPANION: Final = "/replays"
FACTS: Final = "facts"  # of a study: the last that is written when one is begun
TASK, PARAMETERS, FOLDS, WORKER, MEASURED = "task", "parameters", "folds", "worker", "measured"  # of a trial
RENEWED_S: Final = 1.0  # how often is looked for processes that fell silent
OPEN: Final = (TrialState.WAITING, TrialState.RUNNING)

Measures = list[dict[str, Any]]  # what was measured, a fold each


class Over(Failed):
    """The process that ran the study has ended it, and nobody waits for its replays any more."""


@dataclass(frozen=True, slots=True)
class Replay:
    """One parameter set and the train folds, by number, that it goes over; `trial_id` is its place in the list."""

    task: str
    parameters: ParameterSet
    folds: tuple[int, ...]
    trial_id: int = -1


class Exchange:
    """The replays of one study: those offered, those taken and those that were measured."""

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

    def offer(self, replay: Replay) -> None:
        """Let a process take a replay."""
        wanted = {PARAMETERS: replay.parameters.model_dump_json(), FOLDS: list(replay.folds)}
        self._study.add_trial(create_trial(state=TrialState.WAITING, user_attrs={TASK: replay.task, **wanted}))

    def take(self, count: int) -> list[Replay]:
        """Take so many replays at most, in the order in which they were offered; none when none waits."""
        taken: list[Replay] = []
        with _there():
            for trial in self._study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
                if len(taken) < count and self._took(trial._trial_id):
                    taken.append(_replay_of(trial))
        return taken

    @contextmanager
    def held(self, taken: Sequence[Replay]) -> Iterator[None]:
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

    def leave(self, replay: Replay, measures: Measures) -> bool:
        """Hand in what was measured; False when it was given up meanwhile."""
        try:
            with _there():
                self._storage.set_trial_user_attr(replay.trial_id, MEASURED, measures)
                return bool(self._storage.set_trial_state_values(replay.trial_id, TrialState.COMPLETE, [0.0]))
        except UpdateFinishedTrialError:
            return False

    def measured(self) -> dict[str, Measures]:
        """Return what was measured so far, by task; a replay that nobody will do any more is a failure."""
        if time.monotonic() - self._looked > RENEWED_S:
            self._renew()
        trials = self._study.get_trials(deepcopy=False)
        done = {each.user_attrs[TASK]: each for each in trials if each.state == TrialState.COMPLETE}
        hoped = {each.user_attrs[TASK] for each in trials if each.state in OPEN} | set(done)
        for trial in trials:
            if trial.user_attrs[TASK] not in hoped:
                worker = trial.user_attrs.get(WORKER, "unknown")
                raise Failed(f"replay {trial.user_attrs[TASK]} was given up: too many ended with it, last {worker}")
        return {task: trial.user_attrs[MEASURED] for task, trial in done.items()}

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

    def _live(self, taken: Sequence[Replay], over: threading.Event) -> None:
        interval = self._storage.get_heartbeat_interval() or 1
        while not over.wait(interval):
            try:
                for replay in taken:
                    self._storage.record_heartbeat(replay.trial_id)
            except StorageInternalError as error:
                # Who cannot say that he lives is given up by the others, and that is right.
                logging.getLogger(LOGGER).warning("no sign of life could be given: %s", error)

    def _give_back(self, taken: Sequence[Replay]) -> None:
        """Offer anew what was not measured; first that, so that at every moment somebody can take it."""
        for replay in taken:
            trial = self._storage.get_trial(replay.trial_id)
            if not trial.state.is_finished():
                self._retried(self._study, trial)
                self._storage.set_trial_state_values(replay.trial_id, TrialState.FAIL)

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


def offered(storage: RDBStorage) -> list[str]:
    """Return the names of the studies that have replays in a storage."""
    known = [each for each in storage.get_all_studies() if FACTS in each.user_attrs]
    return [each.study_name.removesuffix(COMPANION) for each in known if each.study_name.endswith(COMPANION)]


def _replay_of(trial: Any) -> Replay:
    wanted = trial.user_attrs
    parameters = ParameterSet.model_validate_json(wanted[PARAMETERS])
    return Replay(wanted[TASK], parameters, tuple(wanted[FOLDS]), trial._trial_id)

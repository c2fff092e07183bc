"""A study's copy in PostgreSQL, trial by trial, for Optuna's own tools and for people elsewhere.

The study itself is answered from memory and kept in its journal: asking PostgreSQL for every coordinate would cost more
than many a replay.
"""

from collections.abc import Sequence
from typing import Any

import optuna
from optuna.storages import RDBStorage


class Mirror:
    """The copy of one study."""

    def __init__(self, storage: RDBStorage, study: Any) -> None:
        """Go on with the copy that is there; one that is not of these trials is made anew."""
        self._study = _opened(storage, study)
        self._copied = len(self._study.get_trials(deepcopy=False))
        if not _begins(self._study.get_trials(deepcopy=False), study.get_trials(deepcopy=False)):
            optuna.delete_study(study_name=study.study_name, storage=storage)
            self._study, self._copied = _opened(storage, study), 0
        self.follow(study)

    def follow(self, study: Any) -> None:
        """Copy the trials that were finished since, in their order."""
        for trial in study.get_trials(deepcopy=False)[self._copied :]:
            if not trial.state.is_finished():
                break
            self._study.add_trial(trial)
            self._copied += 1


def _opened(storage: RDBStorage, study: Any) -> Any:
    directions = study.directions
    return optuna.create_study(study_name=study.study_name, directions=directions, storage=storage, load_if_exists=True)


def _begins(copied: Sequence[Any], trials: Sequence[Any]) -> bool:
    """Say whether copies are of the first trials."""
    if len(copied) > len(trials):
        return False
    return all(copy.params == trial.params for copy, trial in zip(copied, trials, strict=False))

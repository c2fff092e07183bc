"""The loop of a study: ask for a batch of trials, replay it together, tell each by itself.

A batch goes through the tape together because that is what the replay is fast at (docs/replay.md). Trials are told in
their order: the same seed gives the same trials, whatever replays them.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from optuna.trial import TrialState

from analytics.study import warm_start
from analytics.study.folds import Folds
from analytics.study.objective import Bench, Evaluation
from analytics.study.samplers import Proposer, proposer, pruner
from analytics.study.search import SpaceSettings
from analytics.study.settings import FoldSettings, Objective, SearchSettings
from analytics.study.shared import SharedSettings
from analytics.study.space import Point, Space
from analytics.study.store import Store, rows_of
from analytics.study.trials import SAMPLED, TrialRow
from strategy.errors import Failed
from strategy.policies.parameters import ParameterSet
from strategy.replay.driver import ReplayConfig


@dataclass(frozen=True, slots=True)
class Proposed:
    """What an earlier run of a study tried that no sampler proposes again.

    `known` is what its warm start knew, by source. `tried` are all its points, in their order, where it was left and
    gone on with: a sampler is made anew each time.
    """

    known: Mapping[str, dict[str, float]]
    tried: tuple[dict[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class StudySettings:
    """How to search: `trials`, or as many as `minutes` allow where those are fewer.

    With a `journal_dir` finished trials outlive the process; with an `index_dir` the skip driver's indices do.
    """

    replay: ReplayConfig
    trials: int = 100
    seed: int = 7
    candidates: int = 10
    minutes: float | None = None
    search: SearchSettings = field(default_factory=SearchSettings)
    space: SpaceSettings = field(default_factory=SpaceSettings)
    folds: FoldSettings = field(default_factory=FoldSettings)
    objective: Objective = field(default_factory=Objective)
    journal_dir: Path | None = None
    index_dir: Path | None = None
    resume: str | None = None  # a study's name: it must be the very study that these inputs make
    again: Proposed | None = None
    shared: SharedSettings = field(default_factory=SharedSettings)
    fill_model: int | None = None  # the version that `replay` is of, for people; None = constants
    plan: str = ""  # what other processes make the same study of, where it is shared


@dataclass(frozen=True, slots=True)
class Progress:
    """What a progress bar needs after each trial; `best` is the best feasible score so far, nan before there is one."""

    done: int
    total: int
    score: float
    best: float

    @property
    def note(self) -> str:
        """Return the best score in words."""
        return "none feasible yet" if math.isnan(self.best) else f"best {self.best:.3g}"


@dataclass(frozen=True, slots=True)
class _Asked:
    """A trial that was asked for and is not told yet."""

    trial: Any
    u: dict[str, float]
    point: Point

    def row(self, evaluation: Evaluation, pruned: bool) -> TrialRow:
        """Return what is kept of it."""
        own = {"number": self.trial.number, "source": self.trial.user_attrs.get(warm_start.FROM, SAMPLED)}
        return TrialRow.of(self.u, self.point, evaluation, pruned=pruned, **own)


class Search:
    """One run of the ask-and-tell loop and its clock."""

    def __init__(self, store: Store, space: Space, bench: Bench, folds: Folds, settings: StudySettings) -> None:
        """Go on where the store's study stands."""
        self._store, self._space, self._bench, self._folds, self._settings = store, space, bench, folds, settings
        self._study = store.study
        self.rows = rows_of(store.study)
        self.resumed = len(self.rows)
        self.interrupted = False
        self.seconds = dict.fromkeys(("warm_up", "sampler", "replay", "storage"), 0.0)
        self._proposer: Proposer = self._proposed()
        self._study.sampler = self._proposer.sampler
        self._study.pruner = pruner(settings.search)

    def begin(self, name: str, champion: ParameterSet | None) -> None:
        """Compile, so that it does not count as a trial's time; tell a new study what is known to be good."""
        middle = self._space.point(dict.fromkeys(self._space.dimensions, 0.5)).parameters
        together, trials = self._settings.search.batch, self._settings.trials
        with self._clock("warm_up"):
            self._bench.warm_up((self._space.base, middle), self._folds.train, together, trials)
        if len(self._study.get_trials(deepcopy=False)) == 0:
            warm_start.mark(self._study, self._space)
            if self._settings.again is not None:
                warm_start.enqueue(self._study, self._settings.again.known)
            elif self._settings.search.warm_start:
                folder = self._settings.journal_dir
                objective = self._settings.objective
                last = None if folder is None else warm_start.best_of_last(folder, name, self._space, objective)
                warm_start.propose(self._study, self._space, champion, last)

    def run(self, progress: Callable[[Progress], None] | None, stop: threading.Event | None) -> None:
        """Run batches, one at least, up to the wanted trials or minutes or until there is nothing left to propose."""
        minutes = self._settings.minutes
        until = float("inf") if minutes is None else time.monotonic() + 60 * minutes
        asked: list[_Asked] | None = None
        try:
            while len(self.rows) < self._settings.trials and (asked is None or time.monotonic() < until):
                if self._stopped(stop):
                    break
                with self._clock("sampler"):
                    asked = self._ask()
                if not asked:
                    break
                self._replay(asked, progress, stop)
        except KeyboardInterrupt:
            self.interrupted = True
        if not self.rows:
            raise Failed("the study was stopped before its first trial was done")

    def _proposed(self) -> Proposer:
        # A sampler's own random numbers start anew with each call: shifted by what is done, they do not repeat.
        settings = self._settings
        trials = self._study.get_trials(deepcopy=False)
        tried = [row.u for row in self.rows]
        found = proposer(settings.search, self._space.dimensions, settings.seed, len(trials), tried)
        points = () if settings.again is None else settings.again.tried
        return replace(found, planned=iter(points)) if points else found

    def _ask(self) -> list[_Asked]:
        """Return the next batch; a grid's last one is smaller, and then there is none."""
        wanted = min(self._settings.search.batch, self._settings.trials - len(self.rows))
        if self._proposer.planned is None:
            return [self._asked() for _ in range(wanted)]
        asked = []
        for u in islice(self._proposer.planned, wanted):
            self._study.enqueue_trial(u)
            asked.append(self._asked())
        return asked

    def _asked(self) -> _Asked:
        trial = self._study.ask()
        u = {name: trial.suggest_float(name, 0.0, 1.0) for name in self._space.dimensions}
        point = self._space.point(u)
        self._bench.expect(point.parameters)
        return _Asked(trial, u, point)

    def _replay(
        self, asked: list[_Asked], progress: Callable[[Progress], None] | None, stop: threading.Event | None
    ) -> None:
        """Replay a batch and tell each trial as it comes; which are pruned only trials before the batch decide."""

        def hopeless(place: int, step: int, score: float) -> bool:
            asked[place].trial.report(score, step)
            return bool(asked[place].trial.should_prune())

        sets, watch = [each.point.parameters for each in asked], hopeless if self._settings.search.prune else None
        evaluations = self._bench.evaluate_many(sets, self._folds.train, hopeless=watch)
        for each in asked:
            with self._clock("replay"):
                evaluation = next(evaluations)
            self._tell(each, evaluation)
            if progress is not None:
                progress(self._progress())
            if self._stopped(stop):
                break
        with self._clock("storage"):
            self._store.sync()

    def _tell(self, asked: _Asked, evaluation: Evaluation) -> None:
        done, folds = len(evaluation.fold_scores), len(self._folds.train)
        row = asked.row(evaluation, pruned=done < folds)
        with self._clock("sampler"):
            for name, value in evaluation.violations.items() if self._proposer.heeds else ():
                asked.trial.set_constraint(name, value)
            asked.trial.set_user_attr("row", row.to_json())
            if row.pruned:
                self._study.tell(asked.trial, state=TrialState.PRUNED)
            else:
                if self._settings.search.prune:
                    asked.trial.report(evaluation.fold_scores[-1], folds - 1)
                self._study.tell(asked.trial, self._proposer.told(evaluation))
        with self._clock("storage"):
            self._store.keep()
        self.rows.append(row)

    def _stopped(self, stop: threading.Event | None) -> bool:
        self.interrupted = self.interrupted or (stop is not None and stop.is_set())
        return self.interrupted

    def _progress(self) -> Progress:
        feasible = [row.score for row in self.rows if row.feasible]
        return Progress(len(self.rows), self._settings.trials, self.rows[-1].score, max(feasible, default=np.nan))

    @contextmanager
    def _clock(self, what: str) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        self.seconds[what] += time.perf_counter() - begun

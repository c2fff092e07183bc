"""The search: seeded ask-and-tell over the train folds, the winner chosen on later validation folds.

Trials are asked for in batches and a batch goes through the tape together, because that is what the replay is fast at
(docs/replay.md). Each is told by itself, in its order: the same seed gives the same trials, whatever replays them.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from analytics import warm_start
from analytics.candidates import Candidate, choose
from analytics.folds import Folds, split
from analytics.markout import mid_path
from analytics.objective import Bench, Evaluation, processors
from analytics.samplers import Proposer, proposer
from analytics.search import SpaceSettings
from analytics.sigmas import Sigmas
from analytics.space import Point, Space
from analytics.study_settings import FoldSettings, Objective, SearchSettings
from analytics.study_store import Store, opened, rows_of
from analytics.trials import SAMPLED, TrialRow
from analytics.walk_forward import Step, walk_forward
from strategy.errors import Failed
from strategy.kernel.jit import KERNEL_DIGEST
from strategy.live.layout import slug
from strategy.policies.parameters import ParameterSet
from strategy.replay.driver import ReplayConfig
from strategy.replay.tape import Tape, TapeInfo


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


@dataclass(frozen=True, slots=True)
class Progress:
    """What a progress bar needs after each trial; `best` is the best feasible score so far, nan before there is one."""

    done: int
    total: int
    score: float
    best: float


@dataclass(frozen=True, slots=True)
class StudyResult:
    """Every trial, the best candidates (winner first) and how the winner and the base set did on the held-out fold."""

    name: str
    base: ParameterSet  # its thresholds resolved
    settings: StudySettings
    folds: Folds
    trials: tuple[TrialRow, ...]
    candidates: tuple[Candidate, ...]
    winner: Candidate
    held_out: Evaluation
    baseline: Evaluation  # the base set, held out
    champion: Evaluation | None  # the current champion, held out
    sigma: NDArray[np.float64]  # of the train windows, under the winner's engine
    resumed: int  # trials that an earlier call had done
    interrupted: bool
    seconds: dict[str, float]  # warm_up, sampler, replay, storage, candidates
    steps: tuple[Step, ...] = ()  # of the walk forward over the train folds


def run_study(
    tape: Tape,
    info: TapeInfo,
    base: ParameterSet,
    settings: StudySettings,
    progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
    champion: ParameterSet | None = None,
) -> StudyResult:
    """Search parameters around `base`; Ctrl-C or `stop` end the search early and keep what was done.

    Thresholds that the base set has as quantiles are resolved on the train windows first.
    The same tape, base, settings and seed make the same study: with a journal it goes on where it stopped.
    """
    folds = split(tape, settings.folds)
    workers = processors(settings.search.workers)
    bench = Bench(tape, info, mid_path(tape), settings.replay, settings.objective, settings.index_dir, workers)
    sigmas = Sigmas(tape, info, folds)
    space = Space(base, sigmas.in_training, settings.space)
    name = study_name(info, base, settings)
    with opened(name, settings.journal_dir, settings.resume) as store:
        search = _Search(store, space, bench, folds, settings)
        search.begin(name, champion)
        search.run(progress, stop)
    begun = time.perf_counter()
    candidates = choose(bench, space, folds, search.rows, settings.candidates)
    winner = candidates[0].point.parameters
    return StudyResult(
        name=name,
        base=space.base,
        settings=settings,
        folds=folds,
        trials=tuple(search.rows),
        candidates=candidates,
        winner=candidates[0],
        held_out=bench.evaluate(winner, folds.held_out, sigmas.error_held_out(winner)),
        baseline=bench.evaluate(space.base, folds.held_out, sigmas.error_held_out(space.base)),
        champion=None if champion is None else bench.evaluate(champion, folds.held_out),
        sigma=sigmas.in_training(winner),
        resumed=search.resumed,
        interrupted=search.interrupted,
        seconds=search.seconds | {"candidates": time.perf_counter() - begun},
        steps=walk_forward(search.rows),
    )


def study_name(info: TapeInfo, base: ParameterSet, settings: StudySettings) -> str:
    """Return the name that all that decides about trials makes; how many there are and who replays them does not."""
    search = settings.search.model_copy(update={"workers": 0})
    parts: list[Any] = [info.fingerprint, base.content_hash(), settings.seed, KERNEL_DIGEST, asdict(settings.replay)]
    parts += [model.model_dump_json() for model in (search, settings.space, settings.folds, settings.objective)]
    content = orjson.dumps(parts, option=orjson.OPT_SERIALIZE_NUMPY, default=str)
    digest = hashlib.sha256(content).hexdigest()[: warm_start.DIGITS]
    return f"{info.venue}-{slug(info.symbol)}-{digest}"


@dataclass(frozen=True, slots=True)
class _Asked:
    """A trial that was asked for and is not told yet."""

    trial: Any
    u: dict[str, float]
    point: Point

    def row(self, evaluation: Evaluation) -> TrialRow:
        source = self.trial.user_attrs.get(warm_start.FROM, SAMPLED)
        return TrialRow.of(self.trial.number, self.u, self.point, evaluation, source)


class _Search:
    """One run of the ask-and-tell loop and its clock."""

    def __init__(self, store: Store, space: Space, bench: Bench, folds: Folds, settings: StudySettings) -> None:
        self._store, self._space, self._bench, self._folds, self._settings = store, space, bench, folds, settings
        self._study = store.study
        self.rows = rows_of(store.study)
        self.resumed = len(self.rows)
        self.interrupted = False
        self.seconds = dict.fromkeys(("warm_up", "sampler", "replay", "storage"), 0.0)
        self._proposer: Proposer = self._proposed()
        self._study.sampler = self._proposer.sampler

    def begin(self, name: str, champion: ParameterSet | None) -> None:
        """Compile, so that it does not count as a trial's time; tell a new study what is known to be good."""
        middle = self._space.point(dict.fromkeys(self._space.dimensions, 0.5)).parameters
        with self._clock("warm_up"):
            self._bench.warm_up((self._space.base, middle), self._folds.train, self._settings.search.batch)
        if len(self._study.get_trials(deepcopy=False)) == 0:
            warm_start.mark(self._study, self._space)
            if self._settings.search.warm_start:
                folder = self._settings.journal_dir
                last = None if folder is None else warm_start.best_of_last(folder, name, self._space)
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
        return proposer(settings.search, self._space.dimensions, settings.seed, len(trials), tried)

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
        return _Asked(trial, u, self._space.point(u))

    def _replay(
        self, asked: list[_Asked], progress: Callable[[Progress], None] | None, stop: threading.Event | None
    ) -> None:
        """Replay a batch and tell each trial as it comes."""
        evaluations = self._bench.evaluate_many([each.point.parameters for each in asked], self._folds.train)
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
        row = asked.row(evaluation)
        with self._clock("sampler"):
            for name, value in evaluation.violations.items() if self._proposer.heeds else ():
                asked.trial.set_constraint(name, value)
            asked.trial.set_user_attr("row", row.to_json())
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

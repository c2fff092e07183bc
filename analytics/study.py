"""The search: seeded ask-and-tell over the train folds, the winner chosen on later validation folds."""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import optuna
import orjson
from numpy.typing import NDArray
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

from analytics.candidates import Candidate, choose
from analytics.folds import Folds, FoldSettings, split
from analytics.markout import mid_path
from analytics.objective import Bench, Evaluation, Objective
from analytics.search import SpaceSettings
from analytics.sigmas import Sigmas
from analytics.space import Space
from analytics.trials import TrialRow
from strategy.errors import BadInput, Failed
from strategy.kernel.jit import KERNEL_DIGEST
from strategy.live.layout import slug
from strategy.policies.parameters import ParameterSet
from strategy.replay.driver import ReplayConfig
from strategy.replay.tape import Tape, TapeInfo

STARTUP_TRIALS: Final = 12


@dataclass(frozen=True, slots=True)
class StudySettings:
    """How to search. With a `journal_dir` every trial is on disk when the next one starts."""

    replay: ReplayConfig
    trials: int = 100
    seed: int = 7
    candidates: int = 10
    space: SpaceSettings = field(default_factory=SpaceSettings)
    folds: FoldSettings = field(default_factory=FoldSettings)
    objective: Objective = field(default_factory=Objective)
    journal_dir: Path | None = None
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
    seconds: dict[str, float]  # warm_up, sampler, replay, candidates


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
    bench = Bench(tape, info, mid_path(tape), settings.replay, settings.objective)
    sigmas = Sigmas(tape, info, folds)
    space = Space(base, sigmas.in_training, settings.space)
    name = study_name(info, base, settings)
    search = _Search(_open(name, settings), space, bench, folds, settings)
    search.warm_up(space.base)
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
    )


def study_name(info: TapeInfo, base: ParameterSet, settings: StudySettings) -> str:
    """Return the name that tape, base, search settings, seed and kernel make; the number of trials does not matter."""
    parts = [info.fingerprint, base.content_hash(), str(settings.seed), KERNEL_DIGEST, repr(settings.replay)]
    parts += [model.model_dump_json() for model in (settings.space, settings.folds, settings.objective)]
    digest = hashlib.sha256(orjson.dumps(parts)).hexdigest()[:12]
    return f"{info.venue}-{slug(info.symbol)}-{digest}"


class _Search:
    """One run of the ask-and-tell loop and its clock."""

    def __init__(self, study: Any, space: Space, bench: Bench, folds: Folds, settings: StudySettings) -> None:
        self._study, self._space, self._bench, self._folds, self._settings = study, space, bench, folds, settings
        self.rows = _rows_before(study)
        self.resumed = len(self.rows)
        self.interrupted = False
        self.seconds = {"warm_up": 0.0, "sampler": 0.0, "replay": 0.0}

    def warm_up(self, base: ParameterSet) -> None:
        """Cut the windows out of the tape and compile, so that neither counts as a trial's time."""
        middle = self._space.point(dict.fromkeys(self._space.dimensions, 0.5)).parameters
        with self._clock("warm_up"):
            for parameters in (base, middle):
                self._bench.evaluate(parameters, self._folds.train)

    def run(self, progress: Callable[[Progress], None] | None, stop: threading.Event | None) -> None:
        """Run trials up to the wanted number."""
        try:
            while len(self.rows) < self._settings.trials:
                if stop is not None and stop.is_set():
                    self.interrupted = True
                    break
                self._trial()
                if progress is not None:
                    progress(self._progress())
        except KeyboardInterrupt:
            self.interrupted = True
        if not self.rows:
            raise Failed("the study was stopped before its first trial was done")

    def _trial(self) -> None:
        with self._clock("sampler"):
            trial = self._study.ask()
            u = {name: trial.suggest_float(name, 0.0, 1.0) for name in self._space.dimensions}
        point = self._space.point(u)
        with self._clock("replay"):
            evaluation = self._bench.evaluate(point.parameters, self._folds.train)
        row = TrialRow.of(trial.number, u, point, evaluation)
        with self._clock("sampler"):
            trial.set_constraint("fills", evaluation.violation)
            trial.set_user_attr("row", row.to_json())
            self._study.tell(trial, evaluation.score)
        self.rows.append(row)

    def _progress(self) -> Progress:
        feasible = [row.score for row in self.rows if row.feasible]
        return Progress(len(self.rows), self._settings.trials, self.rows[-1].score, max(feasible, default=np.nan))

    @contextmanager
    def _clock(self, what: str) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        self.seconds[what] += time.perf_counter() - begun


def _open(name: str, settings: StudySettings) -> Any:
    """Open the study, new or as it was left; trials that were being computed when it was left are given up."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if settings.resume not in (None, name):
        raise BadInput(f"study {settings.resume} cannot go on: these inputs make study {name}")
    storage = None if settings.journal_dir is None else _journal(settings.journal_dir / f"{name}.journal", settings)
    study = optuna.create_study(study_name=name, direction="maximize", storage=storage, load_if_exists=True)
    for trial in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
    # The sampler's own random numbers start anew with each call: shifted by what is done, they do not repeat.
    seed = settings.seed + len(study.get_trials(deepcopy=False))
    study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP_TRIALS)
    return study


def _journal(path: Path, settings: StudySettings) -> Any:
    if settings.resume is not None and not path.exists():
        raise BadInput(f"study {settings.resume} cannot go on: {path} does not exist")
    path.parent.mkdir(parents=True, exist_ok=True)
    _heal(path)
    return JournalStorage(JournalFileBackend(str(path), lock_obj=JournalFileOpenLock(str(path))))


def _heal(path: Path) -> None:
    """Cut off a last line that a killed process did not finish: the next one would otherwise be glued to it."""
    if path.exists():
        data = path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            with path.open("r+b") as file:
                file.truncate(whole)


def _rows_before(study: Any) -> list[TrialRow]:
    done = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    return [TrialRow.of_json(trial.user_attrs["row"]) for trial in done]

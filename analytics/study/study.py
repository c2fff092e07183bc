"""A study: the search over the train folds, the winner chosen on later validation folds and measured on the last."""

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from analytics.metrics.markout import mid_path
from analytics.study import warm_start
from analytics.study.ask_and_tell import Progress, Search, StudySettings
from analytics.study.candidates import Candidate, choose
from analytics.study.folds import Folds, split
from analytics.study.objective import Bench, Evaluation, processors
from analytics.study.settings import check_together
from analytics.study.sigmas import Sigmas
from analytics.study.space import Space
from analytics.study.store import opened
from analytics.study.trials import TrialRow
from analytics.study.walk_forward import Step, walk_forward
from analytics.study.workers import sharing
from strategy.kernel.jit import KERNEL_DIGEST
from strategy.live.layout import slug
from strategy.policies.parameters import ParameterSet
from strategy.replay.tape import Tape, TapeInfo

__all__ = ["Progress", "StudyResult", "StudySettings", "bench_of", "run_study", "study_name"]


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
    train: Evaluation  # the winner's, with what it did
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
    check_together(settings.search, settings.objective, settings.folds)
    folds = split(tape, settings.folds)
    bench = bench_of(tape, info, settings)
    sigmas = Sigmas(tape, info, folds)
    space = Space(base, sigmas.in_training, settings.space)
    name = study_name(info, base, settings)
    with (
        opened(name, settings.journal_dir, settings.resume, len(settings.objective.measures)) as store,
        sharing(settings, name, store, bench, folds) as replaying,
    ):
        search = Search(store, space, replaying, folds, settings)
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
        train=bench.evaluate(winner, folds.train),
        held_out=bench.evaluate(winner, folds.held_out, sigmas.error_held_out(winner)),
        baseline=bench.evaluate(space.base, folds.held_out, sigmas.error_held_out(space.base)),
        champion=None if champion is None else bench.evaluate(champion, folds.held_out),
        sigma=sigmas.in_training(winner),
        resumed=search.resumed,
        interrupted=search.interrupted,
        seconds=search.seconds | {"candidates": time.perf_counter() - begun},
        steps=walk_forward(search.rows),
    )


def bench_of(tape: Tape, info: TapeInfo, settings: StudySettings) -> Bench:
    """Return what replays a study's parameter sets in this process."""
    workers = processors(settings.search.workers)
    return Bench(tape, info, mid_path(tape), settings.replay, settings.objective, settings.index_dir, workers)


def study_name(info: TapeInfo, base: ParameterSet, settings: StudySettings) -> str:
    """Return the name that all that decides about trials makes.

    How many there are, who replays them and how one of a front is chosen do not.
    """
    search = settings.search.model_copy(update={"workers": 0})
    objective = settings.objective.model_copy(update={"weights": {}})
    parts: list[Any] = [info.fingerprint, base.content_hash(), settings.seed, KERNEL_DIGEST, asdict(settings.replay)]
    parts += [model.model_dump_json() for model in (search, settings.space, settings.folds, objective)]
    content = orjson.dumps(parts, option=orjson.OPT_SERIALIZE_NUMPY, default=_plain)
    digest = hashlib.sha256(content).hexdigest()[: warm_start.DIGITS]
    return f"{info.venue}-{slug(info.symbol)}-{digest}"


def _plain(value: Any) -> Any:
    """Return a named tuple as a list, as orjson will not; drawn latencies are one."""
    if isinstance(value, tuple):
        return list(value)
    raise TypeError(f"{value!r} cannot be part of a study's name")

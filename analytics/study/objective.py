"""What a study maximises, and the replays that measure it.

A fold's score is one of `study.measures`, by name. A study's value is the mean over folds less `risk_aversion`
times their standard deviation. Not trading would score 0 and beat every honest attempt in a hard market, so a minimum
of fills a fold is a constraint (`study.constraints`), not a term: a point that misses one ranks behind every point
that misses none.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from analytics.metrics.activity import Activity, of_replay
from analytics.metrics.figures import Metrics, Tally, combine, metrics_of, tally
from analytics.metrics.markout import MidPath
from analytics.metrics.prediction import PredictionError
from analytics.study.constraints import shortfalls
from analytics.study.folds import Fold, Window
from analytics.study.measures import OF_ORDERS, SCORES, FoldRun
from analytics.study.settings import Objective
from analytics.tape.excerpt import excerpt
from analytics.tape.index_files import index_of
from strategy.policies.parameters import ParameterSet
from strategy.replay.driver import WORTH, ReplayConfig, replay, replay_many, skips
from strategy.replay.index import Index
from strategy.replay.tape import Tape, TapeInfo

__all__ = ["Bench", "Evaluation", "Measured", "Objective", "processors"]

Hopeless = Callable[[int, int, float], bool]  # of a set's place, the fold it has just done, and its score there


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One parameter set over some folds. `violation` is that of the constraint missed most, feasible when <= 0.

    `violations` holds each constraint's, in its worst fold, as a share of its limit. `others` are the scores by
    a Pareto study's further objectives.
    """

    score: float
    violation: float
    fold_scores: tuple[float, ...]
    metrics: Metrics
    activities: tuple[Activity, ...]
    violations: dict[str, float] = field(default_factory=dict)
    others: dict[str, float] = field(default_factory=dict)

    @property
    def goals(self) -> tuple[float, ...]:
        """Return the score and those of a Pareto study's further objectives."""
        return self.score, *self.others.values()

    @property
    def rank(self) -> tuple[bool, float]:
        """Return a key that sorts feasible before infeasible, then by score (by violation when infeasible)."""
        feasible = self.violation <= 0
        return feasible, self.score if feasible else -self.violation


@dataclass(frozen=True, slots=True)
class Measured:
    """One parameter set over one fold."""

    scores: tuple[float, ...]  # one an objective
    violations: dict[str, float]
    total: Tally
    activities: tuple[Activity, ...]


@dataclass(frozen=True, slots=True)
class Bench:
    """Everything that stays the same from trial to trial.

    With a `cache` the skip driver's indices lie there, for every process that replays the same windows.
    """

    tape: Tape
    info: TapeInfo
    path: MidPath
    config: ReplayConfig
    objective: Objective
    cache: Path | None = None
    workers: int = 1
    excerpts: dict[Window, Tape] = field(default_factory=dict)
    indices: dict[Window, Index] = field(default_factory=dict)
    expected: dict[Window, int] = field(default_factory=dict)  # replays of a window in all, where that is known
    price: float = field(init=False)  # mean mid over the tape, quote currency

    def __post_init__(self) -> None:
        """Work out once what every trial is held against."""
        object.__setattr__(self, "price", float(np.nanmean(self.path.mid)) * float(self.info.tick_size))

    def evaluate(
        self, parameters: ParameterSet, folds: Sequence[Fold], prediction: PredictionError | None = None
    ) -> Evaluation:
        """Replay a parameter set on every window of every fold, each from the same holdings."""
        measured = [next(self.over([parameters], fold, kept=True)) for fold in folds]
        return self._evaluation(measured, prediction)

    def evaluate_many(
        self, sets: Sequence[ParameterSet], folds: Sequence[Fold], kept: bool = False, hopeless: Hopeless | None = None
    ) -> Iterator[Evaluation]:
        """Yield the evaluations of many sets in their order, each as if it were alone, as soon as each is known.

        All sets go through a window before any goes on to the next. Activities are left out unless they are `kept`.
        A set that is `hopeless` after a fold is not replayed on later ones: its evaluation has fewer fold scores.
        """
        known: list[list[Measured]] = [[] for _ in sets]
        going = list(range(len(sets)))
        for step, fold in enumerate(folds[:-1]):
            for i, found in zip(going, self.over([sets[i] for i in going], fold, kept), strict=True):
                known[i].append(found)
            going = [i for i in going if hopeless is None or not hopeless(i, step, known[i][-1].scores[0])]
            if not going:
                break
        last = self.over([sets[i] for i in going], folds[-1], kept)
        left = frozenset(going)
        for i, earlier in enumerate(known):
            yield self._evaluation([*earlier, next(last)] if i in left else earlier)

    def warm_up(self, sets: Sequence[ParameterSet], folds: Sequence[Fold], together: int, trials: int = 0) -> None:
        """Cut the folds' windows out of the tape, build their indices and compile what so many sets together need.

        Of `trials` in all the skip loop may be worth compiling where it is not for one batch. What is worth it stays
        so for the fewer sets that a share, or what pruning leaves of a batch, takes through a window.
        """
        windows = [window for fold in folds for window in fold]
        for window in windows:
            tape, config = self._excerpt(window), self._config(window)
            worth = together * (len(tape.update_exch) + len(tape.trade_exch)) >= WORTH
            self.expected[window] = many = max(together, trials * len(windows)) if worth else together
            for parameters in sets:
                skipping = skips(tape, parameters, config, many)
                driven = replace(config, driver="skip" if skipping else "reference", end_ns=window.start_ns)
                replay(tape, self.info, parameters, driven, self._index(window) if skipping else None)

    def expect(self, parameters: ParameterSet) -> None:
        """Hear of a set that is about to be evaluated with others, which here changes nothing."""

    def over(self, sets: Sequence[ParameterSet], fold: Fold, kept: bool) -> Iterator[Measured]:
        """Yield how each set did on a fold."""
        earlier = [list(self._runs(sets, window, kept)) for window in fold[:-1]]
        for i, last in enumerate(self._runs(sets, fold[-1], kept)):
            yield self._measured(sets[i], fold, [*(runs[i] for runs in earlier), last], kept)

    def _runs(self, sets: Sequence[ParameterSet], window: Window, kept: bool) -> Iterator[Activity]:
        tape, read = self._excerpt(window), kept or not OF_ORDERS.isdisjoint(self.objective.measures)
        config = replace(self._config(window), record_orders=read)
        many = max(len(sets), self.expected.get(window, 0))
        skipping = [skips(tape, each, config, many) for each in sets]
        index = self._index(window) if any(skipping) else None
        if all(skipping):
            config = replace(config, driver="skip")
        for result in replay_many(tape, self.info, sets, config, self.workers, index):
            yield of_replay(result, window.start_ns, window.end_ns)

    def _measured(self, parameters: ParameterSet, fold: Fold, runs: list[Activity], kept: bool) -> Measured:
        # A markout past the end of its window would look into the fold that follows.
        paths = [self.path.between(window.start_ns, window.end_ns) for window in fold]
        total = combine([tally(run, path, self.info) for run, path in zip(runs, paths, strict=True)])
        figures = metrics_of(total).overall
        levels = len(parameters.quoting.buy_spreads)
        quoted = parameters.quoting.order_qty * levels * self.price
        run = FoldRun(runs, figures, quoted, sum(window.hours for window in fold))
        scores = tuple(SCORES[measure](run) for measure in self.objective.measures)
        missed = shortfalls(self.objective, figures, total, runs, self.info)
        return Measured(scores, missed, total, tuple(runs) if kept else ())

    def _evaluation(self, folds: Sequence[Measured], prediction: PredictionError | None = None) -> Evaluation:
        score, *others = (self._over_folds(scores) for scores in zip(*(fold.scores for fold in folds), strict=True))
        violations = {name: max(fold.violations[name] for fold in folds) for name in folds[0].violations}
        return Evaluation(
            score=score,
            violation=max(violations.values()),
            fold_scores=tuple(fold.scores[0] for fold in folds),
            metrics=metrics_of(combine([fold.total for fold in folds]), prediction),
            activities=tuple(run for fold in folds for run in fold.activities),
            violations=violations,
            others=dict(zip(self.objective.also, others, strict=True)),
        )

    def _over_folds(self, scores: Sequence[float]) -> float:
        spread = float(np.std(scores)) if len(scores) > 1 else 0.0
        return float(np.mean(scores)) - self.objective.risk_aversion * spread

    def _config(self, window: Window) -> ReplayConfig:
        return replace(self.config, start_ns=window.start_ns, end_ns=window.end_ns)

    def _excerpt(self, window: Window) -> Tape:
        if window not in self.excerpts:
            self.excerpts[window] = excerpt(self.tape, window)
        return self.excerpts[window]

    def _index(self, window: Window) -> Index | None:
        """Return a window's index from the cache; without one it is built and kept beside the tape."""
        if self.cache is None:
            return None
        if window not in self.indices:
            self.indices[window] = index_of(self._excerpt(window), self.info, self.cache)
        return self.indices[window]


def processors(wanted: int) -> int:
    """Return a number of workers: as wanted, or one a processor where 0 is."""
    return wanted or os.cpu_count() or 1

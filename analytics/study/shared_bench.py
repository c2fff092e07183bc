"""A bench whose train folds are replayed by every process that joins, the one that runs the study among them.

All do the same: take a share of the replays on offer, replay it, leave what was measured. The study waits for what it
offered in the order of its trials, so neither who replays nor how many do changes a number.
"""

import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Final, Self

import numpy as np

from analytics.metrics.figures import Tally
from analytics.study.exchange import Exchange, Measures, Replay
from analytics.study.folds import Fold
from analytics.study.objective import Bench, Measured
from strategy.policies.parameters import ParameterSet

POLL_S: Final = 0.05

Key = tuple[str, int]  # a parameter set by its content, and a train fold by its number


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedBench(Bench):
    """A bench and where its processes meet: `share` replays are taken at once.

    `ahead` offers all folds of a set at once; trials that are pruned between folds are offered a fold at a time.
    """

    exchange: Exchange
    train: tuple[Fold, ...]
    share: int
    ahead: bool
    offers: dict[Key, tuple[str, int]] = field(default_factory=dict)  # a task, and the fold's place in it
    known: dict[str, Measures] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    @classmethod
    def of(cls, bench: Bench, **own: Any) -> Self:
        """Return a bench that shares its replays."""
        return cls(**{each.name: getattr(bench, each.name) for each in fields(Bench)}, **own)

    def over(self, sets: Sequence[ParameterSet], fold: Fold, kept: bool) -> Iterator[Measured]:
        """Yield how each set did on a fold; on a train fold, whoever replayed it."""
        if kept or fold not in self.train:
            yield from Bench.over(self, sets, fold, kept)
            return
        number = self.train.index(fold)
        keys = [(each.content_hash(), number) for each in sets]
        for key, parameters in zip(keys, sets, strict=True):
            if key not in self.offers:
                self._offer(key, parameters)
        for key in keys:
            yield self._awaited(*self.offers[key])
        for key in set(keys):
            del self.offers[key]

    def _offer(self, key: Key, parameters: ParameterSet) -> None:
        content, number = key
        folds = tuple(range(len(self.train))) if self.ahead else (number,)
        task = str(next(self.numbers))
        self.exchange.offer(Replay(task, parameters, folds))
        self.offers.update({(content, fold): (task, place) for place, fold in enumerate(folds)})

    def _awaited(self, task: str, place: int) -> Measured:
        while task not in self.known:
            self.known.update(self.exchange.measured())
            if task not in self.known and not replay_share(self.exchange, self, self.train, self.share):
                time.sleep(POLL_S)
        return _measured(self.known[task][place])


def replay_share(exchange: Exchange, bench: Bench, train: Sequence[Fold], share: int) -> int:
    """Take a share of what is on offer, replay it here and leave what was measured; return how many there were."""
    taken = exchange.take(share)
    with exchange.held(taken):
        for folds, replays in itertools.groupby(taken, key=lambda each: each.folds):
            _replay(exchange, bench, [train[number] for number in folds], list(replays))
    return len(taken)


def _replay(exchange: Exchange, bench: Bench, folds: Sequence[Fold], replays: Sequence[Replay]) -> None:
    sets = [each.parameters for each in replays]
    by_fold = [list(Bench.over(bench, sets, fold, kept=False)) for fold in folds]
    for replay, measured in zip(replays, zip(*by_fold, strict=True), strict=True):
        exchange.leave(replay, [_plain(each) for each in measured])


def _plain(measured: Measured) -> dict[str, Any]:
    """Return what was measured as JSON can hold it, every float to the last digit."""
    sums = {name: each.tolist() for name, each in measured.total.sums.items()}
    return asdict(replace(measured, total=replace(measured.total, sums=sums), activities=()))


def _measured(plain: dict[str, Any]) -> Measured:
    total = plain["total"]
    sums = {name: np.array(each, np.float64) for name, each in total["sums"].items()}
    tally = Tally(**(total | {"sums": sums}))
    return Measured(**(plain | {"scores": tuple(plain["scores"]), "total": tally, "activities": ()}))

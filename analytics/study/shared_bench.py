"""A bench whose train folds are replayed by every process that joins, the one that runs the study among them.

All do the same: take a share of the replays on offer, replay it, leave what was measured. The study waits for what it
offered in the order of its trials, so neither who replays nor how many do changes a number.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Final, Self

import numpy as np

from analytics.metrics.figures import Tally
from analytics.study.bell import Bell
from analytics.study.exchange import Exchange, Measures, Share
from analytics.study.folds import Fold
from analytics.study.objective import Bench, Measured
from strategy.policies.parameters import ParameterSet

LOOK_S: Final = 0.5  # how long is waited for a ring: who fell silent has to be looked for too

Key = tuple[str, int]  # a parameter set by its content, and a train fold by its number


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedBench(Bench):
    """A bench and where its processes meet; a share is `together` parameter sets.

    `ahead` offers all folds of a set at once; trials that are pruned between folds are offered a fold at a time.
    Others replay the first sets of a batch while its last ones are still being asked for.
    """

    exchange: Exchange
    bell: Bell
    train: tuple[Fold, ...]
    together: int
    ahead: bool
    offers: dict[Key, tuple[int, int, int]] = field(default_factory=dict)  # a share, and place of set and fold in it
    known: dict[int, Measures] = field(default_factory=dict)
    coming: dict[str, ParameterSet] = field(default_factory=dict)  # sets that are not offered yet
    numbers: Iterator[int] = field(default_factory=itertools.count)

    @classmethod
    def of(cls, bench: Bench, **own: Any) -> Self:
        """Return a bench that shares its replays."""
        return cls(**{each.name: getattr(bench, each.name) for each in fields(Bench) if each.init}, **own)

    def expect(self, parameters: ParameterSet) -> None:
        """Offer a set's first replays as soon as there is a share of such sets."""
        content = parameters.content_hash()
        if (content, 0) not in self.offers:
            self.coming[content] = parameters
        if len(self.coming) == self.together:
            self._offer_coming(0)

    def over(self, sets: Sequence[ParameterSet], fold: Fold, kept: bool) -> Iterator[Measured]:
        """Yield how each set did on a fold; on a train fold, whoever replayed it."""
        if kept or fold not in self.train:
            yield from Bench.over(self, sets, fold, kept)
            return
        number = self.train.index(fold)
        keys = [(each.content_hash(), number) for each in sets]
        for (content, _), each in zip(keys, sets, strict=True):
            if (content, number) not in self.offers:
                self.coming[content] = each
        self._offer_coming(number)
        for key in keys:
            yield self._awaited(*self.offers[key])
        for key in set(keys):
            del self.offers[key]

    def _offer_coming(self, fold: int) -> None:
        for some in _cut(list(self.coming.items()), self.together):
            self._offer(dict(some), fold)
        if self.coming:
            self.coming.clear()
            self.bell.ring()

    def _offer(self, sets: dict[str, ParameterSet], fold: int) -> None:
        share = next(self.numbers)
        folds = tuple(range(len(self.train))) if self.ahead else (fold,)
        self.exchange.offer(Share(share, tuple(sets.values()), folds))
        for (i, content), (j, each) in itertools.product(enumerate(sets), enumerate(folds)):
            self.offers[content, each] = share, i, j

    def _awaited(self, share: int, place: int, fold: int) -> Measured:
        while share not in self.known:
            if own := replay_share(self.exchange, self, self.train):
                self.known[own[0].number] = own[1]
                continue
            self.known.update(self.exchange.measured())
            if share not in self.known:
                self.bell.wait(LOOK_S)
        return _measured(self.known[share][place][fold])


def replay_share(exchange: Exchange, bench: Bench, train: Sequence[Fold]) -> tuple[Share, Measures] | None:
    """Take a share of what is on offer, replay it here and leave what was measured; None when there is none."""
    share = exchange.take()
    if share is None:
        return None
    with exchange.held(share):
        by_fold = [Bench.over(bench, share.sets, train[number], kept=False) for number in share.folds]
        found = [[_plain(each) for each in fold] for fold in by_fold]
        measures = [list(each) for each in zip(*found, strict=True)]
        exchange.leave(share, measures)
    return share, measures


def _cut(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [items[i : i + size] for i in range(0, len(items), size)]


def _plain(measured: Measured) -> dict[str, Any]:
    """Return what was measured as JSON can hold it, every float to the last digit."""
    sums = {name: each.tolist() for name, each in measured.total.sums.items()}
    return asdict(replace(measured, total=replace(measured.total, sums=sums), activities=()))


def _measured(plain: dict[str, Any]) -> Measured:
    total = plain["total"]
    sums = {name: np.array(each, np.float64) for name, each in total["sums"].items()}
    tally = Tally(**(total | {"sums": sums}))
    return Measured(**(plain | {"scores": tuple(plain["scores"]), "total": tally, "activities": ()}))

"""Does a study find the best constant width where arrivals fall as A exp(-k delta)?

A quote at delta earns (delta - fee) A exp(-k delta) a second, most at delta* = fee + 1 / k. On a tape that is
(delta - fee) times the number of orders that reach delta, and what maximises it misses delta* by

    (1 / k) (4 / n)^(1/3) Z

where n is the number of fills at delta* and Z has Chernoff's distribution, argmax B(t) - t^2 (the cube-root asymptotics
of Kim and Pollard, Annals of Statistics 18, 1990: noise of variance |h| exp(-1) / (k n) an order around a summit that
falls by k exp(-1) h^2 / 2).
"""

import math
from dataclasses import dataclass, replace
from typing import Final

from analytics.study.folds import FoldSettings
from analytics.study.objective import Objective
from analytics.study.search import SpaceSettings
from analytics.study.study import StudySettings, run_study
from bench.truth.arrivals import Market, Weather, arrival_tape
from bench.truth.makers import PLENTY, WIDTH, WIDTHS_BPS, constant

CHERNOFF_95: Final = (
    0.99818  # Z lies within +- this 95 times of 100 (Groeneboom and Wellner 2001, J. Comp. Graph. Stat.)
)
CHERNOFF_99: Final = 1.28666  # ... and 99 times
CHERNOFF_STD: Final = 0.51339
HOURS: Final = 6.0
REACH_BPS: Final = 5.0  # 1 / k
RATE: Final = 1.0
TRIALS: Final = 48


@dataclass(frozen=True, slots=True)
class Found:
    """What a study found, what is true, and by how much chance alone may part them (bps, for Z = 1)."""

    width_bps: float
    true_bps: float
    unit_bps: float

    @property
    def z(self) -> float:
        """Return the miss in units of Chernoff's variable."""
        return (self.width_bps - self.true_bps) / self.unit_bps

    @property
    def deviation_bps(self) -> float:
        """Return the standard deviation that chance alone gives what is found."""
        return CHERNOFF_STD * self.unit_bps


def found(seed: int, fee_bps: float = 0.0, hours: float = HOURS) -> Found:
    """Search the constant width on one tape; the best trial of training is the winner."""
    seconds = round(hours * 3600)
    tape, info = arrival_tape(Market(seconds, Weather(0.1, RATE, REACH_BPS)), seed)
    settings = StudySettings(
        replay=replace(PLENTY, maker_fee_bps=fee_bps),
        trials=TRIALS,
        seed=seed,
        candidates=1,
        space=SpaceSettings(parameters=(WIDTH,), ranges={WIDTH: WIDTHS_BPS}),
        folds=FoldSettings(train_folds=1, validation_folds=1),
        objective=Objective(risk_aversion=0.0),
    )
    winner = run_study(tape, info, constant(), settings).winner.point
    true = fee_bps + REACH_BPS
    fills = 2 * RATE * math.exp(-true / REACH_BPS) * settings.folds.train_share * seconds
    return Found(winner.values[WIDTH], true, REACH_BPS * (4.0 / fills) ** (1 / 3))

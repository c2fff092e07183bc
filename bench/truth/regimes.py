"""Does a width a regime beat a constant one where it should? Calm and busy times with different volatility and depth.

In calm times orders reach 3 bps on average, in busy ones 12 and come a quarter as often, so that both are worth the
same to whoever quotes their 1 / k. Both makers are searched on the same folds and compared on the one that neither saw.
"""

from dataclasses import dataclass
from typing import Final

from analytics.study.objective import Evaluation
from analytics.study.search import SpaceSettings
from analytics.study.study import StudySettings, run_study
from bench.truth.arrivals import Market, Weather, arrival_tape
from bench.truth.makers import PLENTY, WIDTH, WIDTHS_BPS, by_regime, constant
from strategy.policies.parameters import ParameterSet

HOURS: Final = 8.0
CALM: Final = Weather(sigma_bps=0.2, rate=0.4, reach_bps=3.0)
BUSY: Final = Weather(sigma_bps=1.5, rate=0.1, reach_bps=12.0)
STRETCH_S: Final = 600.0
WINDOW_S: Final = 30.0
TRIALS: Final = 80


@dataclass(frozen=True, slots=True)
class Rivals:
    """The best width a regime and the best constant width, held out."""

    by_regime: Evaluation
    constant: Evaluation

    @property
    def gain(self) -> float:
        """Return how much more the regimes earn, as a share of what the constant width earns."""
        return self.by_regime.score / self.constant.score - 1.0


def rivals(seed: int, hours: float = HOURS) -> Rivals:
    """Search both makers on one tape."""
    tape, info = arrival_tape(Market(round(hours * 3600), CALM, BUSY, STRETCH_S), seed)

    def best(base: ParameterSet, space: SpaceSettings) -> Evaluation:
        settings = StudySettings(replay=PLENTY, trials=TRIALS, seed=seed, space=space)
        return run_study(tape, info, base, settings).held_out

    widths = SpaceSettings(parameters=("regimes.thresholds", "regimes.spreads"), spread_bps=WIDTHS_BPS)
    width = SpaceSettings(parameters=(WIDTH,), ranges={WIDTH: WIDTHS_BPS})
    return Rivals(best(by_regime(WINDOW_S), widths), best(constant(WINDOW_S), width))

"""The market's weather: which regime rules, and the value that informed people know.

Regimes follow a Markov chain with exponential stays of minutes. The latent value moves as a driftless random walk with
the regime's volatility, modulated slowly within it, plus jumps with exponential sizes. All sizes are bps of the value.
"""

import math
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate

from strategy.venues.paper.config import RegimeChoice
from strategy.venues.paper.draws import Draws

BPS = 1e-4


@dataclass(frozen=True, slots=True)
class Regime:
    """How the value moves and how the crowd behaves in one regime; rates are per second, both sides together."""

    name: str
    mean_stay_s: float
    next_regime: tuple[tuple[str, float], ...]
    volatility_bps: float  # per square root of a second
    jumps_per_s: float
    jump_bps: float  # mean size
    half_spread_bps: float  # of the crowd's tightest quote
    depth_bps: float  # mean distance of the crowd's quotes behind it
    churn_per_s: float  # cancelled and replaced orders
    takers_per_s: float  # small orders that pay the touch
    sweeps_per_s: float  # impatient orders that pay through the book
    sweep_bps: float  # mean depth of a sweep from the mid
    informed_per_s: float  # how soon a stale quote is seen


CALM = Regime(
    name="calm",
    mean_stay_s=240,
    next_regime=(("busy", 0.9), ("stressed", 0.1)),
    volatility_bps=0.28,
    jumps_per_s=0.008,
    jump_bps=2.5,
    half_spread_bps=0.4,
    depth_bps=4.0,
    churn_per_s=55,
    takers_per_s=4.0,
    sweeps_per_s=0.16,
    sweep_bps=1.6,
    informed_per_s=2.5,
)
BUSY = Regime(
    name="busy",
    mean_stay_s=120,
    next_regime=(("calm", 0.7), ("stressed", 0.3)),
    volatility_bps=1.5,
    jumps_per_s=0.045,
    jump_bps=7.5,
    half_spread_bps=0.9,
    depth_bps=8.0,
    churn_per_s=70,
    takers_per_s=7.0,
    sweeps_per_s=0.18,
    sweep_bps=6.5,
    informed_per_s=1.7,
)
STRESSED = Regime(
    name="stressed",
    mean_stay_s=60,
    next_regime=(("busy", 0.8), ("calm", 0.2)),
    volatility_bps=6.0,
    jumps_per_s=0.05,
    jump_bps=20.0,
    half_spread_bps=2.5,
    depth_bps=20.0,
    churn_per_s=80,
    takers_per_s=11.0,
    sweeps_per_s=0.3,
    sweep_bps=18.0,
    informed_per_s=1.6,
)
REGIMES = {regime.name: regime for regime in (CALM, BUSY, STRESSED)}


class Weather:
    """The regime and the latent value, in ticks, as time goes by."""

    def __init__(self, draws: Draws, value_ticks: float, choice: RegimeChoice) -> None:
        """Start at a value; a named choice rules for ever."""
        self._draws = draws
        self._switching = choice == "switching"
        self.regime = CALM if self._switching else REGIMES[choice]
        self._left_s = self.regime.mean_stay_s * draws.exponential()
        self._log_factor = 0.0
        self.value = value_ticks

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass: perhaps switch the regime, then move the value."""
        if self._switching:
            self._left_s -= seconds
            if self._left_s <= 0:
                self._switch()
        regime, draws = self.regime, self._draws
        self._log_factor += -self._log_factor * seconds / 30 + 0.35 * math.sqrt(2 * seconds / 30) * draws.normal()
        step_bps = regime.volatility_bps * math.exp(self._log_factor) * math.sqrt(seconds) * draws.normal()
        if draws.uniform() < regime.jumps_per_s * seconds:
            step_bps += draws.side() * regime.jump_bps * draws.exponential()
        self.value *= math.exp(step_bps * BPS)

    def _switch(self) -> None:
        point = self._draws.uniform()
        names, weights = zip(*self.regime.next_regime, strict=True)
        self.regime = REGIMES[names[bisect_right(list(accumulate(weights)), point, hi=len(names) - 1)]]
        self._left_s = self.regime.mean_stay_s * self._draws.exponential()

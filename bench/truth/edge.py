"""Do the gates refuse where there is no edge? A study on a fair tape, judged as `microvol calibrate` judges.

Periods are shorter than by default, since the tape is: with hours instead of days the statistical gates apply all the
same. Whatever wins was lucky, so every version that passes is one too many; a p-value alone would let one in twenty by.
"""

from dataclasses import dataclass
from typing import Final

from analytics.calibration import document_of
from analytics.gates.evidence import gather
from analytics.gates.gates import judge
from analytics.gates.thresholds import GateSettings
from analytics.gates.verdicts import Verdict, blocks
from analytics.study.search import SpaceSettings
from analytics.study.study import StudySettings, run_study
from bench.truth.arrivals import Market, Weather, arrival_tape, fair_tape
from bench.truth.makers import PLENTY, by_regime
from strategy.replay.tape import Tape, TapeInfo

SECONDS: Final = 6 * 3600
FAIR: Final = Weather(sigma_bps=0.2, rate=0.1, reach_bps=4.0)
OPEN: Final = Weather(sigma_bps=0.7, rate=0.1, reach_bps=8.0)
STATISTICAL: Final = frozenset({"overfitting", "deflated_sharpe", "gain"})
GATES: Final = GateSettings(period_minutes=1.5, min_days=0.0)
SPACE: Final = SpaceSettings(parameters=("spread.*", "quoting.cooldown_time"), spread_bps=(4.0, 16.0))
TRIALS: Final = 60


@dataclass(frozen=True, slots=True)
class Judged:
    """A winner's edge held out (bps), and what each gate says of it."""

    edge_bps: float
    verdicts: tuple[Verdict, ...]

    @property
    def refused(self) -> tuple[str, ...]:
        """Return the gates that are in its way."""
        return tuple(each.name for each in self.verdicts if blocks(each.passed))

    @property
    def statistical(self) -> bool:
        """Say whether a gate against luck is among them."""
        return not STATISTICAL.isdisjoint(self.refused)


def judged(tape: Tape, info: TapeInfo, seed: int) -> Judged:
    """Search on a tape and judge the winner."""
    settings = StudySettings(replay=PLENTY, trials=TRIALS, seed=seed, space=SPACE)
    result = run_study(tape, info, by_regime(), settings)
    evidence = gather(result, tape, info, document_of(result, info, (), None), GATES)
    return Judged(result.held_out.metrics.overall["edge_bps"], judge(evidence))


def without_edge(seed: int) -> Judged:
    """Judge the winner on a fair tape."""
    return judged(*fair_tape(SECONDS, FAIR, seed), seed)


def with_edge(seed: int) -> Judged:
    """Judge the winner where orders know nothing: gates that refuse this one too would say nothing of the other."""
    return judged(*arrival_tape(Market(SECONDS, OPEN), seed), seed)

"""What a study maximises, and the replays that measure it.

The score of a fold is the *markout PnL*: realised capture 30 s after each fill less fees, in bps of one side's quoted
notional per hour. It pays for volume and for edge, and sees adverse selection; unlike the account's PnL it is not
decided by where the price happened to drift while a few coins were held. A study's value is the mean over folds less
`risk_aversion` times their standard deviation. Not trading would score 0 and beat every honest attempt in a hard
market, so a minimum of fills a fold is a constraint, not a term: a point under it ranks behind every point above it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from analytics.activity import Activity, of_replay
from analytics.excerpt import excerpt
from analytics.folds import Fold, Window
from analytics.markout import MidPath
from analytics.metrics import Metrics, Tally, combine, metrics_of, tally
from analytics.prediction import PredictionError
from strategy.policies.parameters import ParameterSet
from strategy.replay.driver import ReplayConfig, replay
from strategy.replay.tape import Tape, TapeInfo


class Objective(BaseModel):
    """What is maximised; see the module's text."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    measure: Literal["markout", "excess_pnl"] = "markout"
    risk_aversion: float = Field(0.5, ge=0)
    min_fills: int = Field(3, ge=0, description="fills a fold, at least")
    min_fills_per_hour: float = Field(20.0, ge=0)

    def required(self, fold: Fold) -> float:
        """Return the fills a fold must have."""
        return max(float(self.min_fills), self.min_fills_per_hour * sum(window.hours for window in fold))


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One parameter set over some folds. `violation` is fills missing in the worst fold, feasible when <= 0."""

    score: float
    violation: float
    fold_scores: tuple[float, ...]
    metrics: Metrics
    activities: tuple[Activity, ...]

    @property
    def rank(self) -> tuple[bool, float]:
        """Return a key that sorts feasible before infeasible, then by score (by violation when infeasible)."""
        feasible = self.violation <= 0
        return feasible, self.score if feasible else -self.violation


@dataclass(frozen=True, slots=True)
class Bench:
    """Everything that stays the same from trial to trial."""

    tape: Tape
    info: TapeInfo
    path: MidPath
    config: ReplayConfig
    objective: Objective
    excerpts: dict[Window, Tape] = field(default_factory=dict)

    def evaluate(
        self, parameters: ParameterSet, folds: Sequence[Fold], prediction: PredictionError | None = None
    ) -> Evaluation:
        """Replay a parameter set on every window of every fold, each from the same holdings."""
        tallies: list[Tally] = []
        activities: list[Activity] = []
        scores: list[float] = []
        missing: list[float] = []
        for fold in folds:
            runs = [self._run(parameters, window) for window in fold]
            # A markout past the end of its window would look into the fold that follows.
            paths = [self.path.between(window.start_ns, window.end_ns) for window in fold]
            total = combine([tally(run, path, self.info) for run, path in zip(runs, paths, strict=True)])
            scores.append(self._score(total, parameters, fold))
            missing.append(self.objective.required(fold) - float(total.sums["fills"].sum()))
            tallies.append(total)
            activities += runs
        spread = float(np.std(scores)) if len(scores) > 1 else 0.0
        return Evaluation(
            score=float(np.mean(scores)) - self.objective.risk_aversion * spread,
            violation=max(missing),
            fold_scores=tuple(scores),
            metrics=metrics_of(combine(tallies), prediction),
            activities=tuple(activities),
        )

    def _run(self, parameters: ParameterSet, window: Window) -> Activity:
        if window not in self.excerpts:
            self.excerpts[window] = excerpt(self.tape, window)
        config = replace(self.config, start_ns=window.start_ns, end_ns=window.end_ns)
        result = replay(self.excerpts[window], self.info, parameters, config)
        return of_replay(result, window.start_ns, window.end_ns)

    def _score(self, total: Tally, parameters: ParameterSet, fold: Fold) -> float:
        """Return a fold's PnL in bps of one side's quoted notional per hour."""
        figures = metrics_of(total).overall
        if self.objective.measure == "markout":
            pnl = float(np.nan_to_num(figures["edge_bps"])) * 1e-4 * figures["turnover_quote"]
        else:
            pnl = figures["excess_pnl_quote"]
        levels = len(parameters.quoting.buy_spreads)
        price = float(np.nanmean(self.path.mid)) * float(self.info.tick_size)
        return 1e4 * pnl / (parameters.quoting.order_qty * levels * price) / sum(window.hours for window in fold)

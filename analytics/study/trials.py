"""One trial as a row: what the sampler drew, what it became, how it did on the train folds."""

from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self

from analytics.study.objective import Evaluation
from analytics.study.space import Point

FIGURES: Final = (
    "fills",
    "fill_ratio",
    "taker_fills",
    "turnover_quote",
    "fees_quote",
    "taker_fees_quote",
    "edge_bps",
    "quoted_capture_bps",
    "realised_capture_5s_bps",
    "adverse_selection_30s_bps",
    "excess_pnl_quote",
    "max_drawdown_quote",
    "inventory_variance_base2",
)
SAMPLED: Final = "sampler"


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One finished trial; `violation` <= 0 means that every fold it was replayed on kept to every limit.

    `source` is who proposed it: the sampler, or what a warm start knew. `others` are its scores by a Pareto study's
    further objectives. One that was `pruned` has the scores of the folds up to then.
    """

    number: int
    score: float
    violation: float
    u: dict[str, float]
    values: dict[str, Any]
    fold_scores: tuple[float, ...]
    figures: dict[str, float]
    violations: dict[str, float] = field(default_factory=dict)
    source: str = SAMPLED
    others: dict[str, float] = field(default_factory=dict)
    pruned: bool = False

    @classmethod
    def of(cls, u: dict[str, float], point: Point, evaluation: Evaluation, **own: Any) -> Self:
        """Return the row of a trial; its number, source and whether it was pruned are its `own`."""
        return cls(
            score=evaluation.score,
            violation=evaluation.violation,
            u=u,
            values=point.values,
            fold_scores=evaluation.fold_scores,
            figures={name: evaluation.metrics.overall[name] for name in FIGURES},
            violations=evaluation.violations,
            others=evaluation.others,
            **own,
        )

    @property
    def feasible(self) -> bool:
        """Say whether it went through every fold and kept to every limit there."""
        return self.violation <= 0 and not self.pruned

    @property
    def goals(self) -> tuple[float, ...]:
        """Return the score and those of a Pareto study's further objectives."""
        return self.score, *self.others.values()

    def flat(self) -> dict[str, Any]:
        """Return one flat row for a table."""
        head: dict[str, Any] = {
            "trial": self.number,
            "score": self.score,
            "feasible": self.feasible,
            "violation": self.violation,
            "pruned": self.pruned,
        }
        head |= {f"score.{name}": value for name, value in self.others.items()}
        head |= {"source": self.source} | {f"violation.{name}": value for name, value in self.violations.items()}
        folds = {f"fold_{i + 1}": score for i, score in enumerate(self.fold_scores)}
        return head | folds | self.figures | self.values | self.u

    def to_json(self) -> dict[str, Any]:
        """Return what a study keeps of the row."""
        return asdict(self)

    @classmethod
    def of_json(cls, data: dict[str, Any]) -> Self:
        """Return the row that a study kept."""
        return cls(**(data | {"fold_scores": tuple(data["fold_scores"])}))

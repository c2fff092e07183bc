"""One trial as a row: what the sampler drew, what it became, how it did on the train folds."""

from dataclasses import asdict, dataclass
from typing import Any, Self

from analytics.objective import Evaluation
from analytics.space import Point

FIGURES = (
    "fills",
    "fill_ratio",
    "turnover_quote",
    "edge_bps",
    "quoted_capture_bps",
    "realised_capture_5s_bps",
    "adverse_selection_30s_bps",
    "excess_pnl_quote",
    "max_drawdown_quote",
)


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One finished trial; `violation` <= 0 means that every fold had the fills it must have."""

    number: int
    score: float
    violation: float
    u: dict[str, float]
    values: dict[str, Any]
    fold_scores: tuple[float, ...]
    figures: dict[str, float]

    @classmethod
    def of(cls, number: int, u: dict[str, float], point: Point, evaluation: Evaluation) -> Self:
        """Return the row of a trial."""
        figures = {name: evaluation.metrics.overall[name] for name in FIGURES}
        scores = evaluation.fold_scores
        return cls(number, evaluation.score, evaluation.violation, u, point.values, scores, figures)

    @property
    def feasible(self) -> bool:
        """Say whether every fold had its minimum of fills."""
        return self.violation <= 0

    def flat(self) -> dict[str, Any]:
        """Return one flat row for a table."""
        head = {"trial": self.number, "score": self.score, "feasible": self.feasible, "violation": self.violation}
        folds = {f"fold_{i + 1}": score for i, score in enumerate(self.fold_scores)}
        return head | folds | self.figures | self.values | self.u

    def to_json(self) -> dict[str, Any]:
        """Return what a study keeps of the row."""
        return asdict(self)

    @classmethod
    def of_json(cls, data: dict[str, Any]) -> Self:
        """Return the row that a study kept."""
        return cls(**(data | {"fold_scores": tuple(data["fold_scores"])}))

"""How a study is run and what it is after: settings only, light enough for every command to import."""

import importlib.util
from typing import Final, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from analytics.study.shared import SharedSettings
from strategy.errors import BadInput

Measure = Literal["markout", "net_edge_bps", "pnl", "sharpe", "calm_aggressiveness"]
SamplerName = Literal["tpe", "cmaes", "nsga2", "nsga3", "random", "grid", "gp"]
MEASURES: Final[tuple[str, ...]] = get_args(Measure)
MOST_TRIALS: Final = 100_000


class SearchSettings(BaseModel):
    """Who proposes trials and how many are replayed together. Only `workers` leaves the trials as they are."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    sampler: SamplerName = Field("tpe", description="who proposes trials; gp needs torch")
    batch: int = Field(16, ge=1, le=1_024, description="trials asked for, and replayed, together")
    workers: int = Field(0, ge=0, le=256, description="threads that replay; 0 = one a processor")
    warm_start: bool = Field(True, description="try the champion and the last study's best first")
    grid_points: int = Field(3, ge=2, le=64, description="of the grid sampler, an axis")
    prune: float = Field(0.0, ge=0, le=0.5, description="stop trials behind the best with this p-value; 0 = never")


def check_available(sampler: str) -> None:
    """Refuse a sampler whose package is not installed."""
    if sampler == "gp" and importlib.util.find_spec("torch") is None:
        raise BadInput("sampler was 'gp', which needs the package torch: it is not installed")


def check_together(search: SearchSettings, objective: "Objective", folds: "FoldSettings") -> None:
    """Refuse settings that are each fine and do not go together."""
    count = len(objective.measures)
    if count > 1 and search.sampler == "cmaes":
        raise BadInput(f"sampler was 'cmaes', which takes one objective, not {count}")
    if count > 1 and search.prune:
        raise BadInput(f"prune was {search.prune:g}, trials of {count} objectives cannot be pruned")
    # Of n folds that are all worse than the best trial's, the signed-rank test says p = 1 / 2^n.
    needed = 1 + next(n for n in range(2, 64) if 0.5**n < (search.prune or 1))
    if search.prune and folds.train_folds < needed:
        raise BadInput(
            f"prune was {search.prune:g}, which needs {needed} train folds to stop a trial, not {folds.train_folds}"
        )


class FoldSettings(BaseModel):
    """Shares of the covered time; what train and validation leave over is held out."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    train_share: float = Field(0.5, gt=0, lt=1, description="of the time that the tape covers, searched on")
    validation_share: float = Field(0.25, gt=0, lt=1, description="the time after it, on which the winner is chosen")
    train_folds: int = Field(3, ge=1, le=100, description="into which the train share is cut")
    validation_folds: int = Field(2, ge=1, le=100, description="into which the validation share is cut")
    embargo_s: float = Field(5.0, ge=0, description="left out before every fold but the first")
    min_window_s: float = Field(20.0, gt=0, description="shorter pieces between gaps are dropped")

    @model_validator(mode="after")
    def _leaves_some(self) -> Self:
        if self.train_share + self.validation_share >= 1:
            shares = f"{self.train_share} and {self.validation_share}"
            raise ValueError(f"train and validation shares were {shares}, nothing is held out")
        return self


class Objective(BaseModel):
    """What is maximised, by name (study/measures.py), and what every fold must keep to; a limit of 0 is none."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    measure: Measure = Field("markout", description="what is maximised; docs/calibration.md")
    also: tuple[Measure, ...] = Field((), max_length=2, description="maximised at the same time: a Pareto study")
    weights: dict[Measure, float] = Field({}, description="choose from the Pareto front by these; none = its knee")
    risk_aversion: float = Field(0.5, ge=0, description="weight of the standard deviation over folds")
    min_fills: int = Field(3, ge=0, description="fills a fold, at least")
    min_fills_per_hour: float = Field(20.0, ge=0, description="fills an hour, at least")
    min_fill_ratio: float = Field(0.0, ge=0, le=1, description="orders with a fill, of all that rested")
    max_inventory_variance_base2: float = Field(0.0, ge=0, description="over a fold's time, base units squared")
    max_drawdown_bps: float = Field(0.0, ge=0, description="deepest fall in a fold, of the capital at its start")

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Return all that is maximised, the first one first."""
        return self.measure, *self.also

    @model_validator(mode="after")
    def _are_several(self) -> Self:
        if len(set(self.measures)) < len(self.measures):
            raise ValueError(f"objectives were {', '.join(self.measures)}, each is named once")
        if self.weights and (not self.also or set(self.weights) != set(self.measures)):
            weighed, objectives = ", ".join(self.weights), ", ".join(self.measures)
            raise ValueError(f"weights were of {weighed}, they must be of the Pareto study's objectives {objectives}")
        if self.weights and (min(self.weights.values()) < 0 or not sum(self.weights.values()) > 0):
            raise ValueError(f"weights were {self.weights}, none may be under 0 and their sum must be over 0")
        return self


class StudyTable(SearchSettings):
    """How a study is run, over which folds, and what it is after."""

    minutes: float = Field(0.0, ge=0, description="after so many no batch begins; 0 = no such limit")
    folds: FoldSettings = FoldSettings()
    objective: Objective = Objective()
    shared: SharedSettings = SharedSettings()

    @property
    def search(self) -> SearchSettings:
        """Return how trials are proposed and replayed."""
        return SearchSettings(**self.model_dump(include=set(SearchSettings.model_fields)))

"""What a study searches and how far: settings only, light enough for every command to import."""

from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Range = tuple[float, float]
SEARCHED: Final = ("spread.*", "quoting.executor_refresh_time", "quoting.cooldown_time")


class SpaceSettings(BaseModel):
    """What is searched. Quantiles are of the training window's sigma distribution.

    `parameters` are dotted names. `group.*` is all that has a declared range in the group, and `spread.*` also what
    gives the policy its shape: its curve, or the regimes' thresholds and spreads where it has no fields of its own.
    What `without` names is taken out again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    parameters: tuple[str, ...] = Field(
        SEARCHED, min_length=1, description="dotted names; group.* is all that declares a range in the group"
    )
    without: tuple[str, ...] = Field((), description="names or patterns that are not searched after all")
    threshold_quantiles: Range = Field(
        (0.05, 0.98), description="between which thresholds are searched, of the training window's sigmas"
    )
    spread_bps: Range = Field(
        (0.2, 60.0), description="half-spreads of regimes and curves, within the set's floor and cap"
    )
    curve_points: int = Field(4, ge=2, le=16, description="of a curve that is searched")
    ranges: dict[str, Range] = Field({}, description="instead of declared ranges, or where none is declared")

    @model_validator(mode="after")
    def _ranges_ascend(self) -> Self:
        named = {"threshold_quantiles": self.threshold_quantiles, "spread_bps": self.spread_bps} | self.ranges
        for name, (low, high) in named.items():
            if not low < high:
                raise ValueError(f"{name} was {low} to {high}, it must ascend")
        if self.spread_bps[0] <= 0:
            raise ValueError(f"spread_bps started at {self.spread_bps[0]}, it is searched on a logarithmic scale")
        if not self.threshold_quantiles[0] > 0 or not self.threshold_quantiles[1] < 1:
            raise ValueError(f"threshold_quantiles was {self.threshold_quantiles}, it must lie within 0 and 1")
        return self

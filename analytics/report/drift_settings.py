"""When a day is too far from what was foretold of it, and what is done then: settings only, light to import."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class DriftSettings(BaseModel):
    """How far live may come out from its replay; a version drifts when `breaches` of its last `days` are beyond."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    act: Literal["alert", "recalibrate", "demote"] = Field(
        "alert", description="tell alone; also study anew; also roll back to the version before"
    )
    breaches: int = Field(1, ge=1, description="days beyond a limit, the latest among them")
    days: int = Field(1, ge=1, le=60, description="... of so many days on which the version was live")
    min_fills: int = Field(20, ge=1, description="live or foretold; with fewer only decisions are judged")
    max_edge_gap_bps: float = Field(2.0, ge=0, description="between the edge live and the one foretold")
    max_fill_ratio: float = Field(2.0, ge=1, description="of fills live and foretold, either way")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.breaches > self.days:
            raise ValueError(f"breaches was {self.breaches}, of {self.days} days there cannot be as many")
        return self

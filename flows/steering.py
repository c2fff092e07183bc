"""Settings of the loop that runs itself: when, who decides on a promotion, its trial, what people are told of."""

from typing import Final, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

CRON: Final = r"^\S+( \S+){4}$"


class Section(BaseModel):
    """Base of one table of the file: frozen, nothing unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Schedule(Section):
    """When the nightly loop and the care of the lake run; the report follows the UTC day that it is about."""

    timezone: str = Field("UTC", description="of the two below")
    nightly: str = Field("10 0 * * *", pattern=CRON, description="cron")
    lake_care: str = Field("30 3 * * *", pattern=CRON, description="cron")

    @field_validator("timezone")
    @classmethod
    def _known(cls, timezone: str) -> str:
        """Refuse a name that no clock follows."""
        try:
            ZoneInfo(timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("the name of a time zone is wanted, like Europe/Berlin") from error
        return timezone


class PromotionTable(Section):
    """Who decides that a version which passed its gates is promoted by night."""

    mode: Literal["auto", "ask", "dry-run"] = Field("auto", description="ask waits for an operator's answer")
    answer_hours: float = Field(12.0, gt=0, le=168, description="how long ask waits; then nothing is promoted")


class Canary(Section):
    """The trial of a promoted version: smaller orders for a while, and its end when guard metrics are broken."""

    size_factor: float = Field(1.0, gt=0, le=1, description="of its orders; 1 = no trial")
    minutes: float = Field(60.0, gt=0, description="how long it lasts")
    window_minutes: float = Field(5.0, gt=0, description="each window is judged on its own")
    windows: int = Field(3, ge=1, description="the newest so many are looked at")
    breaches: int = Field(2, ge=1, description="so many of them broken, the newest among them: rolled back")
    max_loss_bps: float = Field(5.0, gt=0, description="lost in a window, beside what was held moving, of equity")
    max_order_faults: int = Field(10, ge=0, description="orders refused or unknown in a window")
    max_silent_share: float = Field(0.5, gt=0, le=1, description="of a window in which the process did not quote")

    @model_validator(mode="after")
    def _enough_windows(self) -> Self:
        """Refuse more breaches than windows: such a trial could not end."""
        if self.breaches > self.windows:
            raise ValueError(f"canary.breaches was {self.breaches}, there are {self.windows} windows")
        return self


class Alerts(Section):
    """Beyond which limits people are told; where to comes from `MICROVOL_ALERTS_WEBHOOK` alone."""

    panic_seconds: float = Field(300.0, gt=0, description="a panic lasts longer")
    max_inventory: float = Field(5_000.0, gt=0, description="value of the base held, quote units")
    max_order_faults: int = Field(20, ge=1, description="orders refused or unknown within ten minutes")
    stale_seconds: float = Field(60.0, gt=0, description="recording or quoting without news of the market")
    min_free_mb: float = Field(2_048.0, ge=0, description="free on the disk under home")

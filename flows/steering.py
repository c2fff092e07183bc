"""Settings of the loop that runs itself: when, who decides on a promotion, what people are told of."""

from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator

from strategy.policies.fields import setting

CRON: Final = r"^\S+( \S+){4}$"


class Section(BaseModel):
    """Base of one table of the file: frozen, nothing unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Schedule(Section):
    """When the nightly loop and the care of the lake run; the report follows the UTC day that it is about."""

    timezone: str = Field("UTC", description="in which the two below are meant")
    nightly: str = Field("10 0 * * *", pattern=CRON, description="cron: ingest, calibrate, promote, report")
    lake_care: str = Field("30 3 * * *", pattern=CRON, description="cron: care for the lake")

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

    mode: Literal["auto", "ask", "dry-run"] = Field(
        "auto", description="ask waits for an operator's answer, dry-run promotes nobody"
    )
    answer_hours: float = Field(12.0, gt=0, le=168, description="how long ask waits; then nothing is promoted")


class Alerts(Section):
    """Beyond which limits people are told; where to comes from `MICROVOL_ALERTS_WEBHOOK` alone."""

    panic_seconds: float = Field(300.0, gt=0, description="a panic lasts longer")
    max_inventory: float = setting(5_000.0, "worth of the base held", unit="quote", gt=0)
    max_order_faults: int = Field(20, ge=1, description="orders refused or not answered within ten minutes")
    stale_seconds: float = Field(60.0, gt=0, description="recording or quoting without news of the market")
    min_free_mb: float = Field(2_048.0, ge=0, description="free on the disk under home")

"""How a study is shared by several processes: settings only, light enough for every command to import."""

from pydantic import BaseModel, ConfigDict, Field

from strategy.policies.fields import setting


class SharedSettings(BaseModel):
    """Where processes meet, and how they share the work. None of it changes a trial."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    storage: str = Field("", description="postgresql://user@host/database; the password is PGPASSWORD's")
    runs: int = Field(0, ge=0, le=256, description="runs of work that a study starts in the work pool")
    share: int = setting(4, "that a process takes, and replays, together", unit="trials", ge=1, le=1_024)
    silence_s: int = Field(30, ge=2, le=3_600, description="a worker unheard of for so long is given up")

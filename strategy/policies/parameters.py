"""What a person may set: the parameter set, its checks and its canonical form.

A parameter set names one policy a kind and carries that policy's own fields beside the name:
`{"volatility": {"policy": "rolling_std", "vol_window_seconds": 60, …}, "spread": {…}, "inventory": {…}, …}`.
"""

import hashlib
from typing import Annotated, Any, Final, Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from strategy.errors import BadParameters
from strategy.kernel.records import MAX_LEVELS
from strategy.policies.registry import Kind, Policy, PolicyParameters, policy

SCHEMA_VERSION: Final = 1
GROUPS: Final[dict[str, Kind]] = {"volatility": "volatility", "spread": "spreads", "inventory": "inventory"}

Multiples = Annotated[tuple[Annotated[float, Field(gt=0, le=100)], ...], Field(min_length=1, max_length=MAX_LEVELS)]


class Regimes(BaseModel):
    """Sigma cut-offs and the width of each regime (strategy.md 3); labels of every spread policy come from here."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    low_threshold: float = Field(0.0005, gt=0, description="sigma below this is quiet")
    medium_threshold: float = Field(0.0015, gt=0)
    high_threshold: float = Field(0.003, gt=0)
    spread_low: float = Field(4.0, gt=0, le=10_000, description="half-spread, bps")
    spread_medium: float = Field(8.0, gt=0, le=10_000, description="half-spread, bps")
    spread_high: float = Field(20.0, gt=0, le=10_000, description="half-spread, bps")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low_threshold < self.medium_threshold < self.high_threshold:
            values = f"{self.low_threshold}, {self.medium_threshold}, {self.high_threshold}"
            raise ValueError(f"thresholds were {values}, they must increase strictly")
        if not self.spread_low <= self.spread_medium <= self.spread_high:
            values = f"{self.spread_low}, {self.spread_medium}, {self.spread_high}"
            raise ValueError(f"regime spreads were {values}, they must not decrease")
        return self


class Quoting(BaseModel):
    """Levels, sizes, limits and timing shared by all policies."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    order_qty: float = Field(0.001, gt=0, description="base units a level")
    buy_spreads: Multiples = Field((1.0, 2.0), description="multiples of the width, one a bid level")
    sell_spreads: Multiples = Field((1.0, 2.0), description="multiples of the width, one an ask level")
    spread_floor_bps: float = Field(1.0, ge=0, le=10_000)
    spread_cap_bps: float = Field(200.0, gt=0, le=10_000)
    fallback_spread_bps: float | None = Field(
        None, gt=0, le=10_000, description="while sigma is unknown; default spread_medium"
    )
    executor_refresh_time: float = Field(15.0, gt=0, le=86_400, description="s")
    cooldown_time: float = Field(5.0, ge=0, le=86_400, description="s")
    min_update_interval: float = Field(0.05, ge=0, le=60, description="s")
    on_cross: Literal["behind", "drop"] = "behind"

    @model_validator(mode="after")
    def _floor_under_cap(self) -> Self:
        if self.spread_floor_bps > self.spread_cap_bps:
            raise ValueError(f"spread_floor_bps was {self.spread_floor_bps}, the cap is {self.spread_cap_bps}")
        return self


class ParameterSet(BaseModel):
    """One complete set of parameters; equal sets have equal canonical JSON and equal content hashes."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    schema_version: Literal[1] = SCHEMA_VERSION
    volatility: dict[str, Any] = Field(default_factory=lambda: {"policy": "rolling_std"})
    spread: dict[str, Any] = Field(default_factory=lambda: {"policy": "discrete"})
    inventory: dict[str, Any] = Field(default_factory=lambda: {"policy": "buy_only"})
    regimes: Regimes = Regimes()
    quoting: Quoting = Quoting()

    @model_validator(mode="after")
    def _complete_groups(self) -> Self:
        """Check each policy's fields and write its defaults out, so that a stored set says everything."""
        for group, kind in GROUPS.items():
            fields = dict(getattr(self, group))
            name = fields.pop("policy", None)
            if not isinstance(name, str):
                raise ValueError(f"{group}.policy was {name!r}, it must name a policy")
            model = policy(kind, name).parameters(**fields)
            object.__setattr__(self, group, {"policy": name, **model.model_dump(mode="json")})
        return self

    def policy_of(self, group: str) -> tuple[Policy, PolicyParameters]:
        """Return the policy of one group and its checked parameters."""
        fields = dict(getattr(self, group))
        chosen = policy(GROUPS[group], fields.pop("policy"))
        return chosen, chosen.parameters(**fields)

    def canonical_json(self) -> bytes:
        """Return the one byte string that means this set: sorted keys, shortest floats, no white space."""
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)

    def content_hash(self) -> str:
        """Return the SHA-256 (hex) of the canonical JSON."""
        return hashlib.sha256(self.canonical_json()).hexdigest()


def parse_parameters(data: Any) -> ParameterSet:
    """Build a parameter set from decoded JSON; the first fault becomes one line naming field, value and bound."""
    try:
        return ParameterSet.model_validate(data)
    except ValidationError as error:
        raise BadParameters(one_line(error)) from error


def one_line(error: ValidationError) -> str:
    """Return the first fault of a pydantic error as `field was value: what is allowed`."""
    fault = error.errors()[0]
    field = ".".join(str(part) for part in fault["loc"]) or "parameters"
    message = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "value_error":
        return f"{field}: {message}"
    if fault["type"] == "missing":
        return f"{field} is missing"
    return f"{field} was {fault['input']!r}: {message[0].lower()}{message[1:]}"

"""The sections of a parameter set that are not policies: what every rule of the strategy may be set to.

Field names are those that MicroVol's users know; units, bounds and search ranges are declared where the field is.
"""

from itertools import pairwise
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from strategy.errors import BadParameters
from strategy.kernel.records import MAX_LEVELS
from strategy.kernel.state import RATE_CAPACITY
from strategy.policies.fields import setting

Multiples = Annotated[tuple[Annotated[float, Field(gt=0, le=100)], ...], Field(min_length=1, max_length=MAX_LEVELS)]
Quantile = Annotated[float, Field(gt=0, lt=1)]
THRESHOLDS: Final = ("low_threshold", "medium_threshold", "high_threshold")
REGIME_SPREADS: Final = ("spread_low", "spread_medium", "spread_high")


class Section(BaseModel):
    """Base of the sections that are not policies: frozen, nothing unknown, finite numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Regimes(Section):
    """Sigma cut-offs and the width of each regime (strategy.md 3); labels of every spread policy come from here.

    The cut-offs may be given as quantiles instead of numbers: they are None until `strategy.policies.quantiles` has
    resolved them on a window's sigmas, and then both stand here.
    """

    low_threshold: float | None = setting(0.0005, "sigma below this is quiet", unit="sigma", gt=0)
    medium_threshold: float | None = setting(0.0015, "sigma from here on is medium", unit="sigma", gt=0)
    high_threshold: float | None = setting(0.003, "sigma from here on is high", unit="sigma", gt=0)
    threshold_quantiles: tuple[Quantile, Quantile, Quantile] | None = setting(
        None, "the thresholds as quantiles of the calibration window's sigmas; none = numbers"
    )
    spread_low: float = setting(4.0, "half-spread up to the medium threshold", unit="bps", gt=0, le=10_000)
    spread_medium: float = setting(8.0, "half-spread from the medium threshold on", unit="bps", gt=0, le=10_000)
    spread_high: float = setting(20.0, "half-spread from the high threshold on", unit="bps", gt=0, le=10_000)

    @model_validator(mode="before")
    @classmethod
    def _quantiles_stand_for_numbers(cls, data: Any) -> Any:
        """Leave the thresholds open where only quantiles are given: their defaults would contradict them."""
        if not isinstance(data, dict) or data.get("threshold_quantiles") is None:
            return data
        return {**dict.fromkeys(THRESHOLDS), **data}

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        numbers = (self.low_threshold, self.medium_threshold, self.high_threshold)
        if self.threshold_quantiles is None or numbers != (None, None, None):
            _increase_strictly("thresholds", numbers)
        if self.threshold_quantiles is not None and list(self.threshold_quantiles) != sorted(self.threshold_quantiles):
            values = ", ".join(map(str, self.threshold_quantiles))
            raise ValueError(f"threshold_quantiles were {values}, they must not decrease")
        if not self.spread_low <= self.spread_medium <= self.spread_high:
            values = f"{self.spread_low}, {self.spread_medium}, {self.spread_high}"
            raise ValueError(f"regime spreads were {values}, they must not decrease")
        return self

    @property
    def resolved(self) -> bool:
        """Say whether the thresholds are numbers."""
        return self.low_threshold is not None

    @property
    def thresholds(self) -> tuple[float, float, float]:
        """Return the thresholds; bad input while they are quantiles only."""
        if self.low_threshold is None or self.medium_threshold is None or self.high_threshold is None:
            raise BadParameters(
                f"regimes.threshold_quantiles were {self.threshold_quantiles} and are not resolved: "
                "calibrate from this set, or set low_threshold, medium_threshold and high_threshold"
            )
        return self.low_threshold, self.medium_threshold, self.high_threshold


def _increase_strictly(name: str, values: tuple[float | None, ...]) -> None:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        raise ValueError(f"{name} were {', '.join(map(str, values))}, all of them must be set")
    if not all(low < high for low, high in pairwise(known)):
        raise ValueError(f"{name} were {', '.join(map(str, values))}, they must increase strictly")


class Quoting(Section):
    """Levels, sizes, limits and timing shared by all policies."""

    order_qty: float = setting(0.001, "size of one level", unit="base", gt=0)
    buy_spreads: Multiples = setting((1.0, 2.0), "multiples of the width, one a bid level")
    sell_spreads: Multiples = setting((1.0, 2.0), "multiples of the width, one an ask level")
    spread_floor_bps: float = setting(1.0, "no side is quoted closer", unit="bps", ge=0, le=10_000)
    spread_cap_bps: float = setting(200.0, "no width is wider, before inventory shifts it", unit="bps", gt=0, le=10_000)
    fallback_spread_bps: float | None = setting(
        None, "half-spread while sigma is unknown; none = spread_medium", unit="bps", gt=0, le=10_000
    )
    executor_refresh_time: float = setting(
        15.0, "a quote is replaced after", unit="s", search=(1.0, 60.0), scale="log", gt=0, le=86_400
    )
    cooldown_time: float = setting(5.0, "a filled slot waits", unit="s", search=(0.0, 30.0), ge=0, le=86_400)
    min_update_interval: float = setting(
        0.05, "closer updates count only when a best price changed", unit="s", ge=0, le=60
    )
    on_cross: Literal["behind", "drop"] = setting(
        "behind", "a price that would cross moves one tick behind, or is dropped"
    )
    requote_tolerance_bps: float | None = setting(
        None,
        "a quote is replaced early when the wanted price is further away; none = never",
        unit="bps",
        search=(0.5, 20.0),
        scale="log",
        gt=0,
        le=10_000,
    )
    max_concurrent_buys: int | None = setting(None, "open bids at most; none = no cap", ge=1, le=MAX_LEVELS)
    vol_size_ref: float | None = setting(
        None, "sizes shrink by this over sigma where sigma is larger; none = off", unit="sigma", gt=0
    )
    vol_size_min: float = setting(0.25, "smallest factor of a size, also while sigma is unknown", gt=0, le=1)
    position_rebalance_threshold_pct: float | None = setting(
        None, "base further from what the asks need is topped up or sold once; none = off", unit="fraction", gt=0, le=10
    )

    @model_validator(mode="after")
    def _floor_under_cap(self) -> Self:
        if self.spread_floor_bps > self.spread_cap_bps:
            raise ValueError(f"spread_floor_bps was {self.spread_floor_bps}, the cap is {self.spread_cap_bps}")
        return self


class Barriers(Section):
    """The triple barrier of each filled slot (strategy.md 6), as fractions of its entry price; none = not set."""

    take_profit: float | None = setting(None, "a resting limit at entry x (1 +- this)", unit="fraction", gt=0, lt=1)
    stop_loss: float | None = setting(
        None, "out as a taker when mid is this far against us", unit="fraction", gt=0, lt=1
    )
    time_limit: float | None = setting(None, "out as a taker after", unit="s", gt=0, le=604_800)
    trailing_stop_activation: float | None = setting(
        None, "the trailing stop is armed once mid was this far for us", unit="fraction", gt=0, lt=1
    )
    trailing_stop_delta: float | None = setting(
        None, "out as a taker when mid has come back from its best by", unit="fraction", gt=0, lt=1
    )

    @model_validator(mode="after")
    def _trailing_is_whole(self) -> Self:
        if (self.trailing_stop_activation is None) != (self.trailing_stop_delta is None):
            raise ValueError("trailing_stop_activation and trailing_stop_delta must be set together")
        return self


class Risk(Section):
    """When not to quote (strategy.md 7); none = the rule is off."""

    lockout_seconds: float = setting(5.0, "no quote updates after sigma enters `high`", unit="s", ge=0, le=3600)
    lockout_cancels: bool = setting(False, "resting quotes are cancelled at the lockout's start")
    panic_threshold: float | None = setting(None, "sigma over this cancels everything", unit="sigma", gt=0)
    panic_resume_samples: int = setting(
        10, "consecutive samples under the threshold that end a panic", ge=1, le=1_000_000
    )
    panic_kill_seconds: float | None = setting(None, "a longer panic throws the kill switch", unit="s", gt=0)
    max_daily_loss_quote: float | None = setting(
        None, "a larger loss since 00:00 UTC throws the kill switch", unit="quote", gt=0
    )
    max_drawdown_pct: float | None = setting(
        None, "equity this far under its highest throws the kill switch", unit="fraction", gt=0, lt=1
    )
    depth_band_bps: float = setting(10.0, "depth is counted this far from mid", unit="bps", gt=0, le=10_000)
    min_depth_base: float = setting(0.0, "less depth on a side cancels all; 0 = off", unit="base", ge=0)
    stale_after_seconds: float | None = setting(
        5.0, "cancel all when no update was accepted for", unit="s", gt=0, le=3600
    )
    collar_bps: float | None = setting(
        50.0,
        "no bid further over mid or last trade, no ask further under; reach of taker orders",
        unit="bps",
        gt=0,
        le=10_000,
    )
    max_orders_per_second: int | None = setting(10, "orders sent in any second", ge=1, le=RATE_CAPACITY)
    max_orders_per_day: int | None = setting(100_000, "orders sent since 00:00 UTC", ge=1)

"""Thresholds of the gates: settings only, light enough for every command to import. docs/gates.md explains each."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class GateSettings(BaseModel):
    """What a version has to show. Periods are stretches of equal length; edges are realised capture less fees, bps."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    require_all: bool = Field(False, description="a gate without enough data to judge by blocks too")
    min_fills: int = Field(5, ge=0, description="on the held-out fold")
    min_days: float = Field(1.0, ge=0, description="held out; under it the evidence is thin")
    min_edge_bps: float = Field(0.0, description="realised capture at 30 s less fees, held out")
    max_drawdown_bps: float = Field(100.0, gt=0, description="of the capital at the start, held out")
    period_minutes: float = Field(10.0, gt=0, description="length of a period of the statistical gates")
    min_periods: int = Field(48, ge=4, description="periods that a statistical gate needs")
    trials: int = Field(32, ge=2, le=10_000, description="trials replayed again by period")
    max_overfitting: float = Field(0.5, ge=0, le=1, description="probability of backtest overfitting")
    overfitting_blocks: int = Field(
        16, ge=2, le=20, multiple_of=2, description="an even number, into which CSCV cuts the periods"
    )
    min_deflated_sharpe: float = Field(0.95, ge=0, le=1, description="probability that the Sharpe ratio is no luck")
    max_p_value: float = Field(0.05, gt=0, le=1, description="of no gain on the champion, or on not quoting")
    bootstrap_samples: int = Field(10_000, ge=100, le=1_000_000, description="draws behind a p-value")
    neighbour_step: float = Field(0.1, gt=0, lt=1, description="how far a searched parameter is moved, a share of it")
    neighbour_draws: int = Field(8, ge=0, le=1_000, description="sets with every parameter moved at random")
    neighbour_edge: float = Field(0.8, ge=0, le=1, description="share of the edge that a neighbour must keep")
    min_neighbours: float = Field(0.8, ge=0, le=1, description="share of neighbours that must keep it")
    stress_latency: float = Field(3.0, ge=1, description="times as long, both ways")
    stress_fee_bps: float = Field(1.0, ge=-100, le=100, description="maker fee once the waiver is withdrawn")
    stress_hours: float = Field(1.0, gt=0, description="length of the stretch with the widest spread")
    min_stress_edge_bps: float = Field(0.0, description="under every stress, at least")
    min_live_fills: int = Field(20, ge=1, description="fills yesterday that a comparison with replay needs")
    max_live_edge_gap_bps: float = Field(2.0, ge=0, description="between yesterday's replay and yesterday's live")
    max_live_fill_ratio: float = Field(2.0, ge=1, description="of yesterday's fills in replay and live, either way")

    @model_validator(mode="after")
    def _blocks_fit(self) -> Self:
        if self.min_periods < self.overfitting_blocks:
            raise ValueError(f"min_periods was {self.min_periods}, {self.overfitting_blocks} blocks need as many")
        return self

    @property
    def period_ns(self) -> int:
        """Return the length of a period."""
        return round(self.period_minutes * 60e9)

"""What a simulation in real time assumes of venue, line and account; the supervisor writes it, the process reads it."""

from pathlib import Path
from typing import Final, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from strategy.errors import BadInput
from strategy.policies.document import write_atomically
from strategy.policies.parameters import one_line
from strategy.replay.latency import Latencies
from strategy.replay.run import ReplayConfig

ASSUMPTIONS_FILE: Final = "simulation.json"


class Assumptions(BaseModel):
    """Queue, fees and latencies as a replay has them; holdings are those of a simulated account when it is opened."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    queue_model: Literal["risk_averse", "power", "log"] = "risk_averse"
    queue_exponent: float = Field(3.0, gt=0)
    maker_fee_bps: float = 0.0
    taker_fee_bps: float = 0.0
    entry_ns: tuple[int, ...] = Field((10_000_000,), min_length=1)  # of request k: the k-th, then the first again
    response_ns: tuple[int, ...] = Field((10_000_000,), min_length=1)
    base: float = Field(0.0, ge=0)  # base units
    quote: float = Field(0.0, ge=0)  # quote units

    @classmethod
    def of(cls, config: ReplayConfig, base: float, quote: float) -> Self:
        """Return what a replay's config assumes, with the holdings of an account."""
        lines = config.lines()
        return cls(
            queue_model=config.queue_model,
            queue_exponent=config.queue_exponent,
            maker_fee_bps=config.maker_fee_bps,
            taker_fee_bps=config.taker_fee_bps,
            entry_ns=tuple(lines.entry_ns.tolist()),
            response_ns=tuple(lines.response_ns.tolist()),
            base=base,
            quote=quote,
        )

    def config(self, base: float, quote: float, version: int) -> ReplayConfig:
        """Return the config of a replay that assumes the same from other holdings (base and quote units)."""
        lines = Latencies(np.array(self.entry_ns, np.int64), np.array(self.response_ns, np.int64))
        same = ("queue_model", "queue_exponent", "maker_fee_bps", "taker_fee_bps")
        said = {name: getattr(self, name) for name in same}
        return ReplayConfig(**said, latencies=lines, base=base, quote=quote, version=version, driver="reference")


def read_assumptions(folder: Path) -> Assumptions:
    """Read what a live folder says; the defaults where it says nothing."""
    path = folder / ASSUMPTIONS_FILE
    try:
        return Assumptions.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Assumptions()
    except ValidationError as error:
        raise BadInput(f"{path}: {one_line(error)}") from error


def write_assumptions(folder: Path, assumptions: Assumptions) -> None:
    """Put them into a live folder."""
    write_atomically(folder / ASSUMPTIONS_FILE, assumptions.model_dump_json().encode())

"""A fitted fill model as a versioned document in the lake: what replays and studies name by its version."""

import hashlib
from dataclasses import replace
from datetime import date
from typing import Final, Literal, Self

import orjson
import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from analytics.fill_fit.latency_fit import LatencyFit, Ways
from analytics.fill_fit.profile import Estimate
from analytics.lake.store import Lake
from analytics.tape.line import Days
from strategy.errors import BadInput, Failed
from strategy.policies.faults import one_line
from strategy.replay.run import ReplayConfig

LATEST: Final = "latest"
_MIGRATION: Final = 50
_NOT_CONTENT: Final = {"lake_snapshot"}  # it moves on with every version that is stored


class Part(BaseModel):
    """Base of the document's parts: frozen, nothing unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Interval(Part):
    """An estimate with both ends of its 95 % interval."""

    value: float = Field(gt=0)
    low: float = Field(gt=0)
    high: float = Field(gt=0)

    @classmethod
    def of(cls, estimate: Estimate) -> Self:
        """Take an estimate over, to six digits."""
        value, low, high = (float(f"{each:.6g}") for each in (estimate.value, estimate.low, estimate.high))
        return cls(value=value, low=low, high=high)

    @property
    def estimate(self) -> Estimate:
        """Return it as the fit had it."""
        return Estimate(self.value, self.low, self.high)


class Latency(Part):
    """A lognormal latency: its median, and the standard deviation of its logarithm."""

    median_ms: Interval
    spread: float = Field(ge=0)

    @classmethod
    def of(cls, fit: LatencyFit) -> Self:
        """Take a fit over."""
        return cls(median_ms=Interval.of(fit.median_ns.scaled(1e-6)), spread=fit.spread)

    @property
    def fit(self) -> LatencyFit:
        """Return it in ns."""
        return LatencyFit(self.median_ms.estimate.scaled(1e6), self.spread)


class FittedOn(Part):
    """The data: days, fingerprint of each day's tape, digest of the orders; orders by what they told."""

    first_day: date
    last_day: date
    tapes: tuple[str, ...]
    orders_digest: str
    orders: int
    silent: int
    untimed: int
    unmatched: int
    round_trips: int


class FillModel(Part):
    """One version's parameters; `queue_exponent` is of `power`, fitted whichever model was chosen."""

    schema_version: Literal[1] = 1
    venue: str
    symbol: str
    queue_model: Literal["risk_averse", "power", "log"]
    queue_exponent: Interval
    clumping: float = Field(ge=0, le=1)
    log_likelihoods: dict[str, float]
    entry: Latency
    response: Latency
    fitted_on: FittedOn
    kernel_digest: str
    lake_snapshot: int

    @property
    def content_hash(self) -> str:
        """Return the SHA-256 of everything but the lake's snapshot."""
        said = self.model_dump(mode="json", exclude=_NOT_CONTENT)
        return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()

    def applied(self, config: ReplayConfig, seed: int) -> ReplayConfig:
        """Return a replay's assumptions with this queue and with latencies drawn from these distributions."""
        ways = Ways(self.entry.fit, self.response.fit, self.fitted_on.round_trips)
        return replace(
            config,
            queue_model=self.queue_model,
            queue_exponent=self.queue_exponent.value,
            latencies=ways.drawn(seed),
        )


def store(lake: Lake, model: FillModel, now_ns: int) -> int:
    """Add a model as the next version and return its number; the same content keeps the one it has."""

    def add(open_lake: Lake) -> int:
        held = _held(open_lake, model.venue, model.symbol)
        same = held.filter(pl.col("content_hash") == model.content_hash)
        if not same.is_empty():
            return int(same["version"][0])
        version = 1 + max(held["version"].to_list(), default=0)
        row = {
            "venue": model.venue,
            "symbol": model.symbol,
            "version": version,
            "day": model.fitted_on.last_day,
            "fitted_ns": now_ns,
            "content_hash": model.content_hash,
            "document": model.model_dump_json(),
        }
        open_lake.append("fill_model", pl.DataFrame([row]))
        return version

    return lake.atomically(add)


def settled_version(lake: Lake, venue: str, symbol: str, said: str) -> int:
    """Return the version that `latest` or a number names; one line says which there are where it names none."""
    known = _held(lake, venue, symbol)["version"].to_list()
    if not known:
        raise Failed(_none(venue, symbol))
    if said == LATEST:
        return int(known[-1])
    if not said.isdigit() or int(said) not in known:
        raise BadInput(f"fill model was {said!r}, known are {LATEST}, {', '.join(map(str, known))}")
    return int(said)


def load(lake: Lake, venue: str, symbol: str, version: int) -> FillModel:
    """Return one version."""
    rows = _held(lake, venue, symbol).filter(pl.col("version") == version)
    if rows.is_empty():
        raise Failed(f"the lake holds no fill model {version} of {symbol} on {venue}")
    try:
        model = FillModel.model_validate_json(rows["document"][0])
    except ValidationError as error:
        raise Failed(f"fill model {version} of {symbol} on {venue}: {one_line(error, FillModel)}") from error
    if model.content_hash != rows["content_hash"][0]:
        raise Failed(f"fill model {version} of {symbol} on {venue} was changed: it is not what its hash says")
    return model


def versions(lake: Lake, venue: str, symbol: str) -> pl.DataFrame:
    """Return what each version says and is of, oldest first."""
    rows = []
    for row in _held(lake, venue, symbol).iter_rows(named=True):
        model = load(lake, venue, symbol, row["version"])
        exponent, on = model.queue_exponent, model.fitted_on
        rows.append(
            {
                "version": row["version"],
                "fitted_ns": row["fitted_ns"],
                "days": str(Days(on.first_day, on.last_day)),
                "queue_model": model.queue_model,
                "queue_exponent": f"{exponent.value:.3g} ({exponent.low:.3g} to {exponent.high:.3g})",
                "entry_ms": model.entry.median_ms.value,
                "response_ms": model.response.median_ms.value,
                "orders": on.orders,
                "round_trips": on.round_trips,
                "content_hash": model.content_hash[:12],
            }
        )
    if not rows:
        raise Failed(_none(venue, symbol))
    return pl.DataFrame(rows)


def _none(venue: str, symbol: str) -> str:
    return f"the lake holds no fill model of {symbol} on {venue}: microvol fills makes one"


def _held(lake: Lake, venue: str, symbol: str) -> pl.DataFrame:
    if _MIGRATION not in lake.query("queries/schema_migrations")["number"]:
        raise Failed("the lake is of a build that kept no fill models: microvol ingest brings it up to date")
    return lake.query("queries/fill_models", venue=venue, symbol=symbol)

"""How other processes look at a quoting process: its status file, and waiting until it runs a given version."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from strategy.errors import Failed
from strategy.live.layout import Layout
from strategy.live.sizing import size_factor
from strategy.policies.document import ParameterDocument

STALE_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.05

State = Literal["starting", "quoting", "halted", "killed", "stopping"]


class Refused(BaseModel):
    """A parameter file that the process would not run, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    content_hash: str
    reason: str


class Killed(BaseModel):
    """Why the process stays out of the market until a person re-arms it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    at_ns: int
    cause: str
    reason: str
    who: str


class LiveStatus(BaseModel):
    """What a quoting process says of itself at least once a second."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    pid: int
    session: str
    venue: str
    symbol: str
    version: int | None = None
    content_hash: str | None = None
    size_factor: float = 1.0  # of its orders, below 1 while it is on trial
    started_ns: int
    heartbeat_ns: int
    state: State
    base_lots: float | None = None
    quote_atoms: float | None = None
    open_orders: int = 0
    mid_ticks: float | None = None
    mid_price: float | None = None  # this and all that follow in quote or base units
    base: float | None = None
    cash: float | None = None
    equity: float | None = None
    day_pnl: float | None = None  # equity against the first of the UTC day
    bid_price: float | None = None  # our best that rests
    ask_price: float | None = None
    bid_bps: float | None = None  # half-spreads of the last decision
    ask_bps: float | None = None
    market_delay_s: float | None = None  # from the venue's stamp to our receipt, both clocks as they are
    sigma: float | None = None
    regime: str | None = None
    panicking: bool = False
    positions: int = 0
    events: int = 0
    fills: int = 0
    order_faults: int = 0  # of this session: orders refused, but not for being post-only, and requests not answered
    round_trips: int = 0  # how many of the newest orders the next two are of
    round_trip_ms_p50: float | None = None
    round_trip_ms_p99: float | None = None
    kernel_digest: str
    killed: Killed | None = None
    refused: Refused | None = None
    shadows: tuple[int, ...] = ()  # versions that run beside it on paper
    warming: str | None = None  # content hash of a version that will run once it knows volatility
    metrics_url: str | None = None
    note: str = ""

    def age_seconds(self, now_ns: int) -> float:
        """Return how long ago the process last wrote."""
        return (now_ns - self.heartbeat_ns) / 1e9


def write_status(path: Path, status: BaseModel) -> None:
    """Replace a status file in one step; it need not survive a power cut, so nothing waits for the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_bytes(orjson.dumps(status.model_dump(mode="json"), option=orjson.OPT_APPEND_NEWLINE))
    temporary.replace(path)


def read_status(layout: Layout, venue: str, symbol: str) -> LiveStatus | None:
    """Return what the quoting process last wrote, None when there is no such file."""
    path = layout.status_file(venue, symbol)
    try:
        return LiveStatus.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise Failed(f"{path} is not a status file: {error.errors()[0]['msg']}") from error


def is_running(layout: Layout, venue: str, symbol: str) -> bool:
    """Say whether a quoting process is alive: its pid exists and its heartbeat is fresh."""
    status = read_status(layout, venue, symbol)
    return status is not None and _alive(status)


def wait_acknowledged(
    layout: Layout, venue: str, symbol: str, document: ParameterDocument, timeout_s: float
) -> LiveStatus:
    """Wait until the quoting process runs exactly this document; Failed says why it does not.

    While the process says that the document is warming up it is waited for longer: the process itself refuses it when
    that takes too long.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        status = read_status(layout, venue, symbol)
        if status is not None and _runs(status, document):
            return status
        if status is not None and _refuses(status, document):
            assert status.refused is not None
            raise Failed(f"version {document.version} was refused by the quoting process: {status.refused.reason}")
        if time.monotonic() >= deadline and not (status is not None and _warms(status, document)):
            raise Failed(_why_not(status, venue, symbol, document, timeout_s))
        time.sleep(_POLL_SECONDS)


def wait_until(
    layout: Layout, venue: str, symbol: str, holds: Callable[[LiveStatus], bool], timeout_s: float
) -> LiveStatus | None:
    """Wait until the status says what is wanted and return it; None when it did not in time."""
    deadline = time.monotonic() + timeout_s
    while True:
        status = read_status(layout, venue, symbol)
        if status is not None and _alive(status) and holds(status):
            return status
        if time.monotonic() >= deadline:
            return None
        time.sleep(_POLL_SECONDS)


def _alive(status: LiveStatus) -> bool:
    return _exists(status.pid) and status.age_seconds(time.time_ns()) <= STALE_SECONDS


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _runs(status: LiveStatus, document: ParameterDocument) -> bool:
    wanted = (document.version, document.content_hash, size_factor(document))
    same = (status.version, status.content_hash, status.size_factor) == wanted
    return same and status.state in ("quoting", "halted", "killed") and _alive(status)


def _refuses(status: LiveStatus, document: ParameterDocument) -> bool:
    return status.refused is not None and status.refused.content_hash == document.content_hash and _alive(status)


def _warms(status: LiveStatus, document: ParameterDocument) -> bool:
    return status.warming == document.content_hash and _alive(status)


def _why_not(status: LiveStatus | None, venue: str, symbol: str, document: ParameterDocument, waited_s: float) -> str:
    wanted = f"version {document.version} was not acknowledged within {waited_s:g} s"
    if status is None:
        return f"{wanted}: no process quotes {symbol} on {venue}"
    if not _alive(status):
        return f"{wanted}: the quoting process {status.pid} is silent for {status.age_seconds(time.time_ns()):.0f} s"
    return f"{wanted}: the quoting process runs version {status.version} and is {status.state}"

"""One parameter set over one window of the lake."""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import orjson

from flows import console, rooms
from flows.fill_model import settled_model, with_fill_model
from flows.latency import settled, with_line
from flows.parameters import parameters_of
from flows.settings import Settings
from strategy.errors import BadInput, Failed
from strategy.live.layout import slug

if TYPE_CHECKING:
    from analytics.report.replayed import Replayed
    from analytics.tape.latencies import RoundTrips
    from strategy.replay.driver import ReplayConfig
    from strategy.replay.tape import Tape, TapeInfo

Window = tuple[int | None, int | None]
Driver = Literal["auto", "skip", "reference"]


@dataclass(frozen=True, slots=True)
class Request:
    """Which parameters to replay over which window of receive time (ns, half-open, None = as far as the lake goes)."""

    version: int | None = None
    named: str | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    window: Window = (None, None)
    driver: Driver = "auto"
    latency: str | None = None  # instead of [costs] latency (analytics.tape.line)
    fill_model: str | None = None  # instead of [costs] fill_model (flows.fill_model)


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished replay, and how long it took without loading and compiling."""

    replayed: "Replayed"
    seconds: float


def replay_config(settings: Settings) -> "ReplayConfig":
    """Return what a replay assumes of venue and line."""
    from strategy.replay.driver import ReplayConfig

    costs = settings.costs
    return ReplayConfig(
        entry_latency_ns=int(costs.entry_latency_ms * 1e6),
        response_latency_ns=int(costs.response_latency_ms * 1e6),
        maker_fee_bps=costs.maker_fee_bps,
        taker_fee_bps=costs.taker_fee_bps,
        queue_model=costs.queue_model,
        queue_exponent=costs.queue_exponent,
        base=costs.base,
        quote=costs.quote,
    )


def replay_window(settings: Settings, request: Request) -> Answer:
    """Load the tape and replay it."""
    from analytics.report.replayed import Replayed
    from analytics.tape.index_files import index_of
    from strategy.replay.driver import replay, skips

    name, parameters = parameters_of(settings, request.version, request.named, request.changes)
    with console.waiting(f"loading {settings.symbol}"):
        tape, info = load(settings, request.window)
    config, trips = over(settings, request, info)
    with console.waiting("compiling"):
        index = index_of(tape, info, settings.home / "tape") if skips(tape, parameters, config) else None
        replay(tape, info, parameters, replace(config, end_ns=info.start_ns), index)
    begun = time.perf_counter()
    with console.waiting("replaying"):
        result = replay(tape, info, parameters, config, index)
    seconds = time.perf_counter() - begun
    title = f"{name} on {settings.venue} {settings.symbol}"
    return Answer(Replayed(title, parameters, config, tape, info, result, trips), seconds)


def load(settings: Settings, window: Window) -> tuple["Tape", "TapeInfo"]:
    """Return the tape of a window; one that the lake holds nothing of is bad input that says what it does hold."""
    from analytics.care.coverage import span
    from analytics.tape.tape import load_tape

    start, end = window
    with rooms.lake(settings, read_only=True) as lake:
        held = span(lake, settings.venue, settings.symbol)
        if held is None:
            raise Failed(f"the lake holds nothing of {settings.symbol} on {settings.venue}: record or import it first")
        if (end is not None and end <= held[0]) or (start is not None and start > held[1]):
            known = f"the lake holds {_moment(held[0])} to {_moment(held[1])}"
            raise BadInput(f"{settings.symbol} on {settings.venue} has no data in the window: {known}")
        last = None if end is None else end - 1
        return load_tape(lake, settings.venue, settings.symbol, start, last, cache=settings.home / "tape")


def over(settings: Settings, request: Request, info: "TapeInfo") -> tuple["ReplayConfig", "RoundTrips | None"]:
    """Return a config for a window, and its recorded latencies: the tape's axis is receive time less the offset."""
    start, end = (None if ns is None else ns - info.clock_offset_ns for ns in request.window)
    assumed = with_fill_model(replay_config(settings), settings, settled_model(settings, request.fill_model))
    config = replace(assumed, start_ns=start, end_ns=end, record_decisions=True, driver=request.driver)
    said = settings.costs.latency if request.latency is None else request.latency
    return with_line(config, settings, settled(said, _covered(request.window, info)))


def _covered(window: Window, info: "TapeInfo") -> tuple[int, int]:
    """Return the first and last receive time of a window that its tape reaches."""
    first, last = (ns + info.clock_offset_ns for ns in (info.start_ns, info.end_ns))
    start, end = window
    return first if start is None else max(first, start), last if end is None else min(last, end - 1)


def _moment(ns: int) -> str:
    return f"{datetime.fromtimestamp(ns // 10**9, UTC):%Y-%m-%dT%H:%M:%S}"


def folder_of(settings: Settings, done: "Replayed") -> Path:
    """Return where a replay's files go by default; the same replay goes to the same place."""
    what = [done.parameters.model_dump(mode="json"), asdict(done.config), done.info.fingerprint]
    digest = hashlib.sha256(orjson.dumps(what, option=orjson.OPT_SERIALIZE_NUMPY, default=str)).hexdigest()[:8]
    start = datetime.fromtimestamp(done.window[0] // 10**9, UTC)
    return settings.home / "replay" / f"{settings.venue}-{slug(settings.symbol)}-{start:%Y%m%dT%H%M%S}-{digest}"


def write(done: Answer, folder: Path) -> list[str]:
    """Write a replay's files and return their names, tables with the number of their rows."""
    from analytics.report.replayed import write_replay

    return [
        f"{name} ({rows:,} rows)" if rows is not None else name
        for name, rows in write_replay(done.replayed, folder).items()
    ]


def summary(done: Answer) -> str:
    """Return a replay in one line."""
    replayed, figures = done.replayed, done.replayed.metrics.overall
    start, end = replayed.window
    currency = replayed.info.symbol.split(":")[0].split("/")[1]
    traded = f"{figures['fills']:,.0f} fills of {figures['orders']:,.0f} orders"
    earned = f"PnL {figures['total_pnl_quote']:+.4f} {currency}, {figures['excess_pnl_quote']:+.4f} above holding"
    return f"{_moment(start)} to {_moment(end)} UTC: {traded}, {earned}, edge {figures['edge_bps']:+.2f} bps"

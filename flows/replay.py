"""One parameter set over one window of the lake."""

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flows import rooms
from flows.parameters import parameters_of
from flows.settings import Settings

if TYPE_CHECKING:
    from analytics.metrics import Metrics
    from strategy.replay.driver import ReplayConfig

Window = tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class Replayed:
    """The metrics of a replay, what it was of, and how long it took without loading and compiling."""

    title: str
    metrics: "Metrics"
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
        base=costs.base,
        quote=costs.quote,
    )


def replay_window(
    settings: Settings, version: int | None, named: str | None, changes: Mapping[str, Any], window: Window
) -> Replayed:
    """Load the tape, replay it and measure."""
    from analytics.activity import of_replay
    from analytics.markout import mid_path
    from analytics.metrics import measure
    from analytics.tape import load_tape
    from strategy.replay.driver import replay

    name, parameters = parameters_of(settings, version, named, changes)
    with rooms.lake(settings, read_only=True) as lake:
        tape, info = load_tape(lake, settings.venue, settings.symbol, *window, cache=settings.home / "tape")
    config = replay_config(settings)
    replay(tape, info, parameters, dataclasses.replace(config, end_ns=info.start_ns))  # compiles, or loads what is
    begun = time.perf_counter()
    result = replay(tape, info, parameters, config)
    seconds = time.perf_counter() - begun
    metrics = measure([of_replay(result, info.start_ns, info.end_ns)], mid_path(tape), info)
    return Replayed(f"{name} on {settings.venue} {settings.symbol}", metrics, seconds)

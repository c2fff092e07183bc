"""One parameter set over one window of the lake."""

import dataclasses
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from flows import rooms
from flows.settings import Settings
from strategy.errors import BadInput
from strategy.policies.document import parse_document
from strategy.policies.parameters import ParameterSet, parse_parameters

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


def parameters_of(settings: Settings, version: int | None, file: Path | None) -> tuple[str, ParameterSet]:
    """Return the named version's parameters, a file's, the champion's, or the defaults, and which they are."""
    if file is not None:
        return str(file), read_parameters(file)
    registry = rooms.registry(settings)
    if version is not None:
        return f"version {version}", registry.document(settings.venue, settings.symbol, version).parameters
    champion = registry.champion(settings.venue, settings.symbol)
    return (f"version {champion.version}", champion.parameters) if champion else ("defaults", ParameterSet())


def read_parameters(file: Path) -> ParameterSet:
    """Read a parameter set, or the one inside a parameter document."""
    try:
        data = file.read_bytes()
        content = orjson.loads(data)
    except FileNotFoundError as error:
        raise BadInput(f"parameter file {file} does not exist") from error
    except orjson.JSONDecodeError as error:
        raise BadInput(f"{file} is not JSON ({error})") from error
    if isinstance(content, dict) and "parameters" in content:
        return parse_document(data, str(file)).parameters
    return parse_parameters(content)


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


def replay_window(settings: Settings, version: int | None, file: Path | None, window: Window) -> Replayed:
    """Load the tape, replay it and measure."""
    from analytics.activity import of_replay
    from analytics.markout import mid_path
    from analytics.metrics import measure
    from analytics.tape import load_tape
    from strategy.replay.driver import replay

    name, parameters = parameters_of(settings, version, file)
    with rooms.lake(settings, read_only=True) as lake:
        tape, info = load_tape(lake, settings.venue, settings.symbol, *window, cache=settings.home / "tape")
    config = replay_config(settings)
    replay(tape, info, parameters, dataclasses.replace(config, end_ns=info.start_ns))  # compiles, or loads what is
    begun = time.perf_counter()
    result = replay(tape, info, parameters, config)
    seconds = time.perf_counter() - begun
    metrics = measure([of_replay(result, info.start_ns, info.end_ns)], mid_path(tape), info)
    return Replayed(f"{name} on {settings.venue} {settings.symbol}", metrics, seconds)

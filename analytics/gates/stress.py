"""Worse worlds for a winner: slower lines, a queue that never helps, a fee again, and the widest recorded spread."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analytics.gates.thresholds import GateSettings
from analytics.study.folds import Window, covered
from strategy.replay.latency import Latencies
from strategy.replay.run import ReplayConfig
from strategy.replay.tape import Tape


@dataclass(frozen=True, slots=True)
class Strained:
    """What came of a winner in a worse world: edge in bps of traded notional (nan without fills), and fills."""

    edge_bps: float
    fills: float


def slower(config: ReplayConfig, times: float) -> ReplayConfig:
    """Return what a replay assumes with both lines `times` as slow, constants and draws alike."""
    lines = config.latencies
    if lines is not None:
        entry, response = (np.rint(each * times).astype(np.int64) for each in lines)
        return replace(config, latencies=Latencies(entry, response))
    entry_ns, response_ns = round(config.entry_latency_ns * times), round(config.response_latency_ns * times)
    return replace(config, entry_latency_ns=entry_ns, response_latency_ns=response_ns)


def stressed(config: ReplayConfig, settings: GateSettings) -> dict[str, ReplayConfig]:
    """Return what a replay assumes in each worse world, by name."""
    maker, taker = (max(fee, settings.stress_fee_bps) for fee in (config.maker_fee_bps, config.taker_fee_bps))
    return {
        "latency": slower(config, settings.stress_latency),
        "queue": replace(config, queue_model="risk_averse"),
        "fee": replace(config, maker_fee_bps=maker, taker_fee_bps=taker),
    }


def widest(tape: Tape, hours: float) -> Window | None:
    """Return the stretch of `hours` with the widest mean spread; None where the tape has no two whole ones.

    Stretches lie end to end from the start of each part without a gap; the mean is over time, relative to mid.
    """
    length = int(hours * 3600e9)
    found = [
        Window(start, start + length)
        for span in covered(tape)
        for start in range(span.start_ns, span.end_ns - length + 1, length)
    ]
    if len(found) < 2:
        return None
    return max(found, key=lambda window: mean_spread_bps(tape, window))


def mean_spread_bps(tape: Tape, window: Window) -> float:
    """Return the mean over time of the spread in bps of mid, over a window of receive time; 0 where never known."""
    first = max(int(np.searchsorted(tape.update_local, window.start_ns, side="right")) - 1, 0)
    last = int(np.searchsorted(tape.update_local, window.end_ns, side="left"))
    bid, ask = (side[first:last].astype(np.float64) for side in (tape.bid_ticks, tape.ask_ticks))
    usable = (bid > 0) & (ask > bid)
    held = _held(tape.update_local[first:last], window)
    if not (usable & (held > 0)).any():
        return 0.0
    spread = 2e4 * (ask[usable] - bid[usable]) / (ask[usable] + bid[usable])
    return float(spread @ held[usable] / held[usable].sum())


def _held(local: NDArray[np.int64], window: Window) -> NDArray[np.float64]:
    """Return how long each update stood inside the window, ns."""
    ends = np.append(local[1:], window.end_ns)
    held: NDArray[np.float64] = np.maximum(ends - np.maximum(local, window.start_ns), 0).astype(np.float64)
    return held

"""Fills of both engines side by side: exchange time, side and price, one by one."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.peer.maker import Line
from bench.peer.sets import Maker
from strategy.replay.driver import ReplayConfig, replay
from strategy.replay.run import Driver
from strategy.replay.tape import Tape, TapeInfo

PLENTY_BASE: Final = 1e5  # holdings never limit a quote
PLENTY_QUOTE: Final = 1e10


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many fills each engine has, and where they first part: an index, None when they never do."""

    ours: int
    theirs: int
    parts_at: int | None

    @property
    def equal(self) -> bool:
        """Return whether all fills are the same."""
        return self.parts_at is None


def config_of(line: Line, driver: Driver, record_orders: bool = False) -> ReplayConfig:
    """Return the replay's assumptions for a line; the peer's strategy records no table of orders either."""
    return ReplayConfig(
        driver=driver,
        entry_latency_ns=line.entry_ns,
        response_latency_ns=line.response_ns,
        base=PLENTY_BASE,
        quote=PLENTY_QUOTE,
        sample_interval_ns=60e9,
        record_orders=record_orders,
    )


def without_minima(info: TapeInfo) -> TapeInfo:
    """Return the info for orders of one lot: neither engine then fills in part, the peer's exchange fills in full."""
    return info._replace(min_qty=info.lot_size, min_notional="0")


def our_fills(tape: Tape, info: TapeInfo, maker: Maker, line: Line, driver: Driver) -> NDArray[np.int64]:
    """Return a driver's fills (N, 3): exchange time (ns), side, price (ticks)."""
    parameters = maker.parameters(float(info.lot_size))
    fills = replay(tape, without_minima(info), parameters, config_of(line, driver)).fills
    return np.column_stack([fills["exch_ts"], fills["side"].astype(np.int64), fills["price_ticks"]])


def compared(ours: NDArray[np.int64], theirs: NDArray[np.int64]) -> Comparison:
    """Compare two lists of fills."""
    both = min(len(ours), len(theirs))
    apart = np.flatnonzero((ours[:both] != theirs[:both]).any(axis=1))
    if len(apart):
        return Comparison(len(ours), len(theirs), int(apart[0]))
    return Comparison(len(ours), len(theirs), None if len(ours) == len(theirs) else both)

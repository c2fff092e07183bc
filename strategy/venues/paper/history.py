"""Simulated past: collector lines written by the same market under a virtual clock."""

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from strategy.venues.paper.config import PaperConfig
from strategy.venues.paper.draws import Draws
from strategy.venues.paper.listing import exchange_info
from strategy.venues.paper.market import DEPTH_NS, STEP_NS, Market
from strategy.venues.paper.publisher import MS, Frame

Write = Callable[[int, bytes], None]
SNAPSHOT_DEPTH = 1_000
LATENCY_NS, LATENCY_SPREAD = 2_000_000, 0.4  # median of the way to the recorder, spread of its logarithm
PROGRESS_EVERY = 600  # depth intervals


class HistoryEnd(NamedTuple):
    """Where the simulated past stopped: what a market that goes on from here needs."""

    last_price: Decimal
    last_update_id: int
    last_trade_id: int


class Recorder:
    """Stamps frames with a receive time: venue time plus a seeded latency, never going back on one connection."""

    def __init__(self, write: Write, config: PaperConfig) -> None:
        """Write lines through `write(local_ns, json)`."""
        self._write, self._draws = write, Draws(config.seed + 1)
        self._ticker = config.book_ticker_in_history
        self._last_ns = 0

    def line(self, exch_ns: int, payload: str) -> None:
        """Write one message that left the venue at `exch_ns`."""
        self._last_ns = max(self._last_ns + 1_000, exch_ns + int(self._draws.lognormal(LATENCY_NS, LATENCY_SPREAD)))
        self._write(self._last_ns, payload.encode())

    def frames(self, exch_ns: int, frames: list[Frame]) -> None:
        """Write public frames in order, leaving best prices out unless they are wanted."""
        for frame in frames:
            if self._ticker or not frame.stream.endswith("@bookTicker"):
                self.line(exch_ns, frame.combined())


def write_history(
    write: Write,
    config: PaperConfig,
    start_ns: int,
    end_ns: int,
    progress: Callable[[float], None] | None = None,
) -> HistoryEnd:
    """Write the market of [start_ns, end_ns) as a recorder would have; `progress` gets the share that is done.

    The opening is a real recording's: an epoch mark, the exchangeInfo reply, diffs as they come, and the REST snapshot
    that arrives among them. Times are multiples of one millisecond on the venue's side.
    """
    now_ns = start_ns // DEPTH_NS * DEPTH_NS
    market, recorder = Market(config, now_ns), Recorder(write, config)
    recorder.line(now_ns, '{"epoch":{"n":1,"reason":"connected"}}')
    recorder.line(now_ns, exchange_info(market, now_ns))
    done, total = 0, max(1, (end_ns - now_ns) // DEPTH_NS)
    while now_ns < end_ns:
        _interval(market, recorder, now_ns, snapshot=done == 2)
        now_ns += DEPTH_NS
        done += 1
        if progress is not None and done % PROGRESS_EVERY == 0:
            progress(min(1.0, done / total))
    return HistoryEnd(market.mid(), market.engine.book.update_id, market.engine.last_trade_id)


def _interval(market: Market, recorder: Recorder, now_ns: int, snapshot: bool) -> None:
    """Run one depth interval; a snapshot is taken between its two steps, so that it lies inside the next diff."""
    for offset_ns in range(STEP_NS, DEPTH_NS + 1, STEP_NS):
        # A step ends just before its boundary: trades carry other milliseconds than diffs.
        at_ns = now_ns + offset_ns - 3 * MS
        market.step(at_ns, STEP_NS / 1e9)
        recorder.frames(at_ns, market.drain())
        if snapshot and offset_ns == STEP_NS:
            recorder.line(at_ns, market.publisher.snapshot(SNAPSHOT_DEPTH))
    market.publish_depth(now_ns + DEPTH_NS)
    recorder.frames(now_ns + DEPTH_NS, market.drain())

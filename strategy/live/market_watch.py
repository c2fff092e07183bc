"""The market side of a live session: frames to events, and whether the book that they make can be trusted."""

import time
from collections.abc import Callable
from typing import Final

import numpy as np
import structlog

from strategy.errors import BadData
from strategy.kernel.book import band_limit
from strategy.kernel.records import BOOK, BUY, GAP, SELL
from strategy.policies.document import Instrument
from strategy.policies.stepper import new_event
from strategy.venues.market import MarketReader
from strategy.venues.units import Units

log = structlog.get_logger("market")

_EPOCH: Final = b'{"epoch"'
_DEPTH: Final = b'"depthUpdate"'
_ASK_AGAIN_NS: Final = 1_000_000_000


class MarketWatch:
    """Read frames; what breaks the book's continuity becomes a GAP, and the next depth frame asks for a snapshot."""

    def __init__(self, instrument: Instrument, stale_after_s: float, resnapshot: Callable[[], None]) -> None:
        """Read one instrument; a book that has not moved for `stale_after_s` is not trusted, whatever the strategy."""
        self._symbol, self._units = instrument.symbol, Units(instrument.tick_size, instrument.lot_size)
        self._stale_ns, self._resnapshot = int(stale_after_s * 1e9), resnapshot
        self._depth_band_bps: float | None = None
        self._reader = self._new_reader()
        self._book_ns = 0  # local time of the last usable book, 0 = the book is unknown
        self._asked_ns = 0

    def measure_depth(self, band_bps: float | None) -> None:
        """Have every BOOK from now on carry the depth so far around mid, or none."""
        self._depth_band_bps = self._reader.depth_band_bps = band_bps

    def depth(self, band_bps: float) -> tuple[int, int]:
        """Return the lots so far around mid, bids and asks; none while there is no good book."""
        best = self._reader.book.best()
        if not self._book_ns or not 0 < best.bid_ticks < best.ask_ticks:
            return 0, 0
        mid = (best.bid_ticks + best.ask_ticks) / 2
        return self._reader.book.depth(*(band_limit(mid, band_bps, side) for side in (BUY, SELL)))

    def frame(self, local_ns: int, payload: bytes) -> list[np.void]:
        """Return the events that one frame means."""
        if payload.startswith(_EPOCH):
            return self._lose("connection")
        try:
            events = self._reader.read(local_ns, payload)
        except BadData as error:
            log.warning("bad market data", error=str(error))
            return self._lose("bad data")
        for event in events:
            if event["kind"] == BOOK:
                self._book_ns = time.time_ns()
            elif event["kind"] == GAP:
                self._book_ns = 0
        return events

    def stale(self) -> list[np.void]:
        """Return a GAP when the book has not moved for too long."""
        silent_ns = time.time_ns() - self._book_ns
        if not self._book_ns or silent_ns <= self._stale_ns:
            return []
        log.warning("market data stale", silent_s=round(silent_ns / 1e9, 1))
        return self._lose("stale")

    def begin_anew(self) -> None:
        """Forget a book that the strategy itself has given up: only a snapshot can make it fresh."""
        if not self._reader.needs_snapshot:
            log.warning("book unknown", reason="the strategy wants a fresh one")
            self._reader, self._book_ns = self._new_reader(), 0

    def ask(self, payload: bytes) -> None:
        """Ask for a snapshot while there is none, but not without a stream that it could begin."""
        now = time.time_ns()
        if _DEPTH in payload and self._reader.needs_snapshot and now - self._asked_ns > _ASK_AGAIN_NS:
            self._asked_ns = now
            self._resnapshot()

    def _lose(self, reason: str) -> list[np.void]:
        """Forget the book; return the GAP that says so, once."""
        self._reader = self._new_reader()
        if not self._book_ns:
            return []
        log.warning("book unknown", reason=reason)
        self._book_ns = 0
        return [new_event(GAP)]

    def _new_reader(self) -> MarketReader:
        return MarketReader(self._symbol, self._units, self._depth_band_bps)

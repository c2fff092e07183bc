"""Messages of one symbol to the kernel's events: the live runtime's way from the wire to `step`."""

import numpy as np

from strategy.errors import BadData
from strategy.kernel.book import band_limit
from strategy.kernel.records import BOOK, BUY, EVENT, FRESH, GAP, SELL, TRADE
from strategy.venues.book import LiveBook
from strategy.venues.events import DepthDiff, DepthSnapshot, MarketEvent, Trade
from strategy.venues.sequence import BookSequence, Progress
from strategy.venues.units import Units
from strategy.venues.wire import parse


class MarketReader:
    """Turn messages into BOOK, TRADE and GAP records; `seq` is left to the caller."""

    def __init__(self, symbol: str, units: Units, depth_band_bps: float | None = None) -> None:
        """Read a symbol (`BTC/USDT`) in its units; messages of other symbols are passed over.

        With `depth_band_bps` every BOOK says the depth so far around mid; it may be set anew at any time.
        """
        self._wire_symbol = symbol.partition(":")[0].replace("/", "")
        self._units = units
        self._sequence = BookSequence()
        self.book = LiveBook(units)
        self._exch_ts = 0
        self.depth_band_bps = depth_band_bps

    @property
    def needs_snapshot(self) -> bool:
        """Say whether the book is unknown, so that the caller should ask the feed for a snapshot."""
        return not self._sequence.known

    def read(self, local_ts: int, payload: bytes) -> list[np.void]:
        """Parse one message and return its events; BadData when it is wrong."""
        return [event for message in parse(local_ts, payload) for event in self.events(message)]

    def events(self, message: MarketEvent) -> list[np.void]:
        """Return the events that one message means; BadData leaves the book unknown."""
        if getattr(message, "symbol", self._wire_symbol) != self._wire_symbol:
            return []
        try:
            return self._events(message)
        except BadData:
            self._sequence = BookSequence()
            raise

    def _events(self, message: MarketEvent) -> list[np.void]:
        if isinstance(message, DepthDiff):
            self._exch_ts = message.exch_ts
            return self._progress(self._sequence.on_diff(message), message.local_ts)
        if isinstance(message, DepthSnapshot):
            return self._progress(self._sequence.on_snapshot(message), message.local_ts)
        if isinstance(message, Trade):
            return [self._trade(message)]
        return []

    def _progress(self, progress: Progress, local_ts: int) -> list[np.void]:
        events = []
        if progress.gap is not None:
            events.append(self._record(GAP, local_ts))
        if progress.snapshot is not None:
            self.book.replace(progress.snapshot.bids, progress.snapshot.asks)
        for diff in progress.diffs:
            self.book.change(diff.bids, diff.asks)
        if progress.snapshot is not None or progress.diffs:
            events.append(self._book(local_ts, fresh=progress.snapshot is not None))
        return events

    def _book(self, local_ts: int, fresh: bool) -> np.void:
        record = self._record(BOOK, local_ts)
        record["flag"] = FRESH if fresh else 0
        best = self.book.best()
        record["bid_ticks"], record["bid_lots"] = best.bid_ticks, best.bid_lots
        record["ask_ticks"], record["ask_lots"] = best.ask_ticks, best.ask_lots
        if self.depth_band_bps is not None and 0 < best.bid_ticks < best.ask_ticks:
            mid = (best.bid_ticks + best.ask_ticks) / 2
            limits = [band_limit(mid, self.depth_band_bps, side) for side in (BUY, SELL)]
            record["bid_depth_lots"], record["ask_depth_lots"] = self.book.depth(limits[0], limits[1])
        return record

    def _trade(self, trade: Trade) -> np.void:
        record = self._record(TRADE, trade.local_ts)
        record["exch_ts"] = trade.exch_ts
        record["side"] = trade.side
        record["price_ticks"] = self._units.ticks(trade.price)
        record["qty_lots"] = self._units.lots(trade.qty)
        return record

    def _record(self, kind: int, local_ts: int) -> np.void:
        record: np.void = np.zeros(1, EVENT)[0]
        record["kind"], record["local_ts"], record["exch_ts"] = kind, local_ts, self._exch_ts
        return record

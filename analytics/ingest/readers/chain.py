"""Facts to the lake's events: ids for messages that have none, and a fresh start where a recording begins anew.

An id is the receive time in ns, or one more than the id before, so that the same file (or a part of it) gives the same
ids again and nothing lands twice. Messages are chained by their predecessors' ids, like a futures venue's `pu`.

A fresh book is three events: a mark that says why, an empty diff that continues nothing but the snapshot, and the
snapshot. The diff breaks the old chain, which makes the hole known, and it carries the venue's time, which a snapshot
lacks; both have one receive time, at which the tape puts the snapshot last, so that the book is fresh at once.
"""

from typing import Final

from analytics.ingest.readers.seam import Change, Fact, Fresh, Print
from strategy.errors import BadData
from strategy.venues.events import DepthDiff, DepthSnapshot, Epoch, MarketEvent, Trade

CONTINUES_NS: Final = 60_000_000_000  # a file that begins without a snapshot continues a book that is no older


class Chain:
    """The events of one symbol, message after message."""

    def __init__(self, wire_symbol: str, last_id: int | None = None, last_exch_ts: int = 0) -> None:
        """Continue a book that stands at `last_id` since `last_exch_ts`, if the facts go on at once."""
        self.began_empty = False
        self._symbol = wire_symbol
        self._last_id, self._last_exch_ts = last_id, last_exch_ts
        self._chained = False
        self._last_local = 0
        self._last_trade = 0

    def events(self, fact: Fact) -> tuple[MarketEvent, ...]:
        """Return the events that state a fact; BadData when receive times step back."""
        if isinstance(fact, Print):
            return (self._trade(fact),)
        if fact.local_ts < self._last_local:
            raise BadData(f"receive time {fact.local_ts} comes after {self._last_local}: the rows must be in order")
        self._last_local = fact.local_ts
        if isinstance(fact, Fresh):
            return self._fresh(fact)
        return self._change(fact)

    def _change(self, fact: Change) -> tuple[MarketEvent, ...]:
        begun: tuple[MarketEvent, ...] = ()
        if not self._chained and not self._continues(fact.exch_ts):
            self.began_empty = True
            begun = self._fresh(Fresh(fact.exch_ts, fact.local_ts, (), (), "begins without a snapshot"))
        self._chained = True
        previous = self._last_id
        assert previous is not None
        self._last_id = max(previous + 1, fact.local_ts)
        return (*begun, self._diff(fact, previous))

    def _continues(self, exch_ts: int) -> bool:
        return self._last_id is not None and 0 <= exch_ts - self._last_exch_ts <= CONTINUES_NS

    def _fresh(self, fact: Fresh) -> tuple[MarketEvent, ...]:
        snapshot_id = fact.local_ts if self._last_id is None else max(self._last_id + 1, fact.local_ts)
        self._last_id, self._chained = snapshot_id + 1, True
        anchor = Change(fact.exch_ts, fact.local_ts, (), ())
        return (
            Epoch(fact.local_ts, fact.reason),
            self._diff(anchor, snapshot_id),
            DepthSnapshot(fact.local_ts, snapshot_id, fact.bids, fact.asks),
        )

    def _diff(self, fact: Change, previous: int) -> DepthDiff:
        assert self._last_id is not None
        ids = (self._last_id, self._last_id, previous)
        return DepthDiff(self._symbol, fact.exch_ts, fact.local_ts, *ids, fact.bids, fact.asks)

    def _trade(self, fact: Print) -> Trade:
        number = fact.number
        if number is None:
            number = self._last_trade = max(self._last_trade + 1, fact.local_ts)
        return Trade(self._symbol, fact.exch_ts, fact.local_ts, number, fact.price, fact.qty, fact.side)

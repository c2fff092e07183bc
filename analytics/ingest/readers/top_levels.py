"""Books that a recording repeats whole, row after row: the first one is fresh, each later one is what it changed."""

from analytics.ingest.readers.seam import Change, Fresh, Levels


class TopLevels:
    """The best levels of one book as the last row stated them."""

    def __init__(self, reason: str) -> None:
        """Begin with nothing known; `reason` is said of the first book."""
        self._reason = reason
        self._bids: dict[str, str] | None = None
        self._asks: dict[str, str] = {}

    def take(self, times: tuple[int, int], bids: Levels, asks: Levels) -> Fresh | Change | None:
        """Take the book at (exch_ts, local_ts); None when it is the one before.

        A level that is no longer among the best counts as gone: the recording says nothing of it any more.
        """
        before, self._bids, old_asks, self._asks = self._bids, dict(bids), self._asks, dict(asks)
        if before is None:
            return Fresh(*times, bids, asks, self._reason)
        changed = _changed(before, self._bids), _changed(old_asks, self._asks)
        return Change(*times, *changed) if any(changed) else None


def _changed(old: dict[str, str], new: dict[str, str]) -> Levels:
    gone = [(price, "0") for price in old if price not in new]
    return (*gone, *((price, qty) for price, qty in new.items() if old.get(price) != qty))

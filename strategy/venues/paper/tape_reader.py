"""A recording as the changes that it makes to a book and the orders that took from it, in the venue's time.

Files are `<local_ns> <json>` lines, our segments or those of public collectors. The streams of a recording are not
ordered among each other, so what was read waits until everything of its moment should have come; at one moment trades
go before the diff that tells of their effect.
"""

import heapq
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from strategy.errors import BadData, BadInput
from strategy.kernel.records import BUY, SELL
from strategy.venues.collector import CollectorFile
from strategy.venues.events import DepthDiff, DepthSnapshot, MarketEvent, Trade
from strategy.venues.sequence import BookSequence, Progress
from strategy.venues.units import Units
from strategy.venues.wire import parse

LATEST_NS: Final = 1_000_000_000  # streams run apart by less than this
_NO_STAMP: Final = -1


class Change(NamedTuple):
    """New sizes of levels, (side, ticks, lots), 0 = gone; a `whole` one is the entire book."""

    at_ns: int
    whole: bool
    levels: tuple[tuple[int, int, int], ...]


class Taker(NamedTuple):
    """An aggressive order as one public trade shows it."""

    at_ns: int
    side: int
    ticks: int
    lots: int


Step: TypeAlias = Change | Taker


def read_tape(paths: Iterable[Path], market_id: str, units: Units) -> Iterator[Step]:
    """Yield the steps of files in the order of time; BadInput names the file and the line that cannot be read."""
    waiting: list[tuple[int, bool, int, Step]] = []
    newest = 0
    for number, step in enumerate(_in_file_order(paths, market_id, units)):
        newest = max(newest, step.at_ns)
        heapq.heappush(waiting, (step.at_ns, isinstance(step, Change), number, step))
        while waiting[0][0] <= newest - LATEST_NS:
            yield heapq.heappop(waiting)[3]
    while waiting:
        yield heapq.heappop(waiting)[3]


def _in_file_order(paths: Iterable[Path], market_id: str, units: Units) -> Iterator[Step]:
    reader = _Reader(market_id, units)
    for path in paths:
        if not path.is_file():
            raise BadInput(f"tape: {path} is not a file")
        for line in CollectorFile(path):
            try:
                events = parse(line.local_ns, line.payload) if line.local_ns != _NO_STAMP else ()
                yield from [step for event in events for step in reader.steps(event)]
            except BadData as error:
                raise BadInput(f"tape: {path} line {line.number}: {error}") from None


class _Reader:
    """Messages to steps; what comes while the book is unknown means nothing until a snapshot makes it known."""

    def __init__(self, market_id: str, units: Units) -> None:
        self._market_id, self._units = market_id, units
        self._sequence = BookSequence()
        self._newest_ns = 0

    def steps(self, event: MarketEvent) -> list[Step]:
        if getattr(event, "symbol", self._market_id) != self._market_id:
            return []
        if isinstance(event, DepthDiff):
            self._newest_ns = max(self._newest_ns, event.exch_ts)
            return self._changes(self._sequence.on_diff(event))
        if isinstance(event, DepthSnapshot):
            return self._changes(self._sequence.on_snapshot(event))
        if isinstance(event, Trade):
            return [Taker(event.exch_ts, event.side, self._units.ticks(event.price), self._units.lots(event.qty))]
        return []

    def _changes(self, progress: Progress) -> list[Step]:
        steps: list[Step] = []
        if progress.snapshot is not None:
            # it carries no time: it stands just before the diffs that go on from it
            at_ns = progress.diffs[0].exch_ts if progress.diffs else self._newest_ns
            steps.append(Change(at_ns, True, self._levels(progress.snapshot)))
        return steps + [Change(diff.exch_ts, False, self._levels(diff)) for diff in progress.diffs]

    def _levels(self, message: DepthDiff | DepthSnapshot) -> tuple[tuple[int, int, int], ...]:
        units = self._units
        return tuple(
            (side, units.ticks(price), units.lots(qty))
            for side, levels in ((BUY, message.bids), (SELL, message.asks))
            for price, qty in levels
        )

"""One segment or file on its way into the lake: lines in, batches out, each committed together with its end offset."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from analytics.ingest.market_rows import FLUSH_WEIGHT, Counts, MarketRows, StreamState
from analytics.lake.store import Lake
from strategy.errors import BadData
from strategy.venues.collector import CollectorFile, Line
from strategy.venues.events import MarketEvent
from strategy.venues.units import Units
from strategy.venues.wire import parse


@dataclass(frozen=True, slots=True)
class Source:
    """The symbol a stream is of and the stream's name in the lake's segment table."""

    venue: str
    symbol: str
    name: str

    @property
    def place(self) -> dict[str, Any]:
        """Return venue and symbol as statement parameters."""
        return {"venue": self.venue, "symbol": self.symbol}


@dataclass(slots=True)
class Part:
    """What has been taken in since the last commit."""

    start: int
    end: int
    lines: int = 0
    bad_lines: int = 0
    stamps: list[int] = field(default_factory=list)  # first and last

    def take(self, line: Line, bad: bool) -> None:
        """Count one line."""
        self.end = line.end_offset
        self.lines += 1
        self.bad_lines += bad
        if line.local_ns >= 0:
            self.stamps[1:] = [line.local_ns]

    def commit(self, lake: Lake, source: Source, complete: bool) -> None:
        """Write the part's row; called inside the transaction of the rows that came from it."""
        lake.execute(
            "staging/add_segment",
            **source.place,
            name=source.name,
            start_offset=self.start,
            end_offset=self.end,
            lines=self.lines,
            bad_lines=self.bad_lines,
            first_local_ts=self.stamps[0] if self.stamps else 0,
            last_local_ts=self.stamps[-1] if self.stamps else 0,
            complete=complete,
        )


@dataclass(frozen=True, slots=True)
class Done:
    """How far the lake has taken a stream in."""

    offset: int
    lines: int
    bad_lines: int
    complete: bool

    last_local_ts: int = 0

    @classmethod
    def read(cls, lake: Lake, source: Source) -> "Done":
        """Return the stream's last committed end."""
        row = lake.query("queries/segment_end", **source.place, name=source.name).row(0, named=True)
        return cls(row["end_offset"], row["line_count"], row["bad_line_count"], row["complete"])

    @classmethod
    def read_all(cls, lake: Lake) -> "dict[Source, Done]":
        """Return the last committed end of every stream: one look instead of one a file."""
        rows = lake.query("queries/segment_ends").iter_rows(named=True)
        return {
            Source(row["venue"], row["symbol"], row["name"]): cls(
                row["end_offset"], row["line_count"], row["bad_line_count"], row["complete"], row["last_local_ts"]
            )
            for row in rows
        }


NOTHING: Final = Done(0, 0, 0, False)


class Intake:
    """Take in the rest of one stream; a kill at any moment loses and doubles nothing."""

    def __init__(self, lake: Lake, source: Source, units: Units, state: StreamState | None = None) -> None:
        """Continue where the lake stands; without a `state` the streams continue from the lake's rows."""
        self.source = source
        self.done = Done.read(lake, source)
        self.state = state
        self.read = self.added = Counts()
        self.bad_lines = 0
        self.first_bad: tuple[int, str] | None = None
        self._lake, self._units = lake, units
        self._part = Part(self.done.offset, self.done.offset)

    def run(self, file: CollectorFile, see: Callable[[int, MarketEvent], None]) -> None:
        """Read the file to its last whole line; `see` is shown every event with its line number."""
        rows: MarketRows | None = None
        if self.done.complete:
            return
        for line in file:
            rows = rows or self._rows(line)
            self._take(rows, line, see)
            if rows.weight >= FLUSH_WEIGHT:
                self._flush(rows, complete=False)
        if rows is not None:
            self._flush(rows, complete=ended(file))
        elif ended(file):
            self._lake.atomically(lambda lake: self._part.commit(lake, self.source, complete=True))

    def _rows(self, first: Line) -> MarketRows:
        stamp = max(first.local_ns, 0)
        if self.state is None or stamp < self.state.local_ts:  # a late file continues what came before it
            self.state = StreamState.before(self._lake, self.source.venue, self.source.symbol, stamp)
        return MarketRows(self.source.venue, self.source.symbol, self._units, self.state)

    def _take(self, rows: MarketRows, line: Line, see: Callable[[int, MarketEvent], None]) -> None:
        """Add one line; a bad one is counted and the first of them kept for the report."""
        reason = ""
        try:
            if line.local_ns < 0:
                raise BadData("does not begin with `<local_ns> `")
            for event in parse(line.local_ns, line.payload):
                see(line.number, event)
                rows.add(event)
        except BadData as error:
            reason = str(error)
            self.bad_lines += 1
            self.first_bad = self.first_bad or (line.number, reason)
        self._part.take(line, bad=bool(reason))

    def _flush(self, rows: MarketRows, complete: bool) -> None:
        part = self._part
        self.read += rows.counts
        self.added += rows.flush(self._lake, lambda lake: part.commit(lake, self.source, complete))
        self._part = Part(part.end, part.end)


def ended(file: CollectorFile) -> bool:
    """Say whether a file has been read to an end beyond which nothing will come."""
    return file.compressed and file.truncated is None

"""Closed and growing segments, journals and audit lines into the lake, exactly once.

Rows and the new end offset of their file commit in one transaction, only whole lines are taken, and a file that has
been compressed since continues at the same uncompressed offset. Segments come first: a fill's market is then known.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import polars as pl

from analytics.ingest.audit_lines import audit_files
from analytics.ingest.intake import NOTHING, Done, Intake, Part, Source, ended
from analytics.ingest.journal_rows import JournalRows, audit_row
from analytics.ingest.market_rows import Counts, StreamState, wire_symbol
from analytics.ingest.segment_files import market_folders, streams
from analytics.ingest.shadow_rows import ShadowRows
from analytics.lake.instruments import from_info, instrument, learn_stated, settle
from analytics.lake.store import Lake
from analytics.lake.writer import sole_writer
from strategy.errors import BadData
from strategy.live.layout import Layout
from strategy.policies.document import Instrument
from strategy.venues.collector import COMPRESSIONS, CollectorFile, Line
from strategy.venues.events import InstrumentInfo, MarketEvent
from strategy.venues.units import Units

_JOURNAL_BATCH: Final = 50_000
_JOURNAL: Final = "journal:"  # what the names of streams begin with
_SHADOW: Final = "shadow:"


@dataclass(slots=True)
class IngestReport:
    """What one pass took in; `problems` are one line each, and the rest was taken in all the same."""

    lines: int = 0
    market: Counts = field(default_factory=Counts)
    decisions: int = 0
    order_events: int = 0
    fills: int = 0
    parameter_events: int = 0
    shadow_rows: int = 0
    problems: list[str] = field(default_factory=list)


def ingest(lake: Lake, layout: Layout, progress: Callable[[str], None] | None = None) -> IngestReport:
    """Take in everything new under a home folder; `progress` gets one line a file with news."""
    with sole_writer(lake):
        one = _Pass(lake, IngestReport(), progress or (lambda line: None), Done.read_all(lake))
        for venue, symbol, folder in market_folders(layout.home / "segments"):
            one.segments(venue, symbol, folder)
        for venue, symbol, folder in market_folders(layout.home / "journal"):
            for name, path in streams(folder):
                one.journal(Source(venue, symbol, f"{_JOURNAL}{name}"), path)
        for venue, symbol, folder in market_folders(layout.home / "shadow"):
            for name, path in streams(folder):
                one.journal(Source(venue, symbol, f"{_SHADOW}{name}"), path)
        for source, path in audit_files(layout):
            one.audit(source, path)
    return one.report


@dataclass(frozen=True, slots=True)
class _Pass:
    """One pass over the files of a home folder."""

    lake: Lake
    report: IngestReport
    say: Callable[[str], None]
    ends: dict[Source, Done]  # of every stream, as the pass found them

    def segments(self, venue: str, symbol: str, folder: Path) -> None:
        """Take in the segments of one symbol, each continuing the one before, in whatever order they turned up."""
        state: StreamState | None = None  # None: the next file does not continue the last that was read here
        for name, path in streams(folder):
            source = Source(venue, symbol, name)
            try:
                state = self._segment(source, path, state) if self._grown(source, path) else None
            except FileNotFoundError:  # it is opened before anything is taken from it
                self.say(f"{path}: was replaced by its compressed copy just now; left for the next pass")
                state = None

    def _segment(self, source: Source, path: Path, state: StreamState | None) -> StreamState | None:
        """Take in the rest of one segment and return what it leaves behind."""
        sizes = instrument(self.lake, source.venue, source.symbol) or self._learn(source, path)
        if sizes is None:
            self._problem(path, f"no exchangeInfo, and the lake knows no sizes of {source.symbol}; left for later")
            return None
        intake = Intake(self.lake, source, Units(sizes.tick_size, sizes.lot_size), state)
        file = CollectorFile(path, intake.done.offset, intake.done.lines)
        intake.run(file, partial(self._restate, source))
        self._account(intake, file)
        return intake.state

    def _learn(self, source: Source, path: Path) -> Instrument | None:
        """Learn a symbol's sizes from a file, or from any other of its folder: they need not come in order."""
        others = [each for _, each in streams(path.parent) if each != path]
        stated = (learn_stated(self.lake, each, source.venue, source.symbol) for each in (path, *others))
        return next((sizes for sizes in stated if sizes is not None), None)

    def _grown(self, source: Source, path: Path) -> bool:
        """Say whether there may be lines that the lake lacks; a compressed file is read once to know."""
        done = self.ends.get(source, NOTHING)
        if done.complete:
            return False
        return path.suffix in COMPRESSIONS or path.stat().st_size > done.offset

    def _restate(self, source: Source, _: int, event: MarketEvent) -> None:
        """Keep a symbol's minimums as its venue states them last."""
        if isinstance(event, InstrumentInfo) and event.symbol == wire_symbol(source.symbol):
            settle(self.lake, from_info(event, source.venue, source.symbol), "exchange_info")

    def _account(self, intake: Intake, file: CollectorFile) -> None:
        if file.truncated:
            self._problem(file.path, f"{file.truncated} after line {file.lines}")
        elif file.compressed and file.torn_bytes:
            self._problem(file.path, f"{file.torn_bytes} bytes of a torn line after line {file.lines}, left out")
        if intake.first_bad is not None:
            number, reason = intake.first_bad
            self._problem(file.path, f"{reason} ({intake.bad_lines} skipped)", number)
        lines = file.lines - intake.done.lines
        self.report.lines += lines
        self.report.market += intake.added
        if lines:
            self.say(f"{file.path}: {lines:,} lines, {intake.added.total:,} rows, {intake.read.gaps:,} gaps")

    def _problem(self, path: Path, reason: str, number: int | None = None) -> None:
        where = f"{path}, line {number}" if number else f"{path}"
        self.report.problems.append(f"{where}: {reason}")

    def journal(self, source: Source, path: Path) -> None:
        """Take in the journal of a session, or of a version in its shadow.

        One that is compressed just now is left for the next pass.
        """
        try:
            if self._grown(source, path):
                self._journal(source, path)
        except FileNotFoundError:
            self.say(f"{path}: was replaced by its compressed copy just now; left for the next pass")
        except BadData as error:
            self._problem(path, str(error))

    def _journal(self, source: Source, path: Path) -> None:
        done = Done.read(self.lake, source)
        file = CollectorFile(path, done.offset, done.lines)
        rows, part = _rows_of(source), Part(done.offset, done.offset)
        for line in file:
            part.take(line, bad=not self._accepted(rows.add, path, line))
            if len(rows) >= _JOURNAL_BATCH:
                self._commit_journal(source, rows, part, complete=False)
                rows, part = _rows_of(source), Part(part.end, part.end)
        if part.lines or ended(file):
            self._commit_journal(source, rows, part, complete=ended(file))
        if file.lines > done.lines:
            self.say(f"{path}: {file.lines - done.lines:,} lines")

    def _accepted(self, take: Callable[[Line], None], path: Path, line: Line) -> bool:
        """Take one line; a bad one becomes a problem."""
        try:
            take(line)
        except BadData as error:
            self._problem(path, str(error), line.number)
            return False
        return True

    def _commit_journal(self, source: Source, rows: JournalRows | ShadowRows, part: Part, complete: bool) -> None:
        def write(lake: Lake) -> dict[str, int]:
            part.commit(lake, source, complete)
            return rows.write(lake)

        for name, count in self.lake.atomically(write).items():
            setattr(self.report, name, getattr(self.report, name) + count)
        self.report.lines += part.lines

    def audit(self, source: Source, path: Path) -> None:
        """Take in the lines of one audit log."""
        done = Done.read(self.lake, source)
        part = Part(done.offset, done.offset)
        frames: list[pl.DataFrame] = []

        def keep(line: Line) -> None:
            frames.append(audit_row(line))

        for line in CollectorFile(path, done.offset, done.lines):
            part.take(line, bad=not self._accepted(keep, path, line))

        def write(lake: Lake) -> int:
            part.commit(lake, source, complete=False)
            return sum(lake.append("parameter_event", frame) for frame in frames)

        if part.lines:
            self.report.parameter_events += self.lake.atomically(write)
            self.report.lines += part.lines


def _rows_of(source: Source) -> JournalRows | ShadowRows:
    """Return an empty batch of what a journal holds."""
    kind = ShadowRows if source.name.startswith(_SHADOW) else JournalRows
    return kind(source.venue, source.symbol, source.name.partition(":")[2].removesuffix(".log"))

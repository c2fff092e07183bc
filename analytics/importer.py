"""Collector files into the lake: the good part is kept, every fault is one line with a code of its own."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from analytics.instruments import from_options, learn, settle
from analytics.lake import Lake
from analytics.market_rows import FLUSH_WEIGHT, Counts, MarketRows, StreamState
from analytics.writer import sole_writer
from strategy.errors import BadData, BadInput
from strategy.venues.collector import CollectorFile, Line, first_stamp
from strategy.venues.events import DepthDiff, DepthSnapshot
from strategy.venues.units import Units
from strategy.venues.wire import parse

GOOD: Final = 0
UNUSABLE: Final = 2
TRUNCATED: Final = 3
NOT_JSON: Final = 4
UNBRIDGED: Final = 5
NO_SNAPSHOT: Final = 6

# The one table of exit codes; with several faults the lowest code is the exit code.
EXIT_CODES: Final = {
    GOOD: "everything is in the lake; depth updates before a snapshot that bridges them are only noted",
    UNUSABLE: "nothing usable in a file, or bad usage",
    TRUNCATED: "a compressed file is truncated or damaged; the whole lines before that are kept",
    NOT_JSON: "a line is not `<local_ns> <json>` or its message is wrong; such lines are skipped",
    UNBRIDGED: "depth updates before any snapshot that no snapshot bridges; they are kept but rebuild no book",
    NO_SNAPSHOT: "a file without a snapshot and nothing to continue from; its rows are kept but rebuild no book",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with one file."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What was read, what of it was new, and what was wrong."""

    read: Counts
    added: Counts
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """Return the lowest code of all faults (see `EXIT_CODES`), 0 without any."""
        return min((fault.code for fault in self.faults), default=GOOD)


def import_files(
    lake: Lake,
    paths: Sequence[Path],
    venue: str,
    symbol: str,
    tick_size: str | None = None,
    lot_size: str | None = None,
    report: Callable[[str], None] = lambda line: None,
    progress: Callable[[float], None] = lambda share: None,
) -> ImportReport:
    """Import files in the order of their first stamps; `report` gets one line a file, fault or note."""
    with sole_writer(lake):
        usable, faults = _in_order(paths)
        for fault in faults:
            report(fault.text)
        if not usable:
            return ImportReport(Counts(), Counts(), tuple(faults))
        given = from_options(venue, symbol, tick_size, lot_size)
        sizes = settle(lake, given, "option") if given else learn(lake, usable, venue, symbol)
        if given and (given.tick_size, given.lot_size) != (sizes.tick_size, sizes.lot_size):
            raise BadInput(f"{venue} {symbol} is stored in tick {sizes.tick_size} and lot {sizes.lot_size} already")
        units = Units(sizes.tick_size, sizes.lot_size)
        total = ImportReport(Counts(), Counts(), tuple(faults))
        weights = [path.stat().st_size for path in usable]
        for index, path in enumerate(usable):
            one = _FileImport(lake, path, venue, symbol, units).run()
            for line in (*one.notes, *(fault.text for fault in one.faults)):
                report(line)
            total = _sum(total, one)
            progress(sum(weights[: index + 1]) / max(1, sum(weights)))
        return total


def _sum(left: ImportReport, right: ImportReport) -> ImportReport:
    return ImportReport(
        left.read + right.read, left.added + right.added, left.faults + right.faults, left.notes + right.notes
    )


def _in_order(paths: Sequence[Path]) -> tuple[list[Path], list[Fault]]:
    stamped, faults = [], []
    for path in paths:
        if not path.is_file():
            raise BadInput(f"{path} is not a file")
        stamp = first_stamp(path)
        if stamp is None:
            faults.append(Fault(UNUSABLE, f"{path}: nothing usable, no line is `<local_ns> <json>`"))
        else:
            stamped.append((stamp, path))
    return [path for _, path in sorted(stamped)], faults


class _FileImport:
    """One file on its way into the lake."""

    def __init__(self, lake: Lake, path: Path, venue: str, symbol: str, units: Units) -> None:
        self._lake, self._path, self._place = lake, path, {"venue": venue, "symbol": symbol}
        with path.open("rb") as file:
            self._name = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
        done = lake.query("queries/segment_end", **self._place, name=self._name).row(0, named=True)
        self._start, self._lines = done["end_offset"], done["line_count"]
        self._skipped_before = done["bad_line_count"]
        self._units = units
        self._read = self._added = Counts()
        self._bad: list[Fault] = []
        self._bad_lines = 0
        self._part: list[int] = []  # first and last stamp, lines and bad lines since the last flush
        self._snapshot_line = 0
        self._leading: list[tuple[int, DepthDiff]] = []  # first and last diff before the first snapshot
        self._leading_count = 0

    def run(self) -> ImportReport:
        """Read the file to its end and say what became of it."""
        file = CollectorFile(self._path, self._start, self._lines, whole=True)
        rows: MarketRows | None = None
        end = self._start
        for line in file:
            rows = rows or self._rows(line.local_ns)
            end = line.end_offset
            self._take(rows, line)
            if rows.weight >= FLUSH_WEIGHT:
                self._flush(rows, end)
        if rows is not None:
            self._flush(rows, end)
        return self._outcome(file, rows)

    def _rows(self, local_ns: int) -> MarketRows:
        first = local_ns if local_ns >= 0 else first_stamp(self._path) or 0
        state = StreamState.before(self._lake, **self._place, local_ts=first)
        self._known_at_start = state.book.known
        return MarketRows(self._place["venue"], self._place["symbol"], self._units, state)

    def _take(self, rows: MarketRows, line: Line) -> None:
        """Add one line; a bad one is counted and the first of them named."""
        bad = False
        try:
            if line.local_ns < 0:
                raise BadData("does not begin with `<local_ns> `")
            for event in parse(line.local_ns, line.payload):
                rows.add(event)
                self._note_order(event, line.number)
        except BadData as error:
            bad = True
            self._bad_lines += 1
            if not self._bad:
                self._bad.append(Fault(NOT_JSON, f"{self._path}, line {line.number}: {error}"))
        stamp = max(0, line.local_ns)
        if not self._part:
            self._part = [stamp, stamp, 0, 0]
        self._part[1] = max(self._part[1], stamp)
        self._part[2] += 1
        self._part[3] += bad

    def _note_order(self, event: object, number: int) -> None:
        if self._snapshot_line:
            return
        if isinstance(event, DepthSnapshot):
            self._snapshot_line = number
        elif isinstance(event, DepthDiff):
            self._leading_count += 1
            self._leading[1:] = [(number, event)]

    def _flush(self, rows: MarketRows, end: int) -> None:
        first, last, lines, bad = self._part
        part = {"start_offset": self._start, "end_offset": end, "lines": lines, "bad_lines": bad}
        stamps = {"first_local_ts": first, "last_local_ts": last}

        def mark(lake: Lake) -> None:
            lake.execute("staging/add_segment", **self._place, name=self._name, **part, **stamps)

        self._read += rows.counts
        self._added += rows.flush(self._lake, mark)
        self._start, self._part = end, []

    def _outcome(self, file: CollectorFile, rows: MarketRows | None) -> ImportReport:
        faults, notes = [], []
        if file.truncated:
            where = f"{file.truncated} after line {file.lines}"
            faults.append(Fault(TRUNCATED, f"{self._path}: {where}; the whole lines before it are kept"))
        if self._bad:
            count = f" ({self._bad_lines} such lines are skipped)" if self._bad_lines > 1 else " (skipped)"
            faults.append(Fault(NOT_JSON, self._bad[0].text + count))
        if rows is not None and not self._known_at_start:
            fault, note = self._book_outcome(rows)
            faults += fault
            notes += note
        if rows is not None and self._read.total == 0 and self._bad_lines:
            faults.append(Fault(UNUSABLE, f"{self._path}: nothing usable, all its {self._bad_lines} lines are wrong"))
        return ImportReport(self._read, self._added, tuple(faults), (self._summary(), *notes))

    def _book_outcome(self, rows: MarketRows) -> tuple[list[Fault], list[str]]:
        """Judge the depth updates that come before the file's first snapshot."""
        if not self._leading:
            return [], []
        first_line, last = self._leading[0][0], self._leading[-1]
        updates = f"{self._leading_count} depth update{'s' if self._leading_count > 1 else ''}"
        if not self._snapshot_line:
            text = f"no snapshot and nothing to continue from, its {updates} rebuild no book"
            return [Fault(NO_SNAPSHOT, f"{self._path}, line {first_line}: {text}")], []
        where = f"{self._path}, line {first_line}: {updates} before any snapshot (line {self._snapshot_line})"
        if rows.state.book.known:
            return [], [f"{where}, bridged by it"]
        reason = f"cannot be bridged: update {last[1].final_id} on line {last[0]} and the snapshot do not meet"
        return [Fault(UNBRIDGED, f"{where} {reason}")], []

    def _summary(self) -> str:
        if self._read == Counts() and not self._bad_lines:
            skipped = f", {self._skipped_before} bad lines were skipped then" if self._skipped_before else ""
            return f"{self._path}: already in the lake{skipped}"
        read = self._read
        text = (
            f"{self._path}: {read.depth_updates:,} depth updates, {read.trades:,} trades, "
            f"{read.book_tickers:,} book tickers, {read.snapshots} snapshots, {max(0, self._added.gaps)} gaps"
        )
        held = read.total - self._added.total
        return f"{text}; {held:,} rows were already in the lake" if held else text

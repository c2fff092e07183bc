"""Recordings into the lake: the good part is kept, every fault is one line with a code of its own.

Collector files are read here, line by line; other formats have readers (`analytics.ingest.readers`) and one way in
(`analytics.ingest.readers.landing`).
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from analytics.ingest.intake import Intake, Source
from analytics.ingest.market_rows import Counts, wire_symbol
from analytics.lake.instruments import from_options, learn, parsed, settle
from analytics.lake.store import Lake
from analytics.lake.writer import sole_writer
from strategy.errors import BadInput
from strategy.policies.document import Instrument
from strategy.venues.collector import CollectorFile, first_stamp
from strategy.venues.events import DepthDiff, DepthSnapshot, MarketEvent
from strategy.venues.units import Units

GOOD: Final = 0
UNUSABLE: Final = 2
TRUNCATED: Final = 3
NOT_JSON: Final = 4
UNBRIDGED: Final = 5
NO_SNAPSHOT: Final = 6
CHECK_FAILED: Final = 7

# The one table of exit codes; with several faults the lowest code is the exit code.
EXIT_CODES: Final = {
    GOOD: "everything is in the lake; depth updates before a snapshot that bridges them are only noted",
    UNUSABLE: "nothing usable in a file, or bad usage",
    TRUNCATED: "a compressed file is truncated or damaged; the whole lines before that are kept",
    NOT_JSON: "a line is wrong: a collector's such lines are skipped, of other formats the file is kept up to it",
    UNBRIDGED: "depth updates before any snapshot that no snapshot bridges; they are kept but rebuild no book",
    NO_SNAPSHOT: "a file without a snapshot and nothing to continue from; its rows are kept but rebuild no book",
    CHECK_FAILED: "a check under sql/checks found failures; everything is in the lake all the same",
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
        usable, faults = _in_order(paths, wire_symbol(symbol))
        total = ImportReport(Counts(), Counts(), tuple(faults))
        for fault in faults:
            report(fault.text)
        place, options = Source(venue, symbol, ""), (tick_size, lot_size)
        units = units_of(lake, place, options, lambda: learn(lake, usable, venue, symbol)) if usable else None
        size = sum(path.stat().st_size for path in usable)
        finished = 0
        for path in usable:
            assert units is not None
            one = _FileImport(lake, path, venue, symbol, units).run()
            for line in (*one.notes, *(fault.text for fault in one.faults)):
                report(line)
            total = _sum(total, one)
            finished += path.stat().st_size
            progress(finished / max(1, size))
        return total


def units_of(
    lake: Lake, source: Source, options: tuple[str | None, str | None], learned: Callable[[], Instrument]
) -> Units:
    """Return the units to store in: options must agree with what the lake already stores the symbol in."""
    given = from_options(source.venue, source.symbol, *options)
    sizes = settle(lake, given, "option") if given else learned()
    if given and (given.tick_size, given.lot_size) != (sizes.tick_size, sizes.lot_size):
        held = f"tick {sizes.tick_size} and lot {sizes.lot_size}"
        raise BadInput(f"{source.venue} {source.symbol} is already stored in {held}, not {given.tick_size}")
    return Units(sizes.tick_size, sizes.lot_size)


def _sum(left: ImportReport, right: ImportReport) -> ImportReport:
    return ImportReport(
        left.read + right.read, left.added + right.added, left.faults + right.faults, left.notes + right.notes
    )


def _in_order(paths: Sequence[Path], symbol: str) -> tuple[list[Path], list[Fault]]:
    """Return the usable files in order of their first stamps, and what is wrong with the others."""
    stamped, faults = [], []
    for path in paths:
        if not path.is_file():
            raise BadInput(f"{path} is not a file")
        stamp, found = first_stamp(path), _first_symbol(path)
        if stamp is None:
            faults.append(Fault(UNUSABLE, f"{path}: nothing usable, no line is `<local_ns> <json>`"))
        elif found not in (None, symbol):
            faults.append(Fault(UNUSABLE, f"{path}: nothing usable, it is of {found}, not of {symbol}"))
        else:
            stamped.append((stamp, path))
    return [path for _, path in sorted(stamped)], faults


def _first_symbol(path: Path) -> str | None:
    """Return the first symbol that a file's messages name; a snapshot names none and would go to any."""
    for line in CollectorFile(path):
        for event in parsed(line):
            if hasattr(event, "symbol"):
                return str(event.symbol)
    return None


class _FileImport:
    """One file on its way into the lake, and what is to be said of it."""

    def __init__(self, lake: Lake, path: Path, venue: str, symbol: str, units: Units) -> None:
        with path.open("rb") as file:
            name = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
        self._path = path
        self._intake = Intake(lake, Source(venue, symbol, name), units)
        self._known_at_start: bool | None = None
        self._snapshot_line = 0
        self._leading: list[tuple[int, DepthDiff]] = []  # first and last depth update before the first snapshot
        self._leading_count = 0

    def run(self) -> ImportReport:
        """Read the file to its end and say what became of it."""
        done = self._intake.done
        file = CollectorFile(self._path, done.offset, done.lines, whole=True)
        self._intake.run(file, self._see)
        faults = [*self._broken(file), *self._wrong_lines()]
        notes = [self._summary()]
        if self._leading and not self._known_at_start:
            self._judge_leading(faults, notes)
        return ImportReport(self._intake.read, self._intake.added, tuple(faults), tuple(notes))

    def _see(self, number: int, event: MarketEvent) -> None:
        """Note the depth updates that come before the file's first snapshot."""
        if self._known_at_start is None:
            self._known_at_start = self._intake.state is not None and self._intake.state.book.known
        if isinstance(event, DepthSnapshot):
            self._snapshot_line = self._snapshot_line or number
        elif isinstance(event, DepthDiff) and not self._snapshot_line:
            self._leading_count += 1
            self._leading[1:] = [(number, event)]

    def _broken(self, file: CollectorFile) -> Iterator[Fault]:
        if file.truncated:
            where = f"{self._path}: {file.truncated} after line {file.lines}"
            yield Fault(TRUNCATED, f"{where}; the whole lines before that are kept")

    def _wrong_lines(self) -> Iterator[Fault]:
        intake = self._intake
        if intake.first_bad is None:
            return
        number, reason = intake.first_bad
        skipped = "skipped" if intake.bad_lines == 1 else f"{intake.bad_lines} such lines skipped"
        yield Fault(NOT_JSON, f"{self._path}, line {number}: {reason} ({skipped})")
        if intake.read.total == 0 and intake.done.lines == 0:
            yield Fault(UNUSABLE, f"{self._path}: nothing usable, {intake.bad_lines} lines are wrong")

    def _judge_leading(self, faults: list[Fault], notes: list[str]) -> None:
        """Say whether the depth updates that came before any snapshot rebuild a book."""
        first, (last_line, last) = self._leading[0][0], self._leading[-1]
        updates = f"{self._leading_count:,} depth update{'s' if self._leading_count > 1 else ''}"
        if not self._snapshot_line:
            text = f"no snapshot and nothing to continue from, its {updates} rebuild no book"
            faults.append(Fault(NO_SNAPSHOT, f"{self._path}, line {first}: {text}"))
            return
        where = f"{self._path}, line {first}: {updates} before any snapshot (line {self._snapshot_line})"
        if self._intake.state is not None and self._intake.state.book.started:
            notes.append(f"{where}, bridged by it")
            return
        text = f"cannot be bridged: update {last.final_id} on line {last_line} and the snapshot do not meet"
        faults.append(Fault(UNBRIDGED, f"{where} {text}"))

    def _summary(self) -> str:
        read, added, done = self._intake.read, self._intake.added, self._intake.done
        if read == Counts() and not self._intake.bad_lines:
            skipped = f", {done.bad_lines} wrong lines were skipped then" if done.bad_lines else ""
            return f"{self._path}: already in the lake{skipped}"
        snapshots = f"{read.snapshots:,} snapshot{'' if read.snapshots == 1 else 's'}"
        text = (
            f"{self._path}: {read.depth_updates:,} depth updates, {read.trades:,} trades, "
            f"{read.book_tickers:,} book tickers, {snapshots}, {read.gaps:,} gaps"
        )
        held = read.total - added.total
        return f"{text}; {held:,} rows were already in the lake" if held else text

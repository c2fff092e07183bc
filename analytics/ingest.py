"""Closed and growing segments, journals and audit lines into the lake, exactly once.

Rows and the new end offset of their file commit in one transaction, only whole lines are taken, and a file that has
been compressed since continues at the same uncompressed offset. Segments come first: a fill's market is then known.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from analytics.instruments import from_info, instrument, learn_stated, settle
from analytics.intake import Done, Intake, Part, Source, ended
from analytics.journal_rows import JournalRows, audit_frame
from analytics.lake import Lake
from analytics.market_rows import Counts, StreamState
from analytics.writer import sole_writer
from strategy.errors import BadData
from strategy.live.layout import Layout
from strategy.venues.collector import COMPRESSIONS, CollectorFile, Line, stream_name
from strategy.venues.events import InstrumentInfo, MarketEvent
from strategy.venues.units import Units

_JOURNAL_BATCH: Final = 50_000
_AUDIT: Final = "audit"


@dataclass(slots=True)
class IngestReport:
    """What one pass took in; `problems` are one line each, and the rest was taken in all the same."""

    lines: int = 0
    market: Counts = field(default_factory=Counts)
    decisions: int = 0
    order_events: int = 0
    fills: int = 0
    parameter_events: int = 0
    problems: list[str] = field(default_factory=list)


def ingest(lake: Lake, layout: Layout, progress: Callable[[str], None] | None = None) -> IngestReport:
    """Take in everything new under a home folder; `progress` gets one line a file with news."""
    say = progress or (lambda line: None)
    report = IngestReport()
    with sole_writer(lake):
        for venue, symbol, folder in _symbols(layout.home / "segments"):
            _segments(lake, venue, symbol, folder, report, say)
        for venue, symbol, folder in _symbols(layout.home / "journal"):
            for name, path in _streams(folder):
                _journal(lake, Source(venue, symbol, f"journal:{name}"), path, report, say)
        for name, path in _streams(layout.audit):
            _audit(lake, Source(_AUDIT, "", f"{_AUDIT}:{name}"), path, report)
    return report


def _symbols(root: Path) -> Iterator[tuple[str, str, Path]]:
    """Yield venue, symbol and folder of every symbol under a root."""
    for folder in sorted(root.glob("*/*")):
        if folder.is_dir():
            yield folder.parent.name, folder.name.replace("-", "/", 1).replace("_", ":"), folder


def _streams(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield name and path of a folder's line files in order of their names; a plain file goes before its copy."""
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*.log*")):
        if path.suffix == ".log" or path.suffix in COMPRESSIONS:
            found.setdefault(stream_name(path), path)
    yield from sorted(found.items())


def _current(path: Path) -> Path:
    """Return where a file is now: its writer may just have replaced it by its compressed copy."""
    if path.exists():
        return path
    return next((copy for suffix in COMPRESSIONS if (copy := path.with_name(path.name + suffix)).exists()), path)


def _segments(
    lake: Lake, venue: str, symbol: str, folder: Path, report: IngestReport, say: Callable[[str], None]
) -> None:
    state: StreamState | None = None
    for name, listed in _streams(folder):
        source = Source(venue, symbol, name)
        path = _current(listed)
        if not _grown(lake, source, path):
            continue
        sizes = instrument(lake, venue, symbol) or learn_stated(lake, path, venue, symbol)
        if sizes is None:
            report.problems.append(f"{path}: no exchangeInfo, and the lake knows no sizes of {symbol}; left for later")
            continue
        intake = Intake(lake, source, Units(sizes.tick_size, sizes.lot_size), state)
        file = CollectorFile(path, intake.done.offset, intake.done.lines)
        intake.run(file, lambda number, event: _restate(lake, venue, symbol, event))
        state = intake.state
        _account(intake, file, report, say)


def _grown(lake: Lake, source: Source, path: Path) -> bool:
    """Say whether there may be lines that the lake lacks; a compressed file is read once to know."""
    done = Done.read(lake, source)
    return not done.complete and (path.suffix in COMPRESSIONS or path.stat().st_size > done.offset)


def _restate(lake: Lake, venue: str, symbol: str, event: MarketEvent) -> None:
    if isinstance(event, InstrumentInfo):
        settle(lake, from_info(event, venue, symbol), "exchange_info")


def _account(intake: Intake, file: CollectorFile, report: IngestReport, say: Callable[[str], None]) -> None:
    if file.truncated:
        report.problems.append(f"{file.path}: {file.truncated} after line {file.lines}")
    if intake.first_bad is not None:
        number, reason = intake.first_bad
        report.problems.append(f"{file.path}, line {number}: {reason} ({intake.bad_lines} skipped)")
    lines = file.lines - intake.done.lines
    report.lines += lines
    report.market += intake.added
    if lines:
        say(f"{file.path}: {lines:,} lines, {intake.added.total:,} rows, {intake.read.gaps:,} gaps")


def _journal(lake: Lake, source: Source, listed: Path, report: IngestReport, say: Callable[[str], None]) -> None:
    path = _current(listed)
    if not _grown(lake, source, path):
        return
    done = Done.read(lake, source)
    file = CollectorFile(path, done.offset, done.lines)
    session = source.name.removeprefix("journal:").removesuffix(".log")
    rows, part = JournalRows(source.venue, source.symbol, session), Part(done.offset, done.offset)
    for line in file:
        part.take(line, bad=_refused(rows, line, path, report))
        if len(rows) >= _JOURNAL_BATCH:
            _commit_journal(lake, source, (rows, part, False), report)
            rows, part = JournalRows(source.venue, source.symbol, session), Part(part.end, part.end)
    if part.lines or ended(file):
        _commit_journal(lake, source, (rows, part, ended(file)), report)
    if file.lines > done.lines:
        say(f"{path}: {file.lines - done.lines:,} lines")


def _refused(rows: JournalRows, line: Line, path: Path, report: IngestReport) -> bool:
    try:
        rows.add(line)
    except BadData as error:
        report.problems.append(f"{path}, line {line.number}: {error}")
        return True
    return False


def _commit_journal(lake: Lake, source: Source, batch: tuple[JournalRows, Part, bool], report: IngestReport) -> None:
    rows, part, complete = batch

    def write(open_lake: Lake) -> dict[str, int]:
        part.commit(open_lake, source, complete)
        return rows.write(open_lake)

    for name, count in lake.atomically(write).items():
        setattr(report, name, getattr(report, name) + count)
    report.lines += part.lines


def _audit(lake: Lake, source: Source, path: Path, report: IngestReport) -> None:
    done = Done.read(lake, source)
    part = Part(done.offset, done.offset)
    lines = list(CollectorFile(path, done.offset, done.lines))
    frames = []
    for line in lines:
        try:
            frames.append(audit_frame([line]))
        except BadData as error:
            report.problems.append(f"{path}, line {line.number}: {error}")
        part.take(line, bad=False)

    def write(open_lake: Lake) -> int:
        part.commit(open_lake, source, complete=False)
        return sum(open_lake.append("parameter_event", frame) for frame in frames)

    if lines:
        report.parameter_events += lake.atomically(write)
        report.lines += len(lines)

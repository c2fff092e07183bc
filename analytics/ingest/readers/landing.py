"""What readers read into the lake, exactly once: rows land in batches, a finished file is noted under its digest.

A kill loses nothing and doubles nothing: the file is read again from its start, gives the same ids again, and only what
is missing is added.
"""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from analytics.ingest.importer import NOT_JSON, TRUNCATED, UNUSABLE, Fault, ImportReport, units_of
from analytics.ingest.intake import Done, Part, Source
from analytics.ingest.market_rows import FLUSH_WEIGHT, Counts, MarketRows, StreamState, wire_symbol
from analytics.ingest.readers.chain import Chain
from analytics.ingest.readers.decimals import Finest
from analytics.ingest.readers.seam import Fact, Print, Reader, Recording, Row, Truncated, WrongRow
from analytics.lake.instruments import instrument, settle
from analytics.lake.store import Lake
from analytics.lake.writer import sole_writer
from strategy.errors import BadData, BadInput
from strategy.policies.document import Instrument
from strategy.venues.units import Units

Say = Callable[[str], None]
Advance = Callable[[float], None]
_TOLD_ROWS = 20_000  # progress is told every so many rows


def import_recordings(
    lake: Lake,
    reader: Reader,
    paths: Sequence[Path],
    place: tuple[str, str],
    sizes: tuple[str | None, str | None] = (None, None),
    report: Say = lambda line: None,
    progress: Advance = lambda share: None,
) -> ImportReport:
    """Import files of one market (venue, symbol); `sizes` are tick and lot, learned from the files when not given.

    `report` gets one line a recording, fault or note, `progress` the share of all bytes.
    """
    for path in paths:
        if not path.is_file():
            raise BadInput(f"{path} is not a file")
    with sole_writer(lake):
        recordings, refused = reader.recordings(list(dict.fromkeys(paths)))
        total = ImportReport(Counts(), Counts(), tuple(Fault(UNUSABLE, text) for text in refused))
        for text in refused:
            report(text)
        if not recordings:
            return total
        units = units_of(lake, Source(*place, ""), sizes, lambda: _learned(lake, recordings, place))
        sizes_of = [sum(path.stat().st_size for path in recording.paths) for recording in recordings]
        done = 0
        for recording, size in zip(recordings, sizes_of, strict=True):
            landing = Landing(lake, recording, place, units, reader.reading)
            landing.run(_part_of(progress, done, size, max(1, sum(sizes_of))))
            for line in landing.lines:
                report(line)
            done += size
            total = ImportReport(total.read + landing.read, total.added + landing.added, total.faults + landing.faults)
        return total


def _part_of(progress: Advance, done: int, size: int, whole: int) -> Advance:
    """Return progress within one recording as progress within all of them, by bytes."""
    return lambda share: progress((done + share * size) / whole)


def _learned(lake: Lake, recordings: Sequence[Recording], place: tuple[str, str]) -> Instrument:
    """Return what the lake knows of the symbol, else the steps of all decimals in the files."""
    held = instrument(lake, *place)
    if held is not None:
        return held
    price, qty = Finest("tick_size"), Finest("lot_size")
    for recording in recordings:
        try:
            for row in recording.rows():
                _measure(row.fact, price, qty)
        except BadData:
            continue  # what is wrong is said when it is imported; what comes before it is measured
    found = Instrument(venue=place[0], symbol=place[1], tick_size=price.step(), lot_size=qty.step())
    return settle(lake, found, "inferred")


def _measure(fact: Fact, price: Finest, qty: Finest) -> None:
    levels = ((fact.price, fact.qty),) if isinstance(fact, Print) else fact.bids + fact.asks
    for level_price, level_qty in levels:
        price.add(level_price)
        qty.add(level_qty)


class Landing:
    """One recording on its way into the lake, and what is to be said of it."""

    def __init__(self, lake: Lake, recording: Recording, place: tuple[str, str], units: Units, reading: str) -> None:
        """Know the recording by the digest of its files and of how they are read, whatever they are called."""
        self.read = self.added = Counts()
        self.faults: tuple[Fault, ...] = ()
        self._lake, self._recording, self._place, self._units = lake, recording, place, units
        self._path = recording.paths[0]
        self._source = Source(*place, _digest(recording.paths, reading))
        self._part = Part(0, 0)
        self._stamps: list[int] = []
        self._chain: Chain | None = None
        self._known = False

    def run(self, progress: Advance) -> None:
        """Read the recording to its end or to its first fault."""
        self._known = Done.read(self._lake, self._source).complete
        if self._known:
            return
        rows: MarketRows | None = None
        try:
            for row in self._recording.rows():
                rows = rows or self._begin(row)
                self._take(rows, row)
                if rows.weight >= FLUSH_WEIGHT:
                    self._flush(rows, complete=False)
                if self._part.lines % _TOLD_ROWS == 0:
                    progress(self._recording.share)
        except BadData as error:
            self.faults = (Fault(TRUNCATED if isinstance(error, Truncated) else NOT_JSON, str(error)),)
        if rows is not None:
            self._flush(rows, complete=not self.faults)
        progress(1.0)
        if self.read == Counts() and not self.faults:
            self.faults = (Fault(UNUSABLE, f"{self._path}: nothing usable{self._left_out()}"),)

    def _begin(self, first: Row) -> MarketRows:
        """Continue from what the lake's rows before the first one leave behind."""
        state = StreamState.before(self._lake, *self._place, first.fact.local_ts)
        held = self._lake.query("queries/stream_state", **self._source.place, before_ns=first.fact.local_ts)
        last_exch_ts = held["depth_exch_ts"].item()
        self._chain = Chain(wire_symbol(self._place[1]), state.book.last_id, last_exch_ts or 0)
        return MarketRows(*self._place, self._units, state)

    def _take(self, rows: MarketRows, row: Row) -> None:
        assert self._chain is not None
        fact = row.fact
        if isinstance(fact, Print):
            rows.counted_trades = fact.number is not None
        try:
            for event in self._chain.events(fact):
                rows.add(event)
        except BadData as error:
            raise self._wrong(row, error) from error
        self._part.lines = row.last
        self._stamps[1:] = [fact.local_ts]

    def _wrong(self, row: Row, error: BadData) -> WrongRow:
        what = self._recording.what
        if row.last == row.first:
            return WrongRow(self._path, row.first, str(error), what)
        return WrongRow(self._path, row.first, f"or one of those up to {row.last}: {error}", what)

    def _flush(self, rows: MarketRows, complete: bool) -> None:
        part = self._part
        part.end, part.stamps = part.lines, self._stamps

        def note(lake: Lake) -> None:
            if complete:
                part.commit(lake, self._source, complete)

        self.read += rows.counts
        self.added += rows.flush(self._lake, note)

    @property
    def lines(self) -> list[str]:
        """Return what there is to say: the recording's summary, then its faults."""
        if self._known:
            return [f"{self._path}: already in the lake"]
        faults = [fault.text for fault in self.faults]
        return faults if self.read == Counts() else [self._summary(), *faults]

    def _summary(self) -> str:
        read, held = self.read, self.read.total - self.added.total
        text = (
            f"{self._path}: {read.depth_updates:,} depth updates, {read.trades:,} trades, "
            f"{read.snapshots:,} snapshot{'' if read.snapshots == 1 else 's'}, {read.gaps:,} gaps"
        )
        if self._chain is not None and self._chain.began_empty:
            text += "; no snapshot at its start, the book begins empty and fills as levels are named"
        return text + self._left_out() + (f"; {held:,} rows were already in the lake" if held else "")

    def _left_out(self) -> str:
        return "".join(f"; {count:,} {reason} left out" for reason, count in self._recording.heard.left_out.items())


def _digest(paths: Sequence[Path], reading: str) -> str:
    whole = hashlib.sha256(reading.encode())
    for path in paths:
        with path.open("rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
    return f"sha256:{whole.hexdigest()}"

"""What the readers' tests share: a lake, an import, the book after each update of the tape it gives."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from analytics.ingest.importer import ImportReport
from analytics.ingest.readers.landing import import_recordings
from analytics.ingest.readers.seam import Reader
from analytics.lake.store import Lake, LakeSettings, run_checks
from analytics.tape.tape import load_tape
from strategy.replay.driver import ReplayConfig, replay
from strategy.replay.tape import Tape, TapeInfo
from tests.unit.kernel_samples import parameter_set

Book = dict[tuple[int, int], int]
_NUMBERS = count(1)
EVERYTHING = {"start_ns": 0, "end_ns": 2**62}


class Rig:
    """One market's lake and what was said while importing into it."""

    def __init__(self, lake: Lake, venue: str, symbol: str) -> None:
        """Import into one market."""
        self.lake, self.place = lake, (venue, symbol)
        self.said: list[str] = []
        self.shares: list[float] = []

    def take(self, reader: Reader, *paths: Path, sizes: tuple[str | None, str | None] = (None, None)) -> ImportReport:
        """Import files; what is said of them replaces what was said before."""
        self.said.clear()
        done = import_recordings(
            self.lake, reader, paths, self.place, sizes, report=self.said.append, progress=self.shares.append
        )
        assert run_checks(self.lake) == []
        return done

    def tape(self) -> tuple[Tape, TapeInfo]:
        """Return everything as a tape that has been replayed once."""
        tape, info = load_tape(self.lake, *self.place)
        parameters = parameter_set(quoting={"buy_spreads": [1], "sell_spreads": [1]})
        result = replay(tape, info, parameters, ReplayConfig(base=1.0, quote=100_000.0, record_decisions=True))
        assert len(result.decisions) > 0
        return tape, info

    def rows(self, query: str) -> list[dict[str, object]]:
        """Return a table's rows of this market."""
        return self.lake.query(f"queries/{query}", venue=self.place[0], symbol=self.place[1], **EVERYTHING).to_dicts()

    def gaps(self) -> list[tuple[str, str]]:
        """Return stream and reason of every gap."""
        return [(str(row["stream"]), str(row["reason"])) for row in self.rows("gaps")]


@contextmanager
def open_lake(folder: Path) -> Iterator[Lake]:
    """Make a lake under a folder; a module's tests share one, for it takes a second."""
    with Lake.open(LakeSettings.under(folder)) as lake:
        yield lake


def rig(lake: Lake, symbol: str = "BTC/USDT") -> Rig:
    """Return a market of its own."""
    return Rig(lake, f"venue{next(_NUMBERS)}", symbol)


def books(tape: Tape) -> list[Book]:
    """Return the whole book after each update, from the tape's level changes alone."""
    book: Book = {}
    found = []
    for i in range(len(tape.fresh)):
        for row in range(tape.level_start[i], tape.level_start[i + 1]):
            book[int(tape.level_side[row]), int(tape.level_ticks[row])] = int(tape.level_lots[row])
        found.append({level: lots for level, lots in book.items() if lots})
    return found


def trades(tape: Tape) -> list[tuple[int, int, int, int]]:
    """Return exchange time, side, ticks and lots of every trade."""
    columns = (tape.trade_exch, tape.trade_side, tape.trade_ticks, tape.trade_lots)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def write(path: Path, lines: Sequence[str], ending: str = "\n") -> Path:
    """Write lines of text."""
    path.write_text("".join(f"{line}{ending}" for line in lines))
    return path

"""The synthetic day of `bench.peer.day` in every form that is compared, each made once and kept."""

import gzip
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import polars as pl

from analytics.care.upkeep import CareSettings, care
from analytics.export.common import whole
from analytics.export.hftbacktest import export_hftbacktest, in_units
from analytics.ingest.importer import import_files
from analytics.lake.settings import LakeSettings
from analytics.lake.store import Lake
from bench.lake import frames
from bench.peer.day import Day, day_tape
from strategy.kernel.records import BUY
from strategy.replay.tape import Tape, TapeInfo

VENUE: Final = "binance"
SYMBOL: Final = "BTC/USDT"
_LEVEL: Final = 6  # of gzip, its default
_LINES: Final = 5_000  # compressed at once
_ROWS: Final = 500_000


@dataclass(frozen=True, slots=True)
class StoredDay:
    """A day's tape and the folder of its other forms."""

    tape: Tape
    info: TapeInfo
    folder: Path

    @classmethod
    def of(cls, day: Day, home: Path) -> "StoredDay":
        """Generate the day, or take what was generated."""
        tape, info = day_tape(day, home)
        info = info._replace(venue=VENUE, symbol=SYMBOL)
        key = hashlib.sha256(repr(day).encode() + Path(frames.__file__).read_bytes()).hexdigest()[:16]
        return cls(tape, info, home / f"stored-{key}")

    @property
    def changes(self) -> int:
        """Return how many level changes the day has, the first book's levels among them."""
        return len(self.tape.level_side)

    def collector(self) -> Path:
        """Return the day as a collector writes it: gzip'd lines of JSON."""
        return self._made("btcusdt.gz", self._write_collector)

    def tardis(self) -> tuple[Path, Path]:
        """Return the day's incremental_book_L2 and trades as Tardis writes them, csv.gz."""
        book = self._made("incremental_book_L2.csv.gz", lambda path: _write_csv(path, self._book_rows()))
        return book, self._made("trades.csv.gz", lambda path: _write_csv(path, self._trade_rows()))

    def npz(self) -> Path:
        """Return the day as hftbacktest's event array, from `microvol export`."""
        path = self.folder / "hftbacktest.npz"
        if not path.exists():
            export_hftbacktest(self.tape, self.info, path)
        return path

    def lake(self) -> LakeSettings:
        """Return the lake that the collector's file was imported into and that has been cared for since."""
        settings = LakeSettings.under(self.folder / "lake")
        with Lake.open(settings) as lake:
            sizes = (self.info.tick_size, self.info.lot_size)
            if import_files(lake, [self.collector()], VENUE, SYMBOL, *sizes).added.total:
                care(lake, CareSettings(snapshot_days=0.0, file_days=0), [], datetime.now(UTC))
        return settings

    def _made(self, name: str, write: Callable[[Path], None]) -> Path:
        path = self.folder / name
        if not path.exists():
            with whole(path) as draft:
                write(draft)
        return path

    def _write_collector(self, path: Path) -> None:
        lines = frames.lines(self.tape, self.info)
        with gzip.open(path, "wb", _LEVEL) as file:
            while chunk := b"".join(islice(lines, _LINES)):
                file.write(chunk)

    def _book_rows(self) -> Iterator[pl.DataFrame]:
        tape = self.tape
        update = np.repeat(np.arange(len(tape.fresh)), np.diff(tape.level_start))
        for first in range(0, len(update), _ROWS):
            rows = slice(first, first + _ROWS)
            yield self._told(tape.update_exch[update[rows]], tape.update_local[update[rows]]).with_columns(
                pl.Series("is_snapshot", update[rows] == 0),
                pl.Series("side", np.where(tape.level_side[rows] == BUY, "bid", "ask")),
                pl.Series("price", in_units(tape.level_ticks[rows].astype(float), self.info.tick_size)),
                pl.Series("amount", in_units(tape.level_lots[rows].astype(float), self.info.lot_size)),
            )

    def _trade_rows(self) -> Iterator[pl.DataFrame]:
        tape = self.tape
        yield self._told(tape.trade_exch, tape.trade_local).with_columns(
            pl.Series("id", np.arange(1, len(tape.trade_exch) + 1)),
            pl.Series("side", np.where(tape.trade_side == BUY, "buy", "sell")),
            pl.Series("price", in_units(tape.trade_ticks.astype(float), self.info.tick_size)),
            pl.Series("amount", in_units(tape.trade_lots.astype(float), self.info.lot_size)),
        )

    def _told(self, exch: np.ndarray, local: np.ndarray) -> pl.DataFrame:
        """Return the columns that every file of that format has; times in µs."""
        place = pl.select(exchange=pl.lit(VENUE), symbol=pl.lit(SYMBOL.replace("/", "")))
        times = pl.DataFrame({"timestamp": exch // 1_000, "local_timestamp": local // 1_000})
        return place.join(times, how="cross")


def _write_csv(path: Path, parts: Iterator[pl.DataFrame]) -> None:
    with gzip.open(path, "wb", _LEVEL) as file:
        for number, part in enumerate(parts):
            _append_csv(file, part, header=number == 0)


def _append_csv(file: "BinaryIO | gzip.GzipFile", part: pl.DataFrame, header: bool) -> None:
    file.write(part.write_csv(include_header=header).encode())

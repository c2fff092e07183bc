"""One day in four formats: what it takes on the disk, and how long it takes to have it in memory as columns."""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from analytics.ingest.level_lists import LevelLists
from analytics.lake.store import Lake
from analytics.tape.tape import load_tape
from bench.lake.storage import EVERYTHING, table_bytes
from bench.lake.stored_day import SYMBOL, VENUE, StoredDay
from strategy.errors import Failed
from strategy.replay.tape import Tape
from strategy.venues.collector import CollectorFile
from strategy.venues.events import DepthDiff, DepthSnapshot, Trade
from strategy.venues.units import Units
from strategy.venues.wire import parse

ROWS: Final = ("queries/depth_updates", "queries/depth_snapshots", "queries/trades")
LAKE_TABLES: Final = ("depth_update", "depth_snapshot", "trade")


@dataclass(frozen=True, slots=True)
class Format:
    """One format's line of the table."""

    name: str
    size: int
    wall_s: float
    processor_s: float


def formats(day: StoredDay, repeats: int) -> Iterator[Format]:
    """Measure one format after the other; medians of so many readings, one of JSON."""
    settings = day.lake()
    with Lake.open(settings, read_only=True) as lake:
        size = sum(table_bytes(lake)[name] for name in LAKE_TABLES)
        _check(day, load_tape(lake, VENUE, SYMBOL)[0])  # compiles, too
        yield _measured("lake, to a tape", size, lambda: load_tape(lake, VENUE, SYMBOL), repeats)
        yield _measured("lake, to frames", size, lambda: [lake.query(name, **EVERYTHING) for name in ROWS], repeats)
        cache = day.folder / "tapes"
        load_tape(lake, VENUE, SYMBOL, cache=cache)
        held = sum(path.stat().st_size for path in cache.rglob("*.npy"))
        yield _measured("the tape, kept", held, lambda: load_tape(lake, VENUE, SYMBOL, cache=cache), repeats)
    npz = day.npz()
    yield _measured("hftbacktest npz", npz.stat().st_size, lambda: np.load(npz)["data"], repeats)
    tables = day.tardis()
    size = sum(path.stat().st_size for path in tables)
    yield _measured("Tardis csv.gz", size, lambda: [pl.read_csv(path) for path in tables], repeats)
    raw = day.collector()
    yield _measured("gzip'd JSON", raw.stat().st_size, lambda: _parsed(raw, day), 1)


def _measured(name: str, size: int, read: Callable[[], Any], repeats: int) -> Format:
    times = []
    for _ in range(repeats):
        begun, used = time.perf_counter(), time.process_time()
        read()
        times.append((time.perf_counter() - begun, time.process_time() - used))
    return Format(name, size, *(statistics.median(each) for each in zip(*times, strict=True)))


def _check(day: StoredDay, tape: Tape) -> None:
    """Compare what came out of the lake with what the day was made as, but for times: the venue's stamps are in ms."""
    for name in ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots", "trade_ticks", "trade_lots"):
        if not np.array_equal(getattr(tape, name), getattr(day.tape, name)):
            raise Failed(f"{name} of the lake's tape is not the day's")
    rows = slice(int(tape.level_start[1]), None)  # the first book is a set, in no order of its own
    for name in ("level_side", "level_ticks", "level_lots"):
        if not np.array_equal(getattr(tape, name)[rows], getattr(day.tape, name)[int(day.tape.level_start[1]) :]):
            raise Failed(f"{name} of the lake's tape is not the day's")


def _parsed(path: Path, day: StoredDay) -> tuple[list[pl.Series], list[tuple[int, ...]]]:
    """Read JSON with the parser of recorder and ingest, into columns of ticks and lots."""
    units = Units(day.info.tick_size, day.info.lot_size)
    levels, times = LevelLists(units), []
    trades: list[tuple[int, ...]] = []
    for line in CollectorFile(path, whole=True):
        for event in parse(line.local_ns, line.payload):
            if isinstance(event, DepthDiff | DepthSnapshot):
                levels.add(event.bids, event.asks)
                times.append(event.local_ts)
            elif isinstance(event, Trade):
                trade = (event.local_ts, event.exch_ts, event.side, units.ticks(event.price), units.lots(event.qty))
                trades.append(trade)
    return [*levels.columns(), pl.Series(times)], trades

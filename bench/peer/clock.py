"""What a parameter set costs on both engines, as ratios to hftbacktest's time for one set on the same day."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.peer.day import Day, day_tape
from bench.peer.equality import config_of, without_minima
from bench.peer.events import event_rows
from bench.peer.maker import Line, book_reach, run_within
from bench.peer.sets import Maker, full, makers
from strategy.policies.parameters import ParameterSet
from strategy.replay.driver import replay, replay_many
from strategy.replay.tape import Tape, TapeInfo

BATCHES: Final = (1, 20, 200, 1_000)
REFRESHES_S: Final = (0.1, 1.0, 5.0, 15.0, 60.0, 300.0)
LENGTHS: Final = (8, 4, 2, 1)  # parts of the whole tape: an eighth, …, all
RUNS: Final = 3
MEMORY: Final = "--memory"
NO_LATENCY: Final = Line()

Clock = Callable[[], float]


def median_s(work: Callable[[], object], runs: int = RUNS, clock: Clock = time.process_time) -> float:
    """Return the median seconds of several runs; of processor time unless said, which other programs disturb least."""
    found = []
    for _ in range(runs):
        begun = clock()
        work()
        found.append(clock() - begun)
    return statistics.median(found)


def peer_s(tape: Tape) -> float:
    """Return hftbacktest's seconds for one set, after a run that compiles; its event array is made beforehand."""
    rows, updates = event_rows(tape), np.ascontiguousarray(tape.update_local)
    reach = book_reach(rows)
    run_within(rows, updates[:100], Maker(), NO_LATENCY, reach)
    return median_s(lambda: run_within(rows, updates, Maker(), NO_LATENCY, reach))


def batch_s(
    tape: Tape,
    info: TapeInfo,
    sets: list[ParameterSet],
    workers: int = 1,
    clock: Clock = time.process_time,
    record_orders: bool = False,
) -> float:
    """Return the seconds of a batch of sets with the skip driver; nothing of the results is kept."""
    config = config_of(NO_LATENCY, "skip", record_orders)

    def work() -> None:
        for _ in replay_many(tape, info, sets, config, workers=workers):
            pass

    return median_s(work, 5 if len(sets) < 100 else RUNS, clock)


def reference_s(tape: Tape, info: TapeInfo) -> float:
    """Return the seconds of one set with the driver that walks every event."""
    config = config_of(NO_LATENCY, "reference")
    parameters = Maker().parameters(float(info.lot_size))
    return median_s(lambda: replay(tape, info, parameters, config))


def cold_s(tape: Tape, info: TapeInfo) -> float:
    """Return the seconds of one set on columns that nothing has been worked out for yet."""
    config = config_of(NO_LATENCY, "skip")
    parameters = Maker().parameters(float(info.lot_size))
    found = []
    for _ in range(RUNS):
        fresh = Tape(*(np.array(column) for column in tape))
        found.append(median_s(lambda fresh=fresh: replay(fresh, info, parameters, config), runs=1))
    return statistics.median(found)


def ours(count: int, info: TapeInfo, seed: int = 11) -> list[ParameterSet]:
    """Return sets for microvol."""
    return [each.parameters(float(info.lot_size)) for each in makers(count, seed)]


def part_of(tape: Tape, parts: int) -> Tape:
    """Return the first of `parts` equal parts of a tape, as columns of its own."""
    updates = len(tape.update_exch) // parts
    if parts == 1:
        return tape
    trades = int(np.searchsorted(tape.trade_exch, tape.update_exch[updates - 1]))
    levels = int(tape.level_start[updates])
    ends = {"update": updates, "fresh": updates, "bid": updates, "ask": updates, "trade": trades, "gap": 0}
    cut = {}
    for name, column in tape._asdict().items():
        end = levels if name.startswith("level") else ends.get(name.partition("_")[0], 0)
        cut[name] = np.array(column[: updates + 1] if name == "level_start" else column[:end])
    return Tape(**cut)


def costs(day: Day, folder: Path) -> Iterator[tuple[str, float, float]]:
    """Yield (what, seconds a set, ratio to hftbacktest's seconds) one after the other."""
    tape, info = day_tape(day, folder)
    info = without_minima(info)
    peer = peer_s(tape)
    yield "hftbacktest, one set", peer, 1.0
    yield from _with_ratio(peer, _own_costs(tape, info))


def _with_ratio(peer: float, found: Iterable[tuple[str, float]]) -> Iterator[tuple[str, float, float]]:
    for what, seconds in found:
        yield what, seconds, peer / seconds


def _own_costs(tape: Tape, info: TapeInfo) -> Iterator[tuple[str, float]]:
    batch_s(tape, info, ours(20, info))  # compiles, builds the index and every window's sigma
    yield "reference driver, one set", reference_s(tape, info)
    yield "skip, one set, nothing built yet", cold_s(tape, info)
    for size in BATCHES:
        yield f"skip, a set in a batch of {size}", batch_s(tape, info, ours(size, info)) / size
    recorded = batch_s(tape, info, ours(200, info), record_orders=True)
    yield "skip, of 200, orders recorded", recorded / 200
    for workers in (1, 2):
        wall_s = batch_s(tape, info, ours(200, info), workers, time.perf_counter)
        yield f"skip, of 200, {workers} threads, wall clock", wall_s / 200
    complete = [full(each, float(info.lot_size)) for each in makers(20, 11)]
    yield "skip, four levels and barriers, of 20", batch_s(tape, info, complete) / 20
    yield "the same, orders recorded", batch_s(tape, info, complete, record_orders=True) / 20
    for refresh in REFRESHES_S:
        sets = [replace(each, refresh_s=refresh).parameters(float(info.lot_size)) for each in makers(20, 11)]
        yield f"skip, refresh {refresh:g} s, of 20", batch_s(tape, info, sets) / 20
    for parts in LENGTHS:
        part = part_of(tape, parts)
        batch_s(part, info, ours(20, info))
        yield f"skip, 1/{parts} of the day, of 200", batch_s(part, info, ours(200, info)) / 200


def memory_of(day: Day, folder: Path) -> dict[str, Any]:
    """Return the peak resident memory (MB) of a process that replays 1,000 sets over the day and does nothing else."""
    command = [sys.executable, "-m", "bench.peer", MEMORY, "--hours", str(day.hours), "--home", str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def print_memory(day: Day, folder: Path) -> None:
    """Replay 1, then 1,000 sets and print the peak resident memory (MB) after each."""
    tape, info = day_tape(day, folder)
    info = without_minima(info)
    config = config_of(NO_LATENCY, "skip")
    found = {}
    for count in (1, 1_000):
        for _ in replay_many(tape, info, ours(count, info), config):
            pass
        found[str(count)] = peak_mb()
    print(json.dumps(found))


def peak_mb() -> float:
    """Return this process's own peak; `getrusage` would tell that of the process which started it, if higher."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024

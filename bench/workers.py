"""One study over the synthetic day, replayed by one process alone and by 1, 2 and 4 that meet in PostgreSQL.

Every process replays with one thread, the one that runs the study among them; it waits for the others after its first
trial. The clock runs from the batch after which every worker has replayed something to the last one, so neither
starting nor compiling counts. The tape is shared by path. bench/README.md says how to read what is printed.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from analytics.study.folds import split
from analytics.study.settings import SearchSettings
from analytics.study.shared import SharedSettings
from analytics.study.study import Progress, StudyResult, StudySettings, bench_of, run_study, study_name
from analytics.study.workers import Prepared, work
from bench.peer.day import Day, day_tape
from strategy.policies.parameters import ParameterSet
from strategy.replay.driver import ReplayConfig
from tests.rigs.postgres import PASSWORD, USER, postgres_server

LATENCY_NS: Final = 10_000_000
ALONE, ONE = "alone", "1"
CASES: Final = {ALONE: 1, ONE: 1, "2": 2, "4": 4}  # processes by the name of their line
HERE, REPLAYED = "here", "replayed"  # what a worker says
WAIT_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What every process has to know."""

    hours: float
    home: Path
    share: int
    batch: int

    def settings(self, trials: int, storage: str = "") -> StudySettings:
        """Return the study's settings."""
        return StudySettings(
            replay=ReplayConfig(entry_latency_ns=LATENCY_NS, response_latency_ns=LATENCY_NS, base=0.01, quote=1_000.0),
            trials=trials,
            candidates=1,
            search=SearchSettings(workers=1, batch=self.batch),
            index_dir=self.home / "index",
            shared=SharedSettings(storage=storage, share=self.share),
            plan=str(trials),
        )


@dataclass(slots=True)
class Clock:
    """When each batch ended, from the moment at which every worker was at it; the first trial waits for them."""

    logs: Sequence[Path]
    batch: int
    done: list[tuple[int, float]] = field(default_factory=list)

    def __call__(self, seen: Progress) -> None:
        """Take note of a batch's last trial."""
        until = time.monotonic() + WAIT_S
        while seen.done == 1 and not self._all_said(HERE):
            if time.monotonic() > until:
                raise SystemExit(f"not every worker was there within {WAIT_S:.0f} s")
            time.sleep(0.05)
        if seen.done % self.batch == 0 and self._all_said(REPLAYED):
            self.done.append((seen.done, time.perf_counter()))

    def _all_said(self, what: str) -> bool:
        return all(what in log.read_text() for log in self.logs)

    @property
    def seconds_a_trial(self) -> float:
        """Return what a trial took."""
        (first, begun), (last, ended) = self.done[0], self.done[-1]
        return (ended - begun) / (last - first)


@contextmanager
def workers(plan: Plan, storage: str, name: str, count: int) -> Iterator[list[Path]]:
    """Start so many worker processes of a study and yield their logs."""
    with tempfile.TemporaryDirectory() as folder:
        logs = [Path(folder) / f"{number}.log" for number in range(count)]
        command = [sys.executable, "-m", "bench.workers", "--join", name, "--storage", storage]
        command += ["--hours", str(plan.hours), "--home", str(plan.home)]
        command += ["--share", str(plan.share), "--batch", str(plan.batch)]
        started = []
        for log in logs:
            with log.open("wb") as file:
                started.append(subprocess.Popen(command, stdout=file))
        try:
            yield logs
            for process in started:
                if process.wait(timeout=WAIT_S) != 0:
                    raise SystemExit(f"a worker ended with {process.returncode}")
        finally:
            for process in started:
                process.kill()


def measured(plan: Plan, trials: int, storage: str, processes: int) -> tuple[StudyResult, float]:
    """Return a study and the seconds that a trial of it took."""
    tape, info = day_tape(Day(hours=plan.hours), plan.home)
    settings = plan.settings(trials, storage)
    with workers(plan, storage, study_name(info, ParameterSet(), settings), processes - 1) as logs:
        clock = Clock(logs, plan.batch)
        found = run_study(tape, info, ParameterSet(), settings, clock)
    if len(clock.done) < 2:
        raise SystemExit(f"{trials} trials were over before {processes} processes were at it: ask for more")
    return found, clock.seconds_a_trial


def join(plan: Plan, storage: str, name: str) -> None:
    """Be one worker."""

    def prepare(told: str) -> Prepared:
        tape, info = day_tape(Day(hours=plan.hours), plan.home)
        settings = plan.settings(int(told))
        bench, folds = bench_of(tape, info, settings), split(tape, settings.folds)
        bench.warm_up([ParameterSet()], folds.train, plan.batch, settings.trials)
        print(HERE, flush=True)
        return Prepared(study_name(info, ParameterSet(), settings), bench, folds, settings)

    work(SharedSettings(storage=storage), name, prepare, threading.Event(), lambda _, n: print(REPLAYED, n, flush=True))


def print_scaling(plan: Plan, trials: int, runs: int) -> None:
    """Print a line for one process alone and one for each number of processes, medians of some rounds over all."""
    taken: dict[str, list[float]] = {}
    best: set[float] = set()
    os.environ["PGPASSWORD"] = PASSWORD
    with postgres_server() as server:
        for _ in range(runs):
            for name, processes in CASES.items():
                database = server.database()
                storage = "" if name == ALONE else f"postgresql://{USER}@127.0.0.1:{database.port}/{database.name}"
                found, seconds = measured(plan, trials, storage, processes)
                taken.setdefault(name, []).append(seconds)
                best.add(max(row.score for row in found.trials if row.feasible))
    if len(best) > 1:
        raise SystemExit(f"the best values were {', '.join(map(repr, best))}: they must be one")
    medians = {name: statistics.median(times) for name, times in taken.items()}
    print("processes      ms a trial   times as fast as alone   as 1")
    for name, seconds in medians.items():
        print(f"{name:>9} {1e3 * seconds:15.1f} {medians[ALONE] / seconds:24.2f} {medians[ONE] / seconds:6.2f}")
    print(f"best value of every study: {best.pop()!r}")


def main() -> None:
    """Print the table, or be one of its workers."""
    parser = argparse.ArgumentParser(prog="python -m bench.workers", description=__doc__)
    parser.add_argument("--trials", type=int, default=320)
    parser.add_argument("--runs", type=int, default=3, help="of each line")
    parser.add_argument("--hours", type=float, default=24.0, help="length of the synthetic day")
    parser.add_argument("--share", type=int, default=8, help="trials that a process takes at once")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--home", type=Path, default=Path("var/peer"), help="where the generated tape is kept")
    parser.add_argument("--join", help=argparse.SUPPRESS)
    parser.add_argument("--storage", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    plan = Plan(options.hours, options.home, options.share, options.batch)
    if options.join:
        join(plan, options.storage, options.join)
    else:
        print_scaling(plan, options.trials, options.runs)


if __name__ == "__main__":
    main()

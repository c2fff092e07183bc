"""A supervised quoting process under random faults for minutes: afterwards journals and venue must tell the same story.

`python -m bench.soak.live --minutes 10` has processes killed too; with `--venue-alone` one process lives through it
all, and its memory must be flat once it has settled. Prints what happened and the memory of every life; exit code 1
when anything is off.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
import psutil

from strategy.live.journal import read_journal
from strategy.live.layout import Layout
from strategy.venues.paper.config import PaperConfig
from strategy.venues.paper.server import running
from tests.faults.keepers import Supervised
from tests.faults.lab import KEYS, SYMBOL, Lab, Shared
from tests.faults.schedules import PROCESS_FAULTS, Schedule, long_schedule
from tests.faults.story import journals

SAMPLE_S: Final = 10.0
SETTLING_S: Final = 600.0  # caches fill and code is loaded
JUDGED_S: Final = 1_200.0  # the end of a life that was long enough to settle before; its memory has to be flat
MOST_MB_AN_HOUR: Final = 6.0  # the slope of a straight line through the samples of that time

Samples = dict[int, list[tuple[float, float]]]  # by process id: seconds, MB


async def watch(lab: Lab, samples: Samples) -> None:
    """Sample the resident memory of whichever process quotes."""
    begun = time.monotonic()
    while True:
        await asyncio.sleep(SAMPLE_S)
        pid = lab.pid
        if pid is not None and psutil.pid_exists(pid):
            try:
                found = psutil.Process(pid).memory_info().rss / 1e6
            except psutil.NoSuchProcess:
                continue
            samples.setdefault(pid, []).append((time.monotonic() - begun, found))


async def soak(plan: Schedule, home: Path, samples: Samples) -> None:
    """Quote through a schedule and check; AssertionError says what does not hold."""
    config = PaperConfig.model_validate({"seed": plan.seed, "regime": "busy", "maker_fee_bps": plan.fee_bps, **KEYS})
    async with running(config) as server:
        lab = Lab(plan, server, home, Supervised, Shared())
        watching = asyncio.create_task(watch(lab, samples))
        try:
            await lab.run()
        finally:
            watching.cancel()


def print_memory(samples: Samples) -> list[str]:
    """Print the memory of every life, minute by minute for a long one; return which long lives grew."""
    grown = []
    print("process   from s     to s   first MB   last MB   most MB   MB an hour      limit")
    for pid, found in samples.items():
        at, mb = (np.array(column) for column in zip(*found, strict=True))
        judged = at >= at[-1] - JUDGED_S
        long = at[-1] - at[0] >= SETTLING_S + JUDGED_S - 2 * SAMPLE_S
        slope = np.polyfit(at[judged], mb[judged], 1)[0] * 3600 if len(at) > 5 else float("nan")
        limit = f"{MOST_MB_AN_HOUR:10.2f}" if long else "  too short"
        print(f"{pid:7} {at[0]:8.0f} {at[-1]:8.0f} {mb[0]:10.1f} {mb[-1]:9.1f} {mb.max():9.1f} {slope:12.2f} {limit}")
        if long:
            print_minutes(at, mb)
        if long and slope > MOST_MB_AN_HOUR:
            grown.append(f"process {pid} grew by {slope:.1f} MB an hour in its last {JUDGED_S / 60:.0f} minutes")
    return grown


def print_minutes(at: np.ndarray, mb: np.ndarray) -> None:
    """Print the median of every minute as a bar."""
    for minute in range(int(at[0] // 60), int(at[-1] // 60) + 1):
        here = mb[(at >= 60 * minute) & (at < 60 * (minute + 1))]
        if len(here):
            print(f"  minute {minute:3} {np.median(here):8.1f} MB {'#' * round(float(np.median(here)) / 4)}")


def counted(folder: Path) -> Counter[str]:
    """Return how many lines of each kind the journals have."""
    return Counter(entry.body["t"] for path in journals(folder) for entry in read_journal(path))


def listed(counts: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{count:,} {what}" for what, count in counts)


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak.live", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--every", type=float, default=6.0, help="seconds between faults on the average")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--venue-alone", action="store_true", help="no process is killed or stopped")
    parser.add_argument("--home", type=Path, help="a new folder for journals and logs; without it they are removed")
    options = parser.parse_args()
    processes = () if options.venue_alone else PROCESS_FAULTS
    plan = long_schedule(options.seed, 60 * options.minutes, options.every, processes)
    samples: Samples = {}
    with tempfile.TemporaryDirectory(prefix="microvol-soak-") as temporary:
        home = options.home or Path(temporary)
        home.mkdir(parents=True, exist_ok=True)
        faults = []
        try:
            asyncio.run(soak(plan, home, samples))
        except AssertionError as error:
            faults.append(str(error))
        print(f"faults: {listed(Counter(step.what for step in plan.steps).most_common())}")
        folder = Layout(home).journal("paper", SYMBOL)
        print(f"{len(journals(folder))} sessions; journal lines: {listed(sorted(counted(folder).items()))}")
        faults += print_memory(samples)
    for fault in faults:
        print(f"FAULT {fault}")
    print("journals and venue tell the same story" if not faults else f"{len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

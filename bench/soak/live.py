"""A supervised quoting process under random faults for minutes: afterwards journals and venue must tell the same story.

`python -m bench.soak.live --minutes 10` has processes killed too; with `--venue-alone` one process lives through it
all, and its memory must not grow. Prints what happened and the memory of every life; exit code 1 when anything is off.
"""

import argparse
import asyncio
import statistics
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
from tests.faults.lab import KEYS, SYMBOL, Lab
from tests.faults.schedules import PROCESS_FAULTS, Schedule, long_schedule
from tests.faults.story import journals

SAMPLE_S: Final = 2.0
LONG_S: Final = 600.0  # a life that is long enough to judge its memory by
MOST_GROWTH: Final = 0.02  # of the second third's median, in the last third

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
        lab = Lab(plan, server, home, Supervised)
        watching = asyncio.create_task(watch(lab, samples))
        try:
            await lab.run()
        finally:
            watching.cancel()


def print_memory(samples: Samples) -> list[str]:
    """Print the memory of every life, minute by minute for a long one; return which long lives grew."""
    grown = []
    print("process   from s     to s   first MB   last MB   most MB   MB an hour")
    for pid, found in samples.items():
        at, mb = (np.array(column) for column in zip(*found, strict=True))
        settled = len(at) // 3  # caches fill and code is loaded at the beginning
        slope = np.polyfit(at[settled:], mb[settled:], 1)[0] * 3600 if len(at) > 5 else float("nan")
        print(f"{pid:7} {at[0]:8.0f} {at[-1]:8.0f} {mb[0]:10.1f} {mb[-1]:9.1f} {mb.max():9.1f} {slope:12.2f}")
        if at[-1] - at[0] >= LONG_S:
            print_minutes(at, mb)
            middle, last = (statistics.median(part) for part in np.array_split(mb, 3)[1:])
            if last > middle * (1 + MOST_GROWTH):
                grown.append(
                    f"process {pid} grew from {middle:.1f} MB in its second third to {last:.1f} MB in its last"
                )
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

"""What an event costs, as ratios to stated baselines; bench/README.md says how to read them.

Absolute times depend on the machine, the ratios should not. Medians of several runs, after one that compiles.
"""

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from strategy.policies.parameters import ParameterSet
from strategy.replay.driver import ReplayConfig, replay
from strategy.replay.synthetic import SyntheticMarket, synthetic_tape

UPDATES = 4_000
FEW_UPDATES = 200  # enough for the interpreted kernel, which takes milliseconds an event
INTERPRETED = "--interpreted"


def median_of(work: Callable[[], int], repeats: int = 7) -> float:
    """Return the median µs per event of several runs after a first that compiles; `work` returns its events."""
    work()
    found = []
    for _ in range(repeats):
        begun = time.perf_counter()
        events = work()
        found.append((time.perf_counter() - begun) * 1e6 / events)
    return statistics.median(found)


def replaying(updates: int) -> Callable[[], int]:
    tape, info = synthetic_tape(SyntheticMarket(updates=updates))
    parameters, config = ParameterSet(), ReplayConfig(base=0.01, quote=1_000.0)

    def work() -> int:
        replay(tape, info, parameters, config)
        return len(tape.update_exch) + len(tape.trade_exch)

    return work


def probed(sources: Path, cache: Path) -> dict[str, float]:
    """Return what bench/probe.py measures in a process with the `strategy` of `sources`, compiling into `cache`."""
    env = {**os.environ, "PYTHONPATH": str(sources), "PYTHONSAFEPATH": "1", "MICROVOL_JIT_CACHE": str(cache)}
    command = [sys.executable, str(Path(__file__).with_name("probe.py"))]
    done = subprocess.run(command, env=env, cwd=sources, stdout=subprocess.PIPE, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def live(sources: Path) -> dict[str, float]:
    """Return the probe's figures of a cold and then a warm process."""
    with tempfile.TemporaryDirectory() as folder:
        cold = probed(sources, Path(folder))["cold_s"]
        warm = probed(sources, Path(folder))
    return {**warm, "warm_s": warm["cold_s"], "cold_s": cold}


def exported(revision: str, folder: Path) -> Path:
    """Write the sources of a commit into a folder."""
    archive = subprocess.run(["git", "archive", revision, "strategy"], stdout=subprocess.PIPE, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    return folder


def print_live(against: str) -> None:
    """Print the live step's costs here and at an earlier commit, and their ratio."""
    here = live(Path(__file__).parents[1])
    with tempfile.TemporaryDirectory() as folder:
        there = live(exported(against, Path(folder)))
    print(f"live step, four levels a side     here   {against[:12]:>12}   ratio")
    for name, unit in (("median_us", "µs"), ("p99_us", "µs"), ("warm_s", "s"), ("cold_s", "s")):
        ratio = here[name] / there[name]
        print(f"  {name.split('_')[0]:10} {here[name]:20.2f} {unit:2} {there[name]:10.2f} {unit:2} {ratio:6.2f}")


def interpreted() -> float:
    """Return µs per event of the same replay without compilation, measured in a process of its own."""
    env = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run([sys.executable, "-m", "bench", INTERPRETED], env=env, stdout=subprocess.PIPE, check=True)
    return float(done.stdout)


def print_replay() -> None:
    """Print one line a measurement of the replay."""
    slow = interpreted()
    one = median_of(replaying(UPDATES))
    print(f"replay, interpreted             {slow:10.2f} µs an event   baseline")
    print(f"replay, compiled, tape x1       {one:10.2f} µs an event   {slow / one:6.0f} times faster")
    for factor in (2, 4):
        longer = median_of(replaying(UPDATES * factor))
        print(f"replay, compiled, tape x{factor}       {longer:10.2f} µs an event   {longer / one:6.2f} of x1")


def main() -> None:
    """Print what is asked for; everything when nothing is."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", choices=["replay", "live"], help="one of the two parts")
    parser.add_argument(
        "--against", default="HEAD~1", metavar="REV", help="the commit that the live step is compared with"
    )
    parser.add_argument(INTERPRETED, action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.interpreted:
        print(median_of(replaying(FEW_UPDATES), repeats=2))
        return
    if options.only != "live":
        print_replay()
    if options.only != "replay":
        print_live(options.against)


if __name__ == "__main__":
    main()

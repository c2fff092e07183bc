"""What an event costs, as ratios to stated baselines; bench/README.md says how to read them.

Absolute times depend on the machine, the ratios should not. Medians of several runs, after one that compiles.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from strategy.kernel.records import BOOK, FRESH
from strategy.policies.document import Instrument
from strategy.policies.parameters import ParameterSet
from strategy.policies.stepper import Stepper, new_event
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


def stepping() -> Callable[[], int]:
    tape, info = synthetic_tape(SyntheticMarket(updates=UPDATES))
    instrument = Instrument(**{name: getattr(info, name) for name in Instrument.model_fields})
    names = ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots")
    rows = zip(tape.fresh, tape.update_exch, tape.update_local, *(getattr(tape, name) for name in names), strict=True)
    events = [
        new_event(BOOK, flag=fresh * FRESH, exch_ts=exch, local_ts=local, **dict(zip(names, best, strict=True)))
        for fresh, exch, local, *best in rows
    ]

    def work() -> int:
        stepper = Stepper(ParameterSet(), instrument, 1_000.0, 1e10, 1)
        for event in events:
            stepper.feed(event)
        return len(events)

    return work


def interpreted() -> float:
    """Return µs per event of the same replay without compilation, measured in a process of its own."""
    env = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run([sys.executable, "-m", "bench", INTERPRETED], env=env, stdout=subprocess.PIPE, check=True)
    return float(done.stdout)


def main() -> None:
    """Print one line a measurement."""
    slow = interpreted()
    one = median_of(replaying(UPDATES))
    print(f"replay, interpreted             {slow:10.2f} µs an event   baseline")
    print(f"replay, compiled, tape x1       {one:10.2f} µs an event   {slow / one:6.0f} times faster")
    for factor in (2, 4):
        longer = median_of(replaying(UPDATES * factor))
        print(f"replay, compiled, tape x{factor}       {longer:10.2f} µs an event   {longer / one:6.2f} of x1")
    live = median_of(stepping())
    print(f"live step, Stepper.feed         {live:10.2f} µs an update  {live / one:6.2f} of replay x1")


if __name__ == "__main__":
    if INTERPRETED in sys.argv:
        print(median_of(replaying(FEW_UPDATES), repeats=2))
    else:
        main()

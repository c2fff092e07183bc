"""hftbacktest on the same strategy and the same tapes; bench/README.md says how to read what is printed."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from bench.peer.clock import MEMORY, costs, memory_of, print_memory
from bench.peer.day import Day, day_tape
from bench.peer.equality import compared, our_fills
from bench.peer.events import event_rows, untied
from bench.peer.maker import Line, book_reach, run_within
from bench.peer.recording import VARIABLE, recorded_files, recorded_tape
from bench.peer.sets import Maker, makers
from strategy.replay.run import Driver
from strategy.replay.tape import Tape, TapeInfo

WIDTHS: Final = (1.0, 0.1)  # of the sets on a recording, which is short: narrow ones fill more often
DRIVERS: Final[tuple[Driver, ...]] = ("reference", "skip")
LINES: Final = {"no latency": Line(), "10 ms each way": Line(10_000_003, 10_000_011)}  # uneven: few moments coincide


def print_equality(name: str, tape: Tape, info: TapeInfo, sets: list[Maker]) -> bool:
    """Print one line a latency; return whether both drivers' fills of all sets are the peer's."""
    apart = untied(tape)
    rows, updates = event_rows(apart), np.ascontiguousarray(apart.update_local)
    reach, good = book_reach(rows), True
    for title, line in LINES.items():
        equal, fills = dict.fromkeys(DRIVERS, 0), 0
        for i, maker in enumerate(sets):
            theirs = run_within(rows, updates, maker, line, reach)
            fills += len(theirs)
            for driver in DRIVERS:
                found = compared(our_fills(apart, info, maker, line, driver), theirs)
                equal[driver] += found.equal
                if not found.equal:
                    print(f"  {name}, {title}, set {i}, {driver}: {found}", flush=True)
        good = good and all(count == len(sets) for count in equal.values())
        told = ", ".join(f"{driver} {count}/{len(sets)}" for driver, count in equal.items())
        print(f"{name}, {title}: sets with equal fills: {told}; {fills} fills", flush=True)
    return good


def print_costs(day: Day, folder: Path) -> None:
    """Print the table of times, then memory."""
    for what, seconds, ratio in costs(day, folder):
        print(f"{what:40} {seconds * 1e3:12.3f} ms {ratio:10.1f}", flush=True)
    for sets, megabytes in memory_of(day, folder).items():
        print(f"peak memory, {sets} sets {megabytes:10.0f} MB")


def main() -> int:
    """Run what is asked for; 1 when any fill differs."""
    parser = argparse.ArgumentParser(prog="python -m bench.peer", description=__doc__)
    parser.add_argument("--only", choices=["equality", "times"], help="one of the two parts")
    parser.add_argument("--hours", type=float, default=24.0, help="length of the synthetic day")
    parser.add_argument("--sets", type=int, default=20, help="parameter sets to compare")
    parser.add_argument("--recordings", metavar="DIR", help=f"folder of recorded files; else {VARIABLE}")
    parser.add_argument("--home", type=Path, default=Path("var/peer"), help="where generated tapes are kept")
    parser.add_argument(MEMORY, action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    day = Day(hours=options.hours)
    if options.memory:
        print_memory(day, options.home)
        return 0
    good = True
    if options.only != "times":
        found = [print_equality(*case) for case in cases(options, day)]  # every case, whatever the ones before say
        good = all(found)
    if options.only != "equality":
        print_costs(day, options.home)
    return 0 if good else 1


def cases(options: argparse.Namespace, day: Day) -> Iterator[tuple[str, Tape, TapeInfo, list[Maker]]]:
    """Yield what to compare on: a recording if there is one, then the synthetic day."""
    files = recorded_files(options.recordings)
    if files:
        tape, info = recorded_tape(files, options.home / "lake")
        for width in WIDTHS:
            yield f"recording, width x {width:g}", tape, info, makers(options.sets, width=width)
    else:
        print(f"recording: no files, name their folder by --recordings or {VARIABLE}")
    yield "synthetic day", *day_tape(day, options.home), makers(options.sets)


if __name__ == "__main__":
    raise SystemExit(main())

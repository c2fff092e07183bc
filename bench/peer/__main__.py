"""hftbacktest on the same strategy and the same tapes; bench/README.md says how to read what is printed."""

import argparse
from pathlib import Path

import numpy as np

from bench.peer.clock import MEMORY, costs, memory_of, print_memory
from bench.peer.day import Day, day_tape
from bench.peer.equality import compared, our_fills
from bench.peer.events import event_rows, untied
from bench.peer.maker import Line, book_reach, run_within
from bench.peer.recording import VARIABLE, recorded_files, recorded_tape
from bench.peer.sets import makers
from strategy.replay.tape import Tape, TapeInfo

LINES = {"no latency": Line(), "10 ms each way": Line(10_000_003, 10_000_011)}  # uneven: few moments coincide


def print_equality(name: str, tape: Tape, info: TapeInfo, sets: int) -> bool:
    """Print one line a latency; return whether all fills of all sets are equal."""
    apart = untied(tape)
    rows, updates = event_rows(apart), np.ascontiguousarray(apart.update_local)
    reach, good = book_reach(rows), True
    for title, line in LINES.items():
        equal, fills = 0, 0
        for i, maker in enumerate(makers(sets)):
            found = compared(our_fills(apart, info, maker, line), run_within(rows, updates, maker, line, reach))
            equal, fills = equal + found.equal, fills + found.ours
            if not found.equal:
                print(f"  {name}, {title}, set {i}: fills part at {found.parts_at} of {found.ours} and {found.theirs}")
        good = good and equal == sets
        print(f"{name}, {title}: {equal}/{sets} sets with equal fills, {fills} fills", flush=True)
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
        files = recorded_files(options.recordings)
        if files:
            good = print_equality("recording", *recorded_tape(files, options.home / "lake"), options.sets)
        else:
            print(f"recording: no files, name their folder by --recordings or {VARIABLE}")
        good = print_equality("synthetic day", *day_tape(day, options.home), options.sets) and good
    if options.only != "equality":
        print_costs(day, options.home)
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())

"""Recorder and lake: what one core captures, how fast a backlog goes in, what it takes, how fast it is read."""

import argparse
import os
from pathlib import Path
from typing import Final

from bench.lake.capture import LEVELS, captured
from bench.lake.drain import drained
from bench.lake.formats import formats
from bench.lake.storage import stored
from bench.lake.stored_day import StoredDay
from bench.peer.day import Day
from bench.peer.recording import VARIABLE, recorded_files

RATES: Final = [1_000.0, 5_000.0, 10_000.0]
PARTS: Final = ("capture", "drain", "storage", "formats")


def print_capture(rates: list[float], seconds: float) -> None:
    """Print one line a rate."""
    *_, venue_core, capture_core = sorted(os.sched_getaffinity(0))
    print(f"capture on one core, {LEVELS} levels a side and message; ms from stamp to written line")
    for rate in rates:
        run = captured(rate, seconds, (venue_core, capture_core))
        print(
            f"  asked {rate:7,.0f}/s  captured {run.rate:7,.0f}/s of {run.bytes_a_frame:.0f} bytes  "
            f"missing or twice {run.astray}  core {run.cpu:4.0%}  p50 {run.p50_ms:.2f}  p99 {run.p99_ms:.2f}  "
            f"with fsync {run.p99_all_ms:.2f}  worst {run.worst_ms:.0f}  an fsync {run.fsync_ms:.1f}",
            flush=True,
        )


def print_drain(hours: float, home: Path) -> None:
    """Print one line."""
    run = drained(hours, home)
    rate = f"{run.updates / run.recorded_s:.0f} updates and {run.changes / run.recorded_s:.0f} changes a second"
    took = f"{run.wall_s:.1f} s, {run.processor_s:.1f} s of processor"
    print(f"drain {run.recorded_s:,.0f} s of {rate}: {took}, {run.times_real_time:.0f} times real time", flush=True)


def print_storage(folder: str | None) -> None:
    """Print one line, or why there is none."""
    files = recorded_files(folder)
    if not files:
        print(f"storage: no files, name their folder by --recordings or {VARIABLE}")
        return
    found = stored(files)
    print(
        f"storage: {found.bytes_a_change:.2f} bytes a level change, {found.changes:,} in {found.updates:,} updates; "
        f"all of it {found.lake_bytes:,} bytes, as gzip'd JSON {found.gzip_bytes:,}",
        flush=True,
    )


def print_formats(hours: float, home: Path, repeats: int) -> None:
    """Print one line a format."""
    day = StoredDay.of(Day(hours=hours), home)
    print(f"{len(day.tape.fresh):,} updates, {day.changes:,} level changes, {len(day.tape.trade_exch):,} trades")
    for one in formats(day, repeats):
        print(
            f"  {one.name:20} {one.size / 1e6:8.1f} MB {one.size / day.changes:6.2f} bytes a change "
            f"{one.wall_s:8.2f} s {one.processor_s:8.2f} s of processor",
            flush=True,
        )


def main() -> None:
    """Print what is asked for; everything when nothing is."""
    parser = argparse.ArgumentParser(prog="python -m bench.lake", description=__doc__)
    parser.add_argument("--only", choices=PARTS, help="one of the parts")
    parser.add_argument(
        "--rates", type=float, nargs="+", default=[1_000, 5_000, 10_000], help="depth messages a second"
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to capture at each rate")
    parser.add_argument("--backlog-hours", type=float, default=1.0, help="length of the backlog")
    parser.add_argument("--hours", type=float, default=24.0, help="length of the day that is stored in every format")
    parser.add_argument("--repeats", type=int, default=3, help="readings of each format")
    parser.add_argument("--recordings", metavar="DIR", help=f"folder of recorded files; else {VARIABLE}")
    parser.add_argument("--home", type=Path, default=Path("var/peer"), help="where what is generated is kept")
    options = parser.parse_args()
    wanted = [options.only] if options.only else PARTS
    print(f"load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    if "capture" in wanted:
        print_capture(options.rates, options.seconds)
    if "drain" in wanted:
        print_drain(options.backlog_hours, options.home.resolve())
    if "storage" in wanted:
        print_storage(options.recordings)
    if "formats" in wanted:
        print_formats(options.hours, options.home.resolve(), options.repeats)


if __name__ == "__main__":
    main()

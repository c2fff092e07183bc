"""Run the soak and print what came of it; the exit code is 1 when anybody saw an error or anything is lost."""

import argparse
import sys
import tempfile
from pathlib import Path

from bench.soak.soak import soak


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--hours", type=float, default=2.0, help="simulated past that is calibrated on")
    parser.add_argument("--trials", type=int, default=40, help="of each calibration")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="microvol-soak-") as folder:
        result = soak(Path(folder), 60 * options.minutes, options.hours, options.trials)
    for name, counts in result.markets.items():
        print(f"{name}: {', '.join(f'{count:,} {what}' for what, count in counts.items())}")
    for name in ("record", "ingest", "calibrate", "reader"):
        runs = result.of(name)
        print(f"{name}: {len(runs)} runs, {sum(run.fault is not None for run in runs)} with an error")
    print(f"answers to readers: {' and '.join(run.out.strip() for run in result.of('reader'))}")
    for fault in result.faults:
        print(fault)
    return 1 if result.faults else 0


sys.exit(main())

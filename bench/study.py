"""What a whole study costs: 300 trials over the synthetic day, from the cached tape to a registered version.

bench/README.md says how to read what is printed. The MLflow server is one as `microvol up` starts it, on a port and
with a database of its own.
"""

import argparse
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from analytics.calibration import Calibration, calibrate
from analytics.study.study import StudySettings
from bench.peer.day import Day, day_tape
from flows import platform, rooms
from flows.settings import Ports, Settings, load_settings
from strategy.policies.parameters import ParameterSet
from strategy.replay.driver import ReplayConfig
from strategy.replay.tape import Tape, TapeInfo

LATENCY_NS: Final = 10_000_000
MOST_S: Final = {"logging": 15.0, "all": 60.0}
MOST_SHARE: Final = 0.2  # of the whole, for logging
FEW: Final = 16  # trials of the study before, which compiles and fills the cache of indices


@contextmanager
def served() -> Iterator[Settings]:
    """Run an MLflow server in a home of its own."""
    with tempfile.TemporaryDirectory() as home, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
        free.close()
        settings = load_settings(home=Path(home), ports=Ports(mlflow=port))
        try:
            platform.up(settings, print, parts=("mlflow",))
            yield settings
        finally:
            platform.down(settings, print)


@dataclass(frozen=True, slots=True)
class Studied:
    """A calibration, from opening the registry to the registered version; processor time is of this process."""

    done: Calibration
    seconds: float
    processor_s: float


def studied(settings: Settings, tape: Tape, info: TapeInfo, trials: int, cache: Path) -> Studied:
    """Calibrate with the default set, search and gates."""
    costs = ReplayConfig(entry_latency_ns=LATENCY_NS, response_latency_ns=LATENCY_NS, base=0.01, quote=1_000.0)
    search = StudySettings(replay=costs, trials=trials, journal_dir=settings.home / "study", index_dir=cache)
    begun, used = time.perf_counter(), time.process_time()
    done = calibrate(rooms.registry(settings), tape, info, ParameterSet(), search)
    return Studied(done, time.perf_counter() - begun, time.process_time() - used)


def print_shares(each: Studied) -> bool:
    """Print where the time went, and how much of it is in none of the parts; say whether the limits hold."""
    done, seconds = each.done, each.seconds
    assert done.logged is not None
    assert done.document is not None
    parts = done.result.seconds | {"gates": done.gate_seconds, "logging": done.logged.seconds}
    parts["rest"] = seconds - sum(parts.values())
    for name, spent in parts.items():
        print(f"{name:12} {spent:8.2f} s {spent / seconds:7.1%}")
    print(f"{'all':12} {seconds:8.2f} s, {each.processor_s:.2f} s of processor time")
    print(f"{len(done.result.trials)} trials, version {done.document.version}, gates {done.gates}", flush=True)
    logging = done.logged.seconds
    return logging < min(MOST_S["logging"], MOST_SHARE * seconds) and seconds < MOST_S["all"]


def main() -> int:
    """Run a small study, then the one that counts; 1 when that one, or its logging, takes too long."""
    parser = argparse.ArgumentParser(prog="python -m bench.study", description=__doc__)
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--hours", type=float, default=24.0, help="length of the synthetic day")
    parser.add_argument(
        "--home", type=Path, default=Path("var/peer"), help="where generated tapes and indices are kept"
    )
    options = parser.parse_args()
    tape, info = day_tape(Day(hours=options.hours), options.home)
    with served() as settings:
        studied(settings, tape, info, FEW, options.home / "index")
        good = print_shares(studied(settings, tape, info, options.trials, options.home / "index"))
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())

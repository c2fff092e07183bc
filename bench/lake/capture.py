"""What one core captures: a venue floods a websocket, the capture process writes segments, both are real processes."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import psutil
from numpy.typing import NDArray

from bench.lake.flood import SYMBOL
from strategy.live.capture_status import read_capture_status
from strategy.live.layout import Layout
from strategy.venues.collector import CollectorFile
from strategy.venues.events import DepthDiff
from strategy.venues.settings import VenueConfig, paper_venue
from strategy.venues.wire import parse

I64 = NDArray[np.int64]

VENUE: Final = "flood"
LEVELS: Final = 10  # a side and message
PATIENCE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Captured:
    """One run at one rate. Times are ms from a frame's stamp to the end of the write of its line."""

    asked_rate: float
    frames: int
    astray: int  # ids between the first and the last captured that are in no segment, or twice
    rate: float  # depth messages a second, by their stamps
    bytes_a_frame: float
    cpu: float  # processor seconds of the capture process a second
    p50_ms: float
    p99_ms: float  # of lines that were not under way while an fsync was
    p99_all_ms: float
    worst_ms: float
    fsync_ms: float  # median


def captured(rate: float, seconds: float, cores: tuple[int, int]) -> Captured:
    """Capture for so long; the venue has one core, the capture process the other."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with flooding(rate, cores[0]) as venue:
            cpu = _capture(home, venue, seconds, cores[1])
        segments = Layout(home).segments(venue.name, venue.symbol)
        return _measured(rate, cpu, np.load(home / "times.npz"), sorted(segments.glob("*.log*")))


@contextmanager
def flooding(rate: float, core: int) -> Iterator[VenueConfig]:
    """Run the venue."""
    command = [sys.executable, "-m", "bench.lake.flood", "--rate", str(rate), "--levels", str(LEVELS)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        os.sched_setaffinity(process.pid, {core})
        assert process.stdout is not None
        port = int(process.stdout.readline())
        yield paper_venue(f"http://127.0.0.1:{port}", SYMBOL, VENUE)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_S)


def _capture(home: Path, venue: VenueConfig, seconds: float, core: int) -> float:
    """Run the capture process and return the processor seconds it took a second."""
    command = [sys.executable, "-m", "bench.lake.probe", str(home / "times.npz"), "--home", str(home)]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen([*command, *venue.arguments()], stderr=log)
        os.sched_setaffinity(process.pid, {core})
        try:
            _wait_for_frames(home, venue, process)
            watched, begun = psutil.Process(process.pid), time.monotonic()
            before = watched.cpu_times()
            time.sleep(seconds)
            after, lasted = watched.cpu_times(), time.monotonic() - begun
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(PATIENCE_S)
    if code != 0:
        raise RuntimeError(f"the capture process ended with {code}: {(home / 'log').read_text()}")
    return (after.user + after.system - before.user - before.system) / lasted


def _wait_for_frames(home: Path, venue: VenueConfig, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < deadline:
        status = read_capture_status(Layout(home), venue.name, venue.symbol)
        if status is not None and status.frames > 10:
            return
        time.sleep(0.1)
    raise RuntimeError(f"nothing is captured: {(home / 'log').read_text()}")


def _measured(rate: float, cpu: float, times: dict[str, I64], segments: list[Path]) -> Captured:
    ids, stamps, size = _diffs(segments)
    lines, syncs = times["lines"], times["syncs"]
    took = (lines[:, 1] - lines[:, 0]) / 1e6
    apart = took[~_during(lines, syncs)]
    return Captured(
        asked_rate=rate,
        frames=len(ids),
        astray=ids[-1] - ids[0] + 1 - len(set(ids)) + len(ids) - len(set(ids)),
        rate=(len(ids) - 1) / (stamps[-1] - stamps[0]) * 1e9,
        bytes_a_frame=size / len(ids),
        cpu=cpu,
        p50_ms=float(np.median(took)),
        p99_ms=float(np.quantile(apart, 0.99)),
        p99_all_ms=float(np.quantile(took, 0.99)),
        worst_ms=float(took.max()),
        fsync_ms=float(np.median(syncs[:, 1] - syncs[:, 0])) / 1e6,
    )


def _diffs(segments: list[Path]) -> tuple[list[int], list[int], int]:
    """Return update ids and stamps of every depth line in the segments, and the bytes of these lines."""
    ids, stamps, size = [], [], 0
    for path in segments:
        for line in CollectorFile(path):
            for event in parse(line.local_ns, line.payload):
                if isinstance(event, DepthDiff):
                    ids.append(event.final_id)
                    stamps.append(line.local_ns)
                    size += len(line.payload)
    return ids, stamps, size


def _during(lines: I64, syncs: I64) -> NDArray[np.bool_]:
    """Say of each line whether an fsync was under way at any moment between its stamp and its end."""
    first = np.searchsorted(syncs[:, 1], lines[:, 0])  # the first fsync that ended after the stamp
    begun = np.append(syncs[:, 0], np.iinfo(np.int64).max)[first]
    return np.asarray(begun <= lines[:, 1])

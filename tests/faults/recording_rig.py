"""Recorders and ingests as processes that start in a moment and may be killed at any, on venues that keep a log."""

import multiprocessing
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import orjson

from analytics.lake.store import Lake, LakeSettings
from strategy.live.capture_status import CaptureStatus, read_capture_status
from strategy.live.layout import Layout
from strategy.venues.collector import CollectorFile, Line
from strategy.venues.settings import VenueConfig, paper_venue
from tests.conformance.venue_process import Venue, paper_process

# A server that has everything imported forks each process in milliseconds: hundreds of lives fit into a test.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["strategy.live.capture", "analytics.ingest.ingest"])
DEPTH, TRADE, TICKER = "depth", "trade", "bookTicker"


@dataclass(frozen=True)
class LoggedVenue:
    """A running paper venue and its own log of every frame that it published."""

    venue: Venue
    config: VenueConfig
    log: Path

    def fault(self, what: str, **amounts: Any) -> int:
        """Have something go wrong; return how many connections it ended."""
        return self.venue.fault(what, **amounts)

    def published(self) -> list[tuple[int, bytes]]:
        """Return (receivers, frame) of everything that was published."""
        lines = [line.payload.partition(b" ") for line in CollectorFile(self.log)]
        return [(int(receivers), payload) for receivers, _, payload in lines]


@contextmanager
def logged_venue(folder: Path, symbol: str, *options: str, name: str = "paper") -> Iterator[LoggedVenue]:
    """Run a venue for one symbol on a free port."""
    log = folder / f"{name}-{symbol.replace('/', '')}.sent"
    with paper_process("--symbol", symbol, "--seed", "7", "--frame-log", str(log), *options) as venue:
        yield LoggedVenue(venue, paper_venue(venue.url, symbol, name), log)


@dataclass(frozen=True)
class Life:
    """One life of a forked process."""

    process: ForkServerProcess
    err: Path

    def end(self, number: int = signal.SIGTERM, seconds: float = 30.0) -> int:
        """Signal it and return its exit code."""
        if self.process.is_alive() and self.process.pid is not None:
            os.kill(self.process.pid, number)
        return self.wait(seconds)

    def wait(self, seconds: float = 30.0) -> int:
        """Return its exit code once it has ended."""
        self.process.join(seconds)
        assert self.process.exitcode is not None, f"still runs after {seconds:g} s"
        return self.process.exitcode

    def said(self) -> str:
        """Return what it wrote to standard error."""
        return self.err.read_text()


def _body(main: Callable[..., int], err: str, *given: Any) -> None:
    os.dup2(os.open(err, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), 2)
    sys.exit(main(*given))


def _capture(arguments: list[str], jump_s: float, after_s: float) -> int:
    from strategy.live.capture import main

    sys.argv = ["capture", *arguments]
    real, begun = time.time_ns, time.monotonic()
    if jump_s:
        time.time_ns = lambda: real() + int(1e9 * jump_s) * (time.monotonic() - begun > after_s)
    return main()


def _ingest(home: Path, batch: int) -> int:
    """Ingest over and over until killed, in small batches, so that a kill finds many commits to fall between."""
    import analytics.ingest.intake
    from analytics.ingest.ingest import ingest

    analytics.ingest.intake.FLUSH_WEIGHT = batch
    with Lake.open(LakeSettings.under(home / "lake")) as lake:
        while True:
            ingest(lake, Layout(home))


def _live(home: Path, name: str, main: Callable[..., int], *given: Any) -> Life:
    err = home / f"{name}.err"
    process = FORKS.Process(target=_body, args=(main, str(err), *given), daemon=True)
    process.start()
    return Life(process, err)


def start_capture(home: Path, venue: VenueConfig, *options: str, jump_s: float = 0.0, after_s: float = 0.0) -> Life:
    """Start a capture process; its clock is set by `jump_s` after so many seconds."""
    arguments = ["--home", str(home), *venue.arguments(), *options]
    return _live(home, "capture", _capture, arguments, jump_s, after_s)


def start_ingest(home: Path, batch: int = 300) -> Life:
    """Start a process that ingests until it is killed."""
    return _live(home, "ingest", _ingest, home, batch)


def segment_files(home: Path, venue: VenueConfig) -> list[Path]:
    """Return the segments of a market in order of their names, a plain file before its own copy."""
    folder = Layout(home).segments(venue.name, venue.symbol)
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("[!.]*.log*")):
        found.setdefault(path.name.removesuffix(".zst"), path)
    return list(found.values())


def recorded(home: Path, venue: VenueConfig) -> list[Line]:
    """Return every whole line of a market's segments."""
    return [line for path in segment_files(home, venue) for line in CollectorFile(path)]


def seen(home: Path, venue: VenueConfig, frames: int = 1, pid: int | None = None) -> CaptureStatus | None:
    """Return a recorder's status once it has so many frames."""
    status = read_capture_status(Layout(home), venue.name, venue.symbol)
    return status if status and status.frames >= frames and pid in (None, status.pid) else None


def kind(payload: bytes) -> str:
    """Return the stream of a frame, empty for what came over REST and for our own marks."""
    return next((name for name in (DEPTH, TRADE, TICKER) if f"@{name}".encode() in payload[:60]), "")


def ids(payload: bytes) -> tuple[int, int]:
    """Return the first and last id that a depth or trade frame covers."""
    data = orjson.loads(payload)["data"]
    return (data["U"], data["u"]) if "U" in data else (data["t"], data["t"])


def in_lake(lake: Lake, venue: VenueConfig) -> dict[str, list[tuple[int, int]]]:
    """Return first and last ids of every row of depth and trades."""
    window = {"venue": venue.name, "symbol": venue.symbol, "start_ns": 0, "end_ns": 2**62}
    depth = lake.query("queries/depth_updates", **window)
    trades = lake.query("queries/trades", **window)["trade_id"].to_list()
    return {
        DEPTH: list(zip(depth["first_update_id"], depth["final_update_id"], strict=True)),
        TRADE: [(each, each) for each in trades],
    }


def holes(lake: Lake, venue: VenueConfig) -> dict[str, list[tuple[int, int]]]:
    """Return the rows of `gap` as half-open ranges of missing ids."""
    gaps = lake.query("queries/gaps", venue=venue.name, symbol=venue.symbol, start_ns=0, end_ns=2**62)
    found: dict[str, list[tuple[int, int]]] = {DEPTH: [], TRADE: []}
    for stream, expected, got in gaps.select("stream", "expected_id", "got_id").rows():
        found[stream].append((expected, got))
    return found


def account(home: Path, venue: LoggedVenue, restarts: int = 0) -> dict[str, int]:
    """Compare lake, segments and the venue's log, all of them; return how many frames were published and missed.

    Every recorded frame is one that the venue published, as it was, and in the lake exactly once. Every published
    frame between the first and the last recorded one that the lake lacks lies in exactly one row of `gap`, and no row
    of `gap` is without such a frame, but for `restarts` of the venue: ids then begin anew from the clock.
    """
    frames = [line.payload for line in recorded(home, venue.config) if kind(line.payload)]
    published = [payload for _, payload in venue.published()]
    assert Counter(frames) - Counter(published) == Counter()
    counts: Counter[str] = Counter()
    with Lake.open(LakeSettings.under(home / "lake"), read_only=True) as lake:
        rows, gaps = in_lake(lake, venue.config), holes(lake, venue.config)
    for stream in (DEPTH, TRADE):
        mine = sorted(ids(payload) for payload in frames if kind(payload) == stream)
        assert sorted(rows[stream]) == mine
        assert len(set(mine)) == len(mine)
        all_of_them = [ids(payload) for payload in published if kind(payload) == stream]
        missed = [each for each in all_of_them if mine[0] < each < mine[-1] and each not in set(mine)]
        inside = [[gap for gap in gaps[stream] if gap[0] <= first and last < gap[1]] for first, last in missed]
        assert all(len(found) == 1 for found in inside), (stream, missed, gaps[stream])
        empty = set(gaps[stream]) - {gap for found in inside for gap in found}
        assert len(empty) <= restarts, (stream, empty)
        assert len(set(gaps[stream])) == len(gaps[stream])
        counts[f"{stream} published"], counts[f"{stream} missed"] = len(all_of_them), len(missed)
        counts[f"{stream} holes"] = len(gaps[stream])
    return dict(counts)

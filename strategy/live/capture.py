"""The capture process: every frame of a venue's feed, raw, into segments.

`python -m strategy.live.capture --home DIR --venue NAME --symbol S` until SIGTERM, or for `--seconds N`.
"""

import argparse
import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Final

import structlog
from pydantic import BaseModel, ConfigDict

from strategy.errors import BadData
from strategy.live.command import run_process, stop_event, venue_of, venue_parser, watch_parent
from strategy.live.doors import write_status
from strategy.live.layout import Layout
from strategy.live.segment import SegmentWriter
from strategy.venues.ccxt_feed import CcxtFeed
from strategy.venues.events import DepthDiff, DepthSnapshot, Epoch
from strategy.venues.ports import Feed
from strategy.venues.sequence import BookSequence
from strategy.venues.wire import parse

log = structlog.get_logger("capture")

HEARTBEAT: Final = ".capture.json"  # beside the segments; no segment has a name that begins with a dot
_TICK_SECONDS: Final = 1.0
_REPORT_SECONDS: Final = 10.0


class CaptureStatus(BaseModel):
    """What the capture process says of itself once a second."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    pid: int
    heartbeat_ns: int
    started_ns: int
    frames: int
    gaps: int
    last_frame_ns: int
    lag_ms: float
    acknowledged_name: str
    acknowledged_offset: int


def capture_status_file(layout: Layout, venue: str, symbol: str) -> Path:
    """Return where the capture process of a symbol shows that it is alive."""
    return layout.segments(venue, symbol) / HEARTBEAT


def read_capture_status(layout: Layout, venue: str, symbol: str) -> CaptureStatus | None:
    """Return what the capture process last wrote, None when there is no such file."""
    try:
        return CaptureStatus.model_validate_json(capture_status_file(layout, venue, symbol).read_bytes())
    except FileNotFoundError:
        return None


class Capture:
    """Feed in, segments out. A frame is written before anything looks into it; looking can never lose it."""

    def __init__(self, feed: Feed, writer: SegmentWriter, status_file: Path) -> None:
        """Take the open feed and writer."""
        self._feed, self._writer, self._status_file = feed, writer, status_file
        self._sequence = BookSequence()
        self._started_ns = time.time_ns()
        self.frames = 0
        self.gaps = 0
        self._last_ns = 0
        self._lag_ns = 0

    async def run(self, stop: asyncio.Event, seconds: float | None = None) -> None:
        """Record until `stop` or for so many seconds; a fault of the disk ends it with Failed."""
        reader = asyncio.create_task(self._read(), name="read")
        ticker = asyncio.create_task(self._tick(), name="tick")
        stopping = asyncio.create_task(stop.wait(), name="stop")
        tasks = {reader, ticker, stopping}
        done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        await self._feed.close()
        for task in tasks - {reader}:
            task.cancel()
        await asyncio.wait(tasks)
        self._write_status()
        for task in done:
            task.result()

    async def _read(self) -> None:
        async for local_ns, payload in self._feed.frames():
            self._writer.write(local_ns, payload)
            self.frames += 1
            self._last_ns, self._lag_ns = local_ns, time.time_ns() - local_ns
            await self._follow(local_ns, payload)

    async def _follow(self, local_ns: int, payload: bytes) -> None:
        """Ask for a snapshot while the recorded ids do not make a book."""
        if b'@bookTicker"' in payload or b'"trade"' in payload:
            return
        try:
            events = parse(local_ns, payload)
        except BadData as error:
            log.warning("frame recorded but not understood", error=str(error))
            return
        for event in events:
            if isinstance(event, Epoch):
                self._sequence = BookSequence()
            elif isinstance(event, DepthSnapshot):
                self._sequence.on_snapshot(event)
                if not self._sequence.known:
                    await self._feed.resnapshot()
            elif isinstance(event, DepthDiff) and self._sequence.on_diff(event).gap is not None:
                self.gaps += 1
                log.warning("gap", got_first_id=event.first_id)
                await self._feed.resnapshot()

    async def _tick(self) -> None:
        reported = time.monotonic()
        while True:
            self._write_status()
            if time.monotonic() - reported >= _REPORT_SECONDS:
                reported = time.monotonic()
                log.info("recording", frames=self.frames, gaps=self.gaps, lag_ms=round(self._lag_ns / 1e6, 1))
            await asyncio.sleep(_TICK_SECONDS)

    def _write_status(self) -> None:
        mark = self._writer.acknowledged
        status = CaptureStatus(
            pid=os.getpid(),
            heartbeat_ns=time.time_ns(),
            started_ns=self._started_ns,
            frames=self.frames,
            gaps=self.gaps,
            last_frame_ns=self._last_ns,
            lag_ms=self._lag_ns / 1e6,
            acknowledged_name=mark.name,
            acknowledged_offset=mark.offset,
        )
        write_status(self._status_file, status)


def arguments() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    parser = venue_parser("strategy.live.capture", "Record a venue's market into segments.")
    parser.add_argument("--seconds", type=float, help="stop after so long")
    parser.add_argument("--rotate-seconds", type=float, default=900.0, help="a new segment this often")
    parser.add_argument("--rotate-bytes", type=int, default=64 << 20, help="a new segment at this size")
    parser.add_argument("--fsync-seconds", type=float, default=1.0, help="how often frames are put on disk")
    return parser


async def capture(options: argparse.Namespace) -> int:
    """Record as the options say and return the exit code."""
    venue, layout = venue_of(options), Layout(options.home)
    stop = stop_event()
    watcher = asyncio.create_task(watch_parent(options.parent, stop), name="parent")
    writer = SegmentWriter(
        layout.segments(venue.name, venue.symbol),
        rotate_seconds=options.rotate_seconds,
        rotate_bytes=options.rotate_bytes,
        fsync_seconds=options.fsync_seconds,
    )
    with writer:
        recorder = Capture(CcxtFeed(venue), writer, capture_status_file(layout, venue.name, venue.symbol))
        log.info("start", venue=venue.name, symbol=venue.symbol, folder=str(writer.folder))
        await recorder.run(stop, options.seconds)
    watcher.cancel()
    log.info("stop", frames=recorder.frames, gaps=recorder.gaps)
    return 0


def main() -> int:
    """Run the process."""
    options = arguments().parse_args()
    return run_process(lambda: capture(options))


if __name__ == "__main__":
    sys.exit(main())

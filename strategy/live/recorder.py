"""One symbol's feed into its segments, and several of them side by side in one process."""

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import structlog

from strategy.errors import BadData
from strategy.live.capture_status import CaptureStatus
from strategy.live.disk_space import DiskSpace
from strategy.live.doors import write_status
from strategy.live.segment import SegmentWriter
from strategy.venues.ccxt_feed import CcxtFeed
from strategy.venues.events import ClockOffset, DepthDiff, DepthSnapshot, Epoch, MarketEvent
from strategy.venues.sequence import BookSequence
from strategy.venues.wire import parse

log = structlog.get_logger("capture")

_TICK_SECONDS: Final = 1.0
_REPORT_SECONDS: Final = 10.0
_UNSEQUENCED: Final = (b'@bookTicker"', b'"trade"')


class Recorder:
    """Feed in, segments out. A frame is written before anything looks into it; looking can never lose it."""

    def __init__(self, name: str, feed: CcxtFeed, writer: SegmentWriter, status_file: Path) -> None:
        """Take the open feed and writer; `name` is the market's in the log."""
        self._feed, self._writer, self._status_file = feed, writer, status_file
        self._log = log.bind(market=name)
        self._sequence = BookSequence()
        self._started_ns = time.time_ns()
        self.frames = 0
        self.gaps = 0
        self._last_ns = 0
        self._lag_ns = 0
        self._clock: ClockOffset | None = None

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
        for task in done | {reader}:
            task.result()

    def write_status(self, note: str = "") -> None:
        """Say how far it is; `note` says why it stopped."""
        mark, clock = self._writer.acknowledged, self._clock
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
            clock_offset_ms=clock and clock.offset_ns / 1e6,
            clock_rtt_ms=clock and clock.rtt_ns / 1e6,
            note=note,
        )
        try:
            write_status(self._status_file, status)
        except OSError as error:  # on a full disk the segments are what counts, and they say so themselves
            self._log.warning("status not written", error=error.strerror)

    async def _read(self) -> None:
        async for local_ns, payload in self._feed.frames():
            self._writer.write(local_ns, payload)
            self.frames += 1
            self._last_ns, self._lag_ns = local_ns, time.time_ns() - local_ns
            if not any(mark in payload for mark in _UNSEQUENCED):
                await self._follow(local_ns, payload)

    async def _follow(self, local_ns: int, payload: bytes) -> None:
        """Ask for a snapshot while the recorded ids do not make a book."""
        try:
            events = parse(local_ns, payload)
        except BadData as error:
            self._log.warning("frame recorded but not understood", error=str(error))
            return
        for event in events:
            if isinstance(event, ClockOffset):
                self._clock = event
            elif self._breaks(event):
                await self._feed.resnapshot()

    def _breaks(self, event: MarketEvent) -> bool:
        """Say whether the book is unknown after an event for want of a snapshot."""
        if isinstance(event, Epoch):
            self._sequence = BookSequence()
        elif isinstance(event, DepthSnapshot):
            self._sequence.on_snapshot(event)
            return not self._sequence.known
        elif isinstance(event, DepthDiff) and self._sequence.on_diff(event).gap is not None:
            self.gaps += 1
            self._log.warning("gap", got_first_id=event.first_id)
            return True
        return False

    async def _tick(self) -> None:
        reported = time.monotonic()
        while True:
            self.write_status()
            if time.monotonic() - reported >= _REPORT_SECONDS:
                reported = time.monotonic()
                lag_ms = round(self._lag_ns / 1e6, 1)
                self._log.info("recording", frames=self.frames, gaps=self.gaps, lag_ms=lag_ms)
            await asyncio.sleep(_TICK_SECONDS)


async def record_all(
    recorders: Sequence[Recorder], space: DiskSpace, stop: asyncio.Event, seconds: float | None = None
) -> None:
    """Run every recorder until `stop` or for so many seconds; the first failure stops all in order and is raised."""
    watching = asyncio.create_task(space.watch(stop), name="space")
    tasks = [asyncio.create_task(each.run(stop, seconds)) for each in recorders]
    for task in (watching, *tasks):
        task.add_done_callback(lambda done: stop.set() if done.exception() else None)
    results: list[BaseException | None] = await asyncio.gather(*tasks, return_exceptions=True)
    stop.set()
    results += await asyncio.gather(watching, return_exceptions=True)
    failed = next((result for result in results if result is not None), None)
    for each in recorders:
        each.write_status("" if failed is None else str(failed))
    if failed is not None:
        raise failed

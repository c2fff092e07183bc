"""The capture process: every frame of one or several feeds, raw, into segments.

`python -m strategy.live.capture --home DIR --venue NAME --symbol S` until SIGTERM, or for `--seconds N`. Every
`--also JSON` names a further market by the fields of a VenueConfig; it gets segments and a status file of its own.
"""

import argparse
import asyncio
import sys
from contextlib import ExitStack

import structlog

from strategy.live.capture_status import capture_status_file
from strategy.live.command import (
    markets,
    run_process,
    stop_event,
    take_also,
    venue_parser,
    warn_of_proxies,
    watch_parent,
)
from strategy.live.disk_space import DiskSpace
from strategy.live.layout import Layout
from strategy.live.recorder import Recorder, record_all
from strategy.live.segment import SegmentWriter
from strategy.venues.ccxt_feed import CcxtFeed
from strategy.venues.settings import VenueConfig

log = structlog.get_logger("capture")


def arguments() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    parser = venue_parser("strategy.live.capture", "Record markets into segments.")
    take_also(parser)
    parser.add_argument("--seconds", type=float, help="stop after so long")
    parser.add_argument("--rotate-seconds", type=float, default=900.0, help="a new segment this often")
    parser.add_argument("--rotate-bytes", type=int, default=64 << 20, help="a new segment at this size")
    parser.add_argument("--fsync-seconds", type=float, default=1.0, help="how often frames are put on disk")
    parser.add_argument("--silence-seconds", type=float, default=15.0, help="no depth for so long: reconnect")
    parser.add_argument("--clock-seconds", type=float, default=300.0, help="compare the venue's clock this often")
    parser.add_argument("--min-free-mb", type=float, default=0.0, help="stop when less is free on the disk")
    return parser


async def capture(options: argparse.Namespace) -> int:
    """Record as the options say and return the exit code."""
    layout, stop = Layout(options.home), stop_event()
    space = DiskSpace(layout.home / "segments", options.min_free_mb)
    space.check()
    warn_of_proxies()
    watcher = asyncio.create_task(watch_parent(options.parent, stop), name="parent")
    with ExitStack() as writers:
        recorders = [_recorder(options, layout, venue, writers) for venue in markets(options)]
        await record_all(recorders, space, stop, options.seconds)
    watcher.cancel()
    log.info("stop", frames=sum(each.frames for each in recorders), gaps=sum(each.gaps for each in recorders))
    return 0


def _recorder(options: argparse.Namespace, layout: Layout, venue: VenueConfig, writers: ExitStack) -> Recorder:
    writer = SegmentWriter(
        layout.segments(venue.name, venue.symbol),
        rotate_seconds=options.rotate_seconds,
        rotate_bytes=options.rotate_bytes,
        fsync_seconds=options.fsync_seconds,
    )
    writers.enter_context(writer)
    feed = CcxtFeed(venue, silence_seconds=options.silence_seconds, clock_seconds=options.clock_seconds)
    log.info("start", venue=venue.name, symbol=venue.symbol, folder=str(writer.folder))
    status_file = capture_status_file(layout, venue.name, venue.symbol)
    return Recorder(f"{venue.name} {venue.symbol}", feed, writer, status_file)


def main() -> int:
    """Run the process."""
    options = arguments().parse_args()
    return run_process(lambda: capture(options))


if __name__ == "__main__":
    sys.exit(main())

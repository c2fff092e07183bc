"""Flow: record a venue's raw frames, and take them into the lake as they come."""

import threading
from collections import Counter
from typing import Any

from prefect import flow

from flows import log, rooms
from flows.ingest import take_in
from flows.settings import Settings, load_settings
from strategy.errors import MicrovolError


@flow
def record(seconds: float | None = None, venue: str | None = None, symbol: str | None = None) -> dict[str, Any]:
    """Record until stopped, or for a while; what was written is in the lake when this returns."""
    from flows.supervised import supervise
    from strategy.live.capture import read_capture_status
    from strategy.live.supervisor import Supervisor

    settings = load_settings(venue=venue, symbol=symbol)
    supervisor = Supervisor.capture(rooms.venue(settings, trading=False), settings.layout, options(settings))
    done, taken = threading.Event(), Counter[str]()
    ingesting = threading.Thread(target=_ingest_now_and_then, args=(settings, done, taken), name="ingest")
    ingesting.start()
    try:
        supervise(settings, "record", supervisor, seconds)
    finally:
        done.set()
        ingesting.join()
    seen = read_capture_status(settings.layout, settings.venue, settings.symbol)
    frames = {} if seen is None else {"frames": seen.frames, "gaps_seen": seen.gaps}
    taken.update(take_in())
    return frames | dict(taken)


def options(settings: Settings) -> tuple[str, ...]:
    """Return the options of the capture process."""
    capture = settings.capture
    return ("--fsync-seconds", str(capture.fsync_seconds), "--rotate-seconds", str(capture.rotate_seconds))


def _ingest_now_and_then(settings: Settings, done: threading.Event, taken: Counter[str]) -> None:
    """Take in what was written, every so often; a failure is said, and the next turn tries again."""
    while not done.wait(settings.capture.ingest_seconds):
        try:
            taken.update(take_in())
        except MicrovolError as error:
            log.say("ingest failed", error=error)

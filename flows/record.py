"""Flow: record raw frames of one or several markets, and take them into the lake as they come."""

import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from prefect import flow

from flows import events, log, rooms
from flows.ingest import take_in
from flows.markets import markets as named
from flows.settings import Settings, load_settings
from strategy.errors import Failed, MicrovolError, NoSpace
from strategy.live.disk_space import MB, free_bytes


@flow
def record(
    seconds: float | None = None,
    venue: str | None = None,
    symbol: str | None = None,
    markets: list[str] | None = None,
) -> dict[str, Any]:
    """Record until stopped, or for a while; what was written is in the lake when this returns.

    `markets` are `VENUE:BASE/QUOTE` or `BASE/QUOTE`, recorded by one process; without them it is `symbol` at `venue`.
    """
    from flows.supervised import holding, supervise
    from strategy.live.supervisor import Supervisor

    recorded = named(load_settings(venue=venue, symbol=symbol), markets or [])
    first, venues = recorded[0], [rooms.venue(each, trading=False) for each in recorded]
    supervisor = Supervisor.capture(venues, first.layout, options(first))
    done, taken = threading.Event(), Counter[str]()
    ingesting = threading.Thread(target=_ingest_now_and_then, args=(first, done, taken), name="ingest")
    with ExitStack() as others:
        for each in recorded[1:]:
            others.enter_context(holding(each, "record"))
        ingesting.start()
        try:
            supervise(first, "record", supervisor, seconds)
        except Failed:
            if supervisor.last_code == NoSpace.exit_code:
                _alert(recorded)
            raise
        finally:
            done.set()
            ingesting.join()
    seen = _seen(recorded)
    taken.update(take_in())
    return seen | dict(taken)


def options(settings: Settings) -> tuple[str, ...]:
    """Return the options of the capture process."""
    capture = settings.capture
    given = {
        "--fsync-seconds": capture.fsync_seconds,
        "--rotate-seconds": capture.rotate_seconds,
        "--rotate-bytes": int(capture.rotate_mb * 1e6),
        "--silence-seconds": capture.silence_seconds,
        "--clock-seconds": capture.clock_seconds,
        "--min-free-mb": capture.min_free_mb,
    }
    return tuple(part for name, value in given.items() for part in (name, str(value)))


def _alert(recorded: Sequence[Settings]) -> None:
    """Tell whoever listens to events that the disk has no room for these markets."""
    for each in recorded:
        value, limit = f"{free_bytes(each.home) / MB:.1f} MB free under {each.home}", f"{each.capture.min_free_mb:g} MB"
        events.alert(each, "disk.full", value=value, limit=limit, command=f"microvol record {events.way(each)}")


def _seen(recorded: Sequence[Settings]) -> dict[str, Any]:
    """Return what the capture process counted, in all and, for several markets, of each."""
    from strategy.live.capture_status import read_capture_status

    found = [(each, read_capture_status(each.layout, each.venue, each.symbol)) for each in recorded]
    statuses = [(each, status) for each, status in found if status is not None]
    if not statuses:
        return {}
    totals: dict[str, Any] = {
        "frames": sum(status.frames for _, status in statuses),
        "gaps_seen": sum(status.gaps for _, status in statuses),
    }
    if len(recorded) > 1:
        totals |= {f"{s.venue} {s.symbol}": f"{status.frames} frames, {status.gaps} gaps" for s, status in statuses}
    return totals


def _ingest_now_and_then(settings: Settings, done: threading.Event, taken: Counter[str]) -> None:
    """Take in what was written, every so often; a failure is said, and the next turn tries again."""
    while not done.wait(settings.capture.ingest_seconds):
        try:
            taken.update(take_in())
        except MicrovolError as error:
            log.say("ingest failed", error=error)

"""What `microvol status` says: servers, the quoting process, how fresh the data is, who is champion.

Every line is read on its own: a part that cannot be read says why and does not hide the others.
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from flows import kill_switch, processes, rooms
from flows.platform import services
from flows.settings import Settings
from strategy.errors import MicrovolError
from strategy.live import doors
from strategy.policies.document import read_document


class Line(NamedTuple):
    """One line of the status: what, whether it is well, and the facts."""

    what: str
    state: str
    detail: str


def status(settings: Settings) -> list[Line]:
    """Return every line of the status."""
    quoting = (_held, _switch, _quoting)
    parts: tuple[Callable[[Settings], Iterator[Line]], ...] = (_servers, *quoting, _capture, _lag, _lake, _versions)
    return [line for part in parts for line in _safely(part, settings)]


def _safely(part: Callable[[Settings], Iterator[Line]], settings: Settings) -> list[Line]:
    try:
        return list(part(settings))
    except MicrovolError as error:
        return [Line(part.__name__.strip("_"), "unknown", str(error))]


def _servers(settings: Settings) -> Iterator[Line]:
    for service in services(settings):
        owner = f"pid {service.pid}" if service.pid else ("not started by microvol up" if service.up else "")
        yield Line(service.name, "up" if service.up else "down", f"{service.url} {owner}".strip())


def _held(settings: Settings) -> Iterator[Line]:
    for name, record in processes.records(settings.home).items():
        if name.startswith(("quote", "record")) and record.process() is not None:
            yield Line(name, "running", f"supervisor pid {record.pid}")


def _switch(settings: Settings) -> Iterator[Line]:
    kill, what = kill_switch.found(settings), f"kill switch {settings.venue} {settings.symbol}"
    yield Line(what, "armed", "") if kill is None else Line(what, "killed", f"since {ago(kill.at_ns)}, {kill}")


def _quoting(settings: Settings) -> Iterator[Line]:
    venue, symbol = settings.venue, settings.symbol
    live = doors.read_status(settings.layout, venue, symbol)
    if live is None or not doors.is_running(settings.layout, venue, symbol):
        yield Line(f"quoting {venue} {symbol}", "down", "" if live is None else f"last seen {ago(live.heartbeat_ns)}")
        return
    counts = f"{live.open_orders} open orders, {live.fills} fills"
    facts = f"version {live.version}, heartbeat {ago(live.heartbeat_ns)}, {_holdings(settings, live)}{counts}"
    said = (", panic" if live.panicking else "") + (f"; {live.note}" if live.note else "")
    yield Line(f"quoting {venue} {symbol}", live.state, facts + _speed(live) + said)


def _speed(live: doors.LiveStatus) -> str:
    """Return how quickly the venue acknowledged the newest orders; nothing before it did."""
    if live.round_trip_ms_p50 is None or live.round_trip_ms_p99 is None:
        return ""
    middle, slow = (f"{ms:.3g} ms" for ms in (live.round_trip_ms_p50, live.round_trip_ms_p99))
    return f", acknowledged in {middle} (p99 {slow}, {live.round_trips} orders)"


def _holdings(settings: Settings, live: doors.LiveStatus) -> str:
    """Return what a quoting process holds, in base and quote units; nothing before it knows."""
    if live.base_lots is None or live.quote_atoms is None:
        return ""
    sizes = read_document(settings.layout.parameter_file(live.venue, live.symbol)).instrument
    lot, tick = float(sizes.lot_size), float(sizes.tick_size)
    base, quote = live.symbol.split(":")[0].split("/")
    return f"{live.base_lots * lot:.8g} {base}, {live.quote_atoms * lot * tick:.8g} {quote}, "


def _capture(settings: Settings) -> Iterator[Line]:
    from strategy.live.capture_status import recorded_markets

    own = (settings.venue, settings.symbol)
    for venue, symbol in sorted({own, *recorded_markets(settings.layout)}):
        yield _captured(settings, venue, symbol)


def _captured(settings: Settings, venue: str, symbol: str) -> Line:
    from strategy.live.capture_status import read_capture_status

    what, seen = f"capture {venue} {symbol}", read_capture_status(settings.layout, venue, symbol)
    if seen is None:
        return Line(what, "none", f"nothing recorded in {settings.layout.segments(venue, symbol)}")
    facts = f"{seen.frames} frames, {seen.gaps} gaps, last {ago(seen.last_frame_ns or None)}"
    if seen.clock_offset_ms is not None:
        facts += f", venue's clock {seen.clock_offset_ms:+.1f} ms"
    fresh = time.time_ns() - seen.heartbeat_ns < 5e9 and not seen.note
    return Line(what, "recording" if fresh else "stopped", f"{facts}; {seen.note}" if seen.note else facts)


def _lag(settings: Settings) -> Iterator[Line]:
    from analytics.care.lag import lags

    with rooms.lake(settings, read_only=True) as lake:
        for lag in lags(lake, settings.layout):
            facts = f"{lag.seconds:.1f} s and {lag.bytes:,} bytes behind, in {lag.files} files"
            state = "behind" if lag.bytes else "level"
            yield Line(f"ingest {lag.venue} {lag.symbol}", state, facts if lag.bytes else "everything is in the lake")


def _lake(settings: Settings) -> Iterator[Line]:
    from analytics.care.coverage import coverage

    with rooms.lake(settings, read_only=True) as lake:
        for row in coverage(lake).iter_rows(named=True):
            facts = f"{row['updates']} updates, {row['trades']} trades, {row['gaps']} gaps, last {ago(row['last_ns'])}"
            yield Line(f"lake {row['venue']} {row['symbol']}", "held", facts)


def _versions(settings: Settings) -> Iterator[Line]:
    named = rooms.registry(settings).aliases(settings.venue, settings.symbol)
    for alias in ("champion", "challenger", "previous"):
        yield Line(alias, f"version {named[alias]}" if alias in named else "none", "")


def ago(ns: int | None) -> str:
    """Return how long ago a moment was, in words a person reads at a glance."""
    if ns is None:
        return "never"
    seconds = time.time() - ns / 1e9
    if seconds > 172_800:
        return f"{datetime.fromtimestamp(ns / 1e9, UTC):%Y-%m-%d %H:%M} UTC"
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit} ago"
    return f"{max(seconds, 0):.1f} s ago"

"""What `microvol status` says: servers, the quoting process, how fresh the data is, who is champion.

Every line is read on its own: a part that cannot be read says why and does not hide the others.
"""

import time
from collections.abc import Callable, Iterator

import psutil

from flows import kill_switch, processes, rooms
from flows.platform import services, tracking_uri
from flows.settings import Settings
from flows.status_quoting import Line, ago, quoted, quoting
from strategy.errors import MicrovolError

Part = Callable[[Settings], Iterator[Line]]


def status(settings: Settings) -> list[Line]:
    """Return every line of the status."""
    return _lines((_servers,), settings) + live_lines(settings) + _lines((_lag, _lake, _versions), settings)


def live_lines(settings: Settings) -> list[Line]:
    """Return what processes write of themselves: read at once."""
    return _lines((_held, _switch, _quoting, _capture), settings)


def slow_lines(settings: Settings) -> Iterator[tuple[str, list[Line]]]:
    """Yield what has to be asked of servers, lake and registry, each with its name as soon as it has answered."""
    for part in (_servers, _lag, _lake, _versions):
        yield part.__name__, _safely(part, settings)


def _lines(parts: tuple[Part, ...], settings: Settings) -> list[Line]:
    return [line for part in parts for line in _safely(part, settings)]


def _safely(part: Part, settings: Settings) -> list[Line]:
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
    for market in quoted(settings):
        kill, what = kill_switch.found(market), f"kill switch {market.venue} {market.symbol}"
        yield Line(what, "armed", "") if kill is None else Line(what, "killed", f"since {ago(kill.at_ns)}, {kill}")


def _quoting(settings: Settings) -> Iterator[Line]:
    for market in quoted(settings):
        yield from quoting(market)


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
    fresh = time.time_ns() - seen.heartbeat_ns < 5e9 and not seen.note and psutil.pid_exists(seen.pid)
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
    fresh = not (settings.home / "mlflow" / "mlflow.db").exists()
    if fresh and tracking_uri(settings) == settings.mlflow_store:
        named = {}  # nothing was ever registered, and a look makes no database
    else:
        named = rooms.moves(settings).aliases(settings.venue, settings.symbol)
    for alias in ("champion", "challenger", "previous"):
        yield Line(alias, f"version {named[alias]}" if alias in named else "none", "")

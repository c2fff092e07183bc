"""What people have to hear of, found in the files that the live processes write and told once for each occurrence.

An alert is told when its condition begins, and again only after it was over. What has been told is kept in
`reconcile/alerts.json`, so that no restart tells it twice.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from flows import events, kill_switch, log, prefect_api, processes
from flows.settings import Settings, load_settings
from strategy.errors import MicrovolError
from strategy.live import doors
from strategy.live.capture_status import read_capture_status, recorded_markets, unslug
from strategy.live.kill_switch import HALT_FILE
from strategy.live.layout import slug
from strategy.policies.document import read_document, write_atomically

FAULTS_S: Final = 600.0
MB: Final = 1e6
Memory = dict[str, Any]
Sample = tuple[float, str, int]  # when, of which session, what its counter said


@dataclass(frozen=True, slots=True)
class Found:
    """A condition that holds now; `since` tells one occurrence from the next, `version` is None where none is meant."""

    event: str
    version: int | None
    value: Any
    limit: Any
    command: str
    since: str = ""


Part = Callable[[Settings, Memory], Iterator[Found]]


def look(settings: Settings) -> list[str]:
    """Look at everything once, tell what is new, and return the names of what was told."""
    memory = _read(settings)
    before: dict[str, str] = memory.get("told", {})
    told: dict[str, str] = {}
    for name, market, part in _parts(settings):
        try:
            found = list(part(market, memory))
        except MicrovolError as error:
            log.say("not watched", part=name, error=error)
            told |= {each: since for each, since in before.items() if each.startswith(name)}
            continue
        for each in found:
            if before.get(f"{name} {each.event}") == each.since or _tell(market, each):
                told[f"{name} {each.event}"] = each.since
    _write(settings, memory | {"told": told})
    return [name for name in told if before.get(name) != told[name]]


def _parts(settings: Settings) -> Iterator[tuple[str, Settings, Part]]:
    """Yield what is looked at, by a name of its own, with the settings that it is looked at by."""
    per_market: tuple[Part, ...] = (_killed, _panic, _inventory, _order_faults, _silent_quoting, _silent_capture)
    for market in _markets(settings):
        for part in per_market:
            yield f"{market.venue} {market.symbol} {part.__name__}", market, part
    everywhere: tuple[Part, ...] = (_disk, _night)
    for part in everywhere:
        yield part.__name__, settings, part


def _tell(market: Settings, found: Found) -> bool:
    """Tell what was found; say whether the server took it, else it is told at the next look."""
    facts = {"version": found.version, "value": found.value, "limit": found.limit, "command": found.command}
    return events.alert(market, found.event, **facts)


def _markets(settings: Settings) -> Iterator[Settings]:
    """Yield the settings of every market that was quoted or recorded under this home."""
    quoted = (settings.home / "live").glob("*/*")
    found = {(path.parent.name, unslug(path.name)) for path in quoted} | set(recorded_markets(settings.layout))
    for venue, symbol in sorted(found):
        yield load_settings(home=settings.home, venue=venue, symbol=symbol)


def _killed(market: Settings, memory: Memory) -> Iterator[Found]:
    kill = kill_switch.found(market)
    if kill is not None:
        command = f'microvol rearm {events.way(market)} --reason "why it is safe again"'
        yield Found("kill", kill.version, str(kill), "the kill switch is armed", command, str(kill.at_ns))


def _panic(market: Settings, memory: Memory) -> Iterator[Found]:
    status, limit = _alive(market), market.alerts.panic_seconds
    lasting = _lasting(memory, f"panic {market.venue} {market.symbol}", status is not None and status.panicking)
    if status is not None and lasting > limit:
        yield Found("panic", status.version, f"panic for {lasting:.0f} s", f"{limit:g} s", _kill(market))


def _inventory(market: Settings, memory: Memory) -> Iterator[Found]:
    status, limit = _alive(market), market.alerts.max_inventory
    if status is None or status.base_lots is None or status.mid_ticks is None:
        return
    sizes = read_document(market.layout.parameter_file(market.venue, market.symbol)).instrument
    value = abs(status.base_lots) * float(sizes.lot_size) * status.mid_ticks * float(sizes.tick_size)
    if value > limit:
        yield Found("inventory", status.version, f"base held is worth {value:.2f}", limit, _kill(market))


def _order_faults(market: Settings, memory: Memory) -> Iterator[Found]:
    """Count the faults of the last ten minutes, over sessions too."""
    status, now = _alive(market), time.time()
    before: list[Sample] = [tuple(each) for each in memory.get(f"faults {market.venue} {market.symbol}", [])]
    if status is not None:
        before.append((now, status.session, status.order_faults))
    memory[f"faults {market.venue} {market.symbol}"] = kept = [each for each in before if each[0] > now - FAULTS_S]
    count, limit = _grown(kept), market.alerts.max_order_faults
    if status is not None and count > limit:
        value = f"{count} orders refused or not answered in {FAULTS_S / 60:g} min"
        yield Found("order_faults", status.version, value, limit, _kill(market))


def _grown(kept: list[Sample]) -> int:
    """Return by how much the counters of all sessions grew; a session that begins counts from nothing."""
    last: dict[str, int] = {}
    grown = 0
    for place, (_, session, count) in enumerate(kept):
        grown += count - last.get(session, count if place == 0 else 0)
        last[session] = count
    return grown


def _silent_quoting(market: Settings, memory: Memory) -> Iterator[Found]:
    """Find a quoting process that runs and does not quote, though nobody told it to pause."""
    folder = market.layout.live(market.venue, market.symbol)
    status = doors.read_status(market.layout, market.venue, market.symbol)
    held = processes.running(market.home, f"quote-{market.venue}-{slug(market.symbol)}") is not None
    excused = status is not None and (status.state in ("quoting", "killed") or (folder / HALT_FILE).exists())
    fresh = status is not None and status.age_seconds(time.time_ns()) <= doors.STALE_SECONDS
    lasting = _lasting(memory, f"silent {market.venue} {market.symbol}", held and not (excused and fresh))
    if lasting > market.alerts.stale_seconds:
        said = "no heartbeat" if status is None or not fresh else f"{status.state}: {status.note}"
        value, version = f"not quoting for {lasting:.0f} s, {said}", None if status is None else status.version
        yield Found("stale", version, value, f"{market.alerts.stale_seconds:g} s", "microvol status")


def _silent_capture(market: Settings, memory: Memory) -> Iterator[Found]:
    """Find a recorder that runs and hears nothing of the market."""
    if processes.running(market.home, f"record-{market.venue}-{slug(market.symbol)}") is None:
        return
    seen = read_capture_status(market.layout, market.venue, market.symbol)
    last_ns = 0 if seen is None else max(seen.last_frame_ns, seen.started_ns)
    silent, limit = (time.time_ns() - last_ns) / 1e9, market.alerts.stale_seconds
    if seen is not None and silent > limit:
        yield Found("stale", None, f"nothing recorded for {silent:.0f} s", f"{limit:g} s", "microvol status")


def _disk(settings: Settings, memory: Memory) -> Iterator[Found]:
    free_mb, limit = shutil.disk_usage(settings.home).free / MB, settings.alerts.min_free_mb
    if free_mb < limit:
        value = f"{free_mb:.0f} MB free under {settings.home}"
        yield Found("disk.low", None, value, f"{limit:g} MB", "microvol status")


def _night(settings: Settings, memory: Memory) -> Iterator[Found]:
    """Find the newest ended night, when it failed."""
    ended = prefect_api.newest_runs(settings, "nightly", ["COMPLETED", "FAILED", "CRASHED"], limit=1)
    if ended and ended[0]["state_type"] != "COMPLETED":
        said = (ended[0].get("state") or {}).get("message") or ended[0]["state_name"]
        yield Found("night.failed", None, said, "completed", "microvol nightly", ended[0]["id"])


def _alive(market: Settings) -> doors.LiveStatus | None:
    status = doors.read_status(market.layout, market.venue, market.symbol)
    return status if status is not None and doors.is_running(market.layout, market.venue, market.symbol) else None


def _lasting(memory: Memory, name: str, holds: bool) -> float:
    """Return for how many seconds a condition has held, 0 while it does not."""
    since = memory.setdefault("since", {})
    if not holds:
        since.pop(name, None)
        return 0.0
    return float(time.time() - since.setdefault(name, time.time()))


def _kill(market: Settings) -> str:
    return f'microvol kill {events.way(market)} --reason "what you saw"'


def _file(settings: Settings) -> Path:
    return settings.home / "reconcile" / "alerts.json"


def _read(settings: Settings) -> Memory:
    try:
        found: Memory = orjson.loads(_file(settings).read_bytes())
        return found
    except FileNotFoundError:
        return {}


def _write(settings: Settings, memory: Memory) -> None:
    write_atomically(_file(settings), orjson.dumps(memory, option=orjson.OPT_INDENT_2))

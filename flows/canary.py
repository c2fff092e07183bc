"""The trial of a promoted version: begun with its promotion, watched beside the quoting process, ended here.

Its state is `canary.json` in the live folder, so that it outlasts every restart. While the registry does not answer, a
version on trial goes on with its smaller orders, and what is to be done is tried again.
"""

import threading
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson
from pydantic import ValidationError

from analytics.gates.canary import CanaryRecord, Verdict, begun, observed, verdict
from flows import events, log, rooms
from flows.settings import Settings
from strategy.errors import BadInput, Failed, MicrovolError
from strategy.live import doors
from strategy.live.audit_log import audit_writer
from strategy.live.kill_switch import HALT_FILE
from strategy.live.sizing import at_size, quoted, read_sizes, write_sizes
from strategy.policies.document import ParameterDocument

if TYPE_CHECKING:
    from analytics.registry.registry import Registry

FILE: Final = "canary.json"
WHO: Final = "canary"
LOOK_S: Final = 1.0
AGAIN_S: Final = 10.0  # after a registry that did not answer


def read(settings: Settings) -> CanaryRecord | None:
    """Return the trial under way, None without one."""
    path = _file(settings)
    try:
        return CanaryRecord.model_validate(orjson.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (orjson.JSONDecodeError, ValidationError) as error:
        raise Failed(f"{path} is not the record of a trial: {error}") from error


def wanted(settings: Settings, champion: int | None, target: int) -> bool:
    """Say whether a promotion begins with a trial: there has to be a version to go back to."""
    return settings.canary.size_factor < 1.0 and champion not in (None, target)


def prepare(settings: Settings, document: ParameterDocument) -> None:
    """Have a version quoted at its trial's size from its first event on."""
    _large_enough(settings, at_size(document, settings.canary.size_factor))
    folder = _folder(settings)
    write_sizes(folder, read_sizes(folder) | {document.version: settings.canary.size_factor})


def withdraw(settings: Settings, version: int) -> None:
    """Forget the size of a version that was not promoted after all."""
    folder = _folder(settings)
    write_sizes(folder, {each: factor for each, factor in read_sizes(folder).items() if each != version})


def begin(settings: Settings, version: int, from_version: int) -> CanaryRecord:
    """Begin the trial of a promoted version; a version on trial was never confirmed, so the way back leads past it."""
    before = read(settings)
    confirmed = from_version if before is None or before.version != from_version else before.from_version
    record = begun(settings.canary, version, confirmed, time.time_ns())
    _write(settings, record)
    _audit(settings, version, confirmed, "canary", f"begun at {record.limits.size_factor:g} of its size", "promotion")
    return record


def end(settings: Settings) -> None:
    """Forget whatever trial there is: from now on every version quotes in full."""
    write_sizes(_folder(settings), {})
    _file(settings).unlink(missing_ok=True)


def watch(settings: Settings, done: threading.Event) -> None:
    """Look at the trial every second until told to stop; what fails is logged and tried again."""
    while not done.wait(LOOK_S):
        try:
            look(settings, lambda: rooms.registry(settings))
        except MicrovolError as error:
            log.say("canary not looked at", error=error)
            done.wait(AGAIN_S)


def look(settings: Settings, registry: "Callable[[], Registry]", now_ns: Callable[[], int] = time.time_ns) -> Verdict:
    """Look once at the trial under way and do what it has come to."""
    record = read(settings)
    if record is None:
        return Verdict(None, "no trial")
    status = doors.read_status(settings.layout, settings.venue, settings.symbol)
    alive = status is not None and doors.is_running(settings.layout, settings.venue, settings.symbol)
    mine = status if alive and status is not None and status.version == record.version else None
    if not _paused(settings):
        record = observed(record, mine, now_ns())
        _write(settings, record)
    judged = verdict(record, now_ns())
    if mine is not None and mine.killed is not None:
        judged = Verdict(False, f"the kill switch was thrown: {mine.killed.cause}, {mine.killed.reason}")
    if judged.passed is not None:
        _over(settings, registry(), record, judged)
    return judged


def _paused(settings: Settings) -> bool:
    """Say whether a person's pause keeps the process from quoting: that is no fault of the version."""
    return (_folder(settings) / HALT_FILE).exists()


def _over(settings: Settings, registry: "Registry", record: CanaryRecord, judged: Verdict) -> None:
    champion = registry.aliases(settings.venue, settings.symbol).get("champion")
    if champion != record.version:
        end(settings)
        told = f"ended: the champion is version {champion}"
        _audit(settings, record.version, record.from_version, "canary", told, judged.why)
    elif judged.passed:
        end(settings)
        _audit(settings, record.version, record.from_version, "canary", "passed: full size from now on", judged.why)
        _tell(settings, record, "canary.passed", judged.why)
    else:
        _take_back(settings, registry, record, judged.why)


def _take_back(settings: Settings, registry: "Registry", record: CanaryRecord, why: str) -> None:
    from flows.promotion import acknowledged

    done = registry.rollback(
        settings.venue,
        settings.symbol,
        record.from_version,
        reason=f"canary: {why}",
        who=WHO,
        acknowledge=lambda document: acknowledged(settings, document),
        audit=audit_writer(settings.layout),
    )
    end(settings)
    log.say("canary rolled back", version=record.version, to_version=done.to_version, why=why)
    _tell(settings, record, "canary.rolled_back", why)


def _tell(settings: Settings, record: CanaryRecord, event: str, why: str) -> None:
    events.alert(
        settings,
        event,
        version=record.version,
        value=why,
        limit=f"{record.limits.breaches} of {record.limits.windows} windows",
        command=f"microvol versions {events.way(settings)}",
    )


def _large_enough(settings: Settings, sized: ParameterDocument) -> None:
    """Refuse a trial whose orders the venue would not take: it would pass unseen."""
    sizes, qty = sized.instrument, Decimal(str(quoted(sized).quoting.order_qty))
    status = doors.read_status(settings.layout, settings.venue, settings.symbol)
    mid_ticks = None if status is None else status.mid_ticks
    least = max(Decimal(sizes.min_qty), Decimal(sizes.lot_size))
    if qty < least:
        raise BadInput(
            f"canary.size_factor {settings.canary.size_factor:g} makes orders of {qty}, the least is {least}"
        )
    if mid_ticks is None:
        return
    worth = qty * Decimal(str(mid_ticks)) * Decimal(sizes.tick_size)
    if worth < Decimal(sizes.min_notional):
        told = f"makes orders worth {worth:.2f}, the least is {sizes.min_notional}"
        raise BadInput(f"canary.size_factor {settings.canary.size_factor:g} {told}")


def _audit(settings: Settings, version: int, from_version: int, what: str, outcome: str, reason: str) -> None:
    place = {"venue": settings.venue, "symbol": settings.symbol, "what": what}
    versions = {"from_version": from_version, "to_version": version}
    audit_writer(settings.layout)(place | versions | {"who": WHO, "reason": reason, "outcome": outcome})


def _write(settings: Settings, record: CanaryRecord) -> None:
    doors.write_status(_file(settings), record)


def _file(settings: Settings) -> Path:
    return _folder(settings) / FILE


def _folder(settings: Settings) -> Path:
    return settings.layout.live(settings.venue, settings.symbol)

"""The kill switch by command: throw it, or arm it anew; both are audited and wait for the quoting process."""

from collections.abc import Callable

from flows.settings import Settings
from strategy.errors import BadInput, Failed
from strategy.live import doors
from strategy.live.kill_switch import Kill, KillSwitch, by_hand


def throw(settings: Settings, reason: str, by: str | None = None) -> str:
    """Throw the kill switch and wait until nothing of ours rests; say what came of it.

    It stays thrown when this fails: Failed says that the quoting process did not answer.
    """
    switch, who = _switch(settings), _who(reason, by)
    before = switch.read()
    if before is not None or not switch.throw(_quoted(settings, by_hand(reason, who))):
        return f"already killed: {before or switch.read()}"
    _audit(settings, "kill", who, reason, "by hand")
    if not doors.is_running(settings.layout, settings.venue, settings.symbol):
        return "killed; no process quotes here, the next one starts killed"
    seen = _wait(settings, _is_out)
    if seen is None:
        raise Failed("the kill switch is thrown, but the quoting process did not confirm an empty venue in time")
    return f"killed: session {seen.session} is {seen.state} and has no open orders"


def rearm(settings: Settings, reason: str, by: str | None = None) -> str:
    """Arm the kill switch anew and wait until the quoting process is back in; say what came of it."""
    switch, who = _switch(settings), _who(reason, by)
    ended = switch.rearm(reason, who)
    if ended is None:
        return "already armed"
    _audit(settings, "rearm", who, reason, f"ended: {ended}")
    if not doors.is_running(settings.layout, settings.venue, settings.symbol):
        return f"re-armed after {ended}; no process quotes here"
    seen = _wait(settings, lambda status: status.killed is None or _another(status.killed, ended))
    if seen is None:
        raise Failed("the kill switch is armed anew, but the quoting process did not take it in time")
    if seen.killed is not None:
        raise Failed(f"the quoting process threw the switch again: {seen.killed.cause}, {seen.killed.reason}")
    return f"re-armed after {ended}; session {seen.session} is {seen.state}"


def _is_out(status: doors.LiveStatus) -> bool:
    """Say whether a process has left the market; one that only starts has not entered it, and will not."""
    return status.state in ("killed", "starting") and not status.open_orders


def found(settings: Settings) -> Kill | None:
    """Return the kill in force, None while the switch is armed."""
    return _switch(settings).read()


def _switch(settings: Settings) -> KillSwitch:
    return KillSwitch(settings.layout.live(settings.venue, settings.symbol))


def _who(reason: str, by: str | None) -> str:
    """Return who asks, by default this process's user; without a reason nobody may."""
    from analytics.registry.promotion import user

    if not reason.strip():
        raise BadInput("reason was empty, the kill switch needs one")
    return by or user()


def _quoted(settings: Settings, kill: Kill) -> Kill:
    """Return a kill that says what was quoting."""
    status = doors.read_status(settings.layout, settings.venue, settings.symbol)
    if status is None:
        return kill
    return kill.model_copy(update={"session": status.session, "version": status.version})


def _another(seen: doors.Killed, ended: Kill) -> bool:
    return seen.at_ns != ended.at_ns


def _wait(settings: Settings, holds: Callable[[doors.LiveStatus], bool]) -> doors.LiveStatus | None:
    wait_s = settings.live.acknowledge_seconds
    return doors.wait_until(settings.layout, settings.venue, settings.symbol, holds, wait_s)


def _audit(settings: Settings, what: str, who: str, reason: str, outcome: str) -> None:
    from analytics.registry.audit import audit_writer

    place = {"venue": settings.venue, "symbol": settings.symbol}
    audit_writer(settings.layout)({**place, "what": what, "who": who, "reason": reason, "outcome": outcome})

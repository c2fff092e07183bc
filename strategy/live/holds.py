"""What keeps a session from quoting for the time being, each cause by its name."""

from collections.abc import Callable

import structlog

log = structlog.get_logger("session")


class Holds:
    """The causes that stand; the first one halts the session, the last one's end lets it come back in."""

    def __init__(self, halt: Callable[[bool], None]) -> None:
        """Begin without any; `halt` is told when the session has to stay out, and when it no longer has to."""
        self._halt = halt
        self._causes: dict[str, str] = {}

    def __bool__(self) -> bool:
        """Say whether anything stands."""
        return bool(self._causes)

    def __str__(self) -> str:
        """Return why, for a person."""
        return "; ".join(self._causes.values())

    def begin(self, cause: str, reason: str) -> None:
        """Let a cause stand, or give another reason for it."""
        before = bool(self)
        if self._causes.get(cause) != reason:
            log.warning("held", cause=cause, reason=reason)
        self._causes[cause] = reason
        if not before:
            self._halt(True)

    def end(self, cause: str) -> None:
        """Take that a cause is over, if it stood."""
        if self._causes.pop(cause, None) is None:
            return
        log.warning("released", cause=cause, still=str(self))
        if not self._causes:
            self._halt(False)

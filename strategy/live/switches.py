"""The two ways to keep a live session from quoting: the kill switch, and a file `halt` for a pause.

A pause lasts as long as its file. The kill switch lasts until a person re-arms it, over every restart; it is thrown by
a command, a file, a signal, or by the strategy itself.
"""

from pathlib import Path
from typing import Final

import structlog

from strategy.kernel.records import KILL_NAMES, NOT_KILLED
from strategy.live.audit_log import Audit
from strategy.live.kill_switch import HALT_FILE, Kill, KillSwitch, by_hand
from strategy.live.session import Session

log = structlog.get_logger("switches")

STRATEGY: Final = "strategy"
PROCESS: Final = "quoting process"


class Switches:
    """What the live folder says, brought to the session; `look` several times a second."""

    def __init__(self, folder: Path, venue: str, symbol: str, audit: Audit) -> None:
        """Look at a live folder and tell the audit of kills that no command has told."""
        self._halt_file, self._switch, self._audit = folder / HALT_FILE, KillSwitch(folder), audit
        self._place = {"venue": venue, "symbol": symbol}
        self.kill: Kill | None = None

    def look(self, session: Session) -> None:
        """Bring both switches' present state to the session."""
        session.on_halt(self._halt_file.exists(), f"{self._halt_file}")
        bare = self._switch.keep()
        found = self._switch.read()
        if found is None and self.kill is not None:
            self._came_back(session, self.kill)
            return
        self.kill = found
        if found is not None:
            session.on_kill(found.code, str(found))
        if bare is not None:
            self._tell(bare)

    def signalled(self, session: Session | None) -> None:
        """Throw the switch because a signal asked for it; the next look brings it to the session."""
        kill = by_hand("SIGUSR1", "signal")
        self._throw(kill if session is None else _quoted(kill, session))

    def thrown_by_strategy(self, session: Session, cause: int) -> None:
        """Make a kill that the strategy decided outlast the process."""
        reason = f"the strategy's own limit, at event {session.events} of its journal"
        self._throw_for(session, KILL_NAMES[cause], reason, STRATEGY)

    def thrown_for(self, session: Session, cause: str, reason: str) -> None:
        """Throw the switch because the process itself found that it must not go on; the next look tells the session."""
        self._throw_for(session, cause, reason, PROCESS)

    def _throw_for(self, session: Session, cause: str, reason: str, who: str) -> None:
        kill = by_hand(reason, who).model_copy(update={"cause": cause})
        self._throw(_quoted(kill, session))
        self.kill = self._switch.read()

    def _throw(self, kill: Kill) -> None:
        if self._switch.throw(kill):
            self._tell(kill)

    def _came_back(self, session: Session, kill: Kill) -> None:
        """Believe a person's re-arming; a file that merely went away comes back."""
        record = self._switch.rearmed_after(kill)
        if record is None:
            log.error("the kill switch stays thrown", reason="its file was removed; use `microvol rearm`")
            self._switch.throw(kill)
            return
        self.kill = None
        session.on_kill(NOT_KILLED, f"by {record.who}: {record.reason}")

    def _tell(self, kill: Kill) -> None:
        self._audit({**self._place, "what": "kill", "who": kill.who, "reason": kill.reason, "outcome": kill.cause})


def _quoted(kill: Kill, session: Session) -> Kill:
    """Return a kill that says what was quoting."""
    return kill.model_copy(update={"session": session.name, "version": session.document.version})

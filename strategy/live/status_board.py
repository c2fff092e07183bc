"""What a quoting process says of itself to others, and what its limits have counted, at least once a second on disk."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

from strategy.kernel.jit import KERNEL_DIGEST
from strategy.live.doors import Killed, LiveStatus, Refused, State, write_status
from strategy.live.hard_limits import HardLimits
from strategy.live.kill_switch import Kill
from strategy.live.ledger import Ledger, write_ledger
from strategy.live.live_figures import live_figures
from strategy.live.meters import Meters
from strategy.live.session import Session
from strategy.live.simulation.shadows import Shadows
from strategy.venues.settings import VenueConfig


class StatusBoard:
    """The process's state; `write` puts it, and the session's figures once there is one, into the live folder."""

    def __init__(self, venue: VenueConfig, status_file: Path) -> None:
        """Begin as a process that starts."""
        self._venue, self._file = venue, status_file
        self.started_ns = time.time_ns()
        self.session_name = f"{datetime.fromtimestamp(self.started_ns // 10**9, UTC):%Y%m%dT%H%M%S}-{os.getpid()}"
        self.state: State = "starting"
        self.note = ""
        self.refused: Refused | None = None
        self.kill: Kill | None = None
        self.session: Session | None = None
        self.hard: HardLimits | None = None
        self.shadows: Shadows | None = None
        self.metrics_url: str | None = None
        self.last: LiveStatus | None = None  # what was written last
        self._ledger: Ledger | None = None

    def meters(self) -> Meters | None:
        """Return what the session counts, None before there is one."""
        return None if self.session is None else self.session.meters

    def refuse(self, refused: Refused, note: str) -> None:
        """Say that a version will not run, and why."""
        self.refused, self.note = refused, note
        self.write()

    def become(self, state: State) -> None:
        """Say at once that the state is another: people wait for it. A process that stops stays one."""
        if self.state not in (state, "stopping"):
            self.state = state
            self.write()

    def write(self) -> None:
        """Write the status, and what limits count."""
        status = LiveStatus(
            pid=os.getpid(),
            session=self.session_name,
            venue=self._venue.name,
            symbol=self._venue.symbol,
            started_ns=self.started_ns,
            heartbeat_ns=time.time_ns(),
            state=self.state,
            kernel_digest=KERNEL_DIGEST,
            killed=None if self.kill is None else _seen(self.kill),
            shadows=() if self.shadows is None else self.shadows.versions,
            refused=self.refused,
            metrics_url=self.metrics_url,
            note=self.note,
        )
        if self.session is not None:
            status = status.model_copy(
                update=_figures(self.session, self.hard) | {"note": self.note or _note(self.session)}
            )
            self._keep_counts(self.session)
        write_status(self._file, status)
        self.last = status

    def _keep_counts(self, session: Session) -> None:
        """Keep what limits count, but not while killed: re-arming begins anew."""
        if self.kill is not None:
            return
        ledger = session.ledger()
        if ledger is not None and ledger != self._ledger:
            write_ledger(self._file.parent, ledger)
            self._ledger = ledger
        if self.hard is not None:
            self.hard.keep()


def _figures(session: Session, hard: HardLimits | None) -> dict[str, object]:
    learns = session.warm_up
    view = session.view() | session.orders.trips.figures()
    view |= live_figures(session, None if hard is None else hard.losses.ledger)
    view["warming"] = None if learns is None else learns.document.content_hash
    return {name: value for name, value in view.items() if name in LiveStatus.model_fields}


def _note(session: Session) -> str:
    """Return what a person should know of a session: what keeps it out, or which version is to come."""
    learns = session.warm_up
    coming = "" if learns is None else f"version {learns.document.version} learns volatility and quotes then"
    return session.halt_reason or coming


def _seen(kill: Kill) -> Killed:
    return Killed.model_validate(kill.model_dump(include=set(Killed.model_fields)))

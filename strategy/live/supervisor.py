"""The watchman of a child process, and for a quoting one the clearer of what it leaves behind.

It starts the child, watches its exit and its heartbeat, and restarts it with backoff. When a quoting child dies or
hangs, its orders are cancelled over a connection of the supervisor's own before the next one starts. It also carries
the champion's parameters to the child's parameter file, and those of versions in its shadow to theirs.

`python -m strategy.live.supervisor --home DIR --venue NAME --symbol S [quote|capture] [-- OPTIONS OF THE CHILD]`
"""

import asyncio
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Self

import structlog

from strategy.errors import BadInput, BadParameters, MicrovolError, NoSpace
from strategy.live.child import Child, Watch
from strategy.live.clearing import clear_orders
from strategy.live.command import venue_of, venue_parser
from strategy.live.layout import Layout
from strategy.live.log import configure_logging
from strategy.live.simulation.shadow_files import want_shadows
from strategy.policies.document import ParameterDocument, read_document, write_atomically
from strategy.venues.ccxt_broker import CcxtBroker
from strategy.venues.ports import Broker
from strategy.venues.settings import VenueConfig

log = structlog.get_logger("supervisor")

Champion = Callable[[], ParameterDocument | None]
Challengers = Callable[[], Sequence[ParameterDocument]]

_POLL_SECONDS: Final = 0.1
_CHAMPION_SECONDS: Final = 1.0
_CLEAR_SECONDS: Final = 10.0
_CONFIRM_SECONDS: Final = 1.0
_HEALTHY_SECONDS: Final = 60.0
_FINAL: Final = (BadInput.exit_code, NoSpace.exit_code)  # another start would end the same way
_BACKOFF: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class Supervisor:
    """Keep one child running until told to stop. Runs in the caller's thread; `stop` may be called from any other."""

    def __init__(
        self,
        watch: Watch,
        champion: Champion | None = None,
        broker: Callable[[VenueConfig], Broker] = CcxtBroker,
        challengers: Challengers = tuple,
    ) -> None:
        """Prepare. `champion` says which parameters should be live, `challengers` which in its shadow.

        Both may fail, the last answer then stands.
        """
        self._watch, self._champion, self._broker, self._challengers = watch, champion, broker, challengers
        self._stop = threading.Event()
        self._failures = 0
        self._uncleared = watch.leaves_orders
        self.child: Child | None = None
        self.last_code: int | None = None  # of the child that ended last

    @classmethod
    def quote(
        cls,
        venue: VenueConfig,
        layout: Layout,
        champion: Champion | None = None,
        options: tuple[str, ...] = (),
        challengers: Challengers = tuple,
    ) -> Self:
        """Return the supervisor of a quoting process."""
        return cls(Watch("quote", venue, layout, options), champion, challengers=challengers)

    @classmethod
    def capture(cls, venue: VenueConfig, layout: Layout, options: tuple[str, ...] = ()) -> Self:
        """Return the supervisor of a capture process."""
        return cls(Watch("capture", venue, layout, options))

    def stop(self) -> None:
        """Have `run` end in order."""
        self._stop.set()

    def run(self) -> int:
        """Watch until `stop`; 0 when the child ended in order and nothing rests, else 1.

        A child that ends with bad input (2) or for want of disk space is not started again; of the two only the exit
        code 2 is returned as it is.
        """
        if self._champion is not None:
            threading.Thread(target=self._carry, args=(self._champion,), name="champion", daemon=True).start()
        try:
            while not self._stop.is_set():
                self._look()
                self._stop.wait(_POLL_SECONDS)
        finally:
            code = self._end()
        return code

    def _look(self) -> None:
        if self.child is None:
            self._start()
            return
        trouble = self.child.trouble()
        if trouble is not None and self.child.code in _FINAL:
            self._stop.set()
        elif trouble is not None:
            log.warning("child in trouble", role=self._watch.role, pid=self.child.pid, trouble=trouble)
            self._bury(self.child)
        elif self.child.age_seconds > _HEALTHY_SECONDS:
            self._failures = 0

    def _start(self) -> None:
        """Start a child, but never beside orders of an earlier one that could not be cancelled."""
        if self._failures and self._uncleared and not self._clear():
            self._stop.wait(1.0)
            return
        self.child = Child(self._watch)
        self._uncleared = self._watch.leaves_orders

    def _bury(self, child: Child) -> None:
        child.kill()
        self.child = None
        if self._uncleared:
            self._clear()
        pause = _BACKOFF[min(self._failures, len(_BACKOFF) - 1)]
        self._failures += 1
        log.info("restart", in_seconds=pause, failures=self._failures)
        self._stop.wait(pause)

    def _clear(self) -> bool:
        """Cancel everything of ours over a connection of our own; say whether the venue confirmed it."""
        started = time.monotonic()
        try:
            cancelled = asyncio.run(self._clear_orders())
        except MicrovolError as error:
            log.error("orders may rest", error=str(error))  # noqa: TRY400 (the chain may show a signed address)
            return False
        self._uncleared = False
        log.info("orders cleared", cancelled=cancelled, seconds=round(time.monotonic() - started, 2))
        return True

    async def _clear_orders(self) -> int:
        broker = self._broker(self._watch.venue)
        try:
            return await clear_orders(broker, _CLEAR_SECONDS, _CONFIRM_SECONDS)
        finally:
            await broker.close()

    def _carry(self, champion: Champion) -> None:
        """Keep parameter files as they should be, in a thread: a registry that hangs must not stop the watch."""
        path = self._watch.layout.parameter_file(self._watch.venue.name, self._watch.venue.symbol)
        while not self._stop.is_set():
            try:
                document = champion()
                if document is not None and document.to_json() != _content(path):
                    write_atomically(path, document.to_json())
                    log.info("parameters written", version=document.version, content_hash=document.content_hash[:12])
                for version in want_shadows(path.parent, self._challengers()):
                    log.info("shadow wanted", version=version)
            except Exception as error:  # noqa: BLE001 (whatever an outage raises: the last answer stands)
                log.warning("champion unknown", error=str(error))
            self._stop.wait(_CHAMPION_SECONDS)

    def _end(self) -> int:
        code = 0
        if self.child is not None:
            code = self.last_code = self.child.stop()
            log.info("child ended", role=self._watch.role, code=code)
            self.child = None
        cleared = self._clear() if self._watch.leaves_orders else True
        return code if code in (0, BadInput.exit_code) and cleared else 1


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _file_champion(path: Path) -> Champion:
    """Return a champion that is read from a parameter file which a person keeps."""

    def champion() -> ParameterDocument | None:
        try:
            return read_document(path)
        except BadParameters as error:
            log.warning("champion file refused", error=str(error))
            return None

    return champion


def main() -> int:
    """Run a supervisor until SIGTERM."""
    parser = venue_parser("strategy.live.supervisor", "Keep a quoting or capturing process running.")
    parser.add_argument("role", choices=("quote", "capture"))
    parser.add_argument("options", nargs="*", help="options of the child, after --")
    parser.add_argument("--champion-file", type=Path, help="parameters to carry to a quoting child")
    parser.add_argument("--shadow-file", type=Path, action="append", default=[], help="... to run in its shadow")
    options = parser.parse_args()
    configure_logging()
    try:
        watch = Watch(options.role, venue_of(options), Layout(options.home), tuple(options.options))
        champion = _file_champion(options.champion_file) if options.champion_file else None
        supervisor = Supervisor(
            watch, champion, challengers=lambda: [read_document(each) for each in options.shadow_file]
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: supervisor.stop())
        return supervisor.run()
    except MicrovolError as error:
        sys.stderr.write(f"microvol: {error}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())

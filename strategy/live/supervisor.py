"""The watchman of a child process, and for a quoting one the clearer of what it leaves behind.

It starts the child, watches its exit and its heartbeats, and restarts it with backoff. When a quoting child dies or
hangs, its orders are cancelled over connections of the supervisor's own before the next one starts; what it had just
sent may arrive later, so the venue is looked at until that cannot be any more, or the next child looks for itself.
The champions' parameters come to the child's parameter files by carriers.

`python -m strategy.live.supervisor --home DIR --venue NAME --symbol S [quote|capture] [-- OPTIONS OF THE CHILD]`
"""

import asyncio
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, Final, Self

import structlog

from strategy.errors import BadInput, MicrovolError, NoSpace
from strategy.live.carrier import Carrier, file_champion
from strategy.live.child import Child, Watch
from strategy.live.clearing import clear_late_orders, clear_orders
from strategy.live.command import markets, take_also, venue_parser
from strategy.live.desk import UNKNOWN_FINAL_NS
from strategy.live.layout import Layout
from strategy.live.log import configure_logging
from strategy.policies.document import read_document
from strategy.venues.ccxt_broker import CcxtBroker
from strategy.venues.ports import Broker
from strategy.venues.settings import VenueConfig

log = structlog.get_logger("supervisor")

_POLL_SECONDS: Final = 0.1
_CLEAR_SECONDS: Final = 12.0
_CONFIRM_SECONDS: Final = 1.0
_LATE_SECONDS: Final = UNKNOWN_FINAL_NS / 1e9
_HEALTHY_SECONDS: Final = 60.0
_FINAL: Final = (BadInput.exit_code, NoSpace.exit_code)  # another start would end the same way
_BACKOFF: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class Supervisor:
    """Keep one child running until told to stop. Runs in the caller's thread; `stop` may be called from any other."""

    def __init__(
        self,
        watch: Watch,
        carriers: Sequence[Carrier] = (),
        broker: Callable[[VenueConfig], Broker] = CcxtBroker,
    ) -> None:
        """Prepare; `carriers` work for as long as this runs."""
        self._watch, self._carriers, self._broker = watch, carriers, broker
        self._stop = threading.Event()
        self._failures = 0
        self._uncleared = bool(watch.leave_orders)
        self._late_until = 0.0  # monotonic: until then something that a killed child had sent may arrive
        self._late: threading.Thread | None = None
        self.child: Child | None = None
        self.last_code: int | None = None  # of the child that ended last

    @classmethod
    def quote(
        cls,
        venues: Sequence[VenueConfig],
        layout: Layout,
        carriers: Sequence[Carrier] = (),
        options: tuple[str, ...] = (),
    ) -> Self:
        """Return the supervisor of a quoting process."""
        return cls(Watch("quote", venues[0], layout, options, tuple(venues[1:])), carriers)

    @classmethod
    def capture(cls, venues: Sequence[VenueConfig], layout: Layout, options: tuple[str, ...] = ()) -> Self:
        """Return the supervisor of a capture process."""
        return cls(Watch("capture", venues[0], layout, options, tuple(venues[1:])))

    def stop(self) -> None:
        """Have `run` end in order."""
        self._stop.set()

    def run(self) -> int:
        """Watch until `stop`; 0 when the child ended in order and nothing rests, else 1.

        A child that ends with bad input (2) or for want of disk space is not started again; of the two only the exit
        code 2 is returned as it is.
        """
        for carrier in self._carriers:
            carrier.start(self._stop)
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
        if self._failures and self._uncleared and not self._clear(_CONFIRM_SECONDS):
            self._stop.wait(1.0)
            return
        self.child = Child(self._watch)
        self._uncleared = bool(self._watch.leave_orders)

    def _bury(self, child: Child) -> None:
        child.kill()
        self.child = None
        self._late_until = time.monotonic() + _LATE_SECONDS
        if self._uncleared:
            self._clear(_CONFIRM_SECONDS)
            self._look_for_late_orders()
        pause = _BACKOFF[min(self._failures, len(_BACKOFF) - 1)]
        self._failures += 1
        log.info("restart", in_seconds=pause, failures=self._failures)
        self._stop.wait(pause)

    def _clear(self, confirm_s: float) -> bool:
        """Cancel everything of ours over connections of our own; say whether the venues confirmed it."""
        started = time.monotonic()
        try:
            cancelled = self._at_venues(lambda broker: clear_orders(broker, _CLEAR_SECONDS, confirm_s))
        except MicrovolError as error:
            log.error("orders may rest", error=str(error))  # noqa: TRY400 (the chain may show a signed address)
            return False
        self._uncleared = False
        log.info("orders cleared", cancelled=cancelled, seconds=round(time.monotonic() - started, 2))
        return True

    def _look_for_late_orders(self) -> None:
        """Cancel what still arrives, in a thread: the next child is to start meanwhile."""
        if self._late is None or not self._late.is_alive():
            self._late = threading.Thread(target=self._clear_late_orders, name="late orders", daemon=True)
            self._late.start()

    def _clear_late_orders(self) -> None:
        try:
            cancelled = self._at_venues(lambda broker: clear_late_orders(broker, self._none_is_late))
        except MicrovolError as error:
            log.warning("late orders", error=str(error))
        else:
            log.info("late orders", cancelled=cancelled)

    def _none_is_late(self) -> bool:
        """Say whether nothing can arrive any more, or somebody else looks for it: a child that lives, our own end."""
        child = self.child
        return self._stop.is_set() or time.monotonic() > self._late_until or (child is not None and child.has_begun)

    def _at_venues(self, work: Callable[[Broker], Coroutine[Any, Any, int]]) -> int:
        """Do something at every venue where orders may rest, side by side; return the sum, or raise what failed."""

        async def at(venue: VenueConfig) -> int:
            broker = self._broker(venue)
            try:
                return await work(broker)
            finally:
                await broker.close()

        async def at_all() -> list[int | BaseException]:
            return await asyncio.gather(*map(at, self._watch.leave_orders), return_exceptions=True)

        results = asyncio.run(at_all())
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return sum(result for result in results if isinstance(result, int))

    def _end(self) -> int:
        code = 0
        if self.child is not None:
            code = self.last_code = self.child.stop()
            log.info("child ended", role=self._watch.role, code=code)
            self.child = None
            if code < 0:
                self._late_until = time.monotonic() + _LATE_SECONDS
        late_s = max(self._late_until - time.monotonic(), _CONFIRM_SECONDS)
        cleared = self._clear(late_s) if self._watch.leave_orders else True
        return code if code in (0, BadInput.exit_code) and cleared else 1


def main() -> int:
    """Run a supervisor until SIGTERM."""
    parser = venue_parser("strategy.live.supervisor", "Keep a quoting or capturing process running.")
    take_also(parser)
    parser.add_argument("role", choices=("quote", "capture"))
    parser.add_argument("options", nargs="*", help="options of the child, after --")
    parser.add_argument("--champion-file", type=Path, help="parameters to carry to the first market of a quoting child")
    parser.add_argument("--shadow-file", type=Path, action="append", default=[], help="... to run in its shadow")
    options = parser.parse_args()
    configure_logging()
    try:
        layout, (venue, *also) = Layout(options.home), markets(options)
        watch = Watch(options.role, venue, layout, tuple(options.options), tuple(also))
        carriers = []
        if options.champion_file:
            champion = file_champion(options.champion_file)
            shadows = options.shadow_file
            carriers.append(Carrier(layout, venue, champion, lambda: [read_document(each) for each in shadows]))
        supervisor = Supervisor(watch, carriers)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: supervisor.stop())
        return supervisor.run()
    except MicrovolError as error:
        sys.stderr.write(f"microvol: {error}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())

"""The live process: quote one symbol on one venue with the parameters of a file, until it is told to stop.

`python -m strategy.live.quote --home DIR --venue NAME --symbol S` waits for `params.json` in the live folder, takes a
new one between two events, and says in `status.json` which version it runs. SIGTERM, a lost supervisor or any fault
that it does not understand: halt, cancel all, wait until the venue confirms, end. A file `halt` in the live folder
pauses it until the file is removed; the kill switch (`kill.json`, SIGUSR1) keeps it out until a person re-arms it.
"""

import argparse
import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from pydantic import ValidationError

from strategy.errors import BadInput, BadParameters, Failed, MicrovolError, VenueError
from strategy.kernel.jit import KERNEL_DIGEST
from strategy.live.audit_log import audit_writer
from strategy.live.clearing import clear_orders, refuse_foreign
from strategy.live.command import run_process, stop_event, venue_of, venue_parser, watch_parent
from strategy.live.doors import Killed, LiveStatus, Refused, State, write_status
from strategy.live.guard import Limits
from strategy.live.journal import JournalWriter
from strategy.live.layout import Layout
from strategy.live.ledger import Ledger, read_ledger, write_ledger
from strategy.live.parameter_file import ParameterFile, checked_document, refusal
from strategy.live.segment import lock_folder
from strategy.live.session import Hooks, Session
from strategy.live.session_start import SessionStart, client_token, warm_stepper
from strategy.live.switches import Switches
from strategy.policies.document import Instrument, ParameterDocument
from strategy.policies.parameters import one_line
from strategy.policies.stepper import Stepper
from strategy.venues.ccxt_broker import CcxtBroker
from strategy.venues.ccxt_feed import CcxtFeed
from strategy.venues.ports import Balance, Broker, Feed
from strategy.venues.settings import VenueConfig

log = structlog.get_logger("quote")

CLEAR_SECONDS: Final = 12.0
_LOOK_SECONDS: Final = 0.2
_HEARTBEAT_SECONDS: Final = 0.5
_RECONCILE_SECONDS: Final = 15.0
_SAY_AGAIN_SECONDS: Final = 10.0
_AGAIN_SECONDS: Final = 0.05


class Quoter:
    """One life of the process: start checks, the session's tasks, the way out."""

    def __init__(self, venue: VenueConfig, layout: Layout, options: argparse.Namespace, limits: Limits) -> None:
        """Take where to quote and how far to go at most."""
        self._venue, self._options, self._limits = venue, options, limits
        self._layout = layout
        self._folder = layout.live(venue.name, venue.symbol)
        self._switches = Switches(self._folder, venue.name, venue.symbol, audit_writer(layout))
        self._status_file = layout.status_file(venue.name, venue.symbol)
        self._file = ParameterFile(layout.parameter_file(venue.name, venue.symbol))
        self._started_ns = time.time_ns()
        self._session_name = f"{datetime.fromtimestamp(self._started_ns // 10**9, UTC):%Y%m%dT%H%M%S}-{os.getpid()}"
        self._state: State = "starting"
        self._note = ""
        self._refused: Refused | None = None
        self._ledger: Ledger | None = None
        self._journal: JournalWriter | None = None
        self._session: Session | None = None
        self._stop = asyncio.Event()
        self._fault: BaseException | None = None
        self._balance_wanted = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._broker: Broker = CcxtBroker(venue)
        self._feed: Feed = CcxtFeed(venue)

    async def run(self, stop: asyncio.Event) -> int:
        """Quote until `stop`; 0 when it ended in order and nothing rests."""
        self._stop = stop
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self._signalled)
        self._start_task(self._beat())
        try:
            if await self._begin():
                await self._stop.wait()
            return await self._end()
        finally:
            for task in self._tasks:
                task.cancel()
            await self._feed.close()
            await self._broker.close()

    async def _begin(self) -> bool:
        """Check everything that can be checked before the first order; False when stopped meanwhile."""
        instrument = await self._broker.instrument()
        document = await self._first_document(instrument)
        if document is None:
            return False
        if document.kernel_digest != KERNEL_DIGEST:
            log.warning("calibrated with another kernel", theirs=document.kernel_digest[:12], ours=KERNEL_DIGEST[:12])
        if not self._options.allow_foreign:
            await refuse_foreign(self._broker)
        leftovers = await clear_orders(self._broker, CLEAR_SECONDS)
        if leftovers:
            log.warning("leftovers of an earlier run cancelled", orders=leftovers)
        last_trade_id = max((fill.trade_id for fill in await self._broker.fills(-1)), default=0)
        balance = await self._broker.balance()
        stepper = await asyncio.to_thread(warm_stepper, document, balance)
        self._open_session(document, balance, last_trade_id, stepper)
        return True

    async def _first_document(self, instrument: Instrument) -> ParameterDocument | None:
        """Wait for a parameter file that may be used, saying what is missing."""
        said = 0.0
        while not self._stop.is_set():
            data = self._file.news()
            if data is not None:
                document = self._checked(data, instrument)
                if document is not None:
                    return document
            elif time.monotonic() - said > _SAY_AGAIN_SECONDS:
                said = time.monotonic()
                self._note = f"waiting for {self._file.path}"
                log.info("waiting for parameters", path=str(self._file.path))
            await asyncio.sleep(_LOOK_SECONDS)
        return None

    def _checked(self, data: bytes, instrument: Instrument) -> ParameterDocument | None:
        """Return the document, or refuse it for everyone to see and go on as before."""
        try:
            document = checked_document(data, self._file.path, instrument)
        except BadParameters as error:
            self._refused = refusal(data, str(error))
            self._note = str(error)
            log.warning("parameters refused", reason=str(error))
            self._write_status()
            return None
        self._refused, self._note = None, ""
        return document

    def _open_session(self, document: ParameterDocument, balance: Balance, last_id: int, stepper: Stepper) -> None:
        start = SessionStart(
            session=self._session_name,
            token=client_token(self._started_ns),
            document=document,
            balance=balance,
            last_trade_id=last_id,
            limits=self._limits,
            stale_after_s=self._options.stale_after_seconds,
        )
        hooks = Hooks(self._resnapshot, self._balance_wanted.set, self._killed, self._failed)
        self._journal = JournalWriter(self._layout.journal(self._venue.name, self._venue.symbol), self._session_name)
        self._session = Session(start, stepper, self._journal, self._broker, hooks)
        self._session.on_ledger(read_ledger(self._folder))
        self._state = "quoting"
        self._look_at_switches(self._session)
        self._write_status()
        log.info("quoting", session=self._session_name, version=document.version, journal=str(self._journal.path))
        parts = (self._read_market, self._read_own, self._watch, self._look, self._reconcile, self._read_balance)
        for work in (*parts, self._sync):
            self._start_task(work(self._session))

    async def _read_market(self, session: Session) -> None:
        async for local_ns, payload in self._feed.frames():
            session.on_frame(local_ns, payload)
            await asyncio.sleep(0)  # a backlog must not keep fills and timers waiting

    async def _read_own(self, session: Session) -> None:
        async for event in self._broker.own_events():
            session.orders.on_own(event)

    async def _watch(self, session: Session) -> None:
        """Look several times a second for what nobody sends: switches, and silence. Nothing may keep this waiting."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            session.check_stale()
            self._look_at_switches(session)

    async def _look(self, session: Session) -> None:
        """Look several times a second for new parameters; those of other policies may have to be compiled first."""
        instrument = await self._broker.instrument()
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            data = self._file.news()
            document = None if data is None else self._checked(data, instrument)
            if document is not None and document != session.document:
                await asyncio.to_thread(warm_stepper, document, Balance(0.0, 0.0))
                if not self._stop.is_set():
                    session.on_parameters(document)
            if data is not None:
                self._write_status()

    def _look_at_switches(self, session: Session) -> None:
        if self._state != "stopping":
            self._switches.look(session)
            self._say_state(session)

    def _say_state(self, session: Session) -> None:
        """Write the status at once when the state is another: people wait for it."""
        state: State = "killed" if session.kill else "halted" if session.halted else "quoting"
        if self._state not in (state, "stopping"):
            self._state = state
            self._write_status()

    def _signalled(self) -> None:
        try:
            self._switches.signalled(self._session)
            if self._session is not None:
                self._look_at_switches(self._session)
        except Exception as error:  # noqa: BLE001 (a signal has no caller who would hear of it)
            self._failed(error)

    def _killed(self, cause: int) -> None:
        if self._session is not None:
            self._switches.thrown_by_strategy(self._session, cause)

    async def _reconcile(self, session: Session) -> None:
        """Compare with the venue now and then, should the user stream be deaf without anybody noticing."""
        while True:
            await asyncio.sleep(_RECONCILE_SECONDS)
            if session.orders.live:
                session.orders.reconcile("periodic")

    async def _read_balance(self, session: Session) -> None:
        """Read the holdings when asked; an execution of ours meanwhile makes the answer ambiguous: read again."""
        while True:
            await self._balance_wanted.wait()
            self._balance_wanted.clear()
            fills = session.orders.fills
            try:
                balance = await self._broker.balance()
            except VenueError as error:
                log.warning("holdings cannot be read", error=str(error))
                self._balance_wanted.set()
                await asyncio.sleep(1.0)
                continue
            if session.orders.fills == fills:
                session.on_balance(balance)
            else:
                self._balance_wanted.set()

    async def _sync(self, session: Session) -> None:
        while self._journal is not None:
            await asyncio.sleep(1.0)
            await asyncio.to_thread(self._journal.sync)

    async def _beat(self) -> None:
        while True:
            self._write_status()
            await asyncio.sleep(_HEARTBEAT_SECONDS)

    async def _end(self) -> int:
        """Halt, cancel all, wait until the venue confirms, close the journal."""
        self._state = "stopping"
        reason = "stopped" if self._fault is None else f"fault: {self._fault!r}"
        log.info("stopping", reason=reason)
        session = self._session
        if session is not None:
            self._attempt(lambda: session.on_halt(True, reason))
        try:
            await clear_orders(self._broker, CLEAR_SECONDS)
            await self._settle()
            await clear_orders(self._broker, CLEAR_SECONDS)
        except MicrovolError as error:
            self._fault = self._fault or error
            reason = f"{reason}; {error}"
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        if session is not None:
            self._attempt(lambda: session.close(reason))
        self._write_status()
        log.info("stopped", reason=reason)
        return 0 if self._fault is None else 1

    def _attempt(self, step: Callable[[], None]) -> None:
        """Take a step of the way out; whatever is broken by now, the venue has to be cleared all the same."""
        try:
            step()
        except Exception as error:  # noqa: BLE001 (see above)
            log.warning("on the way out", error=repr(error))
            self._fault = self._fault or error

    async def _settle(self) -> None:
        """Give requests under way the time to come to an end: one of them may still become an order."""
        if self._session is None:
            return
        self._session.orders.reconcile("stopping")
        for _ in range(int(CLEAR_SECONDS / _AGAIN_SECONDS)):
            if not self._session.orders.live:
                return
            await asyncio.sleep(_AGAIN_SECONDS)
        raise Failed(f"{len(self._session.orders.live)} orders did not come to a known end")

    def _start_task(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Stop when any part of the process ends: none of them may be missing while it quotes."""
        if task.cancelled() or self._state == "stopping":
            return
        self._failed(task.exception() or Failed("a part of the process ended by itself"))

    def _failed(self, error: BaseException) -> None:
        log.error("fault, stopping", error=repr(error), exc_info=error)
        self._fault = self._fault or error
        self._stop.set()

    def _resnapshot(self) -> None:
        self._start_once(self._feed.resnapshot())

    def _start_once(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _write_status(self) -> None:
        status = LiveStatus(
            pid=os.getpid(),
            session=self._session_name,
            venue=self._venue.name,
            symbol=self._venue.symbol,
            started_ns=self._started_ns,
            heartbeat_ns=time.time_ns(),
            state=self._state,
            kernel_digest=KERNEL_DIGEST,
            killed=self._seen_kill(),
            refused=self._refused,
            note=self._note,
        )
        if self._session is not None:
            view = self._session.view() | self._session.orders.trips.figures()
            known = {name: value for name, value in view.items() if name in LiveStatus.model_fields}
            status = status.model_copy(update=known)
            self._write_ledger(self._session)
        write_status(self._status_file, status)

    def _write_ledger(self, session: Session) -> None:
        """Keep what limits count, but not while killed: re-arming begins anew."""
        ledger = session.ledger()
        if ledger is not None and ledger != self._ledger and self._switches.kill is None:
            write_ledger(self._folder, ledger)
            self._ledger = ledger

    def _seen_kill(self) -> Killed | None:
        kill = self._switches.kill
        return None if kill is None else Killed.model_validate(kill.model_dump(include=set(Killed.model_fields)))


def arguments() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    parser = venue_parser("strategy.live.quote", "Quote with the parameters of the live folder's params.json.")
    for name, field in Limits.model_fields.items():
        kind = int if field.annotation is int else float
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, default=field.default, help=field.description)
    parser.add_argument("--stale-after-seconds", type=float, default=5.0, help="cancel all without a book for so long")
    parser.add_argument("--allow-foreign", action="store_true", help="quote although others have open orders here")
    return parser


async def quote(options: argparse.Namespace) -> int:
    """Quote as the options say and return the exit code."""
    venue, layout = venue_of(options), Layout(options.home)
    try:
        limits = Limits(**{name: getattr(options, name) for name in Limits.model_fields})
    except ValidationError as error:
        raise BadInput(f"limits: {one_line(error)}") from None
    folder = layout.live(venue.name, venue.symbol)
    folder.mkdir(parents=True, exist_ok=True)
    lock = lock_folder(folder)
    stop = stop_event()
    watcher = asyncio.create_task(watch_parent(options.parent, stop), name="parent")
    try:
        return await Quoter(venue, layout, options, limits).run(stop)
    finally:
        watcher.cancel()
        os.close(lock)


def main() -> int:
    """Run the process."""
    options = arguments().parse_args()
    return run_process(lambda: quote(options))


if __name__ == "__main__":
    sys.exit(main())

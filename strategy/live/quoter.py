"""One life of the quoting process: what is checked before the first quote, the tasks while it quotes, the way out."""

import argparse
import asyncio
import os
import signal
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from strategy.errors import BadParameters, Failed, MicrovolError
from strategy.kernel.jit import KERNEL_DIGEST
from strategy.live.audit_log import audit_writer
from strategy.live.clearing import clear_orders
from strategy.live.doors import Killed, LiveStatus, Refused, State, write_status
from strategy.live.guard import Limits
from strategy.live.hard_limits import HardLimits
from strategy.live.journal import JournalWriter
from strategy.live.last_session import read_last_session
from strategy.live.layout import Layout
from strategy.live.ledger import Ledger, read_ledger, write_ledger
from strategy.live.opening import Opening, open_account
from strategy.live.parameter_file import ParameterFile, checked_document, refusal
from strategy.live.reconciliation import Reconciler
from strategy.live.session import Hooks, Session
from strategy.live.session_start import SessionStart, client_token, warm_stepper
from strategy.live.switches import Switches
from strategy.live.warm_up import LiveStepper
from strategy.policies.document import Instrument, ParameterDocument
from strategy.venues.ccxt_broker import CcxtBroker
from strategy.venues.ccxt_feed import CcxtFeed
from strategy.venues.ports import Balance, Broker, Feed, OwnFill
from strategy.venues.settings import VenueConfig

log = structlog.get_logger("quote")

CLEAR_SECONDS: Final = 12.0
_LOOK_SECONDS: Final = 0.2
_HEARTBEAT_SECONDS: Final = 0.5
_SAY_AGAIN_SECONDS: Final = 10.0
_AGAIN_SECONDS: Final = 0.05


class Quoter:
    """One life of the process: start checks, the session's tasks, the way out."""

    def __init__(self, venue: VenueConfig, layout: Layout, options: argparse.Namespace, limits: Limits) -> None:
        """Take where to quote and how far to go at most."""
        self._venue, self._options, self._limits = venue, options, limits
        self._layout = layout
        self._folder = layout.live(venue.name, venue.symbol)
        self._journals = layout.journal(venue.name, venue.symbol)
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
        self._reconciler: Reconciler | None = None
        self._hard: HardLimits | None = None
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
        last = await asyncio.to_thread(read_last_session, self._journals)
        opening = await open_account(self._broker, last, self._options.allow_foreign, CLEAR_SECONDS)
        stepper = await asyncio.to_thread(warm_stepper, document, opening.balance)
        self._open_session(document, opening, stepper)
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

    def _open_session(self, document: ParameterDocument, opening: Opening, stepper: LiveStepper) -> None:
        start = SessionStart(
            session=self._session_name,
            token=client_token(self._started_ns),
            document=document,
            balance=opening.balance,
            last_trade_id=opening.last_trade_id,
            limits=self._limits,
            stale_after_s=self._options.stale_after_seconds,
        )
        hooks = Hooks(
            self._resnapshot, self._outside_fill, self._transferred, self._killed, self._rearmed, self._failed
        )
        self._journal = JournalWriter(self._journals, self._session_name)
        self._session = session = Session(start, stepper, self._journal, self._broker, hooks)
        session.journal_missed(opening.missed)
        self._hard = HardLimits(self._limits, document.instrument, self._folder)
        session.account.guard.begin(*self._hard.orders_before)
        self._reconciler = Reconciler(self._broker, session, self._options.allow_foreign, self._throw)
        session.on_ledger(read_ledger(self._folder))
        self._state = "quoting"
        self._look_at_switches(session)
        self._write_status()
        log.info("quoting", session=self._session_name, version=document.version, journal=str(self._journal.path))
        parts = (self._read_market, self._watch, self._look, self._sync)
        for work in (*(part(session) for part in parts), self._read_own(self._reconciler), self._reconciler.run()):
            self._start_task(work)

    async def _read_market(self, session: Session) -> None:
        async for local_ns, payload in self._feed.frames():
            session.on_frame(local_ns, payload)
            await asyncio.sleep(0)  # a backlog must not keep fills and timers waiting

    async def _read_own(self, reconciler: Reconciler) -> None:
        async for event in self._broker.own_events():
            reconciler.news(event)

    async def _watch(self, session: Session) -> None:
        """Look several times a second for what nobody sends: switches, and silence. Nothing may keep this waiting."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            session.check_stale()
            self._look_at_limits(session)
            self._look_at_switches(session)
            self._look_at_warm_up(session)

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

    def _look_at_warm_up(self, session: Session) -> None:
        late = session.give_up_warm_up(self._options.warm_up_seconds)
        if late is not None:
            reason = f"volatility was not known within {self._options.warm_up_seconds:g} s"
            self._refused, self._note = (
                Refused(content_hash=late.content_hash, reason=reason),
                f"{late.version}: {reason}",
            )
            log.warning("parameters refused", version=late.version, reason=reason)
            self._write_status()

    def _look_at_limits(self, session: Session) -> None:
        loss = None if self._hard is None or self._state == "stopping" else self._hard.look(session)
        if loss is not None:
            self._throw(*loss)

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

    def _throw(self, cause: str, reason: str) -> None:
        if self._session is not None:
            self._switches.thrown_for(self._session, cause, reason)
            self._look_at_switches(self._session)

    def _rearmed(self) -> None:
        if self._hard is not None:
            self._hard.losses.begin_anew()
        if self._reconciler is not None:
            self._reconciler.begin_anew()

    def _transferred(self, base_lots: float, quote_atoms: float) -> None:
        mid_ticks = None if self._session is None else self._session.view()["mid_ticks"]
        if self._hard is not None and mid_ticks is not None:
            self._hard.transfer(base_lots, quote_atoms, mid_ticks)

    def _outside_fill(self, fill: OwnFill) -> None:
        if self._reconciler is not None:
            self._reconciler.outside_fill(fill)

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
        await self._cancel_tasks()
        if session is not None:
            self._attempt(lambda: session.end(reason))
        if self._journal is not None:
            await self._close_journal(self._journal)
        self._write_status()
        log.info("stopped", reason=reason)
        return 0 if self._fault is None else 1

    async def _cancel_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)

    async def _close_journal(self, journal: JournalWriter) -> None:
        """Close and compress, with a heartbeat all the while: a supervisor would take a silent child for a hung one."""
        beating = asyncio.create_task(self._beat())
        try:
            await asyncio.to_thread(journal.close)
        except (MicrovolError, OSError) as error:
            log.warning("journal not closed", error=repr(error))
            self._fault = self._fault or error
        finally:
            beating.cancel()
            await asyncio.wait([beating])

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
        if self._reconciler is not None:
            self._reconciler.want()
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
            note=self._note or self._session_note(),
        )
        if self._session is not None:
            warm_up = self._session.warm_up
            warming = {"warming": None if warm_up is None else warm_up.document.content_hash}
            view = warming | self._session.view() | self._session.orders.trips.figures()
            known = {name: value for name, value in view.items() if name in LiveStatus.model_fields}
            status = status.model_copy(update=known)
            self._write_ledger(self._session)
        write_status(self._status_file, status)

    def _session_note(self) -> str:
        """Return what a person should know of the session: what keeps it out, or which version is to come."""
        if self._session is None:
            return ""
        learns = self._session.warm_up
        coming = "" if learns is None else f"version {learns.document.version} learns volatility and quotes then"
        return self._session.halt_reason or coming

    def _write_ledger(self, session: Session) -> None:
        """Keep what limits count, but not while killed: re-arming begins anew."""
        ledger = session.ledger()
        if ledger is not None and ledger != self._ledger and self._switches.kill is None:
            write_ledger(self._folder, ledger)
            self._ledger = ledger
        if self._hard is not None and self._switches.kill is None:
            self._hard.keep()

    def _seen_kill(self) -> Killed | None:
        kill = self._switches.kill
        return None if kill is None else Killed.model_validate(kill.model_dump(include=set(Killed.model_fields)))

"""One life of the quoting process: what is checked before the first quote, the tasks while it quotes, the way out."""

import argparse
import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog

from strategy.errors import Failed, MicrovolError
from strategy.kernel.jit import KERNEL_DIGEST
from strategy.live.audit_log import audit_writer
from strategy.live.clearing import clear_orders
from strategy.live.exposition import Gauges, MetricsServer
from strategy.live.guard import Limits
from strategy.live.hard_limits import HardLimits
from strategy.live.journal import JournalWriter
from strategy.live.last_session import LastSession, read_last_session
from strategy.live.layout import Layout
from strategy.live.ledger import read_ledger
from strategy.live.opening import Opening, open_account
from strategy.live.parameter_door import ParameterDoor
from strategy.live.parameter_file import ParameterFile
from strategy.live.reconciliation import Reconciler
from strategy.live.rehearsals import Rehearsals
from strategy.live.session import Hooks, Session
from strategy.live.session_start import SessionStart, client_token, new_stepper, nobody, warm_stepper
from strategy.live.simulation.paper_live import open_doors
from strategy.live.simulation.shadows import Shadows, Surroundings
from strategy.live.status_board import StatusBoard
from strategy.live.switches import Switches
from strategy.live.warm_up import LiveStepper
from strategy.policies.document import ParameterDocument
from strategy.venues.ending import end_tasks
from strategy.venues.ports import Balance, OwnFill
from strategy.venues.settings import VenueConfig

log = structlog.get_logger("quote")

CLEAR_SECONDS: Final = 12.0
_LOOK_SECONDS: Final = 0.2
_HEARTBEAT_SECONDS: Final = 0.5
_AGAIN_SECONDS: Final = 0.05


class Quoter:
    """One life of the process: start checks, the session's tasks, the way out."""

    def __init__(
        self,
        venue: VenueConfig,
        layout: Layout,
        options: argparse.Namespace,
        limits: Limits,
        rehearsals: Rehearsals,
    ) -> None:
        """Take where to quote and how far to go at most."""
        self._venue, self._options, self._limits = venue, options, limits
        self._layout, self._rehearsals = layout, rehearsals
        self._folder = layout.live(venue.name, venue.symbol)
        self._journals = layout.journal(venue.name, venue.symbol)
        self._switches = Switches(self._folder, venue.name, venue.symbol, audit_writer(layout))
        self._board = StatusBoard(venue, layout.status_file(venue.name, venue.symbol))
        file = ParameterFile(layout.parameter_file(venue.name, venue.symbol))
        self._door = ParameterDoor(file, self._board, lambda: self._stop.is_set())
        self._journal: JournalWriter | None = None
        self._session: Session | None = None
        self._shadows: Shadows | None = None
        self._stop = asyncio.Event()
        self._fault: BaseException | None = None
        self._reconciler: Reconciler | None = None
        self._hard: HardLimits | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._feed, self._broker = open_doors(venue, self._folder)

    async def run(self, stop: asyncio.Event) -> int:
        """Quote until `stop`; 0 when it ended in order and nothing rests."""
        self._stop = stop
        metrics = self._open_metrics()
        self._start_task(self._beat())
        try:
            if await self._begin():
                await self._stop.wait()
            return await self._end()
        finally:
            if metrics is not None:
                await asyncio.to_thread(metrics.close)
            await end_tasks(self._tasks)
            async with self._beating():
                await self._feed.close()
                await self._broker.close()

    def _open_metrics(self) -> MetricsServer | None:
        board, options = self._board, self._options
        if not options.metrics_port:
            return None
        gauges = Gauges(lambda: board.last, board.meters)
        server = MetricsServer(gauges, options.metrics_host, options.metrics_port)
        board.metrics_url = server.url
        return server

    async def _begin(self) -> bool:
        """Check everything that can be checked before the first order; False when stopped meanwhile."""
        instrument = await self._broker.instrument()
        document = await self._door.first(instrument)
        if document is None:
            return False
        if document.kernel_digest != KERNEL_DIGEST:
            log.warning("calibrated with another kernel", theirs=document.kernel_digest[:12], ours=KERNEL_DIGEST[:12])
        await asyncio.to_thread(warm_stepper, document, Balance(0.0, 0.0))  # before the account is read: it takes long
        last = await asyncio.to_thread(read_last_session, self._journals)
        opening = await open_account(self._broker, last, self._options.allow_foreign, CLEAR_SECONDS)
        session = self._open_session(document, last, opening, new_stepper(document, opening.balance))
        await self._rehearsals.add(self._venue.symbol, self._broker, self._journals, lambda: session.document)
        return True

    def _open_session(
        self, document: ParameterDocument, last: LastSession | None, opening: Opening, stepper: LiveStepper
    ) -> Session:
        start = SessionStart(
            session=self._board.session_name,
            token=client_token(self._board.started_ns),
            document=document,
            balance=opening.balance,
            last_trade_id=opening.last_trade_id,
            limits=self._limits,
            stale_after_s=self._options.stale_after_seconds,
            missed=opening.missed,
            earlier=nobody if last is None else last.find,
        )
        hooks = Hooks(
            self._resnapshot, self._outside_fill, self._transferred, self._killed, self._rearmed, self._failed
        )
        self._journal = JournalWriter(self._journals, self._board.session_name)
        self._session = session = Session(start, stepper, self._journal, self._broker, hooks)
        self._hard = HardLimits(self._limits, document.instrument, self._folder)
        session.account.guard.begin(*self._hard.orders_before)
        self._reconciler = Reconciler(self._broker, session, self._options.allow_foreign, self._throw)
        session.on_ledger(read_ledger(self._folder))
        self._shadows = self._open_shadows(session)
        self._board.session, self._board.hard, self._board.shadows = session, self._hard, self._shadows
        self._board.state = "quoting"
        self._look_at_switches(session)
        self._board.write()
        log.info("quoting", session=self._board.session_name, version=document.version, journal=str(self._journal.path))
        parts = (self._read_market, self._watch, self._sync)
        for work in (
            *(part(session) for part in parts),
            self._read_own(self._reconciler),
            self._reconciler.run(),
            self._door.follow(session, document.instrument),
            self._shadows.run(),
        ):
            self._start_task(work)
        return session

    def _open_shadows(self, session: Session) -> Shadows:
        around = Surroundings(
            live=self._folder,
            journals=self._layout.shadow(self._venue.name, self._venue.symbol),
            session=session.name,
            instrument=session.document.instrument,
            holdings=session.account.books.balance,
            resnapshot=self._resnapshot,
        )
        return Shadows(around)

    async def _read_market(self, session: Session) -> None:
        def take(local_ns: int, payload: bytes) -> None:
            session.on_frame(local_ns, payload)
            if self._shadows is not None:
                self._shadows.take(local_ns, payload)

        await self._feed.deliver(take)

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
            self._door.give_up(session, self._options.warm_up_seconds)

    def _look_at_limits(self, session: Session) -> None:
        loss = None if self._hard is None or self._board.state == "stopping" else self._hard.look(session)
        if loss is not None:
            self._throw(*loss)

    def _look_at_switches(self, session: Session) -> None:
        if self._board.state != "stopping":
            self._switches.look(session)
            self._board.kill = self._switches.kill
            self._board.become("killed" if session.kill else "halted" if session.halted else "quoting")

    def signalled(self) -> None:
        """Throw the kill switch, at once."""
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
            self._board.write()
            await asyncio.sleep(_HEARTBEAT_SECONDS)

    async def _end(self) -> int:
        """Halt, cancel all, wait until the venue confirms, close the journal."""
        self._board.state = "stopping"
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
        await end_tasks(self._tasks)
        if session is not None:
            self._attempt(lambda: session.end(reason))
        await self._close_journals(reason)
        self._board.write()
        log.info("stopped", reason=reason)
        return 0 if self._fault is None else 1

    async def _close_journals(self, reason: str) -> None:
        """Close and compress, which may take its time."""
        try:
            async with self._beating():
                if self._journal is not None:
                    await asyncio.to_thread(self._journal.close)
                if self._shadows is not None:
                    await self._shadows.end(reason)
        except (MicrovolError, OSError) as error:
            log.warning("journal not closed", error=repr(error))
            self._fault = self._fault or error

    @asynccontextmanager
    async def _beating(self) -> AsyncIterator[None]:
        """Show that the process lives: a supervisor would take a silent child for a hung one."""
        beating = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            await end_tasks([beating])

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
        if task.cancelled() or self._board.state == "stopping":
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

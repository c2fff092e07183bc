"""Our books against the venue's: every few seconds, and before quoting goes on after the user stream was lost.

Each round takes what the stream has not told: executions first, then orders, then the sums. What does not agree after
several looks is a difference: it stops quoting, and says by how much. While nobody tells us of executions, or others
have orders on the symbol, quoting waits.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import structlog

from strategy.errors import MicrovolError
from strategy.live.books import exact
from strategy.live.desk import PREFIX
from strategy.live.session import Session
from strategy.venues.ports import Broker, OrderReport, OwnEvent, OwnFill, StreamLost, StreamReset, Transfer

log = structlog.get_logger("reconciliation")

STREAM: Final = "user stream"
FOREIGN: Final = "foreign orders"
BOOKS: Final = "books"
PERIOD_SECONDS: Final = 5.0
_AGAIN_SECONDS: Final = 1.0  # after a venue that could not be asked
_LOOKS: Final = 4  # as many times in a row a difference has to be the same to be one
_LOOK_SECONDS: Final = 0.5
_DEAF_SECONDS: Final = 3.0


class Reconciler:
    """Take the user stream's news and keep the session's books true. See the module."""

    def __init__(self, broker: Broker, session: Session, allow_foreign: bool, stop: Callable[[str, str], None]) -> None:
        """Watch over a session; `stop` keeps it out of the market until a person re-arms it: the cause, the reason."""
        self._broker, self._session, self._allow_foreign, self._stop = broker, session, allow_foreign, stop
        self._wanted = asyncio.Event()
        self._listening = False
        self._anew = False
        session.hold(STREAM, "waiting for the user stream")

    def news(self, event: OwnEvent) -> None:
        """Take one piece of news of the user stream."""
        session = self._session
        if isinstance(event, OwnFill):
            session.orders.executions.streamed(event.trade_id)
            session.orders.on_fill(event)
        elif isinstance(event, Transfer):
            session.account.transfer(exact(event.base_lots), exact(event.quote_atoms), "deposit or withdrawal")
        elif isinstance(event, StreamLost):
            self._listening = False
            session.hold(STREAM, f"user stream lost: {event.reason}")
        elif isinstance(event, StreamReset):
            self._listening = True
            session.orders.executions.stream_restarted()
            self.want()
        else:
            session.orders.on_report(event)

    def outside_fill(self, fill: OwnFill) -> None:
        """Stop after an execution of somebody else on this account, unless that is allowed."""
        if not fill.client_id.startswith(PREFIX) and not self._allow_foreign:
            whose = f"order {fill.client_id!r}" if fill.client_id else "an order without a name"
            self._stop(FOREIGN, f"execution {fill.trade_id} is of {whose}, which is not ours")

    def want(self) -> None:
        """Have a round begin at once."""
        self._wanted.set()

    def begin_anew(self) -> None:
        """Take the account as it is for the new beginning: a person has looked at it and re-armed the switch."""
        self._anew = True
        self._session.hold(BOOKS, "reading the account after re-arming")
        self.want()

    async def run(self) -> None:
        """Compare for ever."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(PERIOD_SECONDS):
                    await self._wanted.wait()
            self._wanted.clear()
            if not await self.round():
                await asyncio.sleep(_AGAIN_SECONDS)
                self.want()

    async def round(self) -> bool:
        """Compare once; False when the venue could not be asked or what it says does not hold still."""
        heard = self._listening
        try:
            agreed = await self._compare()
        except MicrovolError as error:
            log.warning("the venue cannot be compared with", error=str(error))
            return False
        if agreed and heard and self._listening:
            self._session.release(STREAM)
        self._watch_stream()
        return agreed

    async def _compare(self) -> bool:
        orders, asked_ns = self._session.orders, self._session.now_ns()
        if not await orders.fetch_fills():
            return False
        resting = await self._broker.open_orders()
        self._compare_resting(resting)
        names = {report.client_id for report in resting}
        for order in [each for each in orders.live if each.client_id not in names and each.sent_ns < asked_ns]:
            if order.known and not order.busy:
                await orders.settle(order)
        return await (self._begin() if self._anew else self._audit())

    def _compare_resting(self, resting: Sequence[OrderReport]) -> None:
        foreign = [report.client_id for report in resting if not report.client_id.startswith(PREFIX)]
        self._session.account.foreign_orders = [
            (report.side, report.price_ticks) for report in resting if report.client_id in foreign
        ]
        if foreign and not self._allow_foreign:
            text = f"{len(foreign)} open orders are not ours (first: {foreign[0]}); cancel them, or allow them"
            self._session.hold(FOREIGN, text)
        else:
            self._session.release(FOREIGN)
        for report in resting:
            order = self._session.orders.find(report.client_id)
            if order is not None and not order.ended:
                self._session.orders.on_report(report)
            elif report.client_id.startswith(PREFIX):
                log.warning("an order of ours rests that should not", client_id=report.client_id)
                self._session.orders.remove(report.client_id)

    async def _begin(self) -> bool:
        """Begin the books with what the account holds now; not while anything of ours may still trade."""
        fills, before = self._session.orders.fills, self._session.account.books.balance()
        balance = await self._broker.balance()
        if self._session.orders.live or self._session.orders.fills != fills:
            return False
        if differences := self._session.account.books.holding_differences(balance):
            log.warning("books begin anew", differences="; ".join(differences), before=before)
        self._session.account.begin(balance)
        self._anew = False
        self._session.release(BOOKS)
        return True

    async def _audit(self) -> bool:
        """Compare the sums; what differs in the same way several times in a row is a difference."""
        if self._session.kill:
            return True  # the holdings are a person's business now, and begin anew with the re-arming
        before: tuple[int, list[str]] | None = None
        for _ in range(_LOOKS):
            found = await self._differences()
            if not found[1]:
                return True
            if before is not None and found != before:
                return False
            before = found
            await asyncio.sleep(_LOOK_SECONDS)
        assert before is not None
        return await self._settle("; ".join(before[1]))

    async def _differences(self) -> tuple[int, list[str]]:
        """Return how many executions are known, and where the sums differ from the venue's."""
        session = self._session
        balance = await self._broker.balance()
        await session.orders.fetch_fills()
        books = session.account.books
        found = books.execution_differences() + books.holding_differences(balance) + session.holding_differences()
        return session.orders.fills, found

    async def _settle(self, differences: str) -> bool:
        """Take a difference in an account that others use as theirs; otherwise stop."""
        session = self._session
        if self._allow_foreign and not session.account.books.execution_differences():
            balance = await self._broker.balance()
            base_lots = exact(balance.base_lots) - session.account.books.base_lots
            quote_atoms = exact(balance.quote_atoms) - session.account.books.quote_atoms
            session.account.transfer(base_lots, quote_atoms, f"others use this account: {differences}")
            return True
        self._stop(BOOKS, differences)
        return True

    def _watch_stream(self) -> None:
        """Give up a stream that is connected and keeps executions from us."""
        kept = self._session.orders.executions.kept_from_us(_DEAF_SECONDS)
        if kept is not None and self._listening:
            self._session.hold(STREAM, f"user stream is deaf: it kept execution {kept} from us")
            self._broker.renew_stream(f"it kept execution {kept} from us")

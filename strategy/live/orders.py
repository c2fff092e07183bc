"""Our orders at the venue: from the strategy's actions to requests, and from whatever comes back to its events.

Answers, stream reports and executions may arrive in any order and more than once. The rules that make it safe:
an execution counts once, by its trade id; an order's end is told to the strategy only after all executions that the
venue counts in it; a request of unknown outcome is asked about, before anything else is done about it, until the venue
says what became of it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

import structlog

from strategy.errors import MicrovolError, OrderRejected, OutcomeUnknown
from strategy.kernel.records import ACK, CANCELLED, FILL, REJECT, REJECT_OTHER, REJECT_POST_ONLY
from strategy.live.desk import UNKNOWN_FINAL_NS, Desk, LiveOrder
from strategy.live.executions import Executions
from strategy.live.meters import Meters
from strategy.live.round_trips import RecentTrips
from strategy.policies.stepper import new_event
from strategy.venues.ports import Orderer, OrderReport, OwnFill

log = structlog.get_logger("orders")

_ASK_SECONDS: Final = (0.1, 0.25, 0.5, 1.0)
_KEPT: Final = 2_000  # orders, for news that comes late


class Orders:
    """Every order of one session, by client id; all methods run in the session's event loop."""

    def __init__(
        self,
        broker: Orderer,
        desk: Desk,
        last_trade_id: int,
        now: Callable[[], int] = time.time_ns,
        meters: Meters | None = None,
    ) -> None:
        """Take the open broker; executions up to `last_trade_id` are older than the session."""
        self._broker, self._desk, self._now = broker, desk, now
        self._meters = meters or Meters()
        self._orders: dict[str, LiveOrder] = {}
        self._by_id: dict[int, LiveOrder] = {}
        self._live: dict[str, LiveOrder] = {}
        self.executions = Executions(broker, last_trade_id)
        self.trips = RecentTrips()
        self.faults = 0  # orders refused, but not for being post-only, and requests without an answer
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def live(self) -> list[LiveOrder]:
        """Return the orders that rest or may rest."""
        return list(self._live.values())

    @property
    def fills(self) -> int:
        """Return the number of executions of this session."""
        return self.executions.count

    def client_id(self, order_id: int) -> str | None:
        """Return the client id of an order of this session."""
        order = self._by_id.get(order_id)
        return order.client_id if order else None

    def place(self, order: LiveOrder) -> None:
        """Send an order; the answer comes back as an event."""
        self._orders[order.client_id] = self._by_id[order.order_id] = self._live[order.client_id] = order
        self._forget_oldest()
        self._desk.note_order(order, "place")
        order.sent_ns = self._now()
        placing = self._broker.place(order.request(lambda: self._meters.written(order)))
        self._meters.sent(order)
        self._spawn(self._place(order, placing))

    def cancel(self, order_id: int) -> None:
        """Cancel an order by the strategy's id, as soon as it is certain that it exists."""
        order = self._by_id.get(order_id)
        if order is None or order.ended:
            log.warning("cancel of an order that is gone", order_id=order_id)
            return
        self._desk.note_order(order, "cancel")
        order.cancel_wanted = True
        if order.known:
            self._begin_cancel(order)

    def on_report(self, report: OrderReport) -> None:
        """Take what the venue says of an order, from whichever source."""
        for fill in report.fills:
            self.executions.asked(fill)
            self.on_fill(fill)
        order = self._orders.get(report.client_id)
        if order is not None and order.rejected and report.status == "open":
            log.warning("an order thought rejected rests after all", client_id=order.client_id)
            self.remove(order.client_id)
        if order is None or order.ended:
            return
        if report.status == "rejected":
            self._reject(order, REJECT_OTHER, "rejected by the venue")
        elif report.status in ("open", "filled"):
            self._confirm(order, report.exch_ts)
        if report.status in ("cancelled", "filled"):
            order.confirm()
            self._end(order, report)

    def on_fill(self, fill: OwnFill) -> None:
        """Take one execution, once."""
        if not self.executions.is_new(fill):
            return
        order = self._orders.get(fill.client_id)
        if order is None:
            self._desk.outside_fill(fill)
            return
        order.confirm()
        order.filled_lots += fill.qty_lots
        self._meters.filled(order, fill)
        self._desk.note_fill(order, fill)
        self._desk.push(
            new_event(
                FILL,
                exch_ts=fill.exch_ts,
                order_id=order.order_id,
                side=order.side,
                price_ticks=fill.price_ticks,
                qty_lots=fill.qty_lots,
                leaves_lots=max(order.qty_lots - order.filled_lots, 0),
                code=fill.trade_id,
                fee_base_lots=fill.fee_base_lots,
                fee_quote_atoms=fill.fee_quote_atoms,
            )
        )
        if order.filled_lots >= order.qty_lots:
            self._close(order)
        elif order.cancel_wanted:
            self._begin_cancel(order)

    def close(self) -> None:
        """Drop every task; the venue has been cleared by then."""
        for task in self._tasks:
            task.cancel()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._desk.failed(error)

    async def _place(self, order: LiveOrder, placing: Awaitable[OrderReport]) -> None:
        try:
            self.on_report(await placing)
        except OrderRejected as error:
            self._reject(order, error.code, str(error))
        except OutcomeUnknown as error:
            if order.state == "pending":
                order.state = "unknown"
            order.doubted = True
            self._doubt(order, error)
            await self._find_out(order)

    async def _find_out(self, order: LiveOrder) -> None:
        """Ask until the venue knows the order, or can no longer come to know it."""
        for attempt in range(1_000_000):
            if order.known or order.ended:
                return
            asked_ns = self._now()
            report = await self._ask(order)
            if report is not None and report.status != "missing":
                self.on_report(report)
            elif report is not None and asked_ns - order.sent_ns > UNKNOWN_FINAL_NS:
                self._reject(order, REJECT_OTHER, "the venue knows no such order")
            else:
                await _pause(attempt)

    async def _ask(self, order: LiveOrder) -> OrderReport | None:
        try:
            return await self._broker.order(order.client_id)
        except MicrovolError as error:
            log.warning("order query failed", client_id=order.client_id, error=str(error))
            return None

    def _confirm(self, order: LiveOrder, exch_ts: int) -> None:
        if not order.known:
            order.confirm()
            if not order.doubted:
                trip_ns = self._now() - order.sent_ns
                self.trips.add(trip_ns)
                self._meters.acknowledged(order, trip_ns)
            self._desk.note_order(order, "ack", exch_ts=exch_ts)
            self._desk.push(new_event(ACK, order_id=order.order_id))
        if order.cancel_wanted:
            self._begin_cancel(order)

    def _doubt(self, order: LiveOrder, error: MicrovolError) -> None:
        self.faults += 1
        self._meters.doubted(order)
        self._desk.note_order(order, "unknown", str(error))

    def _reject(self, order: LiveOrder, code: int, detail: str) -> None:
        if order.known or order.ended:
            return
        order.rejected = True
        self.faults += code != REJECT_POST_ONLY
        self._close(order)
        self._desk.note_order(order, "reject", detail)
        self._desk.push(new_event(REJECT, order_id=order.order_id, code=code))

    def _begin_cancel(self, order: LiveOrder) -> None:
        if not order.busy and not order.ended:
            order.busy = True
            order.state = "cancelling"
            self._spawn(self._cancel(order))

    async def _cancel(self, order: LiveOrder) -> None:
        """Cancel until the order is surely gone; an unknown outcome is tried again, a cancel is idempotent."""
        for attempt in range(1_000_000):
            report: OrderReport | None = None
            try:
                report = await self._broker.cancel(order.client_id)
            except MicrovolError as error:
                self._doubt(order, error)
            if report is None or report.status == "missing":
                report = await self._ask(order)
            if order.ended or (report is not None and await self._is_over(report)):
                break
            await _pause(attempt)
        order.busy = False
        if not order.ended and report is not None:
            self._end(order, report)

    async def _is_over(self, report: OrderReport) -> bool:
        """Say whether an order is surely gone; one that the venue has forgotten may have been executed."""
        if report.status == "missing":
            return await self.fetch_fills()
        return report.status in ("cancelled", "filled")

    def _end(self, order: LiveOrder, report: OrderReport) -> None:
        """Tell the strategy of an order's end, after the executions that the venue counts in it."""
        if order.filled_lots >= report.filled_lots:
            self._finish(order, report.exch_ts)
        elif not order.busy:
            order.busy = True
            self._spawn(self._fetch_missing(order, report))

    async def _fetch_missing(self, order: LiveOrder, report: OrderReport) -> None:
        for attempt in range(1_000_000):
            if order.filled_lots >= report.filled_lots:
                break
            await self.fetch_fills(whole=attempt >= len(_ASK_SECONDS))  # an execution may be told after a later one
            if order.filled_lots < report.filled_lots:
                await _pause(attempt)
        order.busy = False
        self._finish(order)

    def _finish(self, order: LiveOrder, exch_ts: int = 0) -> None:
        """Tell of an order's end; without a venue's time where it was heard of earlier than it is told now."""
        if order.ended:
            return
        self._close(order)
        self._desk.note_order(order, "cancelled", exch_ts=exch_ts)
        self._desk.push(new_event(CANCELLED, order_id=order.order_id))

    async def fetch_fills(self, whole: bool = False) -> bool:
        """Take what myTrades has to add, with `whole` since the session began; False when it cannot be asked."""
        try:
            found = await self.executions.fetch(whole)
        except MicrovolError as error:
            log.warning("executions cannot be read", error=str(error))
            return False
        for fill in found:
            self.executions.asked(fill)
            self.on_fill(fill)
            if self.executions.is_newly_listed(fill) and fill.client_id in self._orders:
                self._desk.listed_fill(fill)
        if found:
            self._desk.note_listed(self.executions.asked_id)
        return True

    def find(self, client_id: str) -> LiveOrder | None:
        """Return an order of this session by its client id."""
        return self._orders.get(client_id)

    async def settle(self, order: LiveOrder) -> None:
        """Find out what became of an order that the venue does not list among the open ones."""
        report = await self._ask(order)
        if report is not None and not order.ended and report.status in ("cancelled", "filled", "missing"):
            self._end(order, report)

    def remove(self, client_id: str) -> None:
        """Cancel an order that should not rest."""
        self._spawn(self._remove(client_id))

    async def _remove(self, client_id: str) -> None:
        try:
            await self._broker.cancel(client_id)
        except MicrovolError as error:
            log.warning("cancel failed", client_id=client_id, error=str(error))

    def _close(self, order: LiveOrder) -> None:
        order.state = "ended"
        self._live.pop(order.client_id, None)

    def _forget_oldest(self) -> None:
        """Let the oldest orders go, as far as they have ended."""
        while len(self._orders) > _KEPT:
            oldest = next(iter(self._orders.values()))
            if not oldest.ended:
                return
            del self._orders[oldest.client_id], self._by_id[oldest.order_id]


async def _pause(attempt: int) -> None:
    await asyncio.sleep(_ASK_SECONDS[min(attempt, len(_ASK_SECONDS) - 1)])

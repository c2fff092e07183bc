"""One live session: every piece of news becomes an event, is journalled, then fed to the strategy, one at a time.

The handlers (`on_…`) run in one event loop and never await, so the loop itself is the queue: news is taken in the
order in which it arrives, and what an action brings back at once (a veto) is fed after the event that caused it.
"""

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import structlog

from strategy.kernel.jit import KERNEL_DIGEST
from strategy.kernel.records import (
    BALANCE,
    CANCEL,
    HALT,
    KILL,
    KILL_NAMES,
    NOT_KILLED,
    PARAMETERS,
    REJECT,
    REJECT_GUARD,
    TIMER,
)
from strategy.live.account import Account
from strategy.live.alarm import Alarm
from strategy.live.desk import LiveOrder
from strategy.live.holds import Holds
from strategy.live.journal import JournalWriter, action_fields
from strategy.live.ledger import Ledger, ledger_event, ledger_of
from strategy.live.market_watch import MarketWatch
from strategy.live.meters import Meters
from strategy.live.order_records import fill_record, live_order, new_client_id, order_step
from strategy.live.orders import Orders
from strategy.live.session_start import SessionStart
from strategy.live.sizing import quoted, size_factor
from strategy.live.warm_up import LiveStepper, WarmUp, needs_warm_up
from strategy.policies.document import ParameterDocument
from strategy.policies.packing import atom_size
from strategy.policies.stepper import new_event
from strategy.venues.ports import Balance, Orderer, OwnFill

log = structlog.get_logger("session")


@dataclass(frozen=True, slots=True)
class Hooks:
    """What a session asks of the process around it."""

    resnapshot: Callable[[], None]
    outside_fill: Callable[[OwnFill], None]  # an execution on this account that is not of this session
    transferred: Callable[[float, float], None]  # lots and atoms that came in besides
    killed: Callable[[int], None]  # the strategy threw its kill switch: the cause, before anything is cancelled
    rearmed: Callable[[], None]  # the kill switch is about to be armed anew
    failed: Callable[[BaseException], None]


class Session:
    """The strategy between the market and our orders. See the module."""

    def __init__(
        self, start: SessionStart, stepper: LiveStepper, journal: JournalWriter, broker: Orderer, hooks: Hooks
    ) -> None:
        """Take everything that is open; the journal's head is written here."""
        self.document = start.document
        self.events = 0
        self.account = Account(start, self._tell_balance, hooks.transferred)
        self.warm_up: WarmUp | None = None
        self._holds = Holds(lambda out: self.push(new_event(HALT, flag=int(out))))
        self.kill = NOT_KILLED  # the kill switch's cause
        self._start, self._stepper, self._journal, self._hooks = start, stepper, journal, hooks
        instrument = start.document.instrument
        self.meters = Meters(instrument.venue, instrument.symbol, float(atom_size(instrument)))
        self._news_kind = 0
        self.orders = Orders(broker, self, start.last_trade_id, meters=self.meters)
        self._market = MarketWatch(start.document.instrument, start.stale_after_s, hooks.resnapshot)
        self._measure_depth()
        self._pending: deque[np.void] = deque()
        self._feeding = False
        self._ended = False
        self._last_ns = time.time_ns()
        self._alarm = Alarm(self._on_timer, self.failed)
        self._write_head()

    def _write_head(self) -> None:
        head = {
            "session": self._start.session,
            "document": self.document.model_dump(mode="json"),
            "size_factor": size_factor(self.document),
            "base_lots": self._start.balance.base_lots,
            "quote_atoms": self._start.balance.quote_atoms,
            "last_trade_id": self._start.last_trade_id,
            "kernel_digest": KERNEL_DIGEST,
        }
        missed = [fill_record(order, fill, order.mid_ticks) for order, fill in self._start.missed]
        self._journal.session(self._last_ns, head, missed)

    @property
    def name(self) -> str:
        """Return the session's name, as in the name of its journal."""
        return self._start.session

    def on_frame(self, local_ns: int, payload: bytes) -> None:
        """Take one frame of the market feed."""
        taken_ns = time.time_ns()
        for event in self._market.frame(local_ns, payload):
            self.push(event)
        self._renew_book()
        self._market.ask(payload)
        self.meters.frame(taken_ns - local_ns)

    def _tell_balance(self, balance: Balance) -> None:
        self.push(new_event(BALANCE, base_lots=balance.base_lots, quote_atoms=balance.quote_atoms))

    def holding_differences(self) -> list[str]:
        """Return where the strategy believes to hold other than the books say."""
        return self.account.differences(self._stepper.snapshot())

    def on_ledger(self, ledger: Ledger | None) -> None:
        """Go on from what an earlier session's limits have counted."""
        if ledger is not None:
            self.push(ledger_event(ledger, self.document.instrument))

    def ledger(self) -> Ledger | None:
        """Return what the strategy's limits have counted so far."""
        return ledger_of(self._stepper, self.document.instrument)

    def on_parameters(self, document: ParameterDocument) -> None:
        """Run another version from the next event on, or from when it knows volatility; the rest of the state stays."""
        self.warm_up = None
        if not needs_warm_up(self._stepper, self.document.parameters, document.parameters):
            self._take_parameters(document, None)
            return
        self.warm_up = WarmUp(document, quoted(document), self.document.instrument, self._last_ns)
        self._journal.candidate(self._last_ns, document, self.events + 1)
        log.info("warming up", version=document.version, content_hash=document.content_hash[:12])

    def give_up_warm_up(self, longest_s: float) -> ParameterDocument | None:
        """Give up a version that has not got warm in time and return it, None when there is none such."""
        late = self.warm_up
        if late is None or time.time_ns() - late.began_ns <= longest_s * 1e9:
            return None
        self.warm_up = None
        return late.document

    def _take_parameters(self, document: ParameterDocument, learnt: LiveStepper | None) -> None:
        if learnt is None:
            self._stepper.swap(quoted(document), document.version)
        else:
            self._stepper.swap_warm(quoted(document), document.version, learnt)
        self._measure_depth()
        self.document = document
        self._journal.parameters(self._last_ns, document, self.events + 1)
        self.push(new_event(PARAMETERS, code=document.version), first=True)
        log.info("parameters", version=document.version, content_hash=document.content_hash[:12])

    @property
    def halted(self) -> bool:
        """Say whether anything keeps the session from quoting for the time being."""
        return bool(self._holds)

    @property
    def halt_reason(self) -> str:
        """Return what keeps it from quoting, for a person."""
        return str(self._holds)

    def on_halt(self, halted: bool, reason: str) -> None:
        """Take that a person's pause begins or has ended."""
        if halted:
            self.hold("halt", reason)
        else:
            self.release("halt")

    def hold(self, cause: str, reason: str) -> None:
        """Cancel all and stay out for as long as this cause stands."""
        self._holds.begin(cause, reason)

    def release(self, cause: str) -> None:
        """Take that a cause is over; the last one lets the session come back in."""
        self._holds.end(cause)

    def on_kill(self, cause: int, reason: str) -> None:
        """Throw the kill switch, or with cause 0 take that a person re-armed it; no news changes nothing."""
        if bool(cause) != bool(self.kill):
            if not cause:
                self._hooks.rearmed()
            self.kill = cause
            log.warning("killed" if cause else "re-armed", reason=reason)
            self.push(new_event(KILL, flag=int(cause != NOT_KILLED), code=cause))

    def check_stale(self) -> None:
        """Treat a book that has not moved for too long as unknown, by the hard limit and by the strategy's rule."""
        self._renew_book()
        for event in self._market.stale():
            self.push(event)

    def depth(self, band_bps: float) -> tuple[int, int]:
        """Return the lots so far around mid, bids and asks."""
        return self._market.depth(band_bps)

    def _renew_book(self) -> None:
        if self._stepper.needs_snapshot:
            self._market.begin_anew()

    def _measure_depth(self) -> None:
        self._market.measure_depth(self._stepper.depth_band_bps if self._stepper.needs_depth else None)

    def push(self, event: np.void, first: bool = False) -> None:
        """Feed an event, after those that wait already or before them; none after the end, which closed the journal."""
        if self._ended:
            return
        if first:
            self._pending.appendleft(event)
        else:
            self._pending.append(event)
        if self._feeding:
            return
        self._feeding = True
        try:
            with self._journal.together():
                while self._pending:
                    self._feed(self._pending.popleft())
        finally:
            self._feeding = False
        self._alarm.set(self._stepper.next_wake_ns or None)

    def _feed(self, event: np.void) -> None:
        self.events += 1
        event["seq"] = self.events
        # Frames are stamped at the socket and may be taken after later news: the strategy's clock never goes back.
        event["local_ts"] = self._last_ns = max(int(event["local_ts"]) or time.time_ns(), self._last_ns)
        self._news_kind = int(event["kind"])
        self._journal.event(event)
        count = self._stepper.feed(event)
        if self._stepper.decided:
            self._journal.decision(self._last_ns, self._stepper.decision)
            self.meters.decided(self._stepper.decision)
            self._watch_kill(int(self._stepper.decision["kill"]))
        # `actions` is the strategy's own memory: copied before anything can feed it again
        for action in self._stepper.actions[:count].copy():
            self._act(action)
        if self.warm_up is not None and self.warm_up.feed(event, self._stepper):
            warm, self.warm_up = self.warm_up, None
            self._take_parameters(warm.document, warm.stepper)
        self.meters.fed(event, self.document.version)

    def _watch_kill(self, cause: int) -> None:
        """Have a kill of the strategy's own outlast the process, before its cancels are sent."""
        if cause and not self.kill:
            self.kill = cause
            log.error("the strategy threw its kill switch", cause=KILL_NAMES[cause])
            self._hooks.killed(cause)

    def _act(self, action: np.void) -> None:
        version = self.document.version
        client_id = self.orders.client_id(int(action["order_id"])) or new_client_id(self._start.token, version, action)
        order = live_order(action, self._stepper.decision, client_id, version)
        about = {"client_id": order.client_id, "version": order.version, "regime": order.regime}
        about["mid_ticks"] = order.mid_ticks
        self._journal.action(self._last_ns, {"seq": self.events, **action_fields(action), **about})
        if action["kind"] == CANCEL:
            self.orders.cancel(order.order_id)
            return
        reason = self._veto(order)
        if reason is None:
            order.news_ns, order.news_kind = self._last_ns, self._news_kind
            self.orders.place(order)
            return
        log.warning("veto", order_id=order.order_id, reason=reason)
        self._journal.veto(self._last_ns, order.order_id, reason)
        self.push(new_event(REJECT, order_id=order.order_id, code=REJECT_GUARD))

    def _veto(self, order: LiveOrder) -> str | None:
        if self.kill:
            return f"kill switch: thrown ({KILL_NAMES[self.kill]}), no order may go out"
        if self._holds:
            return f"held: {self._holds}"
        return self.account.veto(self._last_ns, order, self.orders.live)

    def now_ns(self) -> int:
        """Return the session's clock, which never goes back."""
        self._last_ns = max(time.time_ns(), self._last_ns)
        return self._last_ns

    def _on_timer(self) -> None:
        self.push(new_event(TIMER, local_ts=max(time.time_ns(), self._stepper.next_wake_ns)))

    def note_order(self, order: LiveOrder, what: str, detail: str = "", exch_ts: int = 0) -> None:
        """Journal a step in an order's life, with the venue's time of it where that was told."""
        self._journal.order(self.now_ns(), order_step(order, what, detail, exch_ts))

    def note_fill(self, order: LiveOrder, fill: OwnFill) -> None:
        """Journal an execution with the mid now and the mid and regime when its order was decided; book it."""
        self.account.books.ours.add(fill)
        mid_ticks = self.view()["mid_ticks"] or order.mid_ticks
        self._journal.fill(self.now_ns(), fill_record(order, fill, mid_ticks))
        log.info("fill", client_id=order.client_id, price_ticks=fill.price_ticks, qty_lots=fill.qty_lots)

    def listed_fill(self, fill: OwnFill) -> None:
        """Book an execution as the venue's own list has it."""
        self.account.books.venues.add(fill)

    def note_listed(self, trade_id: int) -> None:
        """Journal that no execution up to this one is missing from the journal."""
        self._journal.listed(self.now_ns(), trade_id)

    def outside_fill(self, fill: OwnFill) -> None:
        """Book an execution that is not of this session's orders; one of the last session's is journalled for it."""
        order = self._start.earlier(fill.client_id)
        if order is not None:
            self._journal.fill(self.now_ns(), fill_record(order, fill, order.mid_ticks))
        self.account.outside_fill(fill)
        self._hooks.outside_fill(fill)

    def failed(self, error: BaseException) -> None:
        """Stop the process in order: what failed is not understood."""
        self._hooks.failed(error)

    def view(self) -> dict[str, Any]:
        """Return the state of strategy and orders for people; nan becomes None."""
        found = self._stepper.snapshot().items()
        known = {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in found}
        version = {"version": self.document.version, "content_hash": self.document.content_hash}
        version["size_factor"] = size_factor(self.document)
        counts = {"open_orders": len(self.orders.live), "events": self.events, "fills": self.orders.fills}
        counts["order_faults"] = self.orders.faults
        return known | version | counts

    def end(self, reason: str) -> None:
        """Stop everything and write the journal's end; the file stays open."""
        self._ended = True
        self._alarm.cancel()
        self.orders.close()
        self._journal.end(self.now_ns(), reason)

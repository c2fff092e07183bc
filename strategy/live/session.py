"""One live session: every piece of news becomes an event, is journalled, then fed to the strategy, one at a time.

The handlers (`on_…`) run in one event loop and never await, so the loop itself is the queue: news is taken in the
order in which it arrives, and what an action brings back at once (a veto) is fed after the event that caused it.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import structlog

from strategy.kernel.jit import KERNEL_DIGEST
from strategy.kernel.records import (
    BALANCE,
    BUY,
    CANCEL,
    HALT,
    KILL,
    KILL_NAMES,
    NOT_KILLED,
    PARAMETERS,
    PURPOSE_NAMES,
    REJECT,
    REJECT_GUARD,
    TAKE,
    TIMER,
)
from strategy.live.desk import LiveOrder
from strategy.live.guard import Guard, Wish
from strategy.live.journal import JournalWriter, action_fields
from strategy.live.ledger import Ledger, ledger_event, ledger_of
from strategy.live.market_watch import MarketWatch
from strategy.live.orders import PREFIX, Orders
from strategy.live.session_start import SessionStart
from strategy.policies.document import ParameterDocument
from strategy.policies.stepper import Stepper, new_event
from strategy.venues.ports import Balance, Broker, OwnFill
from strategy.venues.units import Units

log = structlog.get_logger("session")

_ORDER_FIELDS: Final = ("client_id", "order_id", "version", "side", "level", "price_ticks", "qty_lots")


@dataclass(frozen=True, slots=True)
class Hooks:
    """What a session asks of the process around it."""

    resnapshot: Callable[[], None]
    refresh_balance: Callable[[], None]
    killed: Callable[[int], None]  # the strategy threw its kill switch: the cause, before anything is cancelled
    failed: Callable[[BaseException], None]


class Session:
    """The strategy between the market and our orders. See the module."""

    def __init__(
        self, start: SessionStart, stepper: Stepper, journal: JournalWriter, broker: Broker, hooks: Hooks
    ) -> None:
        """Take everything that is open; the journal's head is written here."""
        self.document = start.document
        self.events = 0
        self.halted = False
        self.kill = NOT_KILLED  # the kill switch's cause
        self._start, self._stepper, self._journal, self._hooks = start, stepper, journal, hooks
        units = Units(start.document.instrument.tick_size, start.document.instrument.lot_size)
        self._guard = Guard(start.limits, float(units.tick_size) * float(units.lot_size))
        self.orders = Orders(broker, self, start.last_trade_id)
        self._market = MarketWatch(start.document.instrument, start.stale_after_s, hooks.resnapshot)
        self._measure_depth()
        self._pending: deque[np.void] = deque()
        self._feeding = False
        self._last_ns = time.time_ns()
        self._timer: asyncio.TimerHandle | None = None
        self._write_head()

    def _write_head(self) -> None:
        head = {
            "session": self._start.session,
            "document": self.document.model_dump(mode="json"),
            "base_lots": self._start.balance.base_lots,
            "quote_atoms": self._start.balance.quote_atoms,
            "kernel_digest": KERNEL_DIGEST,
        }
        self._journal.session(self._last_ns, head)

    @property
    def name(self) -> str:
        """Return the session's name, as in the name of its journal."""
        return self._start.session

    def on_frame(self, local_ns: int, payload: bytes) -> None:
        """Take one frame of the market feed."""
        for event in self._market.frame(local_ns, payload):
            self.push(event)
        self._renew_book()
        self._market.ask(payload)

    def on_balance(self, balance: Balance) -> None:
        """Replace what the strategy believes to hold."""
        self.push(new_event(BALANCE, base_lots=balance.base_lots, quote_atoms=balance.quote_atoms))

    def on_ledger(self, ledger: Ledger | None) -> None:
        """Go on from what an earlier session's limits have counted."""
        if ledger is not None:
            self.push(ledger_event(ledger, self.document.instrument))

    def ledger(self) -> Ledger | None:
        """Return what the strategy's limits have counted so far."""
        return ledger_of(self._stepper, self.document.instrument)

    def on_parameters(self, document: ParameterDocument) -> None:
        """Run another version from the next event on; orders, inventory and cooldowns stay."""
        self._stepper.swap(document.parameters, document.version)
        self._measure_depth()
        self.document = document
        self._journal.parameters(self._last_ns, document, self.events + 1)
        self.push(new_event(PARAMETERS, code=document.version))
        log.info("parameters", version=document.version, content_hash=document.content_hash[:12])

    def on_halt(self, halted: bool, reason: str) -> None:
        """Cancel all and stay out, or come back in."""
        if halted != self.halted:
            self.halted = halted
            log.warning("halt" if halted else "resume", reason=reason)
            self.push(new_event(HALT, flag=int(halted)))

    def on_kill(self, cause: int, reason: str) -> None:
        """Throw the kill switch, or with cause 0 take that a person re-armed it; no news changes nothing."""
        if bool(cause) != bool(self.kill):
            self.kill = cause
            log.warning("killed" if cause else "re-armed", reason=reason)
            self.push(new_event(KILL, flag=int(cause != NOT_KILLED), code=cause))

    def check_stale(self) -> None:
        """Treat a book that has not moved for too long as unknown, by the hard limit and by the strategy's rule."""
        self._renew_book()
        for event in self._market.stale():
            self.push(event)

    def _renew_book(self) -> None:
        if self._stepper.needs_snapshot:
            self._market.begin_anew()

    def _measure_depth(self) -> None:
        self._market.measure_depth(self._stepper.depth_band_bps if self._stepper.needs_depth else None)

    def push(self, event: np.void) -> None:
        """Feed an event, after those that wait already."""
        self._pending.append(event)
        if self._feeding:
            return
        self._feeding = True
        try:
            while self._pending:
                self._feed(self._pending.popleft())
        finally:
            self._feeding = False
        self._arm()

    def _feed(self, event: np.void) -> None:
        self.events += 1
        event["seq"] = self.events
        # Frames are stamped at the socket and may be taken after later news: the strategy's clock never goes back.
        event["local_ts"] = self._last_ns = max(int(event["local_ts"]) or time.time_ns(), self._last_ns)
        self._journal.event(event)
        count = self._stepper.feed(event)
        if self._stepper.decided:
            self._journal.decision(self._last_ns, self._stepper.decision)
            self._watch_kill(int(self._stepper.decision["kill"]))
        # `actions` is the strategy's own memory: copied before anything can feed it again
        for action in self._stepper.actions[:count].copy():
            self._act(action)

    def _watch_kill(self, cause: int) -> None:
        """Have a kill of the strategy's own outlast the process, before its cancels are sent."""
        if cause and not self.kill:
            self.kill = cause
            log.error("the strategy threw its kill switch", cause=KILL_NAMES[cause])
            self._hooks.killed(cause)

    def _act(self, action: np.void) -> None:
        order = self._order(action)
        about = {"client_id": order.client_id, "version": order.version, "regime": order.regime}
        about["mid_ticks"] = order.mid_ticks
        self._journal.action(self._last_ns, {"seq": self.events, **action_fields(action), **about})
        if action["kind"] == CANCEL:
            self.orders.cancel(order.order_id)
            return
        reason = self._veto(order)
        if reason is None:
            self.orders.place(order)
            return
        log.warning("veto", order_id=order.order_id, reason=reason)
        self._journal.veto(self._last_ns, order.order_id, reason)
        self.push(new_event(REJECT, order_id=order.order_id, code=REJECT_GUARD))

    def _order(self, action: np.void) -> LiveOrder:
        """Return the order that an action is about, with mid and regime as they were decided."""
        decision = self._stepper.decision
        return LiveOrder(
            client_id=self._client_id(action),
            order_id=int(action["order_id"]),
            version=self.document.version,
            side=int(action["side"]),
            level=int(action["level"]),
            price_ticks=int(action["price_ticks"]),
            qty_lots=int(action["qty_lots"]),
            mid_ticks=float(decision["mid_ticks"]),
            regime=int(decision["regime"]),
            sent_ns=time.time_ns(),
            kind="ioc" if action["kind"] == TAKE else "post_only",
            purpose=int(action["purpose"]),
        )

    def _veto(self, order: LiveOrder) -> str | None:
        if self.kill:
            return f"kill switch: thrown ({KILL_NAMES[self.kill]}), no order may go out"
        wish = Wish(order.side, order.price_ticks, order.qty_lots, takes=order.kind == "ioc")
        ours = [(each.side, each.price_ticks) for each in self.orders.live]
        return self._guard.veto(self._last_ns, wish, order.mid_ticks, ours)

    def _client_id(self, action: np.void) -> str:
        """Return the id that the venue knows the order by: session, version, slot and number."""
        known = self.orders.client_id(int(action["order_id"]))
        side = "b" if action["side"] == BUY else "a"
        return (
            known or f"{PREFIX}{self._start.token}-{self.document.version}-{side}{action['level']}-{action['order_id']}"
        )

    def _now(self) -> int:
        self._last_ns = max(time.time_ns(), self._last_ns)
        return self._last_ns

    def _arm(self) -> None:
        """Have a TIMER fed at the moment the strategy asks for."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        wake = self._stepper.next_wake_ns
        if wake > 0:
            delay = max((wake - time.time_ns()) / 1e9, 0.001)
            self._timer = asyncio.get_running_loop().call_later(delay, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        try:
            self.push(new_event(TIMER, local_ts=max(time.time_ns(), self._stepper.next_wake_ns)))
        except Exception as error:  # noqa: BLE001 (a timer has no caller who would hear of it)
            self.failed(error)

    def note_order(self, order: LiveOrder, what: str, detail: str = "", exch_ts: int = 0) -> None:
        """Journal a step in an order's life, with the venue's time of it where that was told."""
        step: dict[str, Any] = {name: getattr(order, name) for name in _ORDER_FIELDS}
        step |= {"purpose": PURPOSE_NAMES[order.purpose], "maker": order.kind == "post_only"}
        self._journal.order(self._now(), {**step, "what": what, "detail": detail, "exch_ts": exch_ts})

    def note_fill(self, order: LiveOrder, fill: OwnFill) -> None:
        """Journal an execution with the mid now and the mid and regime when its order was decided."""
        self._journal.fill(
            self._now(),
            {
                "trade_id": fill.trade_id,
                "client_id": order.client_id,
                "order_id": order.order_id,
                "version": order.version,
                "side": order.side,
                "level": order.level,
                "purpose": PURPOSE_NAMES[order.purpose],
                "maker": fill.maker,
                "price_ticks": fill.price_ticks,
                "qty_lots": fill.qty_lots,
                "fee_base_lots": fill.fee_base_lots,
                "fee_quote_atoms": fill.fee_quote_atoms,
                "mid_ticks": self.view()["mid_ticks"] or order.mid_ticks,
                "quoted_mid_ticks": order.mid_ticks,
                "quoted_regime": order.regime,
                "exch_ts": fill.exch_ts,
            },
        )
        log.info("fill", client_id=order.client_id, price_ticks=fill.price_ticks, qty_lots=fill.qty_lots)

    def balance_changed(self, reason: str) -> None:
        """Have the holdings read anew."""
        log.warning("holdings changed from outside", reason=reason)
        self._hooks.refresh_balance()

    def failed(self, error: BaseException) -> None:
        """Stop the process in order: what failed is not understood."""
        self._hooks.failed(error)

    def view(self) -> dict[str, Any]:
        """Return the state of strategy and orders for people; nan becomes None."""
        found = self._stepper.snapshot().items()
        known = {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in found}
        version = {"version": self.document.version, "content_hash": self.document.content_hash}
        counts = {"open_orders": len(self.orders.live), "events": self.events, "fills": self.orders.fills}
        return known | version | counts

    def close(self, reason: str) -> None:
        """End the journal."""
        if self._timer is not None:
            self._timer.cancel()
        self.orders.close()
        self._journal.end(self._now(), reason)
        self._journal.close()

"""The replay's venue in real time: the market as it is received, our requests as they arrive, answers as they are due.

It runs behind our clock by the shortest response latency. So it knows by then what happened at the venue meanwhile, as
far as the feed is no slower than that, and no answer is late for it.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from strategy.kernel.borrowing import lend
from strategy.kernel.records import ACTION, CANCEL, PLACE, TAKE
from strategy.live.simulation.assumptions import Assumptions
from strategy.live.simulation.market_rows import MarketRows
from strategy.live.simulation.matching import Matched, match
from strategy.live.simulation.walk import (
    KEPT_ORDERS,
    ClockDifference,
    enter,
    forget_orders,
    in_flight,
    leave,
    pop_response,
)
from strategy.policies.document import Instrument
from strategy.replay.exchange import LIVE_ORDERS, Logs, Venue, new_logs, new_venue, with_room
from strategy.replay.rows import OPEN
from strategy.replay.run import set_window
from strategy.replay.tape import empty_tape, prepared
from strategy.venues.ports import OrderRequest

CAPACITY: Final = LIVE_ORDERS
_OFTEN_NS: Final = 1_000_000  # nothing is served for the market alone sooner than this after the last time


class SimulatedExchange:
    """One symbol's venue; every time that goes in or comes out is our clock's (ns)."""

    def __init__(self, instrument: Instrument, assumptions: Assumptions, now: Callable[[], int]) -> None:
        """Begin with an unknown book, in which every order is refused."""
        self._now = now
        self._market, self._clock = MarketRows(instrument), ClockDifference()
        config = assumptions.config(0.0, 0.0, 0)
        tape = prepared(empty_tape())
        self._venue: Venue = new_venue(tape, config.lines())
        self._logs: Logs = new_logs()
        self._behind_ns = min(assumptions.response_ns)
        set_window(self._venue.cursor[0], tape, config)
        self._served_ns = 0  # when that was, on the venue's clock
        self._forgotten = 0  # orders whose rows have gone: ids count them all the same

    @property
    def crowded(self) -> bool:
        """Say whether no further order may be sent: as many as can rest at once do, or are under way."""
        return self._open() >= CAPACITY

    def begin_after(self, trade_id: int) -> None:
        """Number executions on from here."""
        self._venue.cursor["trade_id"] = trade_id

    def frame(self, local_ns: int, payload: bytes) -> None:
        """Take one frame of the market."""
        self._market.frame(local_ns, payload)
        self._clock.learn(self._market)

    def place(self, request: OrderRequest) -> int:
        """Send an order and return the number by which answers name it."""
        cursor = self._venue.cursor[0]
        row = self._logs.orders[int(cursor["orders"])]
        row["order_id"] = cursor["orders"] + 1
        row["side"], row["price_ticks"], row["qty_lots"] = request.side, request.price_ticks, request.qty_lots
        row["placed_ns"], row["filled_lots"], row["ended_ns"], row["outcome"] = self._venue_ns(), 0, 0, OPEN
        for name in ("version", "level", "purpose", "regime", "mid_ticks"):
            row[name] = 0  # the strategy's own business
        cursor["orders"] += 1
        self._send(TAKE if request.kind == "ioc" else PLACE, row)
        return int(row["order_id"]) + self._forgotten

    def cancel(self, order_id: int) -> None:
        """Send a cancel; of an order that has gone by the time it arrives nothing more is heard."""
        self._send(CANCEL, self._logs.orders[order_id - self._forgotten - 1])

    def answers(self) -> Iterator[np.void]:
        """Yield the answers that have reached us by now, as the kernel's events."""
        self._advance()
        cursor, now = self._venue.cursor[0], self._venue_ns()
        while cursor["first_response"] < cursor["last_response"]:
            if self._logs.responses[int(cursor["first_response"])]["local_ts"] > now:
                return
            answer = pop_response(cursor, self._logs)
            answer["order_id"] += self._forgotten
            yield answer

    @property
    def due_ns(self) -> int | None:
        """Return when there is something to be served or the next answer is here; None while there is neither."""
        cursor, first_ns = self._venue.cursor[0], self._market.first_ns(self._clock.ns)
        due = [] if first_ns is None else [max(first_ns + self._behind_ns, self._served_ns + _OFTEN_NS)]
        if cursor["first_request"] < cursor["last_request"]:
            due.append(int(self._logs.requests[int(cursor["first_request"])]["arrives_ns"]) + self._behind_ns)
        if cursor["first_response"] < cursor["last_response"]:
            due.append(int(self._logs.responses[int(cursor["first_response"])]["local_ts"]))
        return min(due) + self._clock.ns if due else None

    def _send(self, kind: int, row: np.void) -> None:
        """Put a request on the line; none arrives before the one sent before it (strategy.replay.latency)."""
        cursor, entry_ns = self._venue.cursor[0], self._venue.latencies.entry_ns
        due = self._venue_ns() + int(entry_ns[int(cursor["requests_sent"]) % len(entry_ns)])
        cursor["requests_sent"] += 1
        cursor["last_arrives_ns"] = max(int(cursor["last_arrives_ns"]), due)
        request = self._logs.requests[int(cursor["last_request"])]
        request["arrives_ns"] = cursor["last_arrives_ns"]
        action: Any = np.zeros(1, ACTION)[0]
        action["kind"] = kind
        for name in ("order_id", "side", "price_ticks", "qty_lots"):
            action[name] = row[name]
        request["action"] = action
        cursor["last_request"] += 1
        self._venue, self._logs = with_room(self._venue, self._logs)

    def _advance(self) -> None:
        cursor, self._served_ns = self._venue.cursor[0], self._venue_ns()
        tape, _ = self._market.tape(self._clock.ns)
        enter(cursor, tape, self._served_ns - self._behind_ns + 1)
        while not match(lend(Matched(tape, self._venue, self._logs))):
            self._venue, self._logs = with_room(self._venue, self._logs)
        cursor = self._venue.cursor[0]
        cursor["fills"] = 0
        leave(cursor, self._market, tape)
        self._forget()

    def _forget(self) -> None:
        """Let the rows of orders go that are over."""
        if self._venue.cursor[0]["orders"] > KEPT_ORDERS:
            last = int(self._venue.cursor[0]["orders"]) + 1
            oldest = min([last, *in_flight(self._venue, self._logs)])
            self._forgotten += forget_orders(self._venue, self._logs, oldest)

    def _open(self) -> int:
        orders = self._logs.orders[: int(self._venue.cursor[0]["orders"])]
        return int(np.count_nonzero(orders["outcome"] == OPEN))

    def _venue_ns(self) -> int:
        return self._now() - self._clock.ns

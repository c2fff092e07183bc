"""One version in the shadow: the replay's own walk over the market as it comes, in pieces, some seconds behind.

The walk is `strategy.replay.reference`'s loop, so what a shadow does is what a replay of the same frames does. It stays
behind the clock so that nothing of the venue's time turns up after it has gone by; nobody waits for a shadow.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from strategy.kernel.borrowing import lend
from strategy.kernel.records import CANCELLING, EVENT, PENDING, QUOTED
from strategy.live.simulation.assumptions import Assumptions
from strategy.live.simulation.market_rows import MarketRows
from strategy.live.simulation.walk import KEPT_ORDERS, ClockDifference, enter, forget_orders, in_flight, info_of, leave
from strategy.policies.composition import compose, policy_names
from strategy.policies.document import ParameterDocument
from strategy.policies.packing import atom_size
from strategy.replay.exchange import with_room
from strategy.replay.reference import LOOP, Walked, walk
from strategy.replay.rows import OPEN, SAMPLE_ROW
from strategy.replay.run import Run, new_run
from strategy.replay.tape import empty_tape, prepared
from strategy.venues.ports import Balance

Told = tuple[str, np.void]  # fill, order or sample, and its row


class Shadow:
    """A version, its market, and the venue that it alone trades on."""

    def __init__(self, document: ParameterDocument, assumptions: Assumptions, holdings: Balance) -> None:
        """Begin with these holdings and no orders; the book is unknown until a snapshot comes by."""
        self.document = document
        instrument, parameters = document.instrument, document.parameters
        base = holdings.base_lots * float(instrument.lot_size)
        quote = holdings.quote_atoms * float(atom_size(instrument))
        self.config = assumptions.config(max(base, 0.0), max(quote, 0.0), document.version)
        self.market = MarketRows(instrument, parameters.risk.depth_band_bps if parameters.needs_depth else None)
        self.clock = ClockDifference()
        self._run: Run | None = None
        self._room = np.zeros(2, EVENT)
        self._loop = compose(LOOP, policy_names(parameters)).run
        self._forgotten = 0  # orders whose rows have gone: what is told counts them
        self._untold = 0  # the first order whose end has not been told
        self._told: set[int] = set()  # ... and those after it that have

    def frame(self, local_ns: int, payload: bytes) -> None:
        """Take one frame of the feed."""
        self.market.frame(local_ns, payload)
        if not self.clock.settled:
            self.clock.learn(self.market)
        self.market.differences.clear()

    @property
    def started(self) -> bool:
        """Say whether the walk has begun: the clocks' difference is settled then, for good."""
        return self._run is not None

    def walk(self, until_ns: int) -> list[Told]:
        """Walk up to a time of our clock and return what has happened since; () while the clocks are not settled."""
        if not self.clock.settled:
            return []
        tape, depth = self.market.tape(self.clock.ns)
        if self._run is None:
            self._run = new_run(tape, info_of(self.document.instrument), self.document.parameters, self.config)
        run, cursor = self._run, self._run.venue.cursor[0]
        enter(cursor, tape, until_ns - self.clock.ns)
        held = Walked(tape, depth, run.state, run.params, run.out, run.venue, run.logs, self._room)
        while not self._loop(lend(held)):
            run.venue, run.logs = with_room(run.venue, run.logs)
            held = held._replace(venue=run.venue, logs=run.logs)
        leave(cursor, self.market, tape)
        told = list(self._news(run))
        self._forget(run)
        return told

    def still_open(self) -> list[Told]:
        """Return the orders that rest, or are under way, where the walk stands; for one that goes no further."""
        if self._run is None:
            return []
        cursor = self._run.venue.cursor[0]
        orders = self._run.logs.orders[: cursor["orders"]]
        rest = [self._numbered(row) for row in orders[orders["outcome"] == OPEN]]
        for row in rest:
            row["ended_ns"] = cursor["end_ns"]
        return [("order", row) for row in rest]

    def last_sample(self) -> list[Told]:
        """Return mid, sigma and holdings where the walk stands; for one that goes no further."""
        if self._run is None:
            return []
        cursor, core = self._run.venue.cursor[0], self._run.state.core[0]
        row = np.zeros(1, SAMPLE_ROW)[0]
        row["ts"] = cursor["end_ns"]
        for record, names in ((cursor, ("mid_ticks", "base_lots", "quote_atoms")), (core, ("sigma", "regime"))):
            for name in names:
                row[name] = record[name]
        return [("sample", row)]

    def _news(self, run: Run) -> Iterator[Told]:
        """Yield rows written since the last time, and let the logs begin anew; an order is told when it is over."""
        cursor, logs = run.venue.cursor[0], run.logs
        for row in logs.fills[: cursor["fills"]]:
            yield "fill", self._numbered(row)
        orders = logs.orders[: cursor["orders"]]
        for i in range(self._untold, len(orders)):
            if orders[i]["outcome"] != OPEN and i not in self._told:
                self._told.add(i)
                yield "order", self._numbered(orders[i])
        while self._untold in self._told:
            self._told.remove(self._untold)
            self._untold += 1
        for row in logs.samples[: cursor["samples"]]:
            yield "sample", row.copy()
        cursor["fills"] = cursor["samples"] = 0

    def _numbered(self, row: np.void) -> np.void:
        told = row.copy()
        told["order_id"] += self._forgotten
        return told

    def _forget(self, run: Run) -> None:
        """Let the rows of orders go that are over, told, and known to the strategy as such."""
        if self._untold < KEPT_ORDERS:
            return
        slots, core = run.state.slots, run.state.core
        busy = slots["order_id"][np.isin(slots["state"], (PENDING, QUOTED, CANCELLING))].tolist()
        less = forget_orders(run.venue, run.logs, min([self._untold + 1, *busy, *in_flight(run.venue, run.logs)]))
        slots["order_id"] = np.maximum(slots["order_id"] - less, 0)
        core["next_order_id"] -= less
        self._forgotten += less
        self._untold -= less
        self._told = {i - less for i in self._told}


def compile_shadow(document: ParameterDocument, assumptions: Assumptions) -> None:
    """Compile, or load, what a shadow of these policies runs on."""
    config: Any = assumptions.config(0.0, 0.0, document.version)
    walk(prepared(empty_tape()), info_of(document.instrument), document.parameters, config)

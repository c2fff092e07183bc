"""What the shadow's walk and the simulated venue share: rows of the market as a tape, piece by piece, and flat logs."""

from typing import Final

import numpy as np

from strategy.kernel.records import EVENT
from strategy.kernel.state import Records
from strategy.live.simulation.market_rows import MarketRows
from strategy.policies.document import Instrument
from strategy.replay.exchange import Logs, Venue
from strategy.replay.rows import OPEN
from strategy.replay.tape import Tape, TapeInfo

KEPT_ORDERS: Final = 2_000  # rows of orders before those that are over go
SETTLED: Final = 100  # messages by whose times the clocks' difference is known well enough


class ClockDifference:
    """How far our clock is ahead of the venue's, with the shortest feed latency in it, as a tape has it."""

    def __init__(self) -> None:
        """Begin with nothing known."""
        self.ns = 0
        self.known = 0  # messages that it is the smallest of

    @property
    def settled(self) -> bool:
        """Say whether enough messages were seen to hold on to it."""
        return self.known >= SETTLED

    def learn(self, market: MarketRows) -> None:
        """Take the messages that have come since the last time."""
        if market.differences:
            smallest = min(market.differences)
            self.ns = smallest if self.known == 0 else min(self.ns, smallest)
            self.known += len(market.differences)
            market.differences.clear()


def info_of(instrument: Instrument) -> TapeInfo:
    """Return what a tape that has no end yet is of."""
    return TapeInfo(**instrument.model_dump(), start_ns=0, end_ns=0, clock_offset_ns=0, lake_snapshot=0, fingerprint="")


def enter(cursor: np.void, tape: Tape, end_ns: int) -> None:
    """Make a venue that stands at the first row ready to be walked up to a time, which never goes back."""
    cursor["widest"] = np.diff(tape.level_start).max(initial=0) + 1
    cursor["end_ns"] = max(end_ns, int(cursor["now"]))


def leave(cursor: np.void, market: MarketRows, tape: Tape) -> None:
    """Drop the rows that both clocks have passed; the cursor then counts from the first that is kept."""
    passed = [int(min(cursor[f"exch_{kind}"], cursor[f"local_{kind}"])) for kind in ("update", "trade", "gap")]
    market.drop(tape, *passed)
    for kind, count in zip(("update", "trade", "gap"), passed, strict=True):
        for clock in ("exch", "local"):
            cursor[f"{clock}_{kind}"] -= count


def in_flight(venue: Venue, logs: Logs) -> list[int]:
    """Return the ids of orders that venue or lines still know of."""
    cursor = venue.cursor[0]
    orders = logs.orders[: cursor["orders"]]
    requests = logs.requests[cursor["first_request"] : cursor["last_request"]]["action"]
    responses = logs.responses[cursor["first_response"] : cursor["last_response"]]
    known = [orders["order_id"][orders["outcome"] == OPEN], requests["order_id"], responses["order_id"]]
    return [int(order_id) for ids in known for order_id in ids.tolist()]


def forget_orders(venue: Venue, logs: Logs, oldest: int) -> int:
    """Forget all orders before `oldest` and count the others from 1; return by how much every id has fallen.

    An order's id is its row, so memory would grow with every order for as long as a session lasts.
    """
    cursor, less = venue.cursor[0], oldest - 1
    if less <= 0:
        return 0
    used = int(cursor["orders"])
    kept = logs.orders[less:used].copy()
    logs.orders[: len(kept)] = kept
    cursor["orders"] = used - less
    requests = logs.requests[cursor["first_request"] : cursor["last_request"]]
    for table, field in (
        (logs.orders[: len(kept)], "order_id"),
        (venue.live[: cursor["live"]], "order_id"),
        (requests["action"], "order_id"),
        (logs.responses[cursor["first_response"] : cursor["last_response"]], "order_id"),
    ):
        table[field] -= less
    return less


def pop_response(cursor: np.void, logs: Logs) -> np.void:
    """Take the first answer off the line back."""
    event: Records = np.zeros(1, EVENT)
    event[0] = logs.responses[int(cursor["first_response"])]
    cursor["first_response"] += 1
    if cursor["first_response"] == cursor["last_response"]:
        cursor["first_response"] = cursor["last_response"] = 0
    answer: np.void = event[0]
    return answer

"""The simulated venue's memory: its book, our orders in it, and the two lines to and from the strategy."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from strategy.kernel.book import Book, grown, new_book
from strategy.kernel.records import ACTION, DECISION, EVENT
from strategy.kernel.state import SLOTS, Records
from strategy.replay.latency import Latencies, checked, constant
from strategy.replay.memory import leased
from strategy.replay.orders import KINDS, REGIMES
from strategy.replay.rows import FILL_ROW, ORDER_ROW, SAMPLE_ROW
from strategy.replay.tape import Tape

LIVE_ORDERS: Final = SLOTS  # a slot's next order is sent only when its last one is known to be gone
LIGHT: Final = 64  # levels a side of a book that stays empty
MARGIN: Final = 2 * SLOTS  # rows that one turn of the loop can append to any log, but for an order that takes:
FEW: Final = 4 * MARGIN  # rows that logs begin with where nobody says
SWEPT: Final = ("fills", "responses")  # ... each level it fills from appends one row to these

LIVE = np.dtype(
    [
        ("order_id", "i8"),
        ("side", "i1"),
        ("price_ticks", "i8"),
        ("leaves_lots", "i8"),
        ("queue_ahead", "f8"),  # lots; whole under risk_averse
        ("shown", "i8"),  # displayed at its price as last told by a row of an update, at first on arrival
        ("traded", "i8"),  # printed at its price since then
        # the skip driver alone: updates seen on arrival; whether it has joined its queue, and its price's rows to come
        ("since", "i8"),
        ("joined", "i1"),
        ("entry", "i8"),
        ("end", "i8"),
    ],
    align=True,
)

REQUEST = np.dtype([("arrives_ns", "i8"), ("action", ACTION)], align=True)

# Where each source stands, what the venue knows, and what is constant over a run.
CURSOR = np.dtype(
    [
        ("now", "i8"),
        ("end_ns", "i8"),
        ("start_ns", "i8"),
        ("exch_trade", "i8"),
        ("exch_gap", "i8"),
        ("exch_update", "i8"),
        ("local_trade", "i8"),
        ("local_gap", "i8"),
        ("local_update", "i8"),
        ("next_sample_ns", "i8"),
        ("sample_ns", "i8"),
        ("requests_sent", "i8"),
        ("responses_sent", "i8"),
        ("last_arrives_ns", "i8"),  # when the last request reaches the venue: none arrives before it
        ("last_reaches_ns", "i8"),  # ... and the last answer the strategy
        ("queue_model", "i1"),  # strategy.replay.queue_models
        ("queue_exponent", "f8"),
        ("maker_fee", "f8"),  # fractions
        ("taker_fee", "f8"),
        ("record_decisions", "i1"),
        ("record_events", "i1"),
        ("record_orders", "i1"),
        ("started", "i1"),  # the strategy has seen its first book
        ("known", "i1"),  # the venue's book is known: no gap since the last fresh update
        ("bid_ticks", "i8"),
        ("ask_ticks", "i8"),
        ("mid_ticks", "f8"),  # the last mid of a book that was neither crossed nor empty
        ("start_mid_ticks", "f8"),
        ("widest", "i8"),  # more levels than any one update changes
        ("live", "i8"),
        ("seq", "i8"),
        ("trade_id", "i8"),
        ("base_lots", "f8"),
        ("quote_atoms", "f8"),
        ("next_fresh", "i8"),  # the skip driver alone: the next of the tape's fresh updates
        ("clear_bin", "i8"),  # ... and the bin before which nothing touches the orders that rest now
        ("first_request", "i8"),
        ("last_request", "i8"),
        ("first_response", "i8"),
        ("last_response", "i8"),
        ("fills", "i8"),
        ("orders", "i8"),
        ("samples", "i8"),
        ("decisions", "i8"),
        ("events", "i8"),
    ],
    align=True,
)


class Venue(NamedTuple):
    """The venue: `live` rows [0, cursor.live) are our resting orders in the order of their arrival."""

    cursor: Records  # (1,) CURSOR
    book: Book
    live: Records  # (LIVE_ORDERS,) LIVE
    latencies: Latencies


class Logs(NamedTuple):
    """Growing tables; the cursor says how many rows of each are in use. Queues run from first to last."""

    requests: Records  # REQUEST: the strategy's actions under way to the venue
    responses: Records  # EVENT: the venue's answers under way back; local_ts is when they arrive
    fills: Records
    orders: Records
    samples: Records
    decisions: Records
    events: Records
    counts: NDArray[np.int64]  # (REGIMES, KINDS) of orders (strategy.replay.orders)


USED: Final = {
    "requests": "last_request",
    "responses": "last_response",
    "fills": "fills",
    "orders": "orders",
    "samples": "samples",
    "decisions": "decisions",
    "events": "events",
}


def new_venue(tape: Tape, latencies: Latencies | None = None, light: bool = False) -> Venue:
    """Return a venue with an empty book; without latencies it is reached and heard at once.

    The book of a `light` one stays empty: nobody applies updates to it.
    """
    lines = constant(0, 0) if latencies is None else checked(latencies)
    venue = Venue(np.zeros(1, CURSOR), new_book(LIGHT) if light else new_book(), np.zeros(LIVE_ORDERS, LIVE), lines)
    venue.cursor["record_orders"] = 1
    venue.cursor["widest"] = 1 if light else np.diff(tape.level_start).max(initial=0) + 1
    return venue


def new_logs(orders: int = FEW, fills: int = FEW, samples: int = FEW) -> Logs:
    """Return empty logs with room for so many rows; 0 orders where they are not recorded. The others start small.

    What is appended is written in full, but for answers and the rows of orders that are not recorded: those need zeros
    to begin with.
    """
    return Logs(
        requests=np.empty(FEW, REQUEST),
        responses=np.zeros(FEW, EVENT),
        fills=leased(fills, FILL_ROW),
        orders=np.zeros(FEW, ORDER_ROW) if orders == 0 else leased(orders, ORDER_ROW),
        samples=leased(samples, SAMPLE_ROW),
        decisions=np.empty(FEW, DECISION),
        events=np.empty(FEW, EVENT),
        counts=np.zeros((REGIMES, KINDS), np.int64),
    )


def with_room(venue: Venue, logs: Logs) -> tuple[Venue, Logs]:
    """Return venue and logs with room for many more turns of the loop; what is in use stays."""
    cursor, book = venue.cursor[0], venue.book
    deepest = int(book.counts.max())
    while deepest + cursor["widest"] >= len(book.bids):
        book = grown(book)
    larger: dict[str, Any] = {}
    for name, used in USED.items():
        spare = MARGIN + (deepest if name in SWEPT else 0)
        empty = np.zeros if name == "responses" else leased
        larger[name] = _with_room(getattr(logs, name), int(cursor[used]), spare, empty)
    return venue._replace(book=book), logs._replace(**larger)


def _with_room(table: Records, used: int, spare: int, empty: Callable[..., Records]) -> Records:
    rows = len(table)
    while used + spare >= rows:
        rows *= 2
    if rows == len(table):
        return table
    larger = empty(rows, table.dtype)
    larger.view(np.uint8)[: used * table.itemsize] = table[:used].view(np.uint8)  # records one by one are slow
    return larger

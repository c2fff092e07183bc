"""The venue's side of the replay alone: the market and our requests in the order of the venue's clock."""

from typing import Any, NamedTuple

from strategy.kernel.jit import jit, jit_entry
from strategy.replay.exchange import Logs, Venue
from strategy.replay.loop import EXCH_GAP, EXCH_TRADE, EXCH_UPDATE, REQUEST, has_room, serve_venue, time_at
from strategy.replay.tape import Tape


class Matched(NamedTuple):
    """All that the loop reads and writes."""

    tape: Tape
    venue: Venue
    logs: Logs


@jit
def next_at_venue(tape: Any, venue: Any, logs: Any) -> tuple[int, int]:
    """Return (time, source) of what the venue sees next; at equal times in the order of the sources' numbers."""
    c = venue.cursor[0]
    due, source = time_at(tape.trade_exch, c["exch_trade"]), EXCH_TRADE
    at = time_at(tape.gap_exch, c["exch_gap"])
    if at < due:
        due, source = at, EXCH_GAP
    at = time_at(tape.update_exch, c["exch_update"])
    if at < due:
        due, source = at, EXCH_UPDATE
    if c["first_request"] < c["last_request"]:
        at = logs.requests[c["first_request"]]["arrives_ns"]
        if at < due:
            due, source = at, REQUEST
    return due, source


@jit_entry
def match(held: Any) -> bool:
    """Serve the venue until its cursor's `end_ns` and return True; False when a log needs more room.

    `held` is a `Matched` that Python lends. Rows that were served are passed: no strategy lags behind here.
    """
    tape, venue, logs = held.tape, held.venue, held.logs
    c = venue.cursor[0]
    while has_room(venue, logs):
        due, source = next_at_venue(tape, venue, logs)
        if due >= c["end_ns"]:
            c["local_trade"], c["local_gap"], c["local_update"] = c["exch_trade"], c["exch_gap"], c["exch_update"]
            return True
        c["now"] = max(c["now"], due)
        serve_venue(tape, venue, logs, source)
    return False

"""The reference driver's loop: every event of the tape in time order, through the composed `step`.

Two clocks on one axis. The venue matches on exchange time; the strategy acts on local time. At equal times the
order is: public trade, gap, depth update, arrival of our request (all at the venue); then at the strategy trade, gap,
depth update, the venue's answer, timer; then the sample. So a request meets the book as the update at that moment
leaves it, a fill before a cancel of the same moment, and a timer sees all the news of its moment.

The loop allocates nothing. When a log is nearly full it returns, and is called again with more room.
"""

from typing import Any, Final

from strategy.kernel.jit import jit, jit_entry
from strategy.kernel.records import CANCEL, GAP, TIMER
from strategy.kernel.step import step
from strategy.replay.exchange import MARGIN
from strategy.replay.feed import fetch_book, fetch_trade
from strategy.replay.fill_model import on_gap, on_request, on_trade, on_update
from strategy.replay.index import NEVER
from strategy.replay.latency import arrival
from strategy.replay.orders import write_order

# Sources, in the order in which equal times are served.
EXCH_TRADE: Final = 0
EXCH_GAP: Final = 1
EXCH_UPDATE: Final = 2
REQUEST: Final = 3
LOCAL_TRADE: Final = 4
LOCAL_GAP: Final = 5
LOCAL_UPDATE: Final = 6
RESPONSE: Final = 7
WAKE: Final = 8
SAMPLE: Final = 9


@jit
def time_at(times: Any, i: int) -> int:
    """Return times[i], NEVER past the end."""
    return int(times[i]) if i < len(times) else NEVER


@jit
def next_public(tape: Any, c: Any) -> tuple[int, int]:
    """Return (time, source) of the tape's next event at the venue or at the strategy."""
    due, source = time_at(tape.trade_exch, c["exch_trade"]), EXCH_TRADE
    at = time_at(tape.gap_exch, c["exch_gap"])
    if at < due:
        due, source = at, EXCH_GAP
    at = time_at(tape.update_exch, c["exch_update"])
    if at < due:
        due, source = at, EXCH_UPDATE
    at = time_at(tape.trade_local, c["local_trade"])
    if at < due:
        due, source = at, LOCAL_TRADE
    at = time_at(tape.gap_local, c["local_gap"])
    if at < due:
        due, source = at, LOCAL_GAP
    at = time_at(tape.update_local, c["local_update"])
    if at < due:
        due, source = at, LOCAL_UPDATE
    return due, source


@jit
def look_ahead(tape: Any, state: Any, venue: Any, logs: Any) -> tuple[int, int]:
    """Return (time, source) of what happens next; sources are numbered in the order in which equal times are served."""
    c = venue.cursor[0]
    due, source = next_public(tape, c)
    if c["first_request"] < c["last_request"]:
        at = logs.requests[c["first_request"]]["arrives_ns"]
        if at < due or (at == due and source > REQUEST):
            due, source = at, REQUEST
    if c["first_response"] < c["last_response"]:
        at = logs.responses[c["first_response"]]["local_ts"]
        if at < due:
            due, source = at, RESPONSE
    at = state.core[0]["next_wake_ns"]
    if 0 < at < due:
        due, source = at, WAKE
    if c["next_sample_ns"] < due:
        due, source = c["next_sample_ns"], SAMPLE
    return due, source


@jit
def has_room(venue: Any, logs: Any) -> bool:
    """Return whether every log, and the book, can take what one turn may add."""
    c = venue.cursor[0]
    deepest = max(venue.book.counts[0], venue.book.counts[1])
    sweep = MARGIN + deepest
    swept = c["fills"] + sweep < len(logs.fills) and c["last_response"] + sweep < len(logs.responses)
    orders = c["last_request"] + MARGIN < len(logs.requests) and c["orders"] + MARGIN < len(logs.orders)
    records = c["decisions"] + MARGIN < len(logs.decisions) and c["events"] + MARGIN < len(logs.events)
    samples = c["samples"] + MARGIN < len(logs.samples)
    return bool(swept and orders and records and samples and deepest + c["widest"] < len(venue.book.bids))


@jit_entry
def run(held: Any) -> bool:
    """Walk until the window ends and return True; False when a log needs more room, with all progress kept.

    `held` is a `Walked` that Python lends.
    """
    tape, depth, room = held.tape, held.depth, held.room
    state, params, out, venue, logs = held.state, held.params, held.out, held.venue, held.logs
    c = venue.cursor[0]
    while has_room(venue, logs):
        due, source = look_ahead(tape, state, venue, logs)
        if due >= c["end_ns"]:
            return True
        c["now"] = max(c["now"], due)
        if source <= REQUEST:
            serve_venue(tape, venue, logs, source)
        elif source == SAMPLE:
            write_sample(state, venue, logs)
        elif fetch(tape, depth, state.core[0], venue, logs, source, room):
            serve_strategy(state, params, out, venue, logs, room[0])
    return False


@jit
def serve_venue(tape: Any, venue: Any, logs: Any, source: int) -> None:
    """Let the venue take one public event or one request of ours."""
    c = venue.cursor[0]
    if source == EXCH_TRADE:
        i = c["exch_trade"]
        on_trade(venue, logs, tape.trade_side[i], tape.trade_ticks[i], tape.trade_lots[i])
        c["exch_trade"] += 1
    elif source == EXCH_GAP:
        on_gap(venue, logs)
        c["exch_gap"] += 1
    elif source == EXCH_UPDATE:
        on_update(venue, logs, tape, c["exch_update"])
        c["exch_update"] += 1
    else:
        on_request(venue, logs, logs.requests[c["first_request"]]["action"])
        pass_request(c)


@jit
def pass_request(c: Any) -> None:
    """Take the first request off the line; an empty line starts anew."""
    c["first_request"] += 1
    if c["first_request"] == c["last_request"]:
        c["first_request"] = 0
        c["last_request"] = 0


@jit
def pass_response(c: Any) -> None:
    """Take the first answer off the line back."""
    c["first_response"] += 1
    if c["first_response"] == c["last_response"]:
        c["first_response"] = 0
        c["last_response"] = 0


@jit
def fetch(tape: Any, depth: Any, core: Any, venue: Any, logs: Any, source: int, room: Any) -> bool:
    """Write the strategy's next event into room[0]; False when the strategy does not see it (no book yet)."""
    c = venue.cursor[0]
    if source == RESPONSE:
        room[0] = logs.responses[c["first_response"]]
        pass_response(c)
        return True
    room[0] = room[1]
    event = room[0]
    event["local_ts"] = c["now"]
    event["exch_ts"] = c["now"]
    if source == LOCAL_UPDATE:
        return fetch_book(tape, depth, core, c, event)
    if source == LOCAL_TRADE:
        fetch_trade(tape, c["local_trade"], event)
        c["local_trade"] += 1
    elif source == LOCAL_GAP:
        event["kind"] = GAP
        event["exch_ts"] = tape.gap_exch[c["local_gap"]]
        c["local_gap"] += 1
    else:
        event["kind"] = TIMER
    return True


@jit
def serve_strategy(state: Any, params: Any, out: Any, venue: Any, logs: Any, event: Any) -> None:
    """Feed one event and send what the strategy decides."""
    c = venue.cursor[0]
    c["seq"] += 1
    event["seq"] = c["seq"]
    if c["record_events"] == 1:
        logs.events[c["events"]] = event
        c["events"] += 1
    count = step(state, params, event, out)
    if c["record_decisions"] == 1 and out.decided[0] == 1:
        logs.decisions[c["decisions"]] = out.decision[0]
        c["decisions"] += 1
    for i in range(count):
        send(state, venue, logs, out.actions[i])


@jit
def send(state: Any, venue: Any, logs: Any, action: Any) -> None:
    """Put an action on the line to the venue; an order gets its row."""
    c = venue.cursor[0]
    logs.requests[c["last_request"]]["arrives_ns"] = arrival(venue)
    logs.requests[c["last_request"]]["action"] = action
    c["last_request"] += 1
    if action["kind"] != CANCEL:
        write_order(state.core[0], c, logs, action, c["now"])


@jit
def write_sample(state: Any, venue: Any, logs: Any) -> None:
    """Append a sample."""
    c, core = venue.cursor[0], state.core[0]
    row = logs.samples[c["samples"]]
    row["ts"] = c["next_sample_ns"]
    row["mid_ticks"] = c["mid_ticks"]
    row["sigma"] = core["sigma"]
    row["regime"] = core["regime"]
    row["base_lots"] = c["base_lots"]
    row["quote_atoms"] = c["quote_atoms"]
    c["samples"] += 1
    c["next_sample_ns"] += c["sample_ns"]

"""The skip driver's loop: from one moment at which anything can happen to the next.

What happens at such a moment is decided by the functions that decide it in the reference driver too: the kernel's
`decide` and `act`, the venue's conditions of strategy.replay.fill_model, the order of equal times of
strategy.replay.loop. Only what lies between is not walked: the venue's market is looked up, the strategy's is taken
from a track, and updates that change nothing (strategy.replay.skip_quiet) are passed over.
"""

import math
from typing import Any

from strategy.kernel.act import act
from strategy.kernel.borrowing import lent_at
from strategy.kernel.contract import signals_observe
from strategy.kernel.jit import jit, jit_apart, jit_entry
from strategy.kernel.news import take_order_news
from strategy.kernel.quotes import entry_at
from strategy.kernel.records import (
    ACK,
    BUY,
    FILL,
    GAP,
    MAX_LEVELS,
    PENDING,
    QUOTED,
)
from strategy.kernel.risk import BLOCKING
from strategy.kernel.slots import sooner
from strategy.kernel.step import decide, desk_of, rules_of
from strategy.replay.index import NEVER, first_at
from strategy.replay.loop import (
    EXCH_GAP,
    EXCH_TRADE,
    EXCH_UPDATE,
    LOCAL_GAP,
    LOCAL_TRADE,
    LOCAL_UPDATE,
    REQUEST,
    RESPONSE,
    SAMPLE,
    WAKE,
    has_room,
    pass_request,
    pass_response,
    send,
)
from strategy.replay.skip_market import catch_market, take_flags
from strategy.replay.skip_next import next_moment, silent_at
from strategy.replay.skip_prices import waits
from strategy.replay.skip_renew import renew
from strategy.replay.skip_samples import write_samples
from strategy.replay.skip_signals import blank, observe, observe_update
from strategy.replay.skip_state import OWN, SEEN
from strategy.replay.skip_venue import serve_gap, serve_request, serve_trade, serve_update, stand_through
from strategy.replay.track import GAP_POINT, UPDATE_POINT


@jit_entry
def run(market: Any, held: Any, markets: Any, sets: Any, ends: Any, first: int, end_ns: int) -> int:
    """Take sets on to `end_ns`, or each to its own end, from the first on; return how many are there.

    Where that is not all, the next one's logs need more room. `market` and `held` (a `Skipped`) are lent by Python, and
    say what lies at the places that `markets` and `sets` tell.
    """
    for i in range(first, len(ends)):
        if not run_one(lent_at(market, markets, i), lent_at(held, sets, i), min(ends[i], end_ns)):
            return i
    return len(ends)


@jit_apart
def run_one(market: Any, held: Any, end_ns: int) -> bool:
    """Go on until `end_ns` and return True; False when a log needs more room, with all progress kept.

    What is long is called from one place alone: everything is compiled into one function, once for each place.
    """
    state, params, out, skip = held.state, held.params, held.out, held.skip
    tape, index, track, venue, logs = market.tape, market.indexed, market.track, held.venue, held.logs
    c, core, place = venue.cursor[0], state.core[0], skip.place[0]
    while has_room(venue, logs):
        source, row = at_once(c, place, logs), 0
        if source == SAMPLE:
            due, source, row = next_moment(tape, index, track, state, params, venue, logs, skip, end_ns)
            if c["next_sample_ns"] < min(due, end_ns):
                write_samples(tape, index, track, state, venue, logs, skip, min(due, end_ns))
                if c["next_sample_ns"] < min(due, end_ns):
                    return False
            if due >= end_ns:
                return True
            if source == WAKE:
                due = renew(market, state, params, venue, logs, skip, due, end_ns)
                if due == NEVER:
                    continue
            c["now"] = max(c["now"], due)
        enters(place, c["now"], source)
        if source <= REQUEST:
            serve_venue(tape, index, venue, logs, source, row)
            continue
        if source == RESPONSE and receive(state, params, track, venue, logs, skip):
            continue
        if source == WAKE:
            wake(core, place, c["now"])
        stood = core["panicking"] + 2 * core["stale"]
        if place["caught_ns"] != c["now"]:
            rows, trades = reach_of(index, place, c, source, row)
            catch_up(market, state, params, skip, c, rows, trades)
            if source >= RESPONSE:  # all of the market up to this moment comes before
                place["caught_ns"] = c["now"]
        goes, reasons = take_news(market, state, params, venue, skip, source, row)
        if goes or stood != core["panicking"] + 2 * core["stale"]:
            respond(state, params, track, out, venue, logs, skip, reasons)
    return False


@jit
def at_once(c: Any, place: Any, logs: Any) -> int:
    """Return REQUEST or RESPONSE when one is due at this very moment and nothing else can be before it, else SAMPLE.

    All that comes before our own messages in the order of equal times has happened once the first of them is served.
    """
    if place["moment_ns"] != c["now"]:
        return SAMPLE
    first = c["first_request"]
    waits_there = first < c["last_request"] and logs.requests[first]["arrives_ns"] <= c["now"]
    if waits_there and place["source"] >= REQUEST:
        return REQUEST
    first = c["first_response"]
    waits_here = first < c["last_response"] and logs.responses[first]["local_ts"] <= c["now"]
    if waits_here and place["source"] >= RESPONSE:
        return RESPONSE
    return SAMPLE


@jit
def enters(place: Any, now: int, source: int) -> None:
    """Note what is served at a moment."""
    if place["moment_ns"] != now:
        place["moment_ns"] = now
        place["source"] = source
    else:
        place["source"] = max(place["source"], source)


@jit_apart
def serve_venue(tape: Any, index: Any, venue: Any, logs: Any, source: int, row: int) -> None:
    """Let the venue take a trade or update that touches an order of ours, a gap, or a request."""
    c = venue.cursor[0]
    if source == EXCH_TRADE:
        serve_trade(tape, index, venue, logs, row)
    elif source == EXCH_UPDATE:
        serve_update(tape, index, venue, logs, row)
    elif source == EXCH_GAP:
        serve_gap(tape, index, venue, logs)
    else:
        stand_through(tape, index, venue, c["now"])
        if serve_request(index, venue, logs, logs.requests[c["first_request"]]["action"]):
            pass_request(c)


@jit
def receive(state: Any, params: Any, track: Any, venue: Any, logs: Any, skip: Any) -> bool:
    """Take the venue's next answer off the line; return whether that was all."""
    c, place, event = venue.cursor[0], skip.place[0], skip.event[OWN]
    skip.event[OWN] = logs.responses[c["first_response"]]
    pass_response(c)
    place["own"] += 1
    place["last_ns"] = c["now"]
    return bool(event["kind"] == ACK and settles(state, params, track, skip, c["now"], event["order_id"]))


@jit
def wake(core: Any, place: Any, now: int) -> None:
    """Count a timer."""
    place["own"] += 1
    place["last_ns"] = now
    core["timers"] += 1


@jit
def reach_of(index: Any, place: Any, c: Any, source: int, row: int) -> tuple[int, int]:
    """Return how many updates and trades have reached the strategy when something does now."""
    if source == LOCAL_TRADE:
        return max(first_at(index.local_updates, c["now"]), place["row"]), row + 1
    trades = max(first_at(index.local_trades, c["now"] + 1), c["local_trade"])
    if source == LOCAL_UPDATE:
        return row + 1, trades
    return max(first_at(index.local_updates, c["now"] + (0 if source == LOCAL_GAP else 1)), place["row"]), trades


@jit
def take_news(market: Any, state: Any, params: Any, venue: Any, skip: Any, source: int, row: int) -> tuple[bool, int]:
    """Let the strategy take what has reached it; return whether a decision follows, and the reasons it adds."""
    track, place, event = market.track, skip.place[0], skip.event[OWN]
    if source == WAKE:
        return True, 0
    if source == RESPONSE:
        if event["kind"] == FILL:
            place["tainted"] = state.core[0]["next_order_id"]
            place["decided"] = 0
        return True, take_order_news(desk_of(state), rules_of(params), event)
    if is_point(track, place, source, row):
        take_point(market, state, params, venue, skip, source)
        return True, 0
    return source == LOCAL_UPDATE and track.accepted[row] == row, 0


@jit
def is_point(track: Any, place: Any, source: int, row: int) -> bool:
    """Return whether a gap or an update is the track's next point."""
    if source == LOCAL_TRADE or place["point"] == len(track.points):
        return False
    point = track.points[place["point"]]
    if source == LOCAL_GAP:
        return bool(point["kind"] == GAP_POINT)
    return bool(point["kind"] == UPDATE_POINT and point["row"] == row)


@jit_apart
def take_point(market: Any, state: Any, params: Any, venue: Any, skip: Any, source: int) -> None:
    """Let the book become known, crossed or unknown, and the signals see it."""
    tape, index, track, depth = market.tape, market.indexed, market.track, market.depth
    c, place = venue.cursor[0], skip.place[0]
    point = track.points[place["point"]]
    take_flags(state.core[0], point)
    place["point"] += 1
    if source == LOCAL_GAP:
        place["gaps"] += 1
        if len(state.signals) > 0:
            blank(skip, c["now"])
            skip.event[SEEN]["kind"] = GAP
            signals_observe(state.signals, params.signals, skip.event[SEEN], state.core[0]["mid_ticks"])
    elif len(state.signals) > 0 and track.accepted[point["row"]] != point["row"]:
        observe_update(tape, depth, state, params, skip, point["row"])
    if c["started"] == 0 and source == LOCAL_UPDATE:
        c["started"] = 1
        stand_through(tape, index, venue, c["now"])
        c["start_mid_ticks"] = c["mid_ticks"]


@jit
def catch_up(market: Any, state: Any, params: Any, skip: Any, c: Any, rows: int, trades: int) -> None:
    """Let strategy and signals have seen the updates before `rows` and the trades before `trades`."""
    tape, track, depth = market.tape, market.track, market.depth
    if len(state.signals) > 0:
        observe(tape, track, depth, state, params, skip, rows, trades)
    catch_market(tape, track, depth, state, skip, c, rows, trades)


@jit
def settles(state: Any, params: Any, track: Any, skip: Any, now: int, order_id: int) -> bool:
    """Take the news that a quote rests and return True where nothing else can follow from it.

    So it is when nothing that reached the strategy by now changes anything (it was looked at), nothing else is due at
    this moment, and the quote was sent from holdings that nothing has touched since.
    """
    core, place, quoting = state.core[0], skip.place[0], params.quoting[0]
    due = core["next_due_ns"]
    if 0 < due <= now or silent_at(track, place) <= now or order_id < place["tainted"] or len(state.signals) > 0:
        return False
    if core["positions"] > 0 or core["clearing"] == 1 or core["exits_used"] == 1 or quoting["sampling_ns"] > 0:
        return False
    if quoting["requote_tolerance_bps"] != math.inf or quoting["rebalance_threshold"] != math.inf:
        return False
    if quoting["max_concurrent_buys"] < MAX_LEVELS or place["reasons"] & BLOCKING != 0:
        return False
    if waits(core, quoting, state.slots):
        return False
    for n in range(2 * core["reach"]):
        slot = state.slots[entry_at(n, core["reach"])]
        if slot["order_id"] != order_id:
            continue
        enabled = core["bid_enabled"] if slot["side"] == BUY else core["ask_enabled"]
        renewed = slot["placed_ns"] + quoting["refresh_ns"]
        if slot["state"] != PENDING or enabled == 0 or renewed <= now:
            return False
        slot["state"] = QUOTED
        core["next_due_ns"] = sooner(due, renewed, now)
        return True
    return False


@jit
def respond(state: Any, params: Any, track: Any, out: Any, venue: Any, logs: Any, skip: Any, reasons: int) -> None:
    """Decide, unless nothing is known since the last decision; act, and send what comes of it."""
    c, core, place, event = venue.cursor[0], state.core[0], skip.place[0], skip.event[OWN]
    now = c["now"]
    known = place["decided_ns"] == now and place["decided_row"] == place["row"]
    if not (known and place["decided"] == 1 and place["decided_trade"] == c["local_trade"]):
        place["reasons"] = decide(state, params, now)
        place["decided_ns"] = now
        place["decided_row"] = place["row"]
        place["decided_trade"] = c["local_trade"]
    event["local_ts"] = now
    if c["record_decisions"] == 1:
        event["seq"] = place["own"] + place["gaps"] + place["row"] - place["first_row"]
        event["seq"] += c["local_trade"] - place["first_trade"]
    out.used[0] = 0
    out.decided[0] = 0
    dust = core["dust"]
    count = act(desk_of(state), rules_of(params), event, out, reasons | place["reasons"])
    place["decided"] = 1 - core["clearing"]
    changed = count > 0 or core["dust"] != dust
    place["unsettled"] = 1 if changed and waits(core, params.quoting[0], state.slots) else 0
    place["scanned"] = place["row"]
    skip.watch[0]["set"] = 0
    if c["record_decisions"] == 1 and out.decided[0] == 1:
        logs.decisions[c["decisions"]] = out.decision[0]
        c["decisions"] += 1
    for i in range(count):
        send(state, venue, logs, out.actions[i])
    while silent_at(track, place) <= now:  # the decision has noticed it
        place["point"] += 1

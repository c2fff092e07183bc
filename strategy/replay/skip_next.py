"""What happens next, and when: the moments between which the skip driver passes over everything."""

from typing import Any

from strategy.kernel.jit import jit
from strategy.replay.index import NEVER, first_at
from strategy.replay.loop import (
    EXCH_GAP,
    LOCAL_GAP,
    LOCAL_TRADE,
    LOCAL_UPDATE,
    REQUEST,
    RESPONSE,
    SAMPLE,
    WAKE,
    time_at,
)
from strategy.replay.skip_quiet import first_change
from strategy.replay.skip_venue import next_touch
from strategy.replay.track import GAP_POINT, SILENCE_POINT, UPDATE_POINT


@jit
def next_moment(
    tape: Any, index: Any, track: Any, state: Any, params: Any, venue: Any, logs: Any, skip: Any, end_ns: int
) -> tuple[int, int, int]:
    """Return (time, source, row) of what happens next; at or after `end_ns` when nothing does before."""
    c, place = venue.cursor[0], skip.place[0]
    due, source = next_own(tape, state, venue, logs, track, place, end_ns)
    row, stop = 0, len(tape.update_local)
    if place["point"] < len(track.points):
        point = track.points[place["point"]]
        if point["kind"] == UPDATE_POINT:
            stop = point["row"]
        elif point["kind"] == GAP_POINT and (point["ns"] < due or (point["ns"] == due and source > LOCAL_GAP)):
            due, source = point["ns"], LOCAL_GAP
    if place["flip"] < len(skip.flips.rows):
        stop = min(stop, skip.flips.rows[place["flip"]])
    elif place["flip"] < len(skip.flips.ns):
        at, kind, found = flip_event(tape, index, skip.flips.ns[place["flip"]], c, place)
        if at < due or (at == due and kind < source):
            due, source, row = at, kind, found
    at, kind, found = next_touch(tape, index, venue, due)
    if at < due or (at == due and kind < source):
        due, source, row = at, kind, found
    end = first_at(index.local_updates, due + 1 if source > LOCAL_UPDATE else due)
    first = max(place["scanned"], place["row"])
    if state.core[0]["next_due_ns"] == due:
        stop = min(stop, timely_update(index, track, due, end))
    limit = min(end, stop)
    changed = first_change(index, track, state, params, skip, first, limit)
    place["scanned"] = max(changed, first)
    if changed < limit or stop < end:
        return tape.update_local[changed], LOCAL_UPDATE, changed
    return due, source, row


@jit
def timely_update(index: Any, track: Any, due: int, end: int) -> int:
    """Return the first update that is accepted at the moment of a timer, and does its work; `end` without one."""
    row = first_at(index.local_updates, due)
    while row < end and track.accepted[row] != row:
        row += 1
    return row


@jit
def next_own(tape: Any, state: Any, venue: Any, logs: Any, track: Any, place: Any, end_ns: int) -> tuple[int, int]:
    """Return (time, source) of the next gap at the venue, message under way or timer, (end_ns, SAMPLE) without one."""
    c = venue.cursor[0]
    due, source = end_ns, SAMPLE
    at = time_at(tape.gap_exch, c["exch_gap"])
    if at < due:
        due, source = at, EXCH_GAP
    if c["first_request"] < c["last_request"]:
        at = logs.requests[c["first_request"]]["arrives_ns"]
        if at < due:
            due, source = at, REQUEST
    if c["first_response"] < c["last_response"]:
        at = logs.responses[c["first_response"]]["local_ts"]
        if at < due:
            due, source = at, RESPONSE
    at = state.core[0]["next_due_ns"]
    if 0 < at < due:
        due, source = at, WAKE
    at = silent_at(track, place)
    if at < due:
        due, source = at, WAKE
    return due, source


@jit
def silent_at(track: Any, place: Any) -> int:
    """Return when the market has been silent for too long, if that is the track's next point; else NEVER."""
    if place["point"] < len(track.points) and track.points[place["point"]]["kind"] == SILENCE_POINT:
        return int(track.points[place["point"]]["ns"])
    return NEVER


@jit
def flip_event(tape: Any, index: Any, ns: int, c: Any, place: Any) -> tuple[int, int, int]:
    """Return (time, source, row) of the first trade or update that reaches the strategy at `ns` or later."""
    k = max(first_at(index.local_trades, ns), c["local_trade"])
    i = max(first_at(index.local_updates, ns), place["row"])
    traded, updated = time_at(tape.trade_local, k), time_at(tape.update_local, i)
    if traded <= updated:
        return traded, LOCAL_TRADE, k
    return updated, LOCAL_UPDATE, i

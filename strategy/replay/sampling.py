"""The loops over a tape's updates alone, through the composed `step`'s own functions: what the market does to us."""

from typing import Any

from strategy.kernel.borrowing import borrowed
from strategy.kernel.jit import jit, jit_entry
from strategy.kernel.records import FRESH
from strategy.kernel.risk import watch_silence
from strategy.kernel.step import advance_clock, take_book, take_gap
from strategy.replay.feed import write_book
from strategy.replay.track import GAP_POINT, SILENCE_POINT, UPDATE_POINT


@jit_entry
def sigmas(tape: Any, state: Any, params: Any, event: Any, ts: Any, mid: Any, sigma: Any) -> int:
    """Write (local_ts, mid, sigma) of every accepted update, as `step` sees them; return how many there are."""
    tape, state, params = borrowed(tape), borrowed(state), borrowed(params)
    core = state.core[0]
    gap, used = 0, 0
    for i in range(len(tape.update_local)):
        now = tape.update_local[i]
        while gap < len(tape.gap_local) and tape.gap_local[gap] <= now:
            pass_time(state, params, tape.gap_local[gap])
            take_gap(state)
            gap += 1
        pass_time(state, params, now)
        write_book(tape, core, i, event[0])
        event[0]["local_ts"] = now
        before = core["accepted"]
        take_book(state, params, event[0])
        watch_silence(core, params.risk[0], now)
        if core["accepted"] > before:
            ts[used] = now
            mid[used] = core["mid_ticks"]
            sigma[used] = core["sigma"]
            used += 1
    return used


@jit
def pass_time(state: Any, params: Any, now: int) -> None:
    """Do what timers would have done up to `now`: a silence ends where it ended, and the sampling clock goes on."""
    core, risk = state.core[0], params.risk[0]
    silent_ns = core["accepted_ns"] + risk["stale_ns"]
    if core["have_book"] == 1 and risk["stale_ns"] > 0 and silent_ns < now:
        advance_clock(state, params, silent_ns)
        watch_silence(core, risk, silent_ns)
    advance_clock(state, params, now)


@jit_entry
def trace(tape: Any, state: Any, params: Any, event: Any, at: Any, columns: Any, found: Any) -> bool:
    """Write a track's columns and points up to the window's end; False when points or ticks need more room.

    `at` is (next update, first update, next gap, points, ticks, end ns, last accepted update): where it goes on.
    """
    tape, state, params = borrowed(tape), borrowed(state), borrowed(params)
    rows, gaps = len(tape.update_local), len(tape.gap_local)
    while at[0] < rows or at[2] < gaps:
        gap_next = at[2] < gaps and (at[0] == rows or tape.gap_local[at[2]] <= tape.update_local[at[0]])
        now = tape.gap_local[at[2]] if gap_next else tape.update_local[at[0]]
        if now >= at[5]:
            break
        if not wait_until(state, params, at, found, now):
            return False
        if gap_next:
            take_gap(state)
            add_point(state.core[0], at, found[0], now, GAP_POINT, True)
            at[2] += 1
        else:
            trace_update(tape, state, params, event, at, columns, found[0])
            at[0] += 1
    return wait_until(state, params, at, found, at[5])


@jit
def trace_update(tape: Any, state: Any, params: Any, event: Any, at: Any, columns: Any, points: Any) -> None:
    """Take one update and write its row; one that is more than an update of a known book is a point too."""
    core, i = state.core[0], at[0]
    write_book(tape, core, i, event[0])
    event[0]["local_ts"] = tape.update_local[i]
    if i == at[1]:
        event[0]["flag"] = FRESH
    known = core["have_book"] == 1 and core["crossed"] == 0 and event[0]["flag"] != FRESH
    before = core["accepted"]
    responds = take_book(state, params, event[0])
    if core["accepted"] > before:
        at[6] = i
    sigma, accepted, count = columns
    sigma[i] = core["sigma"]
    accepted[i] = at[6]
    count[i] = core["accepted"]
    if responds:
        if not known or core["crossed"] == 1:
            add_point(core, at, points, event[0]["local_ts"], UPDATE_POINT, responds)
        watch_silence(core, params.risk[0], event[0]["local_ts"])


@jit
def add_point(core: Any, at: Any, points: Any, now: int, kind: int, responds: bool) -> None:
    """Append a point with the flags that stand after it."""
    point = points[at[3]]
    at[3] += 1
    point["ns"] = now
    point["kind"] = kind
    point["responds"] = 1 if responds else 0
    point["have_book"] = core["have_book"]
    point["need_fresh"] = core["need_fresh"]
    point["crossed"] = core["crossed"]
    point["stale"] = core["stale"]
    point["row"] = at[0]


@jit
def wait_until(state: Any, params: Any, at: Any, found: Any, now: int) -> bool:
    """Do what timers would do before `now`, and tick up to it; False when points or ticks need more room."""
    core, risk = state.core[0], params.risk[0]
    if at[3] + 4 >= len(found[0]):
        return False
    silent_ns = core["accepted_ns"] + risk["stale_ns"]
    if core["have_book"] == 1 and risk["stale_ns"] > 0 and silent_ns < now:
        if not tick_until(state, params, at, found, silent_ns):
            return False
        watch_silence(core, risk, silent_ns)
        add_point(core, at, found[0], silent_ns, SILENCE_POINT, True)
    return tick_until(state, params, at, found, now)


@jit
def tick_until(state: Any, params: Any, at: Any, found: Any, now: int) -> bool:
    """Write down the ticks of the sampling clock up to `now`; False when they need more room."""
    core = state.core[0]
    _, ticks, sigmas_at_ticks = found
    while 0 < core["next_sample_ns"] <= now:
        if at[4] + 4 >= len(ticks):
            return False
        due, before = core["next_sample_ns"], core["samples"]
        advance_clock(state, params, due)
        if core["samples"] > before:
            ticks[at[4]] = due
            sigmas_at_ticks[at[4]] = core["sigma"]
            at[4] += 1
        elif core["next_sample_ns"] == due:
            break
    return True

"""The loop over a tape's updates alone, through the composed `step`'s own functions: what sigma does without orders."""

from typing import Any

from strategy.kernel.jit import jit
from strategy.kernel.risk import watch_silence
from strategy.kernel.step import advance_clock, take_book, take_gap
from strategy.replay.feed import write_book


@jit
def sigmas(tape: Any, state: Any, params: Any, event: Any, ts: Any, mid: Any, sigma: Any) -> int:
    """Write (local_ts, mid, sigma) of every accepted update, as `step` sees them; return how many there are."""
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

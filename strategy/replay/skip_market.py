"""The market part of the strategy's memory, brought up to a moment from a track's columns."""

import math
from typing import Any

import numpy as np

from strategy.kernel.jit import jit, jit_apart
from strategy.kernel.state import Records
from strategy.replay.index import Extremes, extremes
from strategy.replay.skip_state import Flips
from strategy.replay.tape import I64
from strategy.replay.track import Track


def flips_of(track: Track, risk: Records) -> Flips:
    """Return when panic begins and ends along a track, from sigma and the risk rules alone (strategy.md 7)."""
    nothing = np.zeros(0, np.int64)
    if risk[0]["panic_threshold"] == math.inf:
        return Flips(nothing, nothing)
    threshold, calm = float(risk[0]["panic_threshold"]), int(risk[0]["panic_resume_samples"])
    if len(track.tick_ns):
        found = flips_along(track.tick_sigma, np.arange(len(track.tick_ns)), threshold, calm)
        return Flips(nothing, track.tick_ns[found])
    rows = np.flatnonzero(np.diff(track.taken, prepend=0) > 0)
    return Flips(flips_along(track.sigma, rows, threshold, calm), nothing)


def flips_along(sigma: Any, rows: I64, threshold: float, calm: int) -> I64:
    """Return the rows of `sigma` at which panic begins and ends in turn."""
    found = np.zeros(len(rows), np.int64)
    return found[: write_flips(sigma, rows, threshold, calm, found)].copy()


@jit_apart
def write_flips(sigma: Any, rows: Any, threshold: float, calm: int, found: Any) -> int:
    """Write the rows at which panic begins and ends; return how many there are."""
    used, panicking, calm_samples = 0, False, 0
    for row in rows:
        if sigma[row] > threshold:
            calm_samples = 0
            if not panicking:
                panicking = True
                found[used] = row
                used += 1
        elif panicking:
            calm_samples = calm_samples + 1 if sigma[row] < threshold else 0
            if calm_samples >= calm:
                panicking = False
                found[used] = row
                used += 1
    return used


def thin_of(depth: Any, track: Track) -> Extremes:
    """Return the depth of the thinner side at the last accepted update, by row and by block."""
    least = np.minimum(depth.bid_lots, depth.ask_lots)[np.maximum(track.accepted, 0)]
    return extremes(least, least)


@jit
def catch_market(tape: Any, track: Any, depth: Any, state: Any, skip: Any, c: Any, rows: int, trades: int) -> None:
    """Let the strategy have seen the updates before `rows` and the trades before `trades`, and ticks up to now."""
    core, place, now = state.core[0], skip.place[0], c["now"]
    c["local_trade"] = trades
    if trades > place["first_trade"]:
        core["last_trade_ticks"] = tape.trade_ticks[c["local_trade"] - 1]
    if rows > place["row"]:
        place["row"] = rows
        core["sigma"] = track.sigma[rows - 1]
        show_update(tape, depth, core, place, track.accepted[rows - 1])
    if len(track.tick_ns) > 0:
        while place["tick"] < len(track.tick_ns) and track.tick_ns[place["tick"]] <= now:
            place["tick"] += 1
        core["sigma"] = track.tick_sigma[place["tick"] - 1] if place["tick"] > 0 else math.nan
    catch_panic(skip, core, c, tape)


@jit
def show_update(tape: Any, depth: Any, core: Any, place: Any, row: int) -> None:
    """Make an update that was accepted the current one."""
    if row < 0 or row == place["accepted"]:
        return
    place["accepted"] = row
    core["bid_ticks"] = tape.bid_ticks[row]
    core["ask_ticks"] = tape.ask_ticks[row]
    core["bid_lots"] = tape.bid_lots[row]
    core["ask_lots"] = tape.ask_lots[row]
    core["accepted_ns"] = tape.update_local[row]
    core["mid_ticks"] = 0.5 * float(tape.bid_ticks[row] + tape.ask_ticks[row])
    if len(depth.bid_lots) > 0:
        core["bid_depth_lots"] = depth.bid_lots[row]
        core["ask_depth_lots"] = depth.ask_lots[row]


@jit
def catch_panic(skip: Any, core: Any, c: Any, tape: Any) -> None:
    """Let panics that have begun or ended by now do so."""
    place, flips = skip.place[0], skip.flips
    by_row = len(flips.rows) > 0
    count = len(flips.rows) if by_row else len(flips.ns)
    while place["flip"] < count:
        flip = place["flip"]
        if by_row:
            if flips.rows[flip] >= place["row"]:
                return
            ns = tape.update_local[flips.rows[flip]]
        else:
            if flips.ns[flip] > c["now"]:
                return
            ns = flips.ns[flip]
        place["flip"] += 1
        core["panicking"] = 1 - core["panicking"]
        if core["panicking"] == 1:
            core["panic_ns"] = ns
            core["panics"] += 1


@jit
def take_flags(core: Any, point: Any) -> None:
    """Let the book be known, crossed or stale as a point says."""
    core["have_book"] = point["have_book"]
    core["need_fresh"] = point["need_fresh"]
    core["crossed"] = point["crossed"]
    core["stale"] = point["stale"]

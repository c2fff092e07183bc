"""Samples of a skipping replay: what mid and sigma were at a moment that nothing else happens at."""

import math
from typing import Any

from strategy.kernel.jit import jit, jit_apart
from strategy.replay.index import first_at


@jit
def mid_of(tape: Any, row: int) -> float:
    """Return an update's mid in ticks, nan for none."""
    return 0.5 * float(tape.bid_ticks[row] + tape.ask_ticks[row]) if row >= 0 else math.nan


@jit_apart
def write_samples(
    tape: Any, index: Any, track: Any, state: Any, venue: Any, logs: Any, skip: Any, before_ns: int
) -> None:
    """Append the samples due before a moment, as far as there is room; until then only mid and sigma change."""
    c, core = venue.cursor[0], state.core[0]
    while c["next_sample_ns"] < before_ns and c["samples"] < len(logs.samples):
        ns = c["next_sample_ns"]
        row = logs.samples[c["samples"]]
        row["ts"] = ns
        row["mid_ticks"] = venue_mid(tape, index, ns)
        row["sigma"] = sigma_at(tape, index, track, skip.place[0], ns)
        row["regime"] = core["regime"]
        row["base_lots"] = c["base_lots"]
        row["quote_atoms"] = c["quote_atoms"]
        c["samples"] += 1
        c["next_sample_ns"] += c["sample_ns"]


@jit
def venue_mid(tape: Any, index: Any, ns: int) -> float:
    """Return the venue's last good mid at a moment, nan before the first."""
    row = first_at(index.exch_updates, ns + 1) - 1
    return mid_of(tape, index.mid_row[row]) if row >= 0 else math.nan


@jit
def sigma_at(tape: Any, index: Any, track: Any, place: Any, ns: int) -> float:
    """Return sigma as the strategy's last event up to a moment left it."""
    row = max(first_at(index.local_updates, ns + 1), place["row"]) - 1
    seen = row >= place["first_row"]
    if len(track.tick_ns) == 0:
        return float(track.sigma[row]) if seen else math.nan
    last = max(place["last_ns"], tape.update_local[row] if seen else 0)
    trade = first_at(index.local_trades, ns + 1) - 1
    if trade >= place["first_trade"]:
        last = max(last, tape.trade_local[trade])
    tick = max(place["sample_tick"], place["tick"])
    while tick < len(track.tick_ns) and track.tick_ns[tick] <= last:
        tick += 1
    place["sample_tick"] = tick
    return float(track.tick_sigma[tick - 1]) if tick > 0 else math.nan

"""The end of a skipping replay: where the market stands then, and what was counted on the way."""

from typing import Any

from strategy.kernel.jit import jit_entry
from strategy.replay.index import first_at
from strategy.replay.skip_venue import stand_through


@jit_entry
def finish(market: Any, held: Any) -> None:
    """Let the venue have seen the window's last moment, and count what the strategy was shown and took."""
    tape, index, track, venue = market.tape, market.indexed, market.track, held.venue
    c, core, place = venue.cursor[0], held.state.core[0], held.skip.place[0]
    stand_through(tape, index, venue, c["end_ns"] - 1)
    rows = first_at(index.local_updates, c["end_ns"])
    trades = max(first_at(index.local_trades, c["end_ns"]), place["first_trade"])
    seen = rows > place["first_row"]
    core["trades"] = trades - place["first_trade"]
    core["books"] = rows - place["first_row"] if seen else 0
    core["accepted"] = track.taken[rows - 1] if seen else 0
    core["debounced"] = core["books"] - core["accepted"] - track.totals[0] - track.totals[1]
    core["samples"] = core["accepted"]
    if held.params.quoting[0]["sampling_ns"] > 0:
        last = max(place["last_ns"], tape.update_local[rows - 1] if seen else 0)
        if trades > place["first_trade"]:
            last = max(last, tape.trade_local[trades - 1])
        gaps = 0
        while gaps < len(tape.gap_local) and tape.gap_local[gaps] < c["end_ns"]:
            last = max(last, tape.gap_local[gaps])
            gaps += 1
        tick = 0
        while tick < len(track.tick_ns) and track.tick_ns[tick] <= last:
            tick += 1
        core["samples"] = tick

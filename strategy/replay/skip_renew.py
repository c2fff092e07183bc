"""Quotes that time alone renews, in one go: cancelled, gone, wanted anew, sent and at rest again.

Most of what quotes go through is this: a refresh is due, and until the new ones rest nothing else happens. Then neither
the loop has to ask after each message what comes next, nor the kernel to look at every rule: only the new price is to
be decided, by the functions that decide it elsewhere. A renewal is the usual one as a whole, or nothing is changed and
all of it is left to the loop.

For how long nothing else happens is known when both latencies are constant: a renewal from a timer at t is over at
t + 2 x (entry + response). What nobody asks for in between (the venue's market and its list of our orders, timers,
samples) is written once, after the last of a row of renewals (strategy.replay.skip_settle).
"""

from typing import Any, Final

from strategy.kernel.act import is_news
from strategy.kernel.jit import jit, jit_apart
from strategy.kernel.quotes import cost_of, entry_at, first_of, held, locked_by_exits, want_level
from strategy.kernel.records import (
    BUY,
    ENTRY,
    QUOTED,
    R_CROSS_ADJUSTED,
    R_WARMUP,
    SELL,
    WARMUP,
)
from strategy.kernel.slots import occupy
from strategy.kernel.step import decide_sides, desk_of, rules_of
from strategy.replay import rows
from strategy.replay.exchange import MARGIN
from strategy.replay.index import NEVER, first_at, first_from
from strategy.replay.loop import write_order
from strategy.replay.prefetch import ask_for
from strategy.replay.skip_market import show_update
from strategy.replay.skip_prices import own_limit
from strategy.replay.skip_quiet import kept_around
from strategy.replay.skip_samples import write_samples
from strategy.replay.skip_settle import may_send_all, next_renewal, only_renewals, settle, undisturbed_until
from strategy.replay.skip_venue import stays_clear

SPARE: Final = 1e-9  # share of the holdings that has to be left: what is free is not added up in the kernel's order


@jit_apart
def renew(
    market: Any, state: Any, params: Any, out: Any, venue: Any, logs: Any, skip: Any, due: int, end_ns: int
) -> int:
    """Renew quotes from the timer at `due` on, for as long as nothing else happens.

    Return the timer that comes next and is left to the loop; NEVER where the loop has to ask what comes next.
    """
    c, core, place, desk, rules = venue.cursor[0], state.core[0], skip.place[0], desk_of(state), rules_of(params)
    if place["renews"] == 0 or core["next_due_ns"] != due or not only_renewals(desk, rules, skip, c, due):
        return due
    index, track, updates = market.indexed, market.track, market.indexed.local_updates
    bound = undisturbed_until(market.tape, track, desk, rules, logs, skip, c, end_ns)
    kept, clear = max(place["scanned"], place["row"]), max(c["exch_update"], c["clear_bin"])
    first_id, sent_ns, end, times, tried = core["next_order_id"], 0, 0, 0, False
    bid, ask = own_limit(desk, SELL), own_limit(desk, BUY)
    while c["orders"] + MARGIN < len(logs.orders):
        at, others, count = next_renewal(desk, rules.quoting[0]["refresh_ns"])
        if at < c["now"] or at >= bound or at + place["renewal_ns"] >= min(bound, others):
            break
        due, gone_ns, last = at, at + place["renewal_ns"] // 2, at + place["renewal_ns"]
        ask_ahead(index, market.tape, track, min(others, due + rules.quoting[0]["refresh_ns"]))
        for n in range(2 * core["reach"]):  # the next renewal's rows
            ask_for(logs.orders, c["orders"] + 2 * core["reach"] + n)
        row = first_at(updates, due + 1)
        if row > 0 and updates.times[row - 1] == due:  # this update does the timer's work
            break
        row = first_from(updates, row, gone_ns + 1)
        seen = first_from(updates, row, last + 1)
        if seen > kept:
            kept = kept_around(index, track, params, skip, kept, seen)
            if kept < seen:
                break
        arrived = first_at(index.exch_updates, gone_ns + place["entry_ns"] + 1)
        at_venue = first_from(index.exch_updates, arrived, last + 1)
        if not stays_clear(index.touches, clear, at_venue, bid, ask):
            break
        if not want_anew(market, state, params, skip, c, due, gone_ns, row, arrived, count, ask):
            tried = True
            break
        send_anew(desk, logs, c, due, gone_ns, rules.quoting[0]["refresh_ns"], due + place["entry_ns"])
        bid, ask = own_limit(desk, SELL), own_limit(desk, BUY)
        sent_ns, end, clear, times = gone_ns, seen, arrived, times + 1
    if times > 0:
        settle(market, desk, rules, venue, logs, skip, sent_ns, end, first_id, times)
    if tried:
        take_back(market, state, logs, skip, c, due)
        write_samples(market.tape, index, track, state, venue, logs, skip, due)
    return NEVER if times > 0 and not tried else due


@jit
def ask_ahead(index: Any, tape: Any, track: Any, ns: int) -> None:
    """Ask for what the renewal after this one, at `ns`, will look up."""
    clock = index.local_updates
    cell = (ns - clock.scale[0]) >> clock.scale[1]
    if 0 <= cell < len(clock.cells) - 1:
        low, within = clock.cells[cell], (ns - clock.scale[0]) - (cell << clock.scale[1])
        row = low + ((clock.cells[cell + 1] - low) * within >> clock.scale[1])
        ask_for(clock.times, low)
        ask_for(index.exch_updates.times, low)
        ask_for(tape.bid_ticks, row)
        ask_for(track.sigma, row)


@jit
def want_anew(
    market: Any, state: Any, params: Any, skip: Any, c: Any,
    due: int, gone_ns: int, row: int, arrived: int, count: int, ask: int,
) -> bool:  # fmt: skip
    """Write into the slots what takes the place of their quotes at `gone_ns`; False where there is more to it."""
    core, desk, rules = state.core[0], desk_of(state), rules_of(params)
    if not may_send_all(core, desk.sent, rules.risk[0], gone_ns, count):
        return False
    see_market(market, state, skip, c, gone_ns, row)
    reasons = decide_sides(state, params, gone_ns) | (R_WARMUP if core["regime"] == WARMUP else 0)
    if is_news(core, reasons):
        return False
    placed_ns, adjusted = due - rules.quoting[0]["refresh_ns"], 0
    if any_due(desk, BUY, placed_ns):
        adjusted = want_side_anew(market.tape, desk, rules, BUY, placed_ns, arrived, min(core["ask_ticks"], ask))
    if adjusted >= 0 and any_due(desk, SELL, placed_ns):
        limit = max(core["bid_ticks"], own_limit(desk, SELL))  # our bids are new ones by now
        moved = want_side_anew(market.tape, desk, rules, SELL, placed_ns, arrived, limit)
        adjusted = adjusted + moved if moved >= 0 else moved
    if adjusted < 0:
        return False
    core["cross_adjusted"] += adjusted
    return True


@jit
def send_anew(desk: Any, logs: Any, c: Any, due: int, gone_ns: int, refresh_ns: int, ended_ns: int) -> None:
    """End the orders that are due, and send what the slots are to hold instead."""
    core = desk.core[0]
    c["now"] = gone_ns
    for n in range(2 * core["reach"]):
        slot = desk.slots[entry_at(n, core["reach"])]
        if slot["state"] == QUOTED and slot["placed_ns"] + refresh_ns <= due:
            old = logs.orders[slot["order_id"] - 1]
            old["outcome"] = rows.CANCELLED
            old["ended_ns"] = ended_ns
            slot["cooldown_until_ns"] = gone_ns
            occupy(desk, slot, ENTRY, slot["price_ticks"], slot["leaves_lots"], gone_ns)
            slot["state"] = QUOTED
            write_order(core, c, logs, slot, slot["leaves_lots"], gone_ns)


@jit
def see_market(market: Any, state: Any, skip: Any, c: Any, now: int, row: int) -> None:
    """Let the strategy have seen the updates before `row`; of trades it asks the last price, for its collar."""
    core, place, track = state.core[0], skip.place[0], market.track
    core["sigma"] = track.sigma[row - 1]
    show_update(market.tape, market.depth, core, place, track.accepted[row - 1])
    if place["trades"] == 1:
        c["local_trade"] = max(first_at(market.indexed.local_trades, now + 1), c["local_trade"])
        if c["local_trade"] > place["first_trade"]:
            core["last_trade_ticks"] = market.tape.trade_ticks[c["local_trade"] - 1]


@jit
def want_side_anew(
    tape: Any, desk: Any, rules: Any, side: int, placed_ns: int, arrived: int, limit: int
) -> int:  # fmt: skip
    """Write into a side's slots what takes the place of quotes that were placed by `placed_ns`, short of `limit`.

    Return how many prices were moved behind the opposite best; -1 where a quote is not simply renewed: a reason against
    it, holdings that may be short, a venue that refuses it after `arrived` updates.
    """
    core, quoting, free, adjusted = desk.core[0], rules.quoting[0], 0.0, 0
    for level in range(core["reach"]):
        slot = desk.slots[first_of(side) + level]
        if slot["state"] != QUOTED:
            if level < (quoting["buy_levels"] if side == BUY else quoting["sell_levels"]):  # what pauses has its share
                price, lots, _ = want_level(core, rules, side, level, limit)
                free -= cost_of(side, price, lots)
            continue
        cost = cost_of(side, slot["price_ticks"], slot["leaves_lots"])
        if slot["placed_ns"] <= placed_ns:
            price, lots, why = want_level(core, rules, side, level, limit)
            if lots == 0 or slot["filled"] == 1 or meets(tape, side, price, arrived - 1):
                return -1
            cost = max(cost, cost_of(side, price, lots))
            slot["price_ticks"] = price
            slot["leaves_lots"] = lots
            adjusted += 1 if why & R_CROSS_ADJUSTED != 0 else 0
        free -= cost
    free += (1.0 - SPARE) * held(core, side) - locked_by_exits(desk, side)
    return adjusted if free >= 0.0 else -1


@jit
def any_due(desk: Any, side: int, placed_ns: int) -> bool:
    """Return whether a quote of a side was placed by `placed_ns`."""
    found = False
    for level in range(desk.core[0]["reach"]):
        slot = desk.slots[first_of(side) + level]
        found = found or (slot["state"] == QUOTED and slot["placed_ns"] <= placed_ns)
    return found


@jit
def meets(tape: Any, side: int, price_ticks: int, row: int) -> bool:
    """Return whether the opposite best of an update stands at or beyond a price (fill_model.reached)."""
    if side == BUY:
        return bool(0 < tape.ask_ticks[row] <= price_ticks)
    return bool(tape.bid_ticks[row] >= price_ticks and tape.bid_ticks[row] > 0)


@jit_apart
def take_back(market: Any, state: Any, logs: Any, skip: Any, c: Any, due: int) -> None:
    """Take back a renewal that was only tried: the market seen, and the slots' prices, which their orders' rows say.

    The decision is not taken back: the timer at `due`, which is next, decides anew.
    """
    core, place = state.core[0], skip.place[0]
    place["decided"] = 0
    place["caught_ns"] = due - 1
    see_market(market, state, skip, c, due, place["row"])
    for n in range(2 * core["reach"]):
        slot = state.slots[entry_at(n, core["reach"])]
        if slot["state"] == QUOTED and slot["filled"] == 0:
            order = logs.orders[slot["order_id"] - 1]
            slot["price_ticks"] = order["price_ticks"]
            slot["leaves_lots"] = order["qty_lots"]

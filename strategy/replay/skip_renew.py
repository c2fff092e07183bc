"""Quotes that time alone renews, in one go: cancelled, gone, wanted anew, sent and at rest again.

Most of what quotes go through is this: a refresh is due, and until the new ones rest nothing else happens. Then neither
the loop has to ask after each message what comes next, nor the kernel to look at every rule: only the new price is to
be decided. All steps are taken by the functions that take them one by one elsewhere, in the same order. A step that
would not be the usual one is left to the loop, which finds everything as it would have been there.

For how long nothing else happens is known when both latencies are constant: a renewal from a timer at t is over at
t + 2 x (entry + response).
"""

from typing import Any

from strategy.kernel import records
from strategy.kernel.act import PASSING, count_reasons, is_news
from strategy.kernel.jit import jit, jit_apart
from strategy.kernel.quotes import cost_of, entry_at, first_of, is_open, want_side
from strategy.kernel.records import (
    BUY,
    CANCELLING,
    COOLDOWN,
    ENTRY,
    IDLE,
    PENDING,
    PLACE,
    POSITION,
    QUOTED,
    R_LOCKOUT,
    SELL,
)
from strategy.kernel.risk import BLOCKING, may_send
from strategy.kernel.slots import note_wakes, sooner, spendable
from strategy.kernel.slots import send as send_order
from strategy.kernel.state import ENTRIES, EXITS
from strategy.kernel.step import decide, desk_of, rules_of
from strategy.replay import rows
from strategy.replay.answers import answer, end_row
from strategy.replay.exchange import MARGIN
from strategy.replay.fill_model import reached, remove
from strategy.replay.index import first_at
from strategy.replay.latency import arrival, reach
from strategy.replay.loop import REQUEST, RESPONSE, has_room, time_at, write_order
from strategy.replay.skip_market import catch_market
from strategy.replay.skip_prices import OF_LEVELS
from strategy.replay.skip_quiet import kept_around
from strategy.replay.skip_samples import write_samples
from strategy.replay.skip_venue import next_bin, own_best, rest, stand_through, stays
from strategy.replay.track import UPDATE_POINT


@jit_apart
def renew(
    market: Any, state: Any, params: Any, out: Any, venue: Any, logs: Any, skip: Any, due: int, end_ns: int
) -> bool:
    """Renew quotes from the timer at `due` on, for as long as nothing else happens; return whether any were."""
    tape, index, track, c, core = market.tape, market.indexed, market.track, venue.cursor[0], state.core[0]
    place = skip.place[0]
    if place["renews"] == 0 or core["next_due_ns"] != due or not only_renewals(core, skip, c, due):
        return False
    bound = min(undisturbed_until(tape, track, skip, end_ns), time_at(tape.gap_exch, c["exch_gap"]))
    done = False
    while has_room(venue, logs):
        due = core["next_due_ns"]
        last = due + place["renewal_ns"]
        if due < c["now"] or last >= bound or not may_renew(desk_of(state), rules_of(params), due, last):
            break
        if not nothing_happens(index, track, params, venue, skip, due, last):
            break
        if c["next_sample_ns"] < due:
            write_samples(tape, index, track, state, venue, logs, skip, due)
        if c["samples"] + MARGIN // 2 > len(logs.samples):
            break
        done = True
        call_off(state, venue, logs, place, params.quoting[0]["refresh_ns"], due)
        if not place_anew(market, state, params, out, venue, logs, skip):
            break
        if not take_rest(tape, index, state, params, out, venue, logs, place):
            break
        place["scanned"] = max(place["scanned"], first_at(index.local_updates, last + 1))
        place["renewed"] += 1
    if done:
        skip.watch[0]["set"] = 0
    return done


@jit
def only_renewals(core: Any, skip: Any, c: Any, now: int) -> bool:
    """Return whether no message is under way and what was decided last stands until the market moves too far."""
    place, watch = skip.place[0], skip.watch[0]
    if c["first_request"] < c["last_request"] or c["first_response"] < c["last_response"]:
        return False
    if watch["set"] == 0 or watch["walk"] == 1 or watch["prices"] == 1 or watch["trailing"] == 1:
        return False
    if place["reasons"] & (BLOCKING | R_LOCKOUT) != 0 or place["reasons"] & ~PASSING != core["told_reasons"]:
        return False
    return bool(core["clearing"] == 0 and core["lockout_until_ns"] <= now and core["rate_free_ns"] <= now)


@jit
def undisturbed_until(tape: Any, track: Any, skip: Any, end_ns: int) -> int:
    """Return the first moment at which the market may be more than one more update of a known book."""
    place, watch, rows = skip.place[0], skip.watch[0], len(tape.update_local)
    row = min(watch["stop_row"], rows)
    bound = end_ns
    if place["point"] < len(track.points):
        point = track.points[place["point"]]
        if point["kind"] == UPDATE_POINT:
            row = min(row, point["row"])
        else:
            bound = min(bound, point["ns"])
    if place["flip"] < len(skip.flips.rows):
        row = min(row, skip.flips.rows[place["flip"]])
    if row < rows:
        bound = min(bound, tape.update_local[row])
    return int(bound)


@jit
def may_renew(desk: Any, rules: Any, due: int, last: int) -> bool:
    """Return whether quotes are due, all others and every pause are not until after `last`, and no slot waits."""
    core, quoting, slots, found = desk.core[0], rules.quoting[0], desk.slots, False
    for n in range(2 * core["reach"]):
        i = entry_at(n, core["reach"])
        slot = slots[i]
        if slot["state"] == QUOTED:
            renewed = slot["placed_ns"] + quoting["refresh_ns"]
            if due < renewed <= last or (renewed <= due and slot["filled"] == 1):
                return False
            found = found or renewed <= due
        elif slot["state"] == COOLDOWN:
            if slot["cooldown_until_ns"] <= last:
                return False
        elif slot["state"] != POSITION and (slot["state"] != IDLE or is_wanted(core, quoting, slot)):
            return False
    if core["exits_used"] == 1 and not exits_rest(desk, rules.barriers[0]["time_limit_ns"], last):
        return False
    return bool(found and is_covered(desk, BUY) and is_covered(desk, SELL))


@jit
def is_wanted(core: Any, quoting: Any, slot: Any) -> bool:
    """Return whether a slot's level is one that its side quotes."""
    if slot["side"] == BUY:
        return bool(core["bid_enabled"] == 1 and slot["level"] < quoting["buy_levels"])
    return bool(core["ask_enabled"] == 1 and slot["level"] < quoting["sell_levels"])


@jit
def exits_rest(desk: Any, limit_ns: int, last: int) -> bool:
    """Return whether no pause of a closing order and no time limit of a holding ends until `last`."""
    reach = desk.core[0]["reach"]
    for n in range(2 * reach):
        i = entry_at(n, reach)
        closing, holding = desk.slots[ENTRIES + i], desk.held[i]
        if closing["state"] == COOLDOWN and closing["cooldown_until_ns"] <= last:
            return False
        if holding["lots"] > 0 and 0 < limit_ns <= last - holding["opened_ns"]:
            return False
    return not (desk.slots[EXITS]["state"] == COOLDOWN and desk.slots[EXITS]["cooldown_until_ns"] <= last)


@jit
def is_covered(desk: Any, side: int) -> bool:
    """Return whether the holdings cover all of a side's quotes, as `cancel_side` counts."""
    covered = spendable(desk, side)
    for level in range(desk.core[0]["reach"]):
        slot = desk.slots[first_of(side) + level]
        if is_open(slot):
            covered -= cost_of(side, slot["price_ticks"], slot["leaves_lots"])
    return bool(covered >= 0.0)


@jit
def nothing_happens(index: Any, track: Any, params: Any, venue: Any, skip: Any, due: int, last: int) -> bool:
    """Return whether until `last` nothing touches our orders and the market keeps within the watch.

    An update at the very moment of the timer does the timer's work: that is left to the loop.
    """
    c, place, updates = venue.cursor[0], skip.place[0], index.local_updates
    end = first_at(updates, due + 1)
    if end > 0 and updates.times[end - 1] == due:
        return False
    if last > due:
        end = first_at(updates, last + 1)
    if kept_around(index, track, params, skip, max(place["scanned"], place["row"]), end) < end:
        return False
    bid, ask = own_best(venue)
    seen = first_at(index.exch_updates, last + 1)
    c["clear_bin"] = next_bin(index.touches, max(c["exch_update"], c["clear_bin"]), seen, bid, ask)
    return bool(c["clear_bin"] > seen)


@jit
def call_off(state: Any, venue: Any, logs: Any, place: Any, refresh_ns: int, due: int) -> None:
    """Cancel what is due at a timer, and let the venue take it."""
    c, core = venue.cursor[0], state.core[0]
    c["now"] = due
    place["own"] += 1
    core["timers"] += 1
    core["decisions"] += 1
    for n in range(2 * core["reach"]):
        slot = state.slots[entry_at(n, core["reach"])]
        if slot["state"] == QUOTED and slot["placed_ns"] + refresh_ns <= due:
            slot["state"] = CANCELLING
            core["cancels"] += 1
            arrival(venue)
    c["now"] = c["last_arrives_ns"]
    for n in range(2 * core["reach"]):
        slot = state.slots[entry_at(n, core["reach"])]
        if slot["state"] == CANCELLING:
            end_row(venue, logs, slot["order_id"], rows.CANCELLED)
            take_off(venue, slot["order_id"])
            reach(venue)


@jit
def take_off(venue: Any, order_id: int) -> None:
    """Take a resting order out."""
    for i in range(venue.cursor[0]["live"]):
        if venue.live[i]["order_id"] == order_id:
            remove(venue, i)
            return


@jit
def place_anew(market: Any, state: Any, params: Any, out: Any, venue: Any, logs: Any, skip: Any) -> bool:
    """Take the news that quotes are gone and send new ones; False when one of them is left to the loop."""
    c, core, place, desk, rules = venue.cursor[0], state.core[0], skip.place[0], desk_of(state), rules_of(params)
    gone_ns, now = c["last_arrives_ns"], c["last_reaches_ns"]
    if c["next_sample_ns"] < now:
        write_samples(market.tape, market.indexed, market.track, state, venue, logs, skip, now)
    c["now"] = now
    see_market(market, state, skip, c, now)
    reasons = decide(state, params, now)
    note_decided(place, c, reasons, now)
    out.used[0] = 0
    usual = not is_news(core, reasons)
    for n in range(2 * core["reach"]):
        slot = state.slots[entry_at(n, core["reach"])]
        if usual and slot["state"] == CANCELLING:
            usual = want_again(desk, rules, slot, reasons, now, out)
            if usual:
                place["own"] += 1
                arrival(venue)
                write_order(core, c, logs, out.actions[out.used[0] - 1])
    place["last_ns"] = now
    note_wakes(desk, rules, now)
    if not usual:
        leave_to_loop(state, venue, logs, out, gone_ns, now)
    return bool(usual)


@jit
def see_market(market: Any, state: Any, skip: Any, c: Any, now: int) -> None:
    """Let the strategy have seen the market up to a moment; of trades it asks the last price, for its collar."""
    index, place = market.indexed, skip.place[0]
    updates = max(first_at(index.local_updates, now + 1), place["row"])
    trades = max(first_at(index.local_trades, now + 1), c["local_trade"]) if place["trades"] == 1 else c["local_trade"]
    catch_market(market.tape, market.track, market.depth, state, skip, c, updates, trades)


@jit_apart
def leave_to_loop(state: Any, venue: Any, logs: Any, out: Any, gone_ns: int, now: int) -> None:
    """Put on the lines what is under way: orders sent just now, and the news of cancels that nobody has taken."""
    c = venue.cursor[0]
    for i in range(out.used[0]):
        logs.requests[c["last_request"]]["arrives_ns"] = c["last_arrives_ns"]
        logs.requests[c["last_request"]]["action"] = out.actions[i]
        c["last_request"] += 1
    for n in range(2 * state.core[0]["reach"]):
        slot = state.slots[entry_at(n, state.core[0]["reach"])]
        if slot["state"] == CANCELLING:
            answer(venue, logs, records.CANCELLED, slot["order_id"], 0, gone_ns, now)


@jit
def note_decided(place: Any, c: Any, reasons: int, now: int) -> None:
    """Note what the strategy has seen and decided at a moment."""
    place["moment_ns"] = now
    place["source"] = RESPONSE
    place["caught_ns"] = now
    place["reasons"] = reasons
    place["decided"] = 1
    place["decided_ns"] = now
    place["decided_row"] = place["row"]
    place["decided_trade"] = c["local_trade"]
    place["scanned"] = place["row"]


@jit
def want_again(desk: Any, rules: Any, slot: Any, reasons: int, now: int, out: Any) -> bool:
    """Send a quote in place of one that is gone; False, and nothing is changed, where there is more to it."""
    core, decision, side, level = desk.core[0], out.decision[0], int(slot["side"]), slot["level"]
    ticks = decision["want_bid_ticks"] if side == BUY else decision["want_ask_ticks"]
    lots = decision["want_bid_lots"] if side == BUY else decision["want_ask_lots"]
    slot["state"] = IDLE
    reasons |= want_side(desk, rules, side, False, ticks, lots)
    good = reasons & OF_LEVELS == 0 and (core["reach"] == 1 or is_covered(desk, side))
    if not good or not may_send(core, desk.sent, rules.risk[0], now):
        slot["state"] = CANCELLING
        return False
    slot["cooldown_until_ns"] = now
    core["placed"] += 1
    core["decisions"] += 1
    send_order(desk, slot, PLACE, ENTRY, ticks[level], lots[level], now, out)
    count_reasons(core, reasons)
    return True


@jit
def take_rest(tape: Any, index: Any, state: Any, params: Any, out: Any, venue: Any, logs: Any, place: Any) -> bool:
    """Let the venue take the new quotes and the strategy hear that they rest; False when one is refused."""
    c, core = venue.cursor[0], state.core[0]
    c["now"] = c["last_arrives_ns"]
    place["moment_ns"] = c["now"]
    place["source"] = REQUEST
    stand_through(tape, index, venue, c["now"])
    if not all_stay(c, out):
        for i in range(out.used[0]):
            rest(venue, logs, out.actions[i])
        return False
    for i in range(out.used[0]):
        stays(venue, logs, out.actions[i])
        place["last_ns"] = reach(venue)
        place["own"] += 1
    for n in range(2 * core["reach"]):
        slot = state.slots[entry_at(n, core["reach"])]
        if slot["state"] == PENDING:
            slot["state"] = QUOTED
            renewed = slot["placed_ns"] + params.quoting[0]["refresh_ns"]
            core["next_due_ns"] = sooner(core["next_due_ns"], renewed, place["last_ns"])
    return True


@jit
def all_stay(c: Any, out: Any) -> bool:
    """Return whether the venue refuses none of the orders."""
    found = c["known"] == 1
    for i in range(out.used[0]):
        found = found and not reached(c, out.actions[i]["side"], out.actions[i]["price_ticks"])
    return bool(found)

"""What comes before and after quotes are renewed in one go (strategy.replay.skip_renew); policies have no part in it.

Before: whether nothing but renewals can happen, and until when. After: the loop finds everything as if it had taken
each step itself.
"""

from typing import Any

from strategy.kernel.act import PASSING
from strategy.kernel.jit import jit, jit_apart
from strategy.kernel.news import find_slot
from strategy.kernel.quotes import entry_at, is_open
from strategy.kernel.records import COOLDOWN, QUOTED, R_LOCKOUT
from strategy.kernel.risk import BLOCKING, DAY_NS, SECOND_NS
from strategy.kernel.slots import note_wakes
from strategy.kernel.state import ENTRIES, EXITS, RATE_CAPACITY
from strategy.replay.exchange import MARGIN
from strategy.replay.index import NEVER, first_at
from strategy.replay.loop import REQUEST, time_at
from strategy.replay.orders import settle_rows
from strategy.replay.skip_prices import waits
from strategy.replay.skip_samples import write_samples
from strategy.replay.skip_venue import stand_through
from strategy.replay.track import UPDATE_POINT


@jit
def only_renewals(desk: Any, rules: Any, skip: Any, c: Any, now: int) -> bool:
    """Return whether no message is under way and what was decided last stands until the market moves too far."""
    core, place, watch = desk.core[0], skip.place[0], skip.watch[0]
    if c["first_request"] < c["last_request"] or c["first_response"] < c["last_response"] or c["known"] == 0:
        return False
    if watch["set"] == 0 or watch["walk"] == 1 or watch["prices"] == 1 or watch["trailing"] == 1:
        return False
    if place["reasons"] & (BLOCKING | R_LOCKOUT) != 0 or place["reasons"] & ~PASSING != core["told_reasons"]:
        return False
    if core["clearing"] == 1 or core["lockout_until_ns"] > now or core["rate_free_ns"] > now:
        return False
    return not waits(core, rules.quoting[0], desk.slots)


@jit_apart
def undisturbed_until(
    tape: Any, track: Any, desk: Any, rules: Any, logs: Any, skip: Any, c: Any, end_ns: int
) -> int:  # fmt: skip
    """Return the first moment at which more may happen than renewals and further updates of a known book."""
    place, stop = skip.place[0], min(skip.watch[0]["stop_row"], len(tape.update_local))
    bound = min(end_ns, time_at(tape.gap_exch, c["exch_gap"]))
    if place["point"] < len(track.points):
        point = track.points[place["point"]]
        if point["kind"] == UPDATE_POINT:
            stop = min(stop, point["row"])
        else:
            bound = min(bound, point["ns"])
    if place["flip"] < len(skip.flips.rows):
        stop = min(stop, skip.flips.rows[place["flip"]])
    bound = min(bound, time_at(tape.update_local, stop), rest_until(desk, rules.barriers[0]["time_limit_ns"]))
    room = len(logs.samples) - MARGIN - c["samples"]
    if bound > c["next_sample_ns"] and (bound - c["next_sample_ns"]) // c["sample_ns"] >= room:
        return int(c["next_sample_ns"] + room * c["sample_ns"])
    return int(bound)


@jit
def rest_until(desk: Any, limit_ns: int) -> int:
    """Return when the first pause of a slot, or the time limit of a holding, ends; 0 when an order is under way."""
    core, slots, until = desk.core[0], desk.slots, NEVER
    for n in range(2 * core["reach"]):
        i = entry_at(n, core["reach"])
        if is_open(slots[i]) and slots[i]["state"] != QUOTED:
            return 0
        until = min(until, pause_until(slots[i]))
        if core["exits_used"] == 1:
            until = min(until, pause_until(slots[ENTRIES + i]))
        if limit_ns > 0 and desk.held[i]["lots"] > 0:
            until = min(until, desk.held[i]["opened_ns"] + limit_ns)
    return int(min(until, pause_until(slots[EXITS])))


@jit
def pause_until(slot: Any) -> int:
    """Return when a slot's pause ends, NEVER when it does not pause."""
    return int(slot["cooldown_until_ns"]) if slot["state"] == COOLDOWN else NEVER


@jit
def next_renewal(desk: Any, refresh_ns: int) -> tuple[int, int, int, int]:
    """Return when the first quotes are to be renewed, when the next ones after them, how many bids and asks are first.

    NEVER where there are no others.
    """
    reach, due, others, bids, asks = desk.core[0]["reach"], NEVER, NEVER, 0, 0
    for n in range(2 * reach):
        slot = desk.slots[entry_at(n, reach)]
        if slot["state"] != QUOTED:
            continue
        at = slot["placed_ns"] + refresh_ns
        if at < due:
            due, others, bids, asks = at, due, 0, 0
        if at == due:
            bids += 1 if n < reach else 0
            asks += 0 if n < reach else 1
        else:
            others = min(others, at)
    return int(due), int(others), bids, asks


@jit
def may_send_all(core: Any, sent: Any, risk: Any, now: int, count: int) -> bool:
    """Return whether so many orders more keep within the rates, on the day that is counted already (risk.may_send)."""
    if risk["orders_per_second"] == 0 and risk["orders_per_day"] == 0:
        return True
    if now // DAY_NS != core["order_day"]:
        return False
    limit, last = risk["orders_per_second"], core["orders_sent"] + count - 1
    if limit > 0 and last >= limit and (count > limit or now < sent[(last - limit) % RATE_CAPACITY] + SECOND_NS):
        return False
    return not 0 < risk["orders_per_day"] < core["orders_today"] + count


@jit_apart
def settle(
    market: Any, desk: Any, rules: Any, venue: Any, logs: Any, skip: Any,
    sent_ns: int, seen: int, first_id: int, times: int,
) -> None:  # fmt: skip
    """Bring all to where the last of so many renewals left it, whose quotes were sent at `sent_ns`.

    `seen` updates had reached the strategy when it heard that they rest; `first_id` was the first order sent.
    """
    c, core, place, index = venue.cursor[0], desk.core[0], skip.place[0], market.indexed
    write_samples(market.tape, index, market.track, desk, venue, logs, skip, sent_ns)
    c["now"] = sent_ns + place["entry_ns"]
    c["last_arrives_ns"] = c["now"]
    c["last_reaches_ns"] = sent_ns + place["renewal_ns"] // 2
    stand_through(market.tape, index, venue, c["now"])
    c["clear_bin"] = c["exch_update"]
    list_anew(index, desk, venue, place["entry_ns"], first_id)
    settle_rows(core, c, logs, desk.slots, first_id)
    count_renewed(core, c, place, core["next_order_id"] - first_id, times)
    place["row"] = max(first_at(index.local_updates, sent_ns + 1), place["row"])
    place["scanned"] = seen
    place["last_ns"] = c["last_reaches_ns"]
    note_decided(place, c, sent_ns)
    note_wakes(desk, rules, sent_ns)
    skip.watch[0]["set"] = 0


@jit
def list_anew(index: Any, desk: Any, venue: Any, entry_ns: int, first_id: int) -> None:
    """Take orders that were cancelled off the venue's list, and put those sent since behind, in their order.

    An order that was cancelled is no slot's any more.
    """
    c, live, core, slots, used = venue.cursor[0], venue.live, desk.core[0], desk.slots, 0
    for i in range(c["live"]):
        if find_slot(desk, live[i]["order_id"]) >= 0:
            live[used] = live[i]
            used += 1
    newest = first_id - 1
    for _ in range(2 * core["reach"]):
        found, order_id = -1, core["next_order_id"]
        for n in range(2 * core["reach"]):
            slot = slots[entry_at(n, core["reach"])]
            if slot["state"] == QUOTED and newest < slot["order_id"] < order_id:
                found, order_id = entry_at(n, core["reach"]), slot["order_id"]
        if found < 0:
            break
        newest = order_id
        live[used]["order_id"] = order_id
        live[used]["side"] = slots[found]["side"]
        live[used]["price_ticks"] = slots[found]["price_ticks"]
        live[used]["leaves_lots"] = slots[found]["leaves_lots"]
        live[used]["since"] = first_at(index.exch_updates, slots[found]["placed_ns"] + entry_ns + 1)
        live[used]["joined"] = 0
        used += 1
    c["live"] = used


@jit
def count_renewed(core: Any, c: Any, place: Any, orders: int, times: int) -> None:
    """Count what so many renewals took: a timer and its decision each; a cancel, an order and a decision an order."""
    core["timers"] += times
    core["decisions"] += times + orders
    core["cancels"] += orders
    core["placed"] += orders
    c["requests_sent"] += 2 * orders
    c["responses_sent"] += 2 * orders
    place["own"] += times + 2 * orders
    place["renewed"] += times


@jit
def note_decided(place: Any, c: Any, now: int) -> None:
    """Note that the strategy has seen all up to `now` and decided, and that the venue has its orders since."""
    place["moment_ns"] = c["now"]
    place["source"] = REQUEST
    place["caught_ns"] = now
    place["decided"] = 1
    place["decided_ns"] = now
    place["decided_row"] = place["row"]
    place["decided_trade"] = c["local_trade"]

"""Quotes that time alone renews, in one go: cancelled, gone, wanted anew, sent and at rest again.

Most of what quotes go through is this: a refresh is due, and until the new ones rest nothing else happens. Then neither
the loop has to ask after each message what comes next, nor the kernel to look at every rule: only the new price is to
be decided, by the functions that decide it elsewhere. A renewal is the usual one as a whole, or nothing is changed and
all of it is left to the loop.

For how long nothing else happens is known when both latencies are constant: a renewal from a timer at t is over at
t + 2 x (entry + response). What nobody asks for in between (the venue's market and its list of our orders, timers,
samples) is written once, after the last of a row of renewals (strategy.replay.skip_settle).
"""

from typing import Any, Final, NamedTuple

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
from strategy.replay.exchange import MARGIN
from strategy.replay.index import NEVER, first_at, first_from
from strategy.replay.orders import renew_row
from strategy.replay.prefetch import ask_for
from strategy.replay.skip_market import show_update
from strategy.replay.skip_prices import exits_limit, own_limit
from strategy.replay.skip_quiet import kept_around
from strategy.replay.skip_samples import write_samples
from strategy.replay.skip_settle import may_send_all, next_renewal, only_renewals, settle, undisturbed_until
from strategy.replay.skip_venue import stays_clear

SPARE: Final = 1e-9  # share of the holdings that has to be left: what is free is not added up in the kernel's order


class Standing(NamedTuple):
    """What is the same for all renewals of a row."""

    bid: int  # our highest bid and lowest ask among the orders that close positions, which are not renewed
    ask: int
    quote: float  # what they leave of the holdings: atoms for bids, lots for asks
    base: float


@jit_apart
def renew(market: Any, state: Any, params: Any, venue: Any, logs: Any, skip: Any, due: int, end_ns: int) -> int:
    """Renew quotes from the timer at `due` on, for as long as nothing else happens.

    Return the timer that comes next and is left to the loop; NEVER where the loop has to ask what comes next.
    """
    c, core, place, desk, rules = venue.cursor[0], state.core[0], skip.place[0], desk_of(state), rules_of(params)
    if place["renews"] == 0 or core["next_due_ns"] != due or not only_renewals(desk, rules, skip, c, due):
        return due
    index, track, local, exch = market.indexed, market.track, market.indexed.local_updates, market.indexed.exch_updates
    bound = undisturbed_until(market.tape, track, desk, rules, logs, skip, c, end_ns)
    refresh_ns, whole_ns, entry_ns = rules.quoting[0]["refresh_ns"], place["renewal_ns"], place["entry_ns"]
    kept, clear = max(place["scanned"], place["row"]), max(c["exch_update"], c["clear_bin"])
    first_id, now, sent_ns, end, times, tried = core["next_order_id"], c["now"], 0, 0, 0, False
    bid, ask, standing = own_limit(desk, SELL), own_limit(desk, BUY), standing_of(desk)
    at, others, bids, asks = next_renewal(desk, refresh_ns)
    while at >= now and at < bound and at + whole_ns < min(bound, others) and c["orders"] + MARGIN < len(logs.orders):
        due, gone_ns, last = at, at + whole_ns // 2, at + whole_ns
        ask_ahead(index, market.tape, track, min(others, gone_ns + refresh_ns))
        row = first_at(local, due + 1)
        if row > 0 and local.times[row - 1] == due:  # this update does the timer's work
            break
        row = first_from(local, row, gone_ns + 1)
        trades = trades_by(market, place, gone_ns)
        ask_for(market.tape.bid_ticks, row - 1)
        ask_for(market.tape.trade_ticks, trades - 1)
        seen = first_from(local, row, last + 1)
        if seen > kept:
            kept = kept_around(index, track, params, skip, kept, seen)
            if kept < seen:
                break
        arrived = first_from(exch, row, gone_ns + entry_ns + 1)
        at_venue = first_from(exch, arrived, last + 1)
        if not stays_clear(index.touches, clear, at_venue, bid, ask):
            break
        tried = not may_send_all(core, desk.sent, rules.risk[0], gone_ns, bids + asks)
        tried = tried or not decides_anew(market, state, params, skip, c, gone_ns, row, trades)
        if tried:
            break
        adjusted, bid, ask = want_anew(
            market.tape, desk, rules, skip.wants, standing, due - refresh_ns, arrived, bids, asks, bid, ask
        )
        if adjusted < 0:
            tried = True
            break
        core["cross_adjusted"] += adjusted
        send_anew(desk, logs, c, skip.wants, due - refresh_ns, gone_ns, due + entry_ns)
        now, sent_ns, end, clear, times = gone_ns, gone_ns, seen, arrived, times + 1
        if others == NEVER:  # all of them are the next ones too
            at = gone_ns + refresh_ns
        else:
            at, others, bids, asks = next_renewal(desk, refresh_ns)
    if times > 0:
        settle(market, desk, rules, venue, logs, skip, sent_ns, end, first_id, times)
    if tried:
        take_back(market, state, skip, c, due)
        write_samples(market.tape, index, track, state, venue, logs, skip, due)
    return NEVER if times > 0 and not tried else due


@jit
def standing_of(desk: Any) -> Standing:
    """Return what closing orders set to the quotes of a row, for as long as none of them moves."""
    core = desk.core[0]
    return Standing(
        exits_limit(desk, SELL),
        exits_limit(desk, BUY),
        (1.0 - SPARE) * held(core, BUY) - locked_by_exits(desk, BUY),
        (1.0 - SPARE) * held(core, SELL) - locked_by_exits(desk, SELL),
    )


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
        ask_for(tape.bid_ticks, row - 1)
        ask_for(track.sigma, row)


@jit
def decides_anew(
    market: Any, state: Any, params: Any, skip: Any, c: Any, gone_ns: int, row: int, trades: int
) -> bool:  # fmt: skip
    """Decide both sides at `gone_ns`, `row` updates and `trades` trades seen; False where the decision is news."""
    core = state.core[0]
    see_market(market, state, skip, c, row, trades)
    reasons = decide_sides(state, params, gone_ns) | (R_WARMUP if core["regime"] == WARMUP else 0)
    return not is_news(core, reasons)


@jit
def trades_by(market: Any, place: Any, now: int) -> int:
    """Return how many trades have reached the strategy by now, where it asks for the last one's price; else 0."""
    return first_at(market.indexed.local_trades, now + 1) if place["trades"] == 1 else 0


@jit
def see_market(market: Any, state: Any, skip: Any, c: Any, row: int, trades: int) -> None:
    """Let the strategy have seen the updates before `row`; of trades it asks the last price, for its collar."""
    core, place, track = state.core[0], skip.place[0], market.track
    core["sigma"] = track.sigma[row - 1]
    show_update(market.tape, market.depth, core, place, track.accepted[row - 1])
    if place["trades"] == 1:
        c["local_trade"] = max(trades, c["local_trade"])
        if c["local_trade"] > place["first_trade"]:
            core["last_trade_ticks"] = market.tape.trade_ticks[c["local_trade"] - 1]


@jit
def want_anew(
    tape: Any, desk: Any, rules: Any, wants: Any, standing: Standing,
    placed_ns: int, arrived: int, bids: int, asks: int, bid: int, ask: int,
) -> tuple[int, int, int]:  # fmt: skip
    """Write what takes the place of the `bids` and `asks` that were placed by `placed_ns`; slots are left as they are.

    `bid` and `ask` are our highest bid and lowest ask. Return how many prices were moved behind the opposite best, -1
    where there is more to it than that, and what our highest bid and lowest ask become.
    """
    core, adjusted = desk.core[0], 0
    if bids > 0:
        limit, free = min(core["ask_ticks"], ask), standing.quote
        adjusted, bid = want_side_anew(tape, desk, rules, wants, BUY, placed_ns, arrived, limit, standing.bid, free)
    if asks > 0 and adjusted >= 0:
        limit, free = max(core["bid_ticks"], bid), standing.base  # our bids are new ones by now
        moved, ask = want_side_anew(tape, desk, rules, wants, SELL, placed_ns, arrived, limit, standing.ask, free)
        adjusted = adjusted + moved if moved >= 0 else moved
    return adjusted, bid, ask


@jit
def want_side_anew(
    tape: Any, desk: Any, rules: Any, wants: Any, side: int,
    placed_ns: int, arrived: int, limit: int, nearest: int, free: float,
) -> tuple[int, int]:  # fmt: skip
    """Write what takes the place of a side's quotes that were placed by `placed_ns`, short of `limit`.

    Return how many prices were moved behind the opposite best, and the nearest of the side's prices and `nearest`; -1
    where a quote is not simply renewed: a reason against it, holdings (`free`) that may be short, a venue that refuses
    it after `arrived` updates.
    """
    core, quoting, adjusted = desk.core[0], rules.quoting[0], 0
    for level in range(core["reach"]):
        slot, want = desk.slots[first_of(side) + level], wants[first_of(side) + level]
        if slot["state"] != QUOTED:
            if level < (quoting["buy_levels"] if side == BUY else quoting["sell_levels"]):  # what pauses has its share
                price, lots, _ = want_level(core, rules, side, level, limit)
                free -= cost_of(side, price, lots)
            continue
        price = slot["price_ticks"]
        cost = cost_of(side, price, slot["leaves_lots"])
        if slot["placed_ns"] <= placed_ns:
            price, lots, why = want_level(core, rules, side, level, limit)
            if lots == 0 or slot["filled"] == 1 or meets(tape, side, price, arrived - 1):
                return -1, nearest
            cost = max(cost, cost_of(side, price, lots))
            want["price_ticks"] = price
            want["lots"] = lots
            adjusted += 1 if why & R_CROSS_ADJUSTED != 0 else 0
        if side * price > side * nearest:
            nearest = price
        free -= cost
    return (adjusted if free >= 0.0 else -1), nearest


@jit
def meets(tape: Any, side: int, price_ticks: int, row: int) -> bool:
    """Return whether the opposite best of an update stands at or beyond a price (fill_model.reached)."""
    if side == BUY:
        return bool(0 < tape.ask_ticks[row] <= price_ticks)
    return bool(tape.bid_ticks[row] >= price_ticks and tape.bid_ticks[row] > 0)


@jit
def send_anew(desk: Any, logs: Any, c: Any, wants: Any, placed_ns: int, gone_ns: int, ended_ns: int) -> None:
    """End the orders that were placed by `placed_ns`, and send what is wanted instead."""
    core = desk.core[0]
    for n in range(2 * core["reach"]):
        i = entry_at(n, core["reach"])
        slot, ended_id = desk.slots[i], desk.slots[i]["order_id"]
        if slot["state"] == QUOTED and slot["placed_ns"] <= placed_ns:
            slot["cooldown_until_ns"] = gone_ns
            occupy(desk, slot, ENTRY, wants[i]["price_ticks"], wants[i]["lots"], gone_ns)
            slot["state"] = QUOTED
            renew_row(core, c, logs, slot, i, ended_id, ended_ns)


@jit_apart
def take_back(market: Any, state: Any, skip: Any, c: Any, due: int) -> None:
    """Take back that the market was seen for a renewal that was only tried.

    The decision is not taken back: the timer at `due`, which is next, decides anew.
    """
    place = skip.place[0]
    place["decided"] = 0
    place["caught_ns"] = due - 1
    see_market(market, state, skip, c, place["row"], trades_by(market, place, due))

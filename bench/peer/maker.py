"""microvol's single-level strategy written for hftbacktest.

One bid and one ask slot with the states and timers of strategy.kernel.slots. It wakes at every update, when a timer
of its own ends, and when an answer of the venue is due: latencies are constant, so the moment is known. Fills are
looked for at each wake; news of one starts the cooldown at the moment it arrived, not when it was noticed.

At one moment it acts as microvol's loop does: after the update, after each answer, after the timers. What is not
reproduced: of a fill and an update, or another answer, at the very same nanosecond it takes the fill first.
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from hftbacktest import GTX, LIMIT, BacktestAsset, ROIVectorMarketDepthBacktest
from hftbacktest.order import CANCELED, EXPIRED, FILLED, NEW
from numba import njit, uint64
from numpy.typing import NDArray

from bench.peer.sets import FALLBACK_BPS, MIN_SAMPLES, SIGMAS, Maker

IDLE, PENDING, QUOTED, CANCELLING, COOLDOWN = 0, 1, 2, 3, 4
STATE, ORDER_ID, PRICE, PLACED_NS, UNTIL_NS = 0, 1, 2, 3, 4  # columns of a slot; UNTIL_NS: answer due, cooldown over
RETRY_NS: Final = 1_000_000  # after a post-only refusal
GRID: Final = 1e-6  # a price this close to a tick is on it
RING: Final = 1 << 13  # differences that a window may hold; a power of 2
NEVER: Final = 9_223_372_036_854_775_807
NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Line:
    """Order latencies in ns, the same for every request and answer."""

    entry_ns: int = 0
    response_ns: int = 0


def run_maker(rows: NDArray[np.void], updates: NDArray[np.int64], maker: Maker, line: Line) -> NDArray[np.int64]:
    """Run one parameter set; return its fills (N, 3): exchange time (ns), side, price (ticks).

    `rows` are of bench.peer.events, `updates` the local times of the tape's updates.
    """
    return run_within(rows, updates, maker, line, book_reach(rows))


def book_reach(rows: NDArray[np.void]) -> tuple[float, float]:
    """Return the lowest and the highest price (ticks) that any row names."""
    return float(rows["px"].min()) - 1.0, float(rows["px"].max()) + 1.0


def run_within(
    rows: NDArray[np.void], updates: NDArray[np.int64], maker: Maker, line: Line, reach: tuple[float, float]
) -> NDArray[np.int64]:
    """Run one parameter set with a book that reaches from one price (ticks) to another."""
    asset = (
        BacktestAsset()
        .data(rows)
        .linear_asset(1.0)
        .constant_order_latency(line.entry_ns, line.response_ns)
        .risk_adverse_queue_model()
        .no_partial_fill_exchange()
        .trading_value_fee_model(0.0, 0.0)
        .tick_size(1.0)
        .lot_size(1.0)
        .roi_lb(reach[0])
        .roi_ub(reach[1])
        .last_trades_capacity(0)
    )
    engine = ROIVectorMarketDepthBacktest([asset])
    fills = np.zeros((100_000, 3), np.int64)
    try:
        count = trade(engine, updates, *arguments(maker, line), fills)
    finally:
        engine.close()
    if count < 0:
        raise ValueError(f"a cooldown of {maker.cooldown_s} s ended before its fill was noticed")
    return fills[:count].copy()


def arguments(maker: Maker, line: Line) -> tuple[Any, ...]:
    """Return a parameter set as arrays and numbers."""
    times = np.array([maker.window_s * NS, maker.refresh_s * NS, maker.cooldown_s * NS], np.float64).astype(np.int64)
    latency = np.array([line.entry_ns, line.response_ns], np.int64)
    return times, latency, np.array(SIGMAS), np.array(maker.widths_bps)


@njit(cache=True)
def width_at(sigmas: Any, widths: Any, sigma: float) -> float:
    """Return the half-spread (bps) on the curve, flat outside its ends."""
    if sigma < sigmas[0]:
        return widths[0]
    for i in range(len(sigmas) - 1):
        if sigma < sigmas[i + 1]:
            return widths[i] + (widths[i + 1] - widths[i]) * ((sigma - sigmas[i]) / (sigmas[i + 1] - sigmas[i]))
    return widths[-1]


@njit(cache=True)
def half_spread(window: Any, sigmas: Any, widths: Any) -> float:
    """Return the half-spread (bps) of the differences in the window: (count, sum, sum of squares)."""
    n, total, squares = window[0], window[1], window[2]
    if n < MIN_SAMPLES:
        return FALLBACK_BPS
    return width_at(sigmas, widths, math.sqrt(max((squares - total * total / n) / (n - 1.0), 0.0)))


@njit(cache=True)
def wanted(side: int, mid: float, bps: float, opposite: int, slots: Any) -> int:
    """Return the price (ticks) of a side's quote, behind the market's and our own opposite one."""
    other = slots[1] if side == 1 else slots[0]
    if other[STATE] in (PENDING, QUOTED, CANCELLING) and side * other[PRICE] < side * opposite:
        opposite = other[PRICE]
    if side == 1:
        price = min(math.floor(mid * (1.0 - bps / 10_000.0) + GRID), math.ceil(mid) - 1)
    else:
        price = max(math.ceil(mid * (1.0 + bps / 10_000.0) - GRID), math.floor(mid) + 1)
    return opposite - side if side * price >= side * opposite else price


@njit(cache=True)
def is_due(slots: Any, now: int, refresh_ns: int) -> bool:
    """Return whether a slot may be placed, or its quote is to be replaced."""
    for s in range(2):
        slot = slots[s]
        if slot[STATE] == IDLE or (slot[STATE] == COOLDOWN and now >= slot[UNTIL_NS]):
            return True
        if slot[STATE] == QUOTED and now - slot[PLACED_NS] >= refresh_ns:
            return True
    return False


@njit
def act(
    engine: Any, slots: Any, window: Any, last_id: int, times: Any, latency: Any, sigmas: Any, widths: Any
) -> int:  # fmt: skip
    """Free, cancel and place what is due; return the last order id given out."""
    now = engine.current_timestamp
    if not is_due(slots, now, times[1]):
        return last_id
    depth = engine.depth(0)
    bid, ask = depth.best_bid_tick, depth.best_ask_tick
    mid = 0.5 * float(bid + ask)
    bps = half_spread(window, sigmas, widths)
    prices = (wanted(1, mid, bps, ask, slots), wanted(-1, mid, bps, bid, slots))
    answer_ns = now + latency[0] + latency[1]
    for s in range(2):
        slot = slots[s]
        if slot[STATE] == COOLDOWN and now >= slot[UNTIL_NS]:
            slot[STATE] = IDLE
        if slot[STATE] == QUOTED and now - slot[PLACED_NS] >= times[1]:
            engine.cancel(0, uint64(slot[ORDER_ID]), False)
            slot[STATE] = CANCELLING
            slot[UNTIL_NS] = answer_ns
    for s in range(2):
        slot = slots[s]
        if slot[STATE] != IDLE:
            continue
        last_id += 1
        if s == 0:
            engine.submit_buy_order(0, uint64(last_id), float(prices[0]), 1.0, GTX, LIMIT, False)
        else:
            engine.submit_sell_order(0, uint64(last_id), float(prices[1]), 1.0, GTX, LIMIT, False)
        slot[STATE] = PENDING
        slot[ORDER_ID] = last_id
        slot[PRICE] = prices[s]
        slot[PLACED_NS] = now
        slot[UNTIL_NS] = answer_ns
    return last_id


@njit
def take_fills(engine: Any, slots: Any, times: Any, latency: Any, fills: Any, count: int) -> int:
    """Write down new fills and start their cooldowns; return how many fills there are, -1 when one came too late."""
    now, first = engine.current_timestamp, count
    orders = engine.orders(0)
    for s in range(2):
        slot = slots[s]
        if slot[STATE] not in (PENDING, QUOTED, CANCELLING):
            continue
        order = orders.get(uint64(slot[ORDER_ID]))
        if order is None or order.status != FILLED:
            continue
        fills[count, 0] = order.exch_timestamp
        fills[count, 1] = 1 if s == 0 else -1
        fills[count, 2] = order.price_tick
        count += 1
        slot[STATE] = COOLDOWN
        slot[UNTIL_NS] = order.exch_timestamp + latency[1] + times[2]
        if slot[UNTIL_NS] < now:
            return -1
    if count == first + 2 and fills[first, 0] > fills[first + 1, 0]:
        for column in range(3):
            fills[first, column], fills[first + 1, column] = fills[first + 1, column], fills[first, column]
    return count


@njit
def take_answer(engine: Any, slot: Any) -> None:
    """Take what the venue said to a slot's last request, if it is there by now."""
    now = engine.current_timestamp
    if slot[STATE] not in (PENDING, CANCELLING) or slot[UNTIL_NS] > now:
        return
    order = engine.orders(0).get(uint64(slot[ORDER_ID]))
    if slot[STATE] == PENDING and order.status == NEW:
        slot[STATE] = QUOTED
    elif slot[STATE] == PENDING and order.status == EXPIRED:
        slot[STATE] = COOLDOWN
        slot[UNTIL_NS] = now + RETRY_NS
    elif slot[STATE] == CANCELLING and order.status == CANCELED:
        slot[STATE] = IDLE


@njit(cache=True)
def next_wake(slots: Any, update_ns: int, refresh_ns: int) -> int:
    """Return the next moment at which there may be something to do."""
    due = update_ns
    for s in range(2):
        slot = slots[s]
        if slot[STATE] == QUOTED:
            due = min(due, slot[PLACED_NS] + refresh_ns)
        elif slot[STATE] != IDLE:
            due = min(due, slot[UNTIL_NS])
    return due


@njit
def trade(
    engine: Any, updates: Any, times: Any, latency: Any, sigmas: Any, widths: Any, fills: Any
) -> int:  # fmt: skip
    """Quote along the whole tape; write the fills and return how many there are, -1 when one was noticed too late."""
    slots = np.zeros((2, 5), np.int64)
    window = np.zeros(3)
    ring, ends = np.zeros(RING), np.zeros(RING, np.int64)
    newest, oldest, previous = 0, 0, 0.0
    last_id, count, trades, k = 0, 0, 0, 0
    engine.elapse(0)
    while k < len(updates):
        due = next_wake(slots, updates[k], times[1]) if k > 0 else updates[0]
        if engine.elapse(max(due - engine.current_timestamp, 0)) != 0:
            break
        now = engine.current_timestamp
        seen = engine.state_values(0).num_trades
        if seen != trades:
            trades = seen
            count = take_fills(engine, slots, times, latency, fills, count)
            if count < 0:
                return count
        if now == updates[k]:
            depth = engine.depth(0)
            mid = 0.5 * float(depth.best_bid_tick + depth.best_ask_tick)
            if k > 0:
                change = (mid - previous) / previous
                ring[newest % RING] = change
                ends[newest % RING] = now
                newest += 1
                window[1] += change
                window[2] += change * change
                while oldest < newest and ends[oldest % RING] <= now - times[0]:
                    gone = ring[oldest % RING]
                    oldest += 1
                    window[1] -= gone
                    window[2] -= gone * gone
                window[0] = newest - oldest
            previous = mid
            k += 1
            last_id = act(engine, slots, window, last_id, times, latency, sigmas, widths)
        for s in range(2):
            waiting = slots[s, STATE]
            take_answer(engine, slots[s])
            if slots[s, STATE] != waiting:
                last_id = act(engine, slots, window, last_id, times, latency, sigmas, widths)
        before = last_id
        last_id = act(engine, slots, window, last_id, times, latency, sigmas, widths)
        if last_id != before:
            engine.clear_inactive_orders(0)
    return count

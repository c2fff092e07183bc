"""What `step` remembers, is told and hands out: named tuples of arrays, so that every change is in place."""

import math
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from strategy.kernel.records import (
    ACTION,
    BUY,
    CONTEXT,
    DECISION,
    HELD,
    INVENTORY,
    MAX_LEVELS,
    SELL,
    SIGNAL,
    SLOT,
    SPREAD,
)

RING_CAPACITY: Final = 131_072  # differences a volatility window can hold; older ones are dropped and counted
ENTRIES: Final = 2 * MAX_LEVELS  # slots: bids first, then asks; then, in the same order, the orders that close what
EXITS: Final = 2 * ENTRIES  # ... those hold; last the position rebalance's order
SLOTS: Final = EXITS + 1
RATE_CAPACITY: Final = 128  # the most orders a second that a limit can say

CORE = np.dtype(
    [
        # the market as last accepted
        ("have_book", "i1"),
        ("need_fresh", "i1"),  # start or gap: nothing counts until a FRESH update
        ("crossed", "i1"),
        ("no_difference", "i1"),  # the next sample starts anew
        ("bid_ticks", "i8"),
        ("ask_ticks", "i8"),
        ("accepted_ns", "i8"),
        ("mid_ticks", "f8"),
        ("bid_lots", "i8"),
        ("ask_lots", "i8"),
        ("bid_depth_lots", "i8"),
        ("ask_depth_lots", "i8"),
        ("last_trade_ticks", "i8"),
        ("next_sample_ns", "i8"),  # the sampling clock's next tick, 0 = it stands
        ("sigma", "f8"),
        # what stands against quoting
        ("stale", "i1"),
        ("panicking", "i1"),
        ("calm_samples", "i8"),
        ("panic_ns", "i8"),
        ("lockout_until_ns", "i8"),
        ("kill", "i1"),  # its cause, 0 = armed
        ("day", "i8"),  # days since the epoch, UTC
        ("day_equity", "f8"),  # atoms
        ("peak_equity", "f8"),
        ("orders_sent", "i8"),
        ("order_day", "i8"),
        ("orders_today", "i8"),
        ("rate_free_ns", "i8"),  # when the next order may go out, 0 = now
        ("rebalanced", "i1"),  # the present breach of the rebalance threshold has had its order
        ("positions", "i8"),  # slots that hold something
        ("reach", "i8"),  # levels that were ever allowed: no entry slot beyond is in use
        ("exits_used", "i1"),  # an order that closes, or rebalances, was ever sent
        # what was decided
        ("halted", "i1"),
        ("regime", "i1"),
        ("clearing", "i1"),  # quotes stand aside for an order that takes
        ("reference_ticks", "f8"),
        ("bid_enabled", "i1"),
        ("ask_enabled", "i1"),
        ("bid_bps", "f8"),
        ("ask_bps", "f8"),
        ("bid_size", "f8"),
        ("ask_size", "f8"),
        ("vol_size", "f8"),
        ("version", "i8"),
        # holdings
        ("base_lots", "f8"),
        ("quote_atoms", "f8"),
        # bookkeeping
        ("next_order_id", "i8"),
        ("next_due_ns", "i8"),  # when time alone changes something, 0 = never
        ("next_wake_ns", "i8"),  # the same, or sooner: when silence makes the book stale
        ("told_regime", "i1"),
        ("told_bid_enabled", "i1"),
        ("told_ask_enabled", "i1"),
        ("told_reasons", "i8"),
        # counters
        ("books", "i8"),
        ("accepted", "i8"),
        ("debounced", "i8"),
        ("crossed_books", "i8"),
        ("stale_books", "i8"),  # updates between a gap and the next fresh book
        ("trades", "i8"),
        ("timers", "i8"),
        ("gaps", "i8"),
        ("fills", "i8"),
        ("late_fills", "i8"),  # fills of orders that no slot holds any more
        ("rejects", "i8"),
        ("placed", "i8"),
        ("cancels", "i8"),
        ("decisions", "i8"),
        ("min_qty", "i8"),
        ("min_notional", "i8"),
        ("cross_adjusted", "i8"),
        ("cross_dropped", "i8"),
        ("holdings", "i8"),
        ("samples", "i8"),  # mids that the volatility engine saw
        ("lockouts", "i8"),
        ("panics", "i8"),
        ("kills", "i8"),
        ("thin_books", "i8"),
        ("stales", "i8"),
        ("collared", "i8"),
        ("rate_limited", "i8"),
        ("requotes", "i8"),
        ("barriers", "i8"),
        ("takes", "i8"),
        ("rebalances", "i8"),
        ("dust", "i8"),
    ],
    align=True,
)

COUNTERS: Final = (CORE.names or ())[(CORE.names or ()).index("books") :]

Records = NDArray[np.void]


class State(NamedTuple):
    """Everything `step` remembers between events."""

    core: Records  # (1,) CORE
    slots: Records  # (SLOTS,) SLOT
    held: Records  # (ENTRIES,) HELD, what filled slots hold while barriers are set
    sent: NDArray[np.int64]  # (RATE_CAPACITY,) when the last orders went out, a ring
    context: Records  # (1,) CONTEXT, what policies are told
    signal: Records  # (1,) SIGNAL, the signals' last answer
    spread: Records  # (1,) SPREAD, the spread policy's last answer
    inventory: Records  # (1,) INVENTORY, the inventory policy's last answer
    volatility: Records  # (1,) the volatility policy's own state
    ring: NDArray[np.float64]  # (RING_CAPACITY, 2)
    signals: tuple[Records, ...]  # (1,) each, the signals' own states


class Params(NamedTuple):
    """One parameter set in the kernel's units, one record (1,) each."""

    quoting: Records
    regimes: Records
    barriers: Records
    risk: Records
    instrument: Records
    volatility: Records
    spread: Records
    inventory: Records
    signals: tuple[Records, ...]


class Desk(NamedTuple):
    """The part of `State` that is the same whatever the policies: code that is handed it is compiled once for all."""

    core: Records
    slots: Records
    held: Records
    sent: NDArray[np.int64]


class Rules(NamedTuple):
    """The part of `Params` that is the same whatever the policies."""

    quoting: Records
    regimes: Records
    barriers: Records
    risk: Records
    instrument: Records


class Out(NamedTuple):
    """What one call of `step` hands out."""

    actions: Records  # (SLOTS,) ACTION, the first used[0] valid
    used: NDArray[np.int64]  # (1,)
    decision: Records  # (1,) DECISION, valid when decided[0] is 1
    decided: NDArray[np.int64]  # (1,)
    recording: NDArray[np.int64]  # (1,) 0 = nobody reads decisions: they are counted and not filled in


def new_out() -> Out:
    """Return room for the results of `step`, decisions recorded."""
    return Out(
        actions=np.zeros(SLOTS, ACTION),
        used=np.zeros(1, np.int64),
        decision=np.zeros(1, DECISION),
        decided=np.zeros(1, np.int64),
        recording=np.ones(1, np.int64),
    )


def new_state(
    volatility: np.dtype[Any],
    signals: tuple[np.dtype[Any], ...],
    base_lots: float,
    quote_atoms: float,
    version: int,
    ring: int = RING_CAPACITY,
) -> State:
    """Return the state before the first event: no book, no orders, the given holdings.

    `volatility` and `signals` are the dtypes of those policies' own states; `ring` is how many differences a window
    may hold, fewer where no window is kept.
    """
    core = np.zeros(1, CORE)
    for name in ("need_fresh", "no_difference"):
        core[name] = 1
    for name in ("sigma", "mid_ticks", "reference_ticks", "day_equity", "peak_equity"):
        core[name] = math.nan
    core["base_lots"] = base_lots
    core["quote_atoms"] = quote_atoms
    core["version"] = version
    core["next_order_id"] = 1
    core["told_reasons"] = -1
    return State(
        core=core,
        slots=_new_slots(),
        held=np.zeros(ENTRIES, HELD),
        sent=np.zeros(RATE_CAPACITY, np.int64),
        context=np.zeros(1, CONTEXT),
        signal=np.zeros(1, SIGNAL),
        spread=np.zeros(1, SPREAD),
        inventory=np.zeros(1, INVENTORY),
        volatility=np.zeros(1, volatility),
        ring=np.zeros((ring, 2), np.float64),
        signals=tuple(np.zeros(1, dtype) for dtype in signals),
    )


def _new_slots() -> Records:
    slots = np.zeros(SLOTS, SLOT)
    entries, exits = slots[:ENTRIES], slots[ENTRIES:EXITS]
    entries["side"] = np.repeat([BUY, SELL], MAX_LEVELS)
    exits["side"] = -entries["side"]
    entries["level"] = exits["level"] = np.tile(np.arange(MAX_LEVELS), 2)
    return slots


def restart_volatility(state: State) -> None:
    """Forget every sample: sigma is unknown until the window has filled anew."""
    state.volatility[:] = np.zeros(1, state.volatility.dtype)
    state.core["sigma"] = math.nan
    state.core["no_difference"] = 1
    state.core["next_sample_ns"] = 0

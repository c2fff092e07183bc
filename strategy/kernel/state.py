"""What `step` remembers, is told and hands out: named tuples of arrays, so that every change is in place."""

import math
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from strategy.kernel.records import ACTION, BUY, DECISION, INVENTORY, MAX_LEVELS, SELL, SLOT

RING_CAPACITY: Final = 131_072  # differences a volatility window can hold; older ones are dropped and counted
SLOTS: Final = 2 * MAX_LEVELS  # bids first, then asks

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
        ("sigma", "f8"),
        # what was decided
        ("halted", "i1"),
        ("regime", "i1"),
        ("bid_enabled", "i1"),
        ("ask_enabled", "i1"),
        ("bid_bps", "f8"),
        ("ask_bps", "f8"),
        ("bid_size", "f8"),
        ("ask_size", "f8"),
        ("version", "i8"),
        # holdings
        ("base_lots", "f8"),
        ("quote_atoms", "f8"),
        # bookkeeping
        ("next_order_id", "i8"),
        ("next_wake_ns", "i8"),
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
    ],
    align=True,
)

COUNTERS: Final = (CORE.names or ())[(CORE.names or ()).index("books") :]

Records = NDArray[np.void]


class State(NamedTuple):
    """Everything `step` remembers between events."""

    core: Records  # (1,) CORE
    slots: Records  # (SLOTS,) SLOT
    inventory: Records  # (1,) INVENTORY, the policy's last answer
    volatility: Records  # (1,) the volatility policy's own state
    ring: NDArray[np.float64]  # (RING_CAPACITY, 2)


class Params(NamedTuple):
    """One parameter set in the kernel's units, one record (1,) each."""

    quoting: Records
    regimes: Records
    instrument: Records
    volatility: Records
    spread: Records
    inventory: Records


class Out(NamedTuple):
    """What one call of `step` hands out."""

    actions: Records  # (SLOTS,) ACTION, the first used[0] valid
    used: NDArray[np.int64]  # (1,)
    decision: Records  # (1,) DECISION, valid when decided[0] is 1
    decided: NDArray[np.int64]  # (1,)


def new_out() -> Out:
    """Return room for the results of `step`."""
    return Out(np.zeros(SLOTS, ACTION), np.zeros(1, np.int64), np.zeros(1, DECISION), np.zeros(1, np.int64))


def new_state(volatility: np.dtype[Any], base_lots: float, quote_atoms: float, version: int) -> State:
    """Return the state before the first event: no book, no orders, the given holdings."""
    core = np.zeros(1, CORE)
    core["need_fresh"] = 1
    core["no_difference"] = 1
    core["sigma"] = math.nan
    core["mid_ticks"] = math.nan
    core["base_lots"] = base_lots
    core["quote_atoms"] = quote_atoms
    core["version"] = version
    core["next_order_id"] = 1
    core["told_reasons"] = -1
    slots = np.zeros(SLOTS, SLOT)
    slots["side"] = np.repeat([BUY, SELL], MAX_LEVELS)
    slots["level"] = np.tile(np.arange(MAX_LEVELS), 2)
    return State(core, slots, np.zeros(1, INVENTORY), np.zeros(1, volatility), np.zeros((RING_CAPACITY, 2), np.float64))


def restart_volatility(state: State) -> None:
    """Forget every sample: sigma is unknown until the window has filled anew."""
    state.volatility[:] = np.zeros(1, state.volatility.dtype)
    state.core["sigma"] = math.nan
    state.core["no_difference"] = 1

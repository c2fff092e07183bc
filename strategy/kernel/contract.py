"""The seams of `step`, with neutral functions that document each signature.

Policies are bound at compile time: `strategy.policies.composition` loads `strategy.kernel.step` once more with these
names bound to the chosen policies' functions (see docs/decisions/001-compile-time-policies.md). Every function is
pure but for the state record it is handed.

Arguments that recur: `params` is the policy's own parameter record (fields of its pydantic model, see
`Policy.record`), `state` its own state record, `context` a record of dtype `CONTEXT`. The constants are the dtypes of
those records, for code that has to know them before it is called.
"""

import math
from typing import Any, Final

import numpy as np

from strategy.kernel.inventory import balance
from strategy.kernel.jit import jit

NOTHING: Final = np.dtype([("unused", "i1")])  # a record needs a field

VOLATILITY_STATE: np.dtype[Any] = NOTHING
VOLATILITY_RECORD: np.dtype[Any] = NOTHING
SPREAD_RECORD: np.dtype[Any] = NOTHING
INVENTORY_RECORD: np.dtype[Any] = NOTHING
SIGNAL_STATES: tuple[np.dtype[Any], ...] = ()
SIGNAL_RECORDS: tuple[np.dtype[Any], ...] = ()
SIDES_FOLLOW_MID: bool = False  # the inventory policy's enabled sides depend on mid


@jit
def volatility_update(state, params, ring, mid: float, tick_size: float, ts: int, fresh: bool) -> float:  # type: ignore[no-untyped-def]
    """Take one sampled mid (ticks, > 0) at `ts` (ns) and return sigma per sample, or nan while unknown.

    A sample is an accepted update or, with a sampling clock, the mid at its ticks. Differences of mids are exact in
    ticks; `tick_size` turns one into quote currency where a mode needs that. `ring` is scratch for windows, float64
    (capacity, 2). `fresh` is true after a gap: no difference may be taken between this mid and the one before.
    """
    return math.nan


@jit
def spread_decide(params, regimes, context, out) -> None:  # type: ignore[no-untyped-def]
    """Write half-spreads (bps) and reservation shift into `out` (dtype `SPREAD`), before floor, cap and inventory.

    `context["sigma"]` is not nan; `regimes` has dtype `REGIMES`. `out["reservation_bps"]` is 0 on entry.
    """
    out["bid_bps"] = 0.0
    out["ask_bps"] = 0.0


@jit
def inventory_decide(params, context, out) -> None:  # type: ignore[no-untyped-def]
    """Write the inventory decision into `out`, a record of dtype `INVENTORY`."""
    balance(out)


@jit
def signals_observe(states, params, event, mid_ticks: float) -> None:  # type: ignore[no-untyped-def]
    """Let every signal see a TRADE, an accepted BOOK or a GAP; `mid_ticks` is nan before the first book.

    `states` and `params` are tuples of arrays (1,), one a signal; a signal's own function is
    `signal_observe(state, params, event, mid_ticks)` on its records.
    """


@jit
def signals_decide(states, params, context, out) -> None:  # type: ignore[no-untyped-def]
    """Let every signal in turn change `out` (dtype `SIGNAL`), which starts neutral: shift 0, factors 1.

    A signal's own function is `signal_decide(state, params, context, out)`: it adds to the shift and multiplies the
    factors, and leaves alone what it has no opinion on.
    """


@jit
def signal_states_at(at, first: int):  # type: ignore[no-untyped-def]
    """Return the signals' states, a tuple of arrays (1,), from a table of addresses where theirs begin at `first`."""
    return ()


@jit
def signal_records_at(at, first: int):  # type: ignore[no-untyped-def]
    """Return the signals' parameter records, a tuple of arrays (1,), from a table of addresses."""
    return ()

"""The seams of `step`, with neutral functions that document each signature.

Policies are bound at compile time: `strategy.policies.composition` loads `strategy.kernel.step` once more with these
names bound to the chosen policies' functions (see docs/decisions/001-compile-time-policies.md). Every function is
pure but for the state record it is handed.

Arguments that recur: `params` is the policy's own parameter record (fields of its pydantic model, see
`Policy.record`), `state` its own state record, `ring` a float64 array (capacity, 2) of scratch for windows.
"""

import math

from strategy.kernel.inventory import balance
from strategy.kernel.jit import jit


@jit
def volatility_update(state, params, ring, mid: float, tick_size: float, ts: int, fresh: bool) -> float:  # type: ignore[no-untyped-def]
    """Take one accepted mid (ticks, > 0) at `ts` (ns) and return sigma per sample, or nan while unknown.

    Differences of mids are exact in ticks; `tick_size` turns one into quote currency where a mode needs that.

    `fresh` is true after a gap: no difference may be taken between this mid and the one before.
    """
    return math.nan


@jit
def spread_decide(params, regimes, sigma: float) -> float:  # type: ignore[no-untyped-def]
    """Return the half-spread in bps for a sigma that is not nan, before floor, cap and inventory."""
    return 0.0


@jit
def inventory_decide(params, base_lots: float, quote_atoms: float, mid_ticks: float, lot_size: float, out) -> None:  # type: ignore[no-untyped-def]
    """Write the inventory decision into `out`, a record of dtype `INVENTORY`."""
    balance(out)

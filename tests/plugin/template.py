"""A template as small as can be: whatever spread policy is bound into it, in a function that is quick to compile."""

from typing import Any

from strategy.kernel.contract import spread_decide
from strategy.kernel.jit import jit


@jit
def bid_bps(params: Any, regimes: Any, context: Any, out: Any) -> float:
    """Return the policy's half-spread of bids."""
    spread_decide(params, regimes, context, out)
    return float(out["bid_bps"])

"""The inventory decision that favours neither side: the contract's neutral one, and where every policy starts."""

from typing import Any

from strategy.kernel.jit import jit


@jit
def balance(out: Any) -> None:
    """Write the decision that favours neither side."""
    out["bid_enabled"] = 1
    out["ask_enabled"] = 1
    out["bid_factor"] = 1.0
    out["ask_factor"] = 1.0
    out["bid_shift_bps"] = 0.0
    out["ask_shift_bps"] = 0.0
    out["bid_size"] = 1.0
    out["ask_size"] = 1.0

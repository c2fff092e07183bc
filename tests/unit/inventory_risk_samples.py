"""A spread policy on a small BTC account, for the tests of models of inventory risk."""

from typing import Any

from strategy.kernel.records import CONTEXT, REGIMES, SPREAD
from strategy.policies.registry import policy
from tests.unit.kernel_samples import records

ORDER_LOTS = 100.0
TARGET_LOTS = 200.0  # the default target of 0.002 in lots of 0.00001


def quotes(name: str, sigma_bps_s: float, orders: float, **fields: float) -> tuple[float, float, float]:
    """Return half-spreads and reservation shift (bps) of an account `orders` above its target."""
    chosen = policy("spreads", name)
    params, out = records(chosen.record), records(SPREAD)
    chosen.pack(chosen.parameters(**fields), params)
    account: dict[str, Any] = {"base_lots": TARGET_LOTS + orders * ORDER_LOTS, "order_lots": ORDER_LOTS}
    context = records(CONTEXT, sigma=1e-4, sigma_bps_s=sigma_bps_s, lot_size=0.00001, mid_ticks=6e6, **account)
    chosen.functions["spread_decide"](params, records(REGIMES), context, out)
    return float(out["bid_bps"]), float(out["ask_bps"]), float(out["reservation_bps"])

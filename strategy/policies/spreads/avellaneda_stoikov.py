"""Quotes of a market maker with constant absolute risk aversion (Avellaneda and Stoikov 2008).

"High-frequency trading in a limit order book", Quantitative Finance 8(3), equations 29 and 30: reservation price
r = s - q gamma sigma^2 (T - t) and spread gamma sigma^2 (T - t) + (2 / gamma) ln(1 + gamma / kappa), for fills that
arrive at a rate proportional to exp(-kappa delta). Prices are in bps of mid, q counts orders away from the target, and
T - t is a constant: a market that never closes has a horizon that rolls.
"""

import math
from typing import Any, Final

import numpy as np

from strategy.kernel.jit import jit
from strategy.policies.fields import setting
from strategy.policies.registry import Need, Policy, PolicyParameters

PAPER: Final = "Avellaneda & Stoikov 2008, Quantitative Finance 8(3), 217-224"


class InventoryRisk(PolicyParameters):
    """What models of inventory risk share. Defaults are for BTC, whose sigma is 0.2 to 1 bps per root second.

    With kappa 0.5 a maker indifferent to risk quotes 1 / kappa = 2 bps; gamma 0.05 then leans about 1 bps an order.
    """

    inventory_target_base: float = setting(0.002, "the holding at which quotes are symmetric", unit="base", ge=0)
    risk_aversion: float = setting(
        0.05, "gamma", unit="1/(bps order)", search=(0.001, 1.0), scale="log", source=PAPER, gt=0, le=100
    )
    arrival_decay: float = setting(
        0.5,
        "kappa: fills per second fall as exp(-kappa x distance)",
        unit="1/bps",
        search=(0.05, 5.0),
        scale="log",
        source=PAPER,
        gt=0,
        le=1_000,
    )
    max_inventory_orders: float = setting(
        20.0, "further from the target the reservation price moves no more", unit="orders", gt=0, le=10_000
    )

    def needs(self) -> frozenset[Need]:
        """Return that sigma has to be known per root second."""
        return frozenset({"cadence"})


class AvellanedaStoikov(InventoryRisk):
    """Risk aversion, decay of arrivals, and the horizon over which inventory is at risk."""

    horizon_seconds: float = setting(
        60.0,
        "tau: inventory is at risk for so long",
        unit="s",
        search=(5.0, 600.0),
        scale="log",
        source=PAPER,
        gt=0,
        le=86_400,
    )


RECORD: Final = np.dtype([("target", "f8"), ("limit", "f8"), ("base_bps", "f8"), ("risk", "f8")], align=True)


def pack(parameters: AvellanedaStoikov, record: Any) -> None:
    """Write target, limit, the width without risk, and gamma tau."""
    record["target"] = parameters.inventory_target_base
    record["limit"] = parameters.max_inventory_orders
    record["base_bps"] = riskless_bps(parameters)
    record["risk"] = parameters.risk_aversion * parameters.horizon_seconds


def riskless_bps(parameters: InventoryRisk) -> float:
    """Return (1 / gamma) ln(1 + gamma / kappa), the half-spread that remains when nothing moves."""
    gamma, kappa = parameters.risk_aversion, parameters.arrival_decay
    return math.log1p(gamma / kappa) / gamma


@jit
def orders_from_target(params: Any, context: Any) -> float:
    """Return q, the holding's distance from the target in orders, within the limit."""
    q = (context["base_lots"] - params["target"] / context["lot_size"]) / context["order_lots"]
    return float(min(max(q, -params["limit"]), params["limit"]))


@jit
def spread_decide(params: Any, regimes: Any, context: Any, out: Any) -> None:
    """Write half-spreads gamma sigma^2 tau / 2 + (1 / gamma) ln(1 + gamma / kappa) around -q gamma sigma^2 tau."""
    per_order = params["risk"] * context["sigma_bps_s"] * context["sigma_bps_s"]
    width = params["base_bps"] + 0.5 * per_order
    out["bid_bps"] = width
    out["ask_bps"] = width
    out["reservation_bps"] = -orders_from_target(params, context) * per_order


POLICY: Final = Policy(
    kind="spreads",
    name="avellaneda_stoikov",
    parameters=AvellanedaStoikov,
    record=RECORD,
    pack=pack,
    functions={"spread_decide": spread_decide},
    source=PAPER,
    skips=True,
)

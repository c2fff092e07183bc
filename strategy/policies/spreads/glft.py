"""Quotes under inventory risk with no horizon (Guéant, Lehalle and Fernandez-Tapia 2013).

"Dealing with the inventory risk", Mathematics and Financial Economics 7(4), the closed-form approximation of the
asymptotic quotes: delta(q) = (1 / gamma) ln(1 + gamma / kappa) + (1 +- 2q) / 2 · c sigma with
c = sqrt(gamma / (2 kappa A) · (1 + gamma / kappa)^(1 + kappa / gamma)), + for the bid and - for the ask, where fills
arrive at A exp(-kappa delta) a second. Read as a half-spread around a reservation price, that is a width of
(1 / gamma) ln(1 + gamma / kappa) + c sigma / 2 around -q c sigma. Prices are in bps of mid, q in orders.
"""

import math
from typing import Any, Final

import numpy as np

from strategy.kernel.jit import jit
from strategy.policies.fields import setting
from strategy.policies.registry import Policy
from strategy.policies.spreads.avellaneda_stoikov import InventoryRisk, orders_from_target, riskless_bps

PAPER: Final = "Guéant, Lehalle & Fernandez-Tapia 2013, Mathematics and Financial Economics 7(4), 477-507"


class Glft(InventoryRisk):
    """Risk aversion, and the rate at which fills arrive; how fast inventory can go takes the place of a horizon."""

    arrival_rate: float = setting(
        0.5,
        "A: fills per second of a quote at the reference price; BTC trades every second or two",
        unit="1/s",
        search=(0.01, 10.0),
        scale="log",
        source=PAPER,
        ge=1e-6,
        le=1e6,
    )


RECORD: Final = np.dtype([("target", "f8"), ("limit", "f8"), ("base_bps", "f8"), ("per_sigma", "f8")], align=True)


def pack(parameters: Glft, record: Any) -> None:
    """Write target, limit, the width without risk, and c."""
    gamma, kappa = parameters.risk_aversion, parameters.arrival_decay
    power = math.exp((1.0 + kappa / gamma) * math.log1p(gamma / kappa))
    record["target"] = parameters.inventory_target_base
    record["limit"] = parameters.max_inventory_orders
    record["base_bps"] = riskless_bps(parameters)
    record["per_sigma"] = math.sqrt(gamma / (2.0 * kappa * parameters.arrival_rate) * power)


@jit
def spread_decide(params: Any, regimes: Any, context: Any, out: Any) -> None:
    """Write half-spreads (1 / gamma) ln(1 + gamma / kappa) + c sigma / 2 around a reservation price of -q c sigma."""
    per_order = params["per_sigma"] * context["sigma_bps_s"]
    width = params["base_bps"] + 0.5 * per_order
    out["bid_bps"] = width
    out["ask_bps"] = width
    out["reservation_bps"] = -orders_from_target(params, context) * per_order


POLICY: Final = Policy(
    kind="spreads",
    name="glft",
    parameters=Glft,
    record=RECORD,
    pack=pack,
    functions={"spread_decide": spread_decide},
    source=PAPER,
    skips=True,
)

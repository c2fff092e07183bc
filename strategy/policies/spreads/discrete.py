"""One width a regime, cut at the sigma thresholds (strategy.md 3)."""

from typing import Any, Final

from strategy.kernel.jit import jit
from strategy.policies.registry import STATELESS, Policy, PolicyParameters


class Discrete(PolicyParameters):
    """Nothing of its own: thresholds and widths are the parameter set's regimes."""


def pack(parameters: Discrete, record: Any) -> None:
    """Write nothing: the regimes have their own record."""


@jit
def spread_decide(params: Any, regimes: Any, context: Any, out: Any) -> None:
    """Write the half-spread (bps) of sigma's regime; a threshold belongs to the regime above it."""
    sigma = context["sigma"]
    width = regimes["spread_low"]
    if sigma >= regimes["high_threshold"]:
        width = regimes["spread_high"]
    elif sigma >= regimes["medium_threshold"]:
        width = regimes["spread_medium"]
    out["bid_bps"] = width
    out["ask_bps"] = width


POLICY: Final = Policy(
    kind="spreads",
    name="discrete",
    parameters=Discrete,
    record=STATELESS,
    pack=pack,
    functions={"spread_decide": spread_decide},
    skips=True,
)

"""One width a regime, cut at the sigma thresholds (strategy.md 3)."""

from typing import Any, Final

from strategy.kernel.jit import jit
from strategy.policies.registry import STATELESS, Policy, PolicyParameters


class Discrete(PolicyParameters):
    """Nothing of its own: thresholds and widths are the parameter set's regimes."""


def pack(parameters: Discrete, record: Any) -> None:
    """Write nothing: the regimes have their own record."""


@jit
def spread_decide(params: Any, regimes: Any, sigma: float) -> float:
    """Return the half-spread (bps) of sigma's regime; a threshold belongs to the regime above it."""
    if sigma < regimes["medium_threshold"]:
        return float(regimes["spread_low"])
    if sigma < regimes["high_threshold"]:
        return float(regimes["spread_medium"])
    return float(regimes["spread_high"])


POLICY: Final = Policy(
    kind="spreads",
    name="discrete",
    parameters=Discrete,
    record=STATELESS,
    pack=pack,
    functions={"spread_decide": spread_decide},
)

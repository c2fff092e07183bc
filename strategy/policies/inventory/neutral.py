"""No bias: the sides are limited by holdings alone (strategy.md 4)."""

from typing import Any, Final

from strategy.kernel.inventory import balance
from strategy.kernel.jit import jit
from strategy.policies.registry import STATELESS, Policy, PolicyParameters


class Neutral(PolicyParameters):
    """Nothing to set."""


def pack(parameters: Neutral, record: Any) -> None:
    """Write nothing: the policy has no parameters."""


@jit
def inventory_decide(params: Any, context: Any, out: Any) -> None:
    """Quote both sides alike."""
    balance(out)


POLICY: Final = Policy(
    kind="inventory",
    name="neutral",
    parameters=Neutral,
    record=STATELESS,
    pack=pack,
    functions={"inventory_decide": inventory_decide},
    skips=True,
)

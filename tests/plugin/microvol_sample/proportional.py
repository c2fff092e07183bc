"""A spread policy of somebody else: the half-spread is a multiple of sigma."""

from typing import Any, Final

import numpy as np

from strategy.kernel.jit import jit
from strategy.policies.fields import setting
from strategy.policies.registry import Policy, PolicyParameters


class Proportional(PolicyParameters):
    """How many sigmas wide."""

    sigmas: float = setting(2.0, "half-spread in sigmas", search=(0.5, 10.0), scale="log", gt=0, le=100)


RECORD: Final = np.dtype([("sigmas", "f8")], align=True)


def pack(parameters: Proportional, record: Any) -> None:
    """Write the parameters into their kernel record."""
    record["sigmas"] = parameters.sigmas


@jit
def spread_decide(params: Any, regimes: Any, context: Any, out: Any) -> None:
    """Write the same width on both sides, in bps."""
    width_bps = params["sigmas"] * context["sigma"] * 10_000.0
    out["bid_bps"] = width_bps
    out["ask_bps"] = width_bps


POLICY: Final = Policy(
    kind="spreads",
    name="proportional",
    parameters=Proportional,
    record=RECORD,
    pack=pack,
    functions={"spread_decide": spread_decide},
    source="an example",
)

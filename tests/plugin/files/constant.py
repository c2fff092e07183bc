"""A spread policy in a single file: one width, whatever the market does."""

from typing import Any, Final

import numpy as np

from strategy.kernel.jit import jit
from strategy.policies.fields import setting
from strategy.policies.registry import Policy, PolicyParameters


class Constant(PolicyParameters):
    """The width."""

    width_bps: float = setting(7.0, "half-spread", unit="bps", gt=0, le=10_000)


RECORD: Final = np.dtype([("bps", "f8")], align=True)
SCALE: Final = 1.0


def pack(parameters: Constant, record: Any) -> None:
    """Write the parameters into their kernel record."""
    record["bps"] = parameters.width_bps


@jit
def spread_decide(params: Any, regimes: Any, context: Any, out: Any) -> None:
    """Write the width."""
    out["bid_bps"] = params["bps"] * SCALE
    out["ask_bps"] = params["bps"] * SCALE


POLICY: Final = Policy(
    kind="spreads",
    name="constant",
    parameters=Constant,
    record=RECORD,
    pack=pack,
    functions={"spread_decide": spread_decide},
    source="an example",
)

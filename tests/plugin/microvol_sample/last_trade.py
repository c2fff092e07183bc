"""A signal of somebody else: the reference price follows the aggressor of the last trade."""

from typing import Any, Final

import numpy as np

from strategy.kernel.jit import jit
from strategy.kernel.records import TRADE
from strategy.policies.fields import setting
from strategy.policies.registry import Policy, PolicyParameters


class LastTrade(PolicyParameters):
    """How far the reference price follows."""

    follow_bps: float = setting(1.0, "shift towards the last aggressor's side", unit="bps", search=(0.0, 5.0), ge=0)


RECORD: Final = np.dtype([("bps", "f8")], align=True)
STATE: Final = np.dtype([("side", "i8")], align=True)


def pack(parameters: LastTrade, record: Any) -> None:
    """Write the parameters into their kernel record."""
    record["bps"] = parameters.follow_bps


@jit
def signal_observe(state: Any, params: Any, event: Any, mid_ticks: float) -> None:
    """Remember who crossed the spread last."""
    if event["kind"] == TRADE:
        state["side"] = event["side"]


@jit
def signal_decide(state: Any, params: Any, context: Any, out: Any) -> None:
    """Shift up after a buyer, down after a seller."""
    if state["side"] != 0:
        out["reference_bps"] += params["bps"] * state["side"]


# The names of the functions and of the module are the package's own affair.
follower: Final = Policy(
    kind="signals",
    name="last_trade",
    parameters=LastTrade,
    record=RECORD,
    pack=pack,
    functions={"signal_observe": signal_observe, "signal_decide": signal_decide},
    state=STATE,
    source="an example",
)

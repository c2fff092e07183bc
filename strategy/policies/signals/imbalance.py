"""Move the reference price towards the thinner side of the book (strategy.md 5): more bids than asks move it up."""

from typing import Any, Final, Literal

import numpy as np

from strategy.kernel.jit import jit
from strategy.policies.fields import setting
from strategy.policies.registry import STATELESS, Need, Policy, PolicyParameters


class Imbalance(PolicyParameters):
    """Which sizes are compared, and how far the reference price moves at most."""

    source: Literal["top", "band"] = setting("top", "sizes at the best prices, or within depth_band_bps of mid")
    imbalance_bps: float = setting(
        1.0, "shift of the reference price when only one side is there", unit="bps", search=(0.0, 5.0), ge=0, le=100
    )

    def needs(self) -> frozenset[Need]:
        """Return that depth is needed where depth is compared."""
        return frozenset({"depth"}) if self.source == "band" else frozenset()


RECORD: Final = np.dtype([("band", "i1"), ("bps", "f8")], align=True)


def pack(parameters: Imbalance, record: Any) -> None:
    """Write the parameters into their kernel record."""
    record["band"] = parameters.source == "band"
    record["bps"] = parameters.imbalance_bps


@jit
def signal_observe(state: Any, params: Any, event: Any, mid_ticks: float) -> None:
    """Remember nothing: the present book says it all."""


@jit
def signal_decide(state: Any, params: Any, context: Any, out: Any) -> None:
    """Shift the reference price by `bps` times (bids - asks) / (bids + asks), which lies in [-1, 1]."""
    bids, asks = context["bid_lots"], context["ask_lots"]
    if params["band"] == 1:
        bids, asks = context["bid_depth_lots"], context["ask_depth_lots"]
    if bids != asks:
        out["reference_bps"] += params["bps"] * (float(bids - asks) / float(bids + asks))


POLICY: Final = Policy(
    kind="signals",
    name="imbalance",
    parameters=Imbalance,
    record=RECORD,
    pack=pack,
    functions={"signal_observe": signal_observe, "signal_decide": signal_decide},
    state=STATELESS,
    source="MicroVol specification: order-book imbalance",
    skips=True,
)

"""Widen both sides while trades come much faster than they used to (strategy.md 5).

Time is cut into whole seconds since the epoch. The pace is the number of trades in the last complete second or in the
present one so far, whichever is larger, so that a burst counts from the trade that makes it one until a second has
passed without. Its rolling mean is the number of trades in the last `mean_seconds` complete seconds over their number.
Nothing is known until so many seconds were seen; a gap in the market data may hide trades and forgets them all.
"""

from typing import Any, Final

import numpy as np

from strategy.kernel.jit import jit
from strategy.kernel.records import GAP, TRADE
from strategy.policies.fields import setting
from strategy.policies.registry import Policy, PolicyParameters

NS: Final = 1_000_000_000
MAX_SECONDS: Final = 900


class TradeBurst(PolicyParameters):
    """What counts as a burst, and how much wider both sides are quoted in one."""

    mean_seconds: int = setting(300, "complete seconds in the mean", unit="s", ge=10, le=MAX_SECONDS)
    burst_ratio: float = setting(
        4.0, "more than this many times the mean is a burst", search=(2.0, 20.0), scale="log", ge=1, le=1000
    )
    burst_min_trades: int = setting(5, "fewer trades in a second are no burst", unit="trades", ge=1, le=100_000)
    burst_widen: float = setting(1.5, "factor of both widths in a burst", search=(1.1, 4.0), gt=1, le=100)


RECORD: Final = np.dtype([("seconds", "i8"), ("ratio", "f8"), ("least", "i8"), ("widen", "f8")], align=True)

STATE: Final = np.dtype(
    [
        ("started", "i1"),
        ("second", "i8"),  # the present one, since the epoch
        ("trades", "i8"),  # in it so far
        ("whole", "i1"),  # it was seen from its beginning
        ("before", "i8"),  # trades in the last complete second
        ("next", "i8"),  # where the next complete second goes
        ("count", "i8"),  # complete seconds seen, at most those in the mean
        ("total", "i8"),  # trades in them
        ("counts", "i8", (MAX_SECONDS,)),  # a ring of `mean_seconds`
    ],
    align=True,
)


def pack(parameters: TradeBurst, record: Any) -> None:
    """Write the parameters into their kernel record."""
    record["seconds"] = parameters.mean_seconds
    record["ratio"] = parameters.burst_ratio
    record["least"] = parameters.burst_min_trades
    record["widen"] = parameters.burst_widen


@jit
def push(state: Any, size: int, trades: int) -> None:
    """Put a complete second into the ring in place of its oldest."""
    if state["count"] == size:
        state["total"] -= state["counts"][state["next"]]
    state["counts"][state["next"]] = trades
    state["total"] += trades
    state["next"] = (state["next"] + 1) % size
    state["count"] = min(state["count"] + 1, size)
    state["before"] = trades


@jit
def advance(state: Any, params: Any, now: int) -> None:
    """Make the second of `now` the present one; those without an event between had no trades."""
    second, size = now // NS, params["seconds"]
    if second <= state["second"]:
        return
    if state["whole"] == 1:
        push(state, size, state["trades"])
    for _ in range(min(second - state["second"] - 1, size)):
        push(state, size, 0)
    state["second"] = second
    state["trades"] = 0
    state["whole"] = 1


@jit
def start(state: Any, now: int) -> None:
    """Begin within the present second, which does not count as a complete one."""
    state["started"] = 1
    state["second"] = now // NS
    state["trades"] = 0
    state["whole"] = 0
    state["before"] = 0
    state["next"] = 0
    state["count"] = 0
    state["total"] = 0


@jit
def signal_observe(state: Any, params: Any, event: Any, mid_ticks: float) -> None:
    """Count a trade in its second; a gap starts anew."""
    if state["started"] == 0 or event["kind"] == GAP:
        start(state, event["local_ts"])
    advance(state, params, event["local_ts"])
    if event["kind"] == TRADE:
        state["trades"] += 1


@jit
def signal_decide(state: Any, params: Any, context: Any, out: Any) -> None:
    """Widen both sides while the pace is over `burst_ratio` times its mean."""
    if state["started"] == 0:
        return
    advance(state, params, context["local_ts"])
    pace = max(state["before"], state["trades"])
    if state["count"] < params["seconds"] or pace < params["least"]:
        return
    if float(pace) > params["ratio"] * (float(state["total"]) / float(params["seconds"])):
        out["bid_factor"] *= params["widen"]
        out["ask_factor"] *= params["widen"]


POLICY: Final = Policy(
    kind="signals",
    name="trade_burst",
    parameters=TradeBurst,
    record=RECORD,
    pack=pack,
    functions={"signal_observe": signal_observe, "signal_decide": signal_decide},
    state=STATE,
    source="MicroVol specification: trade-count bursts",
    skips=True,
)

"""Rolling standard deviation of the differences of accepted mids (strategy.md 2, the default engine)."""

import math
from typing import Any, Final, Literal

import numpy as np

from strategy.kernel.jit import jit
from strategy.policies.fields import setting
from strategy.policies.registry import EngineParameters, Policy

NS: Final = 1_000_000_000
SPLIT: Final = 134_217_729.0  # 2**27 + 1, halves a double's mantissa (Dekker 1971)


class RollingStd(EngineParameters):
    """Window, mode and warm-up of the rolling standard deviation."""

    vol_window_seconds: float = setting(
        60.0,
        "differences younger than this count",
        unit="s",
        search=(10.0, 300.0),
        scale="log",
        gt=0,
        le=86_400,
    )
    vol_mode: Literal["percentage", "absolute"] = setting(
        "percentage", "of differences as fractions of the mid before, or in quote units"
    )
    min_samples: int = setting(10, "differences before sigma is known", ge=2, le=100_000)

    def absolute(self) -> bool:
        """Return whether sigma is in quote units."""
        return self.vol_mode == "absolute"


RECORD: Final = np.dtype([("window_ns", "i8"), ("absolute", "i1"), ("min_samples", "i8")], align=True)

# Differences in the window live in `ring` as rows (ns since `origin_ns`, r): exact in a double for 104 days.
STATE: Final = np.dtype(
    [
        ("started", "i1"),
        ("has_previous", "i1"),
        ("origin_ns", "i8"),
        ("previous_mid", "f8"),
        ("oldest", "i8"),
        ("count", "i8"),
        ("nonzero", "i8"),
        ("overflow", "i8"),
        ("sum", "f8"),
        ("sum_rest", "f8"),  # what rounding took from `sum` (Neumaier 1974)
        ("squares", "f8"),
        ("squares_rest", "f8"),
    ],
    align=True,
)


def pack(parameters: RollingStd, record: Any) -> None:
    """Write the parameters into their kernel record."""
    record["window_ns"] = round(parameters.vol_window_seconds * NS)
    record["absolute"] = parameters.absolute()
    record["min_samples"] = parameters.min_samples


@jit
def two_sum_rest(a: float, b: float, total: float) -> float:
    """Return a + b - total exactly, where total is the rounded a + b (Neumaier)."""
    if abs(a) >= abs(b):
        return (a - total) + b
    return (b - total) + a


@jit
def two_product_rest(a: float, b: float, product: float) -> float:
    """Return a·b - product exactly, where product is the rounded a·b (Dekker)."""
    scaled_a, scaled_b = SPLIT * a, SPLIT * b
    high_a, high_b = scaled_a - (scaled_a - a), scaled_b - (scaled_b - b)
    low_a, low_b = a - high_a, b - high_b
    return ((high_a * high_b - product) + high_a * low_b + low_a * high_b) + low_a * low_b


@jit
def add(state: Any, r: float, sign: float) -> None:
    """Add a difference to both sums (sign 1) or take it out (sign -1), keeping what rounding would lose."""
    term = sign * r
    total = state["sum"] + term
    state["sum_rest"] += two_sum_rest(state["sum"], term, total)
    state["sum"] = total
    square = r * r
    total = state["squares"] + sign * square
    state["squares_rest"] += two_sum_rest(state["squares"], sign * square, total) + sign * two_product_rest(
        r, r, square
    )
    state["squares"] = total
    state["count"] += int(sign)
    if r != 0.0:
        state["nonzero"] += int(sign)
    if state["nonzero"] == 0:  # a window of zeros has exactly no variance, whatever rounding has left behind
        state["sum"] = 0.0
        state["sum_rest"] = 0.0
        state["squares"] = 0.0
        state["squares_rest"] = 0.0


@jit
def drop_oldest(state: Any, ring: Any) -> None:
    """Take the oldest difference out of the window."""
    r = ring[state["oldest"], 1]
    state["oldest"] = (state["oldest"] + 1) % len(ring)
    add(state, r, -1.0)


@jit
def push(state: Any, ring: Any, ts: float, r: float) -> None:
    """Put a difference into the window; a full ring loses its oldest, which is counted."""
    if state["count"] == len(ring):
        drop_oldest(state, ring)
        state["overflow"] += 1
    row = (state["oldest"] + state["count"]) % len(ring)
    ring[row, 0] = ts
    ring[row, 1] = r
    add(state, r, 1.0)


@jit
def deviation(state: Any) -> float:
    """Return the sample standard deviation (ddof 1) from the compensated sums.

    n·Σr² - (Σr)² is formed with the rounding of both products kept, so that a mean far from 0 cancels nothing.
    """
    n = float(state["count"])
    sum_high = state["sum"] + state["sum_rest"]
    sum_low = (state["sum"] - sum_high) + state["sum_rest"]
    squares_high = state["squares"] + state["squares_rest"]
    squares_low = (state["squares"] - squares_high) + state["squares_rest"]
    left, right = n * squares_high, sum_high * sum_high
    rest = two_product_rest(n, squares_high, left) - two_product_rest(sum_high, sum_high, right)
    rest += n * squares_low - 2.0 * sum_high * sum_low
    return math.sqrt(max((left - right) + rest, 0.0) / (n * (n - 1.0)))


@jit
def volatility_update(state: Any, params: Any, ring: Any, mid: float, tick_size: float, ts: int, fresh: bool) -> float:
    """Return the standard deviation of the differences whose later end lies in (ts - window, ts], or nan.

    A fraction of the mid before in `percentage` mode, quote currency in `absolute`. Exact under sliding: compensated
    sums stay within 1e-9 relative of a two-pass computation after 10 million updates.
    """
    if state["started"] == 0:
        state["started"] = 1
        state["origin_ns"] = ts
    now = float(ts - state["origin_ns"])
    if state["has_previous"] == 1 and not fresh:
        change = mid - state["previous_mid"]
        push(state, ring, now, change * tick_size if params["absolute"] == 1 else change / state["previous_mid"])
    state["has_previous"] = 1
    state["previous_mid"] = mid
    window = float(params["window_ns"])
    while state["count"] > 0 and ring[state["oldest"], 0] <= now - window:
        drop_oldest(state, ring)
    if state["count"] < params["min_samples"]:
        return math.nan
    return deviation(state)


POLICY: Final = Policy(
    kind="volatility",
    name="rolling_std",
    parameters=RollingStd,
    record=RECORD,
    pack=pack,
    functions={"volatility_update": volatility_update},
    state=STATE,
    source="sums: Neumaier 1974, Dekker 1971",
)

"""The seams of `step` for code that is not compiled: the policy is looked up by its name, and records are dictionaries.

A template of `analytics.export.hummingbot.bundle`, which fills in the tables.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple


class Registered(NamedTuple):
    """A policy as the exported module knows it: its seams' functions, its parameters' and its state's prototypes."""

    functions: dict[str, Callable[..., Any]]
    record: dict[str, Any]
    state: dict[str, Any]


POLICIES: Final[dict[str, dict[str, Registered]]] = {}  # by kind and name


def volatility_update(state: Any, params: Any, ring: Any, mid: float, tick_size: float, ts: int, fresh: bool) -> float:
    """Let the engine that the parameters name see a sample."""
    chosen = POLICIES["volatility"][params["policy"]]
    return float(chosen.functions["volatility_update"](state, params, ring, mid, tick_size, ts, fresh))


def spread_decide(params: Any, regimes: Any, context: Any, out: Any) -> None:
    """Ask the spread policy that the parameters name."""
    POLICIES["spreads"][params["policy"]].functions["spread_decide"](params, regimes, context, out)


def inventory_decide(params: Any, context: Any, out: Any) -> None:
    """Ask the inventory policy that the parameters name."""
    POLICIES["inventory"][params["policy"]].functions["inventory_decide"](params, context, out)


def signals_observe(states: Any, params: Any, event: Any, mid_ticks: float) -> None:
    """Let every signal see an event."""
    for state, each in zip(states, params, strict=True):
        POLICIES["signals"][each[0]["policy"]].functions["signal_observe"](state[0], each[0], event, mid_ticks)


def signals_decide(states: Any, params: Any, context: Any, out: Any) -> None:
    """Let every signal in turn change the answer."""
    for state, each in zip(states, params, strict=True):
        POLICIES["signals"][each[0]["policy"]].functions["signal_decide"](state[0], each[0], context, out)


def borrowed(value: Any) -> Any:
    """Return a tuple of records as it is: nothing is copied here."""
    return value


def leading(value: Any, named: Any) -> Any:
    """Return the records that `named` has, which are the first of `value`."""
    return named(*value[: len(named._fields)])

"""A signal alone: packed parameters, a state, and small hands for feeding it, for the tests of signals."""

from typing import Any

import numpy as np

from strategy.kernel.records import BOOK, CONTEXT, EVENT, GAP, SIGNAL, TRADE
from strategy.policies.registry import policy
from tests.unit.kernel_samples import SECOND, records

MONDAY = 1_700_000_040 * SECOND  # on a minute's edge


class Signal:
    """One signal with its state; times are seconds after MONDAY."""

    def __init__(self, name: str, **fields: Any) -> None:
        """Start with these parameters and nothing seen."""
        self.policy = policy("signals", name)
        self.params = records(self.policy.record)
        self.policy.pack(self.policy.parameters(**fields), self.params)
        self.state = records(self.policy.state)

    def book(self, at_s: float, mid_ticks: float) -> None:
        """Show an accepted book."""
        self._observe(BOOK, at_s, mid_ticks)

    def trade(self, at_s: float) -> None:
        """Show a trade."""
        self._observe(TRADE, at_s, float("nan"))

    def gap(self, at_s: float) -> None:
        """Say that data was lost."""
        self._observe(GAP, at_s, float("nan"))

    def _observe(self, kind: int, at_s: float, mid_ticks: float) -> None:
        event = records(EVENT, kind=kind, local_ts=MONDAY + round(at_s * SECOND))
        self.policy.functions["signal_observe"](self.state, self.params, event, mid_ticks)

    def decide(self, at_s: float = 0.0, before: tuple[float, float, float] = (0, 1, 1), **context: Any) -> Any:
        """Return (reference_bps, bid_factor, ask_factor) after this signal, from those before it."""
        told = records(CONTEXT, local_ts=MONDAY + round(at_s * SECOND), **context)
        out = records(SIGNAL, reference_bps=before[0], bid_factor=before[1], ask_factor=before[2])
        self.policy.functions["signal_decide"](self.state, self.params, told, out)
        return tuple(float(out[name]) for name in SIGNAL.names or ())


NEUTRAL = (0.0, 1.0, 1.0)


def seeded(seed: int) -> np.random.Generator:
    """Return the generator of a seed."""
    return np.random.default_rng(seed)

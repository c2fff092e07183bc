"""A version whose volatility has to be learnt anew is fed the market beside the old one until it knows it.

The old version quotes meanwhile. What the new one has learnt is handed over between two events; everything else, such
as holdings, orders and cooldowns, the running strategy keeps. A replay of the journal does the same at the same events.
"""

import math
from typing import Final

import numpy as np

from strategy.kernel.records import BOOK, FRESH, GAP, HALT, TIMER, TRADE
from strategy.policies.document import Instrument, ParameterDocument
from strategy.policies.parameters import ParameterSet
from strategy.policies.stepper import Stepper, new_event

_MARKET: Final = (BOOK, TRADE, GAP, TIMER)
_LEARNT: Final = ("sigma", "no_difference", "next_sample_ns")  # in the core record, beside the engine's own state


class LiveStepper(Stepper):
    """A strategy that can take over what another has learnt of volatility."""

    @property
    def warm(self) -> bool:
        """Say whether sigma is known."""
        return not math.isnan(self._state.core[0]["sigma"])

    def swap_warm(self, parameters: ParameterSet, version: int, learnt: "LiveStepper") -> None:
        """Swap as `swap` does, and go on with the volatility that another strategy of these parameters has learnt."""
        self.swap(parameters, version)
        self._state.volatility[:] = learnt._state.volatility
        for name in _LEARNT:
            self._state.core[name] = learnt._state.core[name]


class WarmUp:
    """A version that learns. It is halted from the start, so that it never wants an order."""

    def __init__(self, document: ParameterDocument, parameters: ParameterSet, instrument: Instrument, at_ns: int):
        """Begin at a time on the session's clock; `parameters` are the document's, or what is tried in their place."""
        self.document, self.began_ns = document, at_ns
        self.stepper = LiveStepper(parameters, instrument, 0.0, 0.0, version=document.version)
        self.stepper.feed(new_event(HALT, flag=1, local_ts=at_ns))

    def feed(self, event: np.void, running: Stepper) -> bool:
        """Take an event that the running strategy has taken; return whether the version is warm."""
        if event["kind"] not in _MARKET:
            return False
        seen = event.copy()
        if event["kind"] == BOOK and self.stepper.needs_snapshot and not running.needs_snapshot:
            seen["flag"] = FRESH  # the running one has a whole book, so this update is one for the other too
        self.stepper.feed(seen)
        return self.stepper.warm


def needs_warm_up(running: LiveStepper, before: ParameterSet, after: ParameterSet) -> bool:
    """Say whether a swap would forget a sigma that is known."""
    return running.warm and before.volatility != after.volatility

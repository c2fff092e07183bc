"""The kernel behind one object: what the live process feeds, event by event."""

import ctypes
from collections.abc import Callable
from typing import Any, Final

import numba
import numpy as np

from strategy.errors import BadInput
from strategy.kernel.addresses import addresses
from strategy.kernel.quotes import is_open
from strategy.kernel.records import BUY, EVENT, KILL_NAMES, PURPOSE_NAMES, REGIME_NAMES
from strategy.kernel.state import RING_CAPACITY, Out, Params, Records, State, new_out, new_state, restart_volatility
from strategy.policies.composition import STEP, compose, policy_names
from strategy.policies.document import Instrument
from strategy.policies.packing import pack_parameters
from strategy.policies.parameters import ParameterSet

ENTRY: Final = "strategy.kernel.entry"


def new_event(kind: int, **fields: float) -> np.void:
    """Return an EVENT record with the given fields and zeros elsewhere; an unknown field is bad input."""
    record: np.void = np.zeros(1, EVENT)[0]
    record["kind"] = kind
    for name, value in fields.items():
        if name not in (EVENT.names or ()):
            raise BadInput(f"an event has no field {name!r}")
        record[name] = value
    return record


class Stepper:
    """One strategy: parameters, state and the step composed for them.

    Results of the last `feed` stay valid until the next one: `actions`, `decided`, `decision`.
    """

    def __init__(
        self, parameters: ParameterSet, instrument: Instrument, base_lots: float, quote_atoms: float, version: int
    ) -> None:
        """Start with the given holdings (lots, atoms), no book and no orders."""
        self._instrument = instrument
        self._parameters = parameters
        self._state: State = fresh_state(parameters, base_lots, quote_atoms, version)
        self._out: Out = new_out()
        self._event = np.zeros(1, EVENT)
        self._bind(parameters)

    def _bind(self, parameters: ParameterSet) -> None:
        self._params: Params = pack_parameters(parameters, self._instrument)
        self._call = bound_step(parameters, self._state, self._params, self._event, self._out)

    def feed(self, event: np.void) -> int:
        """Take one event and return how many of `actions` are valid."""
        self._event[0] = event
        return self._call()

    @property
    def actions(self) -> Any:
        """Return the ACTION records; the last `feed` said how many are valid."""
        return self._out.actions

    @property
    def decided(self) -> bool:
        """Return whether the last `feed` made a decision."""
        return bool(self._out.decided[0])

    @property
    def decision(self) -> np.void:
        """Return the DECISION record of the last `feed` that decided."""
        record: np.void = self._out.decision[0]
        return record

    @property
    def next_wake_ns(self) -> int:
        """Return the local time at which a TIMER is due, 0 = none."""
        return int(self._state.core[0]["next_wake_ns"])

    @property
    def needs_snapshot(self) -> bool:
        """Return whether the strategy waits for a fresh book: at the start, after a gap, after a silence."""
        return bool(self._state.core[0]["need_fresh"])

    @property
    def needs_depth(self) -> bool:
        """Return whether BOOK events must carry the depth within `depth_band_bps` of mid."""
        return self._parameters.needs_depth

    @property
    def depth_band_bps(self) -> float:
        """Return how far from mid depth counts."""
        return self._parameters.risk.depth_band_bps

    @property
    def ledger(self) -> tuple[int, float, float, int]:
        """Return what limits count: day since the epoch, its first equity and the highest (atoms), its orders."""
        core = self._state.core[0]
        today = int(core["orders_today"]) if core["order_day"] == core["day"] else 0
        return int(core["day"]), float(core["day_equity"]), float(core["peak_equity"]), today

    def swap(self, parameters: ParameterSet, version: int) -> None:
        """Use other parameters from the next event on, which must be the PARAMETERS event with this version.

        Holdings, slots, what they hold and cooldowns stay. The volatility window stays when its policy and parameters
        do, and so do the signals' states; otherwise they warm up anew.
        """
        if parameters.volatility != self._parameters.volatility:
            volatility, _ = parameters.policy_of("volatility")
            self._state = self._state._replace(volatility=np.zeros(1, volatility.state))
            restart_volatility(self._state)
        if parameters.signals != self._parameters.signals:
            signals = tuple(np.zeros(1, chosen.state) for chosen, _ in parameters.signal_policies())
            self._state = self._state._replace(signals=signals)
        self._parameters = parameters
        self._bind(parameters)

    def snapshot(self) -> dict[str, Any]:
        """Return what a status file shows: mid_ticks, sigma, regime, version, holdings and open orders."""
        core = self._state.core[0]
        return {
            "mid_ticks": float(core["mid_ticks"]),
            "sigma": float(core["sigma"]),
            "regime": REGIME_NAMES[int(core["regime"])],
            "version": int(core["version"]),
            "base_lots": float(core["base_lots"]),
            "quote_atoms": float(core["quote_atoms"]),
            "reference_ticks": float(core["reference_ticks"]),
            "halted": bool(core["halted"]),
            "kill": KILL_NAMES[int(core["kill"])],
            "panicking": bool(core["panicking"]),
            "positions": int(core["positions"]),
            "open": [_open_order(slot) for slot in self._state.slots if is_open(slot)],
        }


def bound_step(parameters: ParameterSet, state: State, params: Params, event: Records, out: Out) -> Callable[[], int]:
    """Return a function that feeds what stands in `event` to the composed step: compiled, or plain without the JIT."""
    names = policy_names(parameters)
    if numba.config.DISABLE_JIT:
        step = compose(STEP, names).step
        return lambda: int(step(state, params, event[0], out))
    function = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(compose(ENTRY, names).call.address)
    table = addresses(state, params, event, out)
    kept = (ctypes.c_void_p(table.ctypes.data), table, state, params, event, out)
    return lambda: function(kept[0])


def fresh_state(
    parameters: ParameterSet, base_lots: float, quote_atoms: float, version: int, ring: int = RING_CAPACITY
) -> State:
    """Return the state in which a parameter set's strategy starts; `ring` as in `new_state`."""
    volatility, _ = parameters.policy_of("volatility")
    signals = tuple(chosen.state for chosen, _ in parameters.signal_policies())
    return new_state(volatility.state, signals, base_lots, quote_atoms, version, ring)


def _open_order(slot: np.void) -> dict[str, int | str]:
    return {
        "order_id": int(slot["order_id"]),
        "side": "buy" if slot["side"] == BUY else "sell",
        "level": int(slot["level"]),
        "purpose": PURPOSE_NAMES[int(slot["purpose"])],
        "price_ticks": int(slot["price_ticks"]),
        "leaves_lots": int(slot["leaves_lots"]),
        "state": int(slot["state"]),
    }

"""`step` behind one C function: what the live process calls, event by event.

A call through numba's dispatcher spends about 4 µs on taking two dozen arrays apart. This one is handed a table of
their addresses (strategy.kernel.addresses), which its caller fills once. It is compiled when it is loaded, so nothing
but `strategy.policies.composition` loads it.
"""

from typing import Any

import numpy as np
from numba import carray, cfunc, types

from strategy.kernel.addresses import ADDRESSES, PARAMS, PARAMS_SIGNALS, REST, STATE_SIGNALS
from strategy.kernel.contract import (
    INVENTORY_RECORD,
    SPREAD_RECORD,
    VOLATILITY_RECORD,
    VOLATILITY_STATE,
    signal_records_at,
    signal_states_at,
)
from strategy.kernel.records import (
    ACTION,
    BARRIERS,
    CONTEXT,
    DECISION,
    EVENT,
    HELD,
    INSTRUMENT,
    INVENTORY,
    QUOTING,
    REGIMES,
    RISK,
    SIGNAL,
    SLOT,
    SPREAD,
)
from strategy.kernel.state import CORE, ENTRIES, RATE_CAPACITY, RING_CAPACITY, SLOTS, Out, Params, State
from strategy.kernel.step import step


@cfunc(types.int64(types.CPointer(types.voidptr)), cache=True)  # type: ignore[untyped-decorator]
def call(table: Any) -> int:
    """Feed the event in the table to `step` and return the number of actions."""
    at = carray(table, (ADDRESSES,))
    state = State(
        carray(at[0], (1,), CORE),
        carray(at[1], (SLOTS,), SLOT),
        carray(at[2], (ENTRIES,), HELD),
        carray(at[3], (RATE_CAPACITY,), np.int64),
        carray(at[4], (1,), CONTEXT),
        carray(at[5], (1,), SIGNAL),
        carray(at[6], (1,), SPREAD),
        carray(at[7], (1,), INVENTORY),
        carray(at[8], (1,), VOLATILITY_STATE),
        carray(at[9], (RING_CAPACITY, 2), np.float64),
        signal_states_at(at, STATE_SIGNALS),
    )
    params = Params(
        carray(at[PARAMS], (1,), QUOTING),
        carray(at[PARAMS + 1], (1,), REGIMES),
        carray(at[PARAMS + 2], (1,), BARRIERS),
        carray(at[PARAMS + 3], (1,), RISK),
        carray(at[PARAMS + 4], (1,), INSTRUMENT),
        carray(at[PARAMS + 5], (1,), VOLATILITY_RECORD),
        carray(at[PARAMS + 6], (1,), SPREAD_RECORD),
        carray(at[PARAMS + 7], (1,), INVENTORY_RECORD),
        signal_records_at(at, PARAMS_SIGNALS),
    )
    event = carray(at[REST], (1,), EVENT)
    out = Out(
        carray(at[REST + 1], (SLOTS,), ACTION),
        carray(at[REST + 2], (1,), np.int64),
        carray(at[REST + 3], (1,), DECISION),
        carray(at[REST + 4], (1,), np.int64),
        carray(at[REST + 5], (1,), np.int64),
    )
    return step(state, params, event[0], out)

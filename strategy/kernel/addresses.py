"""The table of addresses that `strategy.kernel.entry` is called with: the order of its rows.

It is that of `State`, `Params`, event and `Out`, with MAX_SIGNALS places for the signals' records, used or not.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from strategy.kernel.records import MAX_SIGNALS
from strategy.kernel.state import Out, Params, Records, State

STATE_SIGNALS: Final = 10
PARAMS: Final = STATE_SIGNALS + MAX_SIGNALS
PARAMS_SIGNALS: Final = PARAMS + 8
REST: Final = PARAMS_SIGNALS + MAX_SIGNALS
ADDRESSES: Final = REST + 6


def addresses(state: State, params: Params, event: Records, out: Out) -> NDArray[np.int64]:
    """Return the table (ADDRESSES,) int64 of where these arrays lie; they must stay where they are."""
    rows = [*state[:-1], *_padded(state.signals), *params[:-1], *_padded(params.signals), event, *out]
    return np.array([0 if row is None else row.ctypes.data for row in rows], np.int64)


def _padded(records: tuple[Any, ...]) -> list[Any]:
    return [*records, *[None] * (MAX_SIGNALS - len(records))]

"""The kernel's records as plain values: what a record without NumPy starts as."""

from typing import Any, Final

import numpy as np

from strategy.kernel import records, state


def prototype(dtype: np.dtype[Any]) -> dict[str, Any]:
    """Return a record of this dtype as a dictionary of zeros, arrays as lists; empty where it only has to exist."""
    return {name: np.zeros((), dtype)[name].tolist() for name in dtype.names or () if name != "unused"}


CORE: Final = prototype(state.CORE)
SLOT: Final = prototype(records.SLOT)
HELD: Final = prototype(records.HELD)
EVENT: Final = prototype(records.EVENT)
ACTION: Final = prototype(records.ACTION)
DECISION: Final = prototype(records.DECISION)
CONTEXT: Final = prototype(records.CONTEXT)
SIGNAL: Final = prototype(records.SIGNAL)
SPREAD: Final = prototype(records.SPREAD)
INVENTORY: Final = prototype(records.INVENTORY)
SECTIONS: Final = {  # of the parameters that are not policies
    "quoting": prototype(records.QUOTING),
    "regimes": prototype(records.REGIMES),
    "barriers": prototype(records.BARRIERS),
    "risk": prototype(records.RISK),
    "instrument": prototype(records.INSTRUMENT),
}

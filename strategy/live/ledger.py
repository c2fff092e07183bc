"""What limits count over sessions: the day's first equity, the highest, and the day's orders.

A crash or a restart must not give a day's loss or its orders back, so they lie in the live folder, the strategy's and
the guard's own. Re-arming the kill switch takes both files away: losses then count from the next update on.
"""

import math
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from strategy.errors import Failed
from strategy.kernel.records import LEDGER
from strategy.live.doors import write_status
from strategy.live.layout import LEDGER_FILE
from strategy.policies.document import Instrument
from strategy.policies.packing import atom_size
from strategy.policies.stepper import Stepper, new_event


class Ledger(BaseModel):
    """Equities in quote units, `day` in days since the epoch, UTC."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    day: int
    day_equity: float
    peak_equity: float
    orders_today: int


def ledger_of(stepper: Stepper, instrument: Instrument) -> Ledger | None:
    """Return what a strategy has counted so far, None before its first book."""
    day, first, peak, orders = stepper.ledger
    if math.isnan(first) or math.isnan(peak):
        return None
    atom = float(atom_size(instrument))
    return Ledger(day=day, day_equity=first * atom, peak_equity=peak * atom, orders_today=orders)


def ledger_event(ledger: Ledger, instrument: Instrument) -> np.void:
    """Return the event by which a new session goes on from a ledger."""
    atom = float(atom_size(instrument))
    return new_event(
        LEDGER,
        code=ledger.day,
        qty_lots=ledger.orders_today,
        day_equity_atoms=ledger.day_equity / atom,
        peak_equity_atoms=ledger.peak_equity / atom,
    )


def read_ledger(folder: Path, name: str = LEDGER_FILE) -> Ledger | None:
    """Return what the last session left; one that cannot be read is a failure, for it may have held a loss."""
    path = folder / name
    try:
        return Ledger.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        fault = error.errors()[0]["msg"]
        raise Failed(f"{path} cannot be read ({fault}); `microvol kill` and `microvol rearm` begin it anew") from error


def write_ledger(folder: Path, ledger: Ledger, name: str = LEDGER_FILE) -> None:
    """Replace the ledger in one step."""
    write_status(folder / name, ledger)

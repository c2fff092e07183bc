"""What every fold of a trial must keep to; a limit that is missed ranks a trial behind all that keep to theirs.

Each is by how much of its limit it is missed: 0.1 is a tenth too little or too much, 0 and below keep to it.
"""

from collections.abc import Sequence

import numpy as np

from analytics.metrics.activity import Activity
from analytics.metrics.figures import Tally
from analytics.study.settings import Objective
from strategy.replay.tape import TapeInfo


def required_fills(objective: Objective, hours: float) -> float:
    """Return the fills that a fold of so many hours must have."""
    return max(float(objective.min_fills), objective.min_fills_per_hour * hours)


def shortfalls(
    objective: Objective, figures: dict[str, float], total: Tally, activities: Sequence[Activity], info: TapeInfo
) -> dict[str, float]:
    """Return by how much a fold misses each limit that is set, as a share of the limit."""
    hours = sum(each.end_ns - each.start_ns for each in activities) / 3.6e12
    fills = required_fills(objective, hours)
    found = {"fills": (fills - figures["fills"]) / max(fills, 1.0)}
    if objective.min_fill_ratio > 0:
        found["fill_ratio"] = 1 - _known(figures["fill_ratio"]) / objective.min_fill_ratio
    if objective.max_inventory_variance_base2 > 0:
        variance = _known(figures["inventory_variance_base2"])
        found["inventory_variance"] = variance / objective.max_inventory_variance_base2 - 1
    if objective.max_drawdown_bps > 0:
        allowed = 1e-4 * objective.max_drawdown_bps * capital(activities[0], info)
        found["drawdown"] = total.max_drawdown / allowed - 1 if allowed > 0 else total.max_drawdown
    return found


def capital(activity: Activity, info: TapeInfo) -> float:
    """Return the holdings at an activity's start, quote currency."""
    atoms = activity.start_quote_atoms + activity.start_base_lots * activity.start_mid_ticks
    return atoms * float(info.tick_size) * float(info.lot_size)


def _known(value: float) -> float:
    return float(np.nan_to_num(value))

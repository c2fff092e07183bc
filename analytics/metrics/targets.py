"""The holding that a parameter set steers towards."""

import numpy as np
from numpy.typing import NDArray

from analytics.metrics.activity import Marks
from strategy.policies.parameters import ParameterSet
from strategy.replay.tape import TapeInfo

F64 = NDArray[np.float64]
TARGET, SHARE = "inventory_target_base", "target_ratio"


def target_base(parameters: ParameterSet, marks: Marks, info: TapeInfo) -> F64 | None:
    """Return the target at each mark, base units; None where the set's policies name none.

    A share of the account is the account's worth at that mark; the inventory policy's target comes before the spread's.
    """
    for group in ("inventory", "spread"):
        said = parameters.policy_of(group)[1]
        if hasattr(said, TARGET):
            return np.full(len(marks.ts), float(getattr(said, TARGET)))
        if hasattr(said, SHARE):
            share: F64 = float(getattr(said, SHARE)) * marks.equity / marks.mid * float(info.lot_size)
            return share
    return None

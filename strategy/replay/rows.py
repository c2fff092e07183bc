"""What a replay writes down, one dtype a table. Times are ns, prices ticks, quantities lots, money atoms."""

from typing import Final

import numpy as np

OPEN: Final = 0  # outcomes of an order; OPEN = it rested, or was under way, when the window ended
FILLED: Final = 1
CANCELLED: Final = 2  # by a cancel or a gap; of an order that takes: something was left of it
REJECTED: Final = 3

# One fill. `mid_ticks` is the exchange's mid at the fill, the quoted_ fields are of the decision that sent the order,
# `purpose` is the order's (strategy.kernel.records), `maker` 1 = it rested, 0 = it took.
FILL_ROW = np.dtype(
    [
        ("local_ts", "i8"),
        ("exch_ts", "i8"),
        ("order_id", "i8"),
        ("version", "i8"),
        ("trade_id", "i8"),
        ("side", "i1"),
        ("level", "i1"),
        ("purpose", "i1"),
        ("maker", "i1"),
        ("price_ticks", "i8"),
        ("qty_lots", "i8"),
        ("fee_base_lots", "f8"),
        ("fee_quote_atoms", "f8"),
        ("mid_ticks", "f8"),
        ("quoted_mid_ticks", "f8"),
        ("quoted_regime", "i1"),
    ],
    align=True,
)

# One order; row i is order i + 1. `ended_ns` is when the exchange ended it, `placed_ns` when the strategy sent it.
ORDER_ROW = np.dtype(
    [
        ("order_id", "i8"),
        ("version", "i8"),
        ("side", "i1"),
        ("level", "i1"),
        ("purpose", "i1"),
        ("price_ticks", "i8"),
        ("qty_lots", "i8"),
        ("filled_lots", "i8"),
        ("placed_ns", "i8"),
        ("ended_ns", "i8"),
        ("mid_ticks", "f8"),
        ("regime", "i1"),
        ("outcome", "i1"),
    ],
    align=True,
)

# The state of things at regular moments: the exchange's mid, the strategy's sigma and regime, true holdings.
SAMPLE_ROW = np.dtype(
    [
        ("ts", "i8"),
        ("mid_ticks", "f8"),
        ("sigma", "f8"),
        ("regime", "i1"),
        ("base_lots", "f8"),
        ("quote_atoms", "f8"),
    ],
    align=True,
)

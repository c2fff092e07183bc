"""Record types that cross the kernel's boundary.

Prices are integer ticks, quantities integer lots, times int64 nanoseconds since the Unix epoch (UTC).
Money is in *atoms*: one tick times one lot, float64 so that fractional fees fit; integers stay exact up to 2**53.
"""

from typing import Final

import numpy as np

MAX_LEVELS: Final = 8
BUY: Final = 1
SELL: Final = -1

# Event kinds. Market data, timers and news of our own orders all enter `step` the same way.
BOOK: Final = 1  # best bid/ask with sizes after one whole update; bid_ticks or ask_ticks 0 = that side is empty
TRADE: Final = 2  # price_ticks, qty_lots, side = aggressor
TIMER: Final = 3  # only local_ts
ACK: Final = 4  # our order rests: order_id
REJECT: Final = 5  # our order never rested: order_id, code = reject code
FILL: Final = 6  # order_id, side, price_ticks, qty_lots, leaves_lots, fee_base_lots, fee_quote_atoms, code = trade id
CANCELLED: Final = 7  # our order is gone without a fill: order_id
GAP: Final = 8  # market data was lost: the book is unknown until the next BOOK with flag FRESH
BALANCE: Final = 9  # base_lots, quote_atoms replace what we believe we hold
PARAMETERS: Final = 10  # code = version that applies from this event on
HALT: Final = 11  # cancel all and stay out; flag 1 = halt, 0 = resume

FRESH: Final = 1  # BOOK flag: first update after a snapshot; no difference is taken across it

# Reject codes
REJECT_POST_ONLY: Final = 1
REJECT_BALANCE: Final = 2
REJECT_FILTER: Final = 3
REJECT_GUARD: Final = 4
REJECT_OTHER: Final = 9

EVENT = np.dtype(
    [
        ("kind", "i1"),
        ("side", "i1"),
        ("flag", "i1"),
        ("seq", "i8"),
        ("exch_ts", "i8"),
        ("local_ts", "i8"),
        ("bid_ticks", "i8"),
        ("bid_lots", "i8"),
        ("ask_ticks", "i8"),
        ("ask_lots", "i8"),
        ("price_ticks", "i8"),
        ("qty_lots", "i8"),
        ("order_id", "i8"),
        ("leaves_lots", "i8"),
        ("code", "i8"),
        ("fee_base_lots", "f8"),
        ("fee_quote_atoms", "f8"),
        ("base_lots", "f8"),
        ("quote_atoms", "f8"),
    ],
    align=True,
)

# Actions
PLACE: Final = 1
CANCEL: Final = 2

ACTION = np.dtype(
    [
        ("kind", "i1"),
        ("side", "i1"),
        ("level", "i1"),
        ("order_id", "i8"),
        ("price_ticks", "i8"),
        ("qty_lots", "i8"),
    ],
    align=True,
)

# Slot states (strategy.md 6). PENDING = sent, not acknowledged; CANCELLING = cancel sent, outcome unknown.
IDLE: Final = 0
PENDING: Final = 1
QUOTED: Final = 2
CANCELLING: Final = 3
COOLDOWN: Final = 4

SLOT = np.dtype(
    [
        ("state", "i1"),
        ("side", "i1"),
        ("level", "i1"),
        ("filled", "i1"),  # the current order had at least one fill
        ("order_id", "i8"),
        ("price_ticks", "i8"),
        ("leaves_lots", "i8"),
        ("placed_ns", "i8"),
        ("cooldown_until_ns", "i8"),
    ],
    align=True,
)

# Regimes
WARMUP: Final = 0
QUIET: Final = 1
LOW: Final = 2
MEDIUM: Final = 3
HIGH: Final = 4
REGIME_NAMES: Final = ("warmup", "quiet", "low", "medium", "high")

# Reason bits of a decision
R_WARMUP: Final = 1  # sigma not available: fallback width
R_NO_BOOK: Final = 2  # no fresh book (start, gap)
R_CROSSED: Final = 4  # crossed or empty book
R_MIN_QTY: Final = 8  # a level under the venue's minimum quantity
R_MIN_NOTIONAL: Final = 16  # a level under the venue's minimum notional
R_CROSS_ADJUSTED: Final = 32  # a wanted price would have crossed and was moved one tick behind the opposite best
R_CROSS_DROPPED: Final = 64  # ... and was dropped
R_HOLDINGS: Final = 128  # a level not affordable from holdings
R_SIDE_DISABLED: Final = 256  # the inventory policy disabled a side
R_HALTED: Final = 512  # halted from outside
R_REFRESH: Final = 1024  # a slot reached executor_refresh_time
R_PARAMETERS: Final = 2048  # a new version applies
R_REJECTED: Final = 4096  # the venue refused an order

REASON_NAMES: Final = {
    R_WARMUP: "warmup",
    R_NO_BOOK: "no_book",
    R_CROSSED: "crossed",
    R_MIN_QTY: "min_qty",
    R_MIN_NOTIONAL: "min_notional",
    R_CROSS_ADJUSTED: "cross_adjusted",
    R_CROSS_DROPPED: "cross_dropped",
    R_HOLDINGS: "holdings",
    R_SIDE_DISABLED: "side_disabled",
    R_HALTED: "halted",
    R_REFRESH: "refresh",
    R_PARAMETERS: "parameters",
    R_REJECTED: "rejected",
}

# One decision (strategy.md 8). Wanted and resting quotes are 0 where a level has none.
DECISION = np.dtype(
    [
        ("seq", "i8"),  # the event that caused it
        ("local_ts", "i8"),
        ("version", "i8"),
        ("mid_ticks", "f8"),
        ("sigma", "f8"),
        ("regime", "i1"),
        ("bid_enabled", "i1"),
        ("ask_enabled", "i1"),
        ("reasons", "i8"),
        ("bid_bps", "f8"),
        ("ask_bps", "f8"),
        ("base_lots", "f8"),
        ("quote_atoms", "f8"),
        ("want_bid_ticks", "i8", (MAX_LEVELS,)),
        ("want_bid_lots", "i8", (MAX_LEVELS,)),
        ("want_ask_ticks", "i8", (MAX_LEVELS,)),
        ("want_ask_lots", "i8", (MAX_LEVELS,)),
        ("rest_bid_ticks", "i8", (MAX_LEVELS,)),
        ("rest_bid_lots", "i8", (MAX_LEVELS,)),
        ("rest_ask_ticks", "i8", (MAX_LEVELS,)),
        ("rest_ask_lots", "i8", (MAX_LEVELS,)),
        ("n_actions", "i8"),
    ],
    align=True,
)

# Everything `step` needs to know of the instrument and the account's rules.
INSTRUMENT = np.dtype(
    [
        ("tick_size", "f8"),
        ("lot_size", "f8"),
        ("min_qty_lots", "i8"),
        ("min_notional_atoms", "f8"),
    ],
    align=True,
)

# What an inventory policy says (strategy.md 4): width of a side = width x factor + shift, size = order size x size.
INVENTORY = np.dtype(
    [
        ("bid_enabled", "i1"),
        ("ask_enabled", "i1"),
        ("bid_factor", "f8"),
        ("ask_factor", "f8"),
        ("bid_shift_bps", "f8"),
        ("ask_shift_bps", "f8"),
        ("bid_size", "f8"),
        ("ask_size", "f8"),
    ],
    align=True,
)

# strategy.policies.parameters.Regimes inside the kernel.
REGIMES = np.dtype(
    [
        ("low_threshold", "f8"),
        ("medium_threshold", "f8"),
        ("high_threshold", "f8"),
        ("spread_low", "f8"),
        ("spread_medium", "f8"),
        ("spread_high", "f8"),
    ],
    align=True,
)

# strategy.policies.parameters.Quoting inside the kernel: sizes in lots, times in ns.
QUOTING = np.dtype(
    [
        ("order_lots", "f8"),
        ("buy_levels", "i8"),
        ("sell_levels", "i8"),
        ("buy_spreads", "f8", (MAX_LEVELS,)),
        ("sell_spreads", "f8", (MAX_LEVELS,)),
        ("spread_floor_bps", "f8"),
        ("spread_cap_bps", "f8"),
        ("fallback_spread_bps", "f8"),
        ("refresh_ns", "i8"),
        ("cooldown_ns", "i8"),
        ("min_update_ns", "i8"),
        ("drop_on_cross", "i1"),
    ],
    align=True,
)

"""Record types that cross the kernel's boundary.

Prices are integer ticks, quantities integer lots, times int64 nanoseconds since the Unix epoch (UTC).
Money is in *atoms*: one tick times one lot, float64 so that fractional fees fit; integers stay exact up to 2**53.
"""

from typing import Final

import numpy as np

MAX_LEVELS: Final = 8
MAX_SIGNALS: Final = 4
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
KILL: Final = 12  # flag 1 = the kill switch is thrown, code = cause; flag 0 = a person re-armed it
LEDGER: Final = 13  # what an earlier session counted: code = its day, qty_lots = orders of that day, both equities

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
        ("bid_depth_lots", "i8"),  # of a BOOK: within the parameters' depth_band_bps of mid, 0 where nobody asks
        ("ask_depth_lots", "i8"),
        ("day_equity_atoms", "f8"),
        ("peak_equity_atoms", "f8"),
    ],
    align=True,
)

# Actions
PLACE: Final = 1  # a post-only limit order
CANCEL: Final = 2
TAKE: Final = 3  # a limit order that fills at once or is cancelled (IOC); price_ticks is the worst price accepted

# What an order is for. All but ENTRY and REBALANCE close a position: on futures they go out as such (reduce only).
ENTRY: Final = 0
TAKE_PROFIT: Final = 1
STOP_LOSS: Final = 2
TIME_LIMIT: Final = 3
TRAILING_STOP: Final = 4
REBALANCE: Final = 5
PURPOSE_NAMES: Final = ("entry", "take_profit", "stop_loss", "time_limit", "trailing_stop", "rebalance")

ACTION = np.dtype(
    [
        ("kind", "i1"),
        ("side", "i1"),
        ("level", "i1"),
        ("purpose", "i1"),
        ("order_id", "i8"),
        ("price_ticks", "i8"),
        ("qty_lots", "i8"),
    ],
    align=True,
)

# Slot states (strategy.md 6). PENDING = sent, not acknowledged; CANCELLING = cancel sent, outcome unknown;
# POSITION = the entry is over and its barriers decide what comes next.
IDLE: Final = 0
PENDING: Final = 1
QUOTED: Final = 2
CANCELLING: Final = 3
COOLDOWN: Final = 4
POSITION: Final = 5

SLOT = np.dtype(
    [
        ("state", "i1"),
        ("side", "i1"),
        ("level", "i1"),
        ("filled", "i1"),  # the current order had at least one fill
        ("purpose", "i1"),
        ("order_id", "i8"),
        ("price_ticks", "i8"),
        ("leaves_lots", "i8"),
        ("placed_ns", "i8"),
        ("cooldown_until_ns", "i8"),
    ],
    align=True,
)

# What a filled slot holds while barriers are set (strategy.md 6); its side is the slot's.
HELD = np.dtype(
    [
        ("lots", "i8"),
        ("atoms", "f8"),  # what they cost: the sum of price x quantity
        ("opened_ns", "i8"),
        ("extreme_ticks", "f8"),  # the best mid for us since then
        ("hit", "i1"),  # the barrier that was reached, a purpose; 0 = none
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
R_LOCKOUT: Final = 1 << 13  # high volatility began less than lockout_seconds ago: no quote updates
R_PANIC: Final = 1 << 14  # sigma went over panic_threshold and has not been under it for long enough
R_KILLED: Final = 1 << 15  # the kill switch is thrown: a person has to re-arm it
R_THIN_BOOK: Final = 1 << 16  # too little depth within the band
R_STALE: Final = 1 << 17  # no accepted update for stale_after_seconds
R_COLLAR: Final = 1 << 18  # a price too far on the wrong side of mid or of the last trade
R_RATE: Final = 1 << 19  # the limit of orders per second or day is reached
R_MAX_BUYS: Final = 1 << 20  # max_concurrent_buys bids are open
R_REQUOTE: Final = 1 << 21  # the wanted price moved by more than requote_tolerance_bps
R_BARRIER: Final = 1 << 22  # a filled slot reached a barrier
R_REBALANCE: Final = 1 << 23  # base held is too far from what the asks need
R_CLEARING: Final = 1 << 24  # quotes stand aside for an order that takes
R_DUST: Final = 1 << 25  # what is left of a filled slot is under the venue's minima

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
    R_LOCKOUT: "lockout",
    R_PANIC: "panic",
    R_KILLED: "killed",
    R_THIN_BOOK: "thin_book",
    R_STALE: "stale",
    R_COLLAR: "collar",
    R_RATE: "rate",
    R_MAX_BUYS: "max_concurrent_buys",
    R_REQUOTE: "requote",
    R_BARRIER: "barrier",
    R_REBALANCE: "rebalance",
    R_CLEARING: "clearing",
    R_DUST: "dust",
}

# Why the kill switch was thrown
NOT_KILLED: Final = 0
KILLED_BY_HAND: Final = 1
KILLED_BY_PANIC: Final = 2  # panic lasted over panic_kill_seconds
KILLED_BY_DAY_LOSS: Final = 3
KILLED_BY_DRAWDOWN: Final = 4
KILL_NAMES: Final = ("", "by hand", "panic", "day loss", "drawdown")

# One decision (strategy.md 8). Wanted and resting quotes are 0 where a level has none.
DECISION = np.dtype(
    [
        ("seq", "i8"),  # the event that caused it
        ("local_ts", "i8"),
        ("version", "i8"),
        ("mid_ticks", "f8"),
        ("reference_ticks", "f8"),  # mid, moved by signals and the spread policy's reservation price
        ("sigma", "f8"),
        ("regime", "i1"),
        ("bid_enabled", "i1"),
        ("ask_enabled", "i1"),
        ("kill", "i1"),  # the kill switch's cause, 0 = armed
        ("positions", "i1"),  # slots that hold a position
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

# What policies are told (strategy.md 3 to 5): the market, the account, and what sigma means.
CONTEXT = np.dtype(
    [
        ("local_ts", "i8"),
        ("mid_ticks", "f8"),
        ("tick_size", "f8"),  # quote units
        ("lot_size", "f8"),  # base units
        ("sigma", "f8"),  # per sample, the engine's unit; nan while unknown
        ("sigma_bps_s", "f8"),  # the same in bps of mid per square root of a second; nan where the cadence is unknown
        ("base_lots", "f8"),
        ("quote_atoms", "f8"),
        ("order_lots", "f8"),  # size of one level before any factor
        ("bid_lots", "i8"),  # at the best prices
        ("ask_lots", "i8"),
        ("bid_depth_lots", "i8"),  # within depth_band_bps of mid, where a policy or a rule needs it
        ("ask_depth_lots", "i8"),
    ],
    align=True,
)

# What a spread policy says: half-spreads, and how far its reservation price lies from mid (up is positive).
SPREAD = np.dtype([("bid_bps", "f8"), ("ask_bps", "f8"), ("reservation_bps", "f8")], align=True)

# What all signals together say: a shift of the reference price (up is positive) and factors of the two widths.
SIGNAL = np.dtype([("reference_bps", "f8"), ("bid_factor", "f8"), ("ask_factor", "f8")], align=True)

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

# strategy.policies.sections.Regimes inside the kernel.
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

# strategy.policies.sections.Quoting inside the kernel: sizes in lots, times in ns. A rule that is off has a value that
# never acts: inf for a limit, 0 where said.
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
        ("requote_tolerance_bps", "f8"),
        ("max_concurrent_buys", "i8"),
        ("vol_size_ref", "f8"),  # inf = sizes do not depend on sigma
        ("vol_size_min", "f8"),
        ("rebalance_threshold", "f8"),  # a fraction of what the asks need
        ("sampling_ns", "i8"),  # 0 = sigma samples every accepted update
        ("sample_s", "f8"),  # what one sample of sigma spans; 0 = it varies
        ("sigma_absolute", "i1"),  # sigma is in quote units, not a fraction
    ],
    align=True,
)

# strategy.policies.sections.Barriers inside the kernel: fractions of the entry price; inf, or 0 ns, where not set.
BARRIERS = np.dtype(
    [
        ("enabled", "i1"),  # any of them is set
        ("take_profit", "f8"),
        ("stop_loss", "f8"),
        ("time_limit_ns", "i8"),
        ("trailing_activation", "f8"),
        ("trailing_delta", "f8"),
    ],
    align=True,
)

# strategy.policies.sections.Risk inside the kernel; inf, or 0 where said, switches a rule off.
RISK = np.dtype(
    [
        ("lockout_ns", "i8"),
        ("lockout_cancels", "i1"),
        ("panic_threshold", "f8"),
        ("panic_resume_samples", "i8"),
        ("panic_kill_ns", "i8"),  # 0 = off
        ("max_daily_loss_atoms", "f8"),
        ("max_drawdown", "f8"),  # a fraction of the highest equity
        ("min_depth_lots", "f8"),  # 0 = off
        ("stale_ns", "i8"),  # 0 = off
        ("collar_bps", "f8"),
        ("orders_per_second", "i8"),  # 0 = off
        ("orders_per_day", "i8"),  # 0 = off
    ],
    align=True,
)

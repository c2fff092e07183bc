"""When not to quote (strategy.md 7): panic, lockout, kill switch, thin book, stale data, order rates.

Each rule writes what it found into the core record; `step.decide` reads it. A limit that is off is infinite, or 0.
"""

import math
from typing import Any, Final

from strategy.kernel.jit import jit
from strategy.kernel.records import (
    HIGH,
    KILLED_BY_DAY_LOSS,
    KILLED_BY_DRAWDOWN,
    KILLED_BY_PANIC,
    LOW,
    MEDIUM,
    NOT_KILLED,
    QUIET,
    R_CROSSED,
    R_HALTED,
    R_KILLED,
    R_LOCKOUT,
    R_NO_BOOK,
    R_PANIC,
    R_STALE,
    R_THIN_BOOK,
    WARMUP,
)
from strategy.kernel.state import RATE_CAPACITY

SECOND_NS: Final = 1_000_000_000
DAY_NS: Final = 86_400 * SECOND_NS
BLOCKING: Final = R_NO_BOOK | R_CROSSED | R_HALTED | R_KILLED | R_PANIC | R_THIN_BOOK | R_STALE  # nothing may rest


@jit
def watch_sigma(core: Any, risk: Any, now: int) -> None:
    """Let one sample of sigma begin, prolong or end a panic; an unknown sigma is not a calm one."""
    if core["sigma"] > risk["panic_threshold"]:
        if core["panicking"] == 0:
            core["panicking"] = 1
            core["panic_ns"] = now
            core["panics"] += 1
        core["calm_samples"] = 0
        return
    if core["panicking"] == 0:
        return
    core["calm_samples"] = core["calm_samples"] + 1 if core["sigma"] < risk["panic_threshold"] else 0
    if core["calm_samples"] >= risk["panic_resume_samples"]:
        core["panicking"] = 0


@jit
def watch_regime(core: Any, risk: Any, regime: int, now: int) -> None:
    """Take a new regime; entering `high` begins a lockout."""
    if regime == HIGH and core["regime"] != HIGH and risk["lockout_ns"] > 0:
        core["lockout_until_ns"] = now + risk["lockout_ns"]
        core["lockouts"] += 1
    core["regime"] = regime


@jit
def throw_kill(core: Any, cause: int) -> None:
    """Throw the kill switch; the first cause stays."""
    if core["kill"] == NOT_KILLED:
        core["kill"] = cause
        core["kills"] += 1


@jit
def rearm(core: Any, now: int) -> None:
    """Arm the kill switch anew: losses and panic are counted from now on."""
    core["kill"] = NOT_KILLED
    core["day_equity"] = math.nan
    core["peak_equity"] = math.nan
    core["panic_ns"] = now


@jit
def take_ledger(core: Any, event: Any) -> None:
    """Go on from what an earlier session counted: a restart forgives no loss and gives no orders back."""
    day = event["local_ts"] // DAY_NS
    core["peak_equity"] = event["peak_equity_atoms"]
    if event["code"] == day:
        core["day"] = day
        core["day_equity"] = event["day_equity_atoms"]
        core["order_day"] = day
        core["orders_today"] = event["qty_lots"]


@jit
def equity_of(core: Any) -> float:
    """Return the account's value in atoms at the last mid; nan before there was one."""
    return float(core["quote_atoms"] + core["base_lots"] * core["mid_ticks"])


@jit
def watch_equity(core: Any, risk: Any, now: int) -> None:
    """Compare equity with the day's first and with its highest, and throw the kill switch where it lost too much."""
    equity, day = equity_of(core), now // DAY_NS
    if day != core["day"] or math.isnan(core["day_equity"]):
        core["day"] = day
        core["day_equity"] = equity
    if not core["peak_equity"] >= equity:
        core["peak_equity"] = equity
    if core["day_equity"] - equity > risk["max_daily_loss_atoms"]:
        throw_kill(core, KILLED_BY_DAY_LOSS)
    elif risk["max_drawdown"] < 1.0 and core["peak_equity"] - equity > risk["max_drawdown"] * core["peak_equity"]:
        throw_kill(core, KILLED_BY_DRAWDOWN)


@jit
def replace_holdings(core: Any, base_lots: float, quote_atoms: float) -> None:
    """Take new holdings: what came or went from outside is neither profit nor loss."""
    before = equity_of(core)
    core["base_lots"] = base_lots
    core["quote_atoms"] = quote_atoms
    change = equity_of(core) - before
    core["day_equity"] += change
    core["peak_equity"] += change


@jit
def watch_panic(core: Any, risk: Any, now: int) -> None:
    """Throw the kill switch when a panic has lasted too long."""
    if core["panicking"] == 1 and 0 < risk["panic_kill_ns"] <= now - core["panic_ns"]:
        throw_kill(core, KILLED_BY_PANIC)


@jit
def watch_silence(core: Any, risk: Any, now: int) -> None:
    """Forget the book when no update was accepted for too long; only a fresh one brings it back."""
    if core["have_book"] == 1 and 0 < risk["stale_ns"] <= now - core["accepted_ns"]:
        forget_book(core)
        core["stale"] = 1
        core["stales"] += 1


@jit
def forget_book(core: Any) -> None:
    """Wait for a fresh book; no difference of mids is taken across, and the sampling clock stands."""
    core["have_book"] = 0
    core["need_fresh"] = 1
    core["no_difference"] = 1
    core["next_sample_ns"] = 0
    core["crossed"] = 0


@jit
def is_thin(core: Any, risk: Any) -> bool:
    """Return whether a side shows less depth within the band than is asked for."""
    depth = min(core["bid_depth_lots"], core["ask_depth_lots"])
    return bool(risk["min_depth_lots"] > 0 and float(depth) < risk["min_depth_lots"])


@jit
def is_locked(core: Any, now: int) -> bool:
    """Return whether quotes are not to be updated: high volatility has only just begun."""
    return bool(now < core["lockout_until_ns"])


@jit
def may_send(core: Any, sent: Any, risk: Any, now: int) -> bool:
    """Return whether one more order keeps within the rates; if not, `rate_free_ns` says when it will."""
    if now // DAY_NS != core["order_day"]:
        core["order_day"] = now // DAY_NS
        core["orders_today"] = 0
    limit = risk["orders_per_second"]
    if limit > 0 and core["orders_sent"] >= limit:
        free_ns = sent[(core["orders_sent"] - limit) % RATE_CAPACITY] + SECOND_NS
        if now < free_ns:
            core["rate_free_ns"] = free_ns
            return False
    if 0 < risk["orders_per_day"] <= core["orders_today"]:
        core["rate_free_ns"] = (core["order_day"] + 1) * DAY_NS
        return False
    return True


@jit
def note_sent(core: Any, sent: Any, now: int) -> None:
    """Count an order that goes out."""
    sent[core["orders_sent"] % RATE_CAPACITY] = now
    core["orders_sent"] += 1
    core["orders_today"] += 1


@jit
def regime_of(regimes: Any, sigma: float) -> int:
    """Return the label of a sigma; a boundary belongs to the upper regime (strategy.md 3)."""
    if math.isnan(sigma):
        return WARMUP
    if sigma < regimes["low_threshold"]:
        return QUIET
    if sigma < regimes["medium_threshold"]:
        return LOW
    if sigma < regimes["high_threshold"]:
        return MEDIUM
    return HIGH


@jit
def why_not(core: Any, risk: Any, now: int) -> int:
    """Return the rules that stand against quoting now."""
    reasons = 0
    if core["halted"] == 1:
        reasons |= R_HALTED
    if core["kill"] != NOT_KILLED:
        reasons |= R_KILLED
    if core["panicking"] == 1:
        reasons |= R_PANIC
    if is_locked(core, now):
        reasons |= R_LOCKOUT
    if core["crossed"] == 1:
        reasons |= R_CROSSED
    elif core["stale"] == 1:
        reasons |= R_STALE
    elif core["have_book"] == 0:
        reasons |= R_NO_BOOK
    elif is_thin(core, risk):
        reasons |= R_THIN_BOOK
    return reasons


@jit
def disable(core: Any) -> None:
    """Want nothing on either side."""
    core["bid_enabled"] = 0
    core["ask_enabled"] = 0
    core["bid_bps"] = 0.0
    core["ask_bps"] = 0.0
    core["reference_ticks"] = core["mid_ticks"]

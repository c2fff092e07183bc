"""One event in, actions out: book → sigma → width → wanted quotes → actions.

The same function runs inside the replay loop and, event by event, in the live process. It allocates nothing, reads no
clock and has no memory but `state`. The names imported from the contract are bound to the chosen policies when
`strategy.policies.composition` loads this module once more.
"""

import math
from typing import Any, Final

from strategy.kernel.act import act
from strategy.kernel.borrowing import borrowed, leading
from strategy.kernel.contract import (
    inventory_decide,
    signals_decide,
    signals_observe,
    spread_decide,
    volatility_update,
)
from strategy.kernel.jit import jit, jit_apart
from strategy.kernel.news import take_order_news
from strategy.kernel.quotes import vol_size
from strategy.kernel.records import (
    BALANCE,
    BOOK,
    FRESH,
    GAP,
    HALT,
    KILL,
    KILLED_BY_HAND,
    LEDGER,
    PARAMETERS,
    R_LOCKOUT,
    R_PARAMETERS,
    R_SIDE_DISABLED,
    R_WARMUP,
    TIMER,
    TRADE,
    WARMUP,
)
from strategy.kernel.risk import (
    BLOCKING,
    disable,
    forget_book,
    rearm,
    regime_of,
    replace_holdings,
    take_ledger,
    throw_kill,
    watch_equity,
    watch_panic,
    watch_regime,
    watch_sigma,
    watch_silence,
    why_not,
)
from strategy.kernel.state import Desk, Rules

CLOCK_REACH: Final = 100_000  # ticks of the sampling clock that one book is good for; a longer silence is a gap


@jit_apart
def step(state: Any, params: Any, event: Any, out: Any) -> int:
    """Take one event and return the number of actions in `out.actions`; `out.decided[0]` is 1 with a new decision.

    Market data, timers and news of our own orders all come this way, in the order in which they reach the strategy.
    """
    state, params, out = borrowed(state), borrowed(params), borrowed(out)
    out.used[0] = 0
    out.decided[0] = 0
    kind, core = event["kind"], state.core[0]
    stood = core["panicking"] + 2 * core["stale"]
    advance_clock(state, params, event["local_ts"])
    reasons = 0
    if kind in (TRADE, BOOK):
        if not take_market(state, params, event) and stood == core["panicking"] + 2 * core["stale"]:
            return 0
    elif kind == TIMER:
        state.core[0]["timers"] += 1
    elif kind == GAP:
        take_gap(state)
        signals_observe(state.signals, params.signals, event, state.core[0]["mid_ticks"])
    elif kind in (HALT, KILL):
        take_order_to_stop(state.core[0], event)
    elif kind == BALANCE:
        replace_holdings(state.core[0], event["base_lots"], event["quote_atoms"])
    elif kind == LEDGER:
        take_ledger(state.core[0], event)
    elif kind == PARAMETERS:
        state.core[0]["version"] = event["code"]
        reasons = R_PARAMETERS
    else:
        reasons = take_order_news(desk_of(state), rules_of(params), event)
    return respond(state, params, event, out, reasons)


@jit
def desk_of(state: Any) -> Any:
    """Return the `Desk` of a state: the part that does not depend on the policies."""
    return leading(state, Desk)


@jit
def rules_of(params: Any) -> Any:
    """Return the `Rules` of parameters: the part that does not depend on the policies."""
    return leading(params, Rules)


@jit
def take_market(state: Any, params: Any, event: Any) -> bool:
    """Take a trade or a book update; return whether a decision may follow from it."""
    if event["kind"] == TRADE:
        take_trade(state, params, event)
        return False
    if not take_book(state, params, event):
        return False
    signals_observe(state.signals, params.signals, event, state.core[0]["mid_ticks"])
    return True


@jit
def take_trade(state: Any, params: Any, event: Any) -> None:
    """Remember a public trade; it decides nothing by itself."""
    core = state.core[0]
    core["trades"] += 1
    core["last_trade_ticks"] = event["price_ticks"]
    signals_observe(state.signals, params.signals, event, core["mid_ticks"])


@jit
def take_order_to_stop(core: Any, event: Any) -> None:
    """Halt or resume; throw the kill switch or arm it anew."""
    if event["kind"] == HALT:
        core["halted"] = 1 if event["flag"] == 1 else 0
    elif event["flag"] == 1:
        throw_kill(core, max(event["code"], KILLED_BY_HAND))
    else:
        rearm(core, event["local_ts"])


@jit
def take_book(state: Any, params: Any, event: Any) -> bool:
    """Apply a book update; return whether anything may follow from it (strategy.md 1)."""
    core, risk = state.core[0], params.risk[0]
    core["books"] += 1
    fresh = event["flag"] == FRESH
    if event["local_ts"] - core["accepted_ns"] > risk["stale_ns"]:  # a timer that is late changes nothing
        watch_silence(core, risk, event["local_ts"])
    if core["need_fresh"] == 1 and not fresh:
        core["stale_books"] += 1
        return False
    if fresh:
        core["need_fresh"] = 0
        core["no_difference"] = 1
        core["next_sample_ns"] = 0
        core["stale"] = 0
    bid, ask, now = event["bid_ticks"], event["ask_ticks"], event["local_ts"]
    if bid <= 0 or ask <= bid:
        core["crossed_books"] += 1
        core["crossed"] = 1
        return True
    unchanged = core["crossed"] == 0 and core["have_book"] == 1 and not fresh
    unchanged = unchanged and bid == core["bid_ticks"] and ask == core["ask_ticks"]
    if unchanged and now - core["accepted_ns"] < params.quoting[0]["min_update_ns"]:
        core["debounced"] += 1
        return False
    accept(state, params, event)
    return True


@jit
def accept(state: Any, params: Any, event: Any) -> None:
    """Make a book the current one; without a sampling clock its mid is a sample, with one it starts the clock."""
    core, now, sampling_ns = state.core[0], event["local_ts"], params.quoting[0]["sampling_ns"]
    core["accepted"] += 1
    core["crossed"] = 0
    core["have_book"] = 1
    core["bid_ticks"] = event["bid_ticks"]
    core["ask_ticks"] = event["ask_ticks"]
    core["bid_lots"] = event["bid_lots"]
    core["ask_lots"] = event["ask_lots"]
    core["bid_depth_lots"] = event["bid_depth_lots"]
    core["ask_depth_lots"] = event["ask_depth_lots"]
    core["accepted_ns"] = now
    core["mid_ticks"] = 0.5 * float(core["bid_ticks"] + core["ask_ticks"])
    if sampling_ns == 0:
        sample(state, params, now)
    elif core["next_sample_ns"] == 0:
        core["next_sample_ns"] = (now // sampling_ns + 1) * sampling_ns


@jit
def advance_clock(state: Any, params: Any, now: int) -> None:
    """Sample the mid as it stood at every tick of the sampling clock up to `now` (strategy.md 2).

    Ticks are multiples of the interval since the epoch; a tick sees what was accepted before it. From CLOCK_REACH
    ticks after the last accepted book on the clock stands until the next, and no difference is taken across.
    """
    core, sampling_ns = state.core[0], params.quoting[0]["sampling_ns"]
    if core["next_sample_ns"] == 0 or now < core["next_sample_ns"]:
        return
    if sampling_ns == 0:
        core["next_sample_ns"] = 0
        return
    end_ns = (core["accepted_ns"] // sampling_ns + 1 + CLOCK_REACH) * sampling_ns
    while core["next_sample_ns"] <= now and core["next_sample_ns"] < end_ns:
        sample(state, params, core["next_sample_ns"])
        core["next_sample_ns"] += sampling_ns
    if now >= end_ns:
        core["next_sample_ns"] = 0
        core["no_difference"] = 1


@jit
def sample(state: Any, params: Any, ts: int) -> None:
    """Let the volatility engine see the current mid at `ts`."""
    core = state.core[0]
    core["samples"] += 1
    core["sigma"] = volatility_update(
        state.volatility[0],
        params.volatility[0],
        state.ring,
        core["mid_ticks"],
        params.instrument[0]["tick_size"],
        ts,
        core["no_difference"] == 1,
    )
    core["no_difference"] = 0
    watch_sigma(core, params.risk[0], ts)


@jit
def take_gap(state: Any) -> None:
    """Forget the book until a fresh one comes."""
    core = state.core[0]
    core["gaps"] += 1
    core["stale"] = 0
    forget_book(core)


@jit
def respond(state: Any, params: Any, event: Any, out: Any, reasons: int) -> int:
    """Decide anew, move the slots, and say so when anything changed; return the number of actions."""
    now = event["local_ts"]
    reasons |= decide(state, params, now)
    return act(desk_of(state), rules_of(params), event, out, reasons)


@jit
def decide(state: Any, params: Any, now: int) -> int:
    """Set regime, widths, sizes and enabled sides from book, sigma and inventory; return the reasons."""
    core, risk = state.core[0], params.risk[0]
    watch_silence(core, risk, now)
    watch_panic(core, risk, now)
    watch_regime(core, risk, regime_of(params.regimes[0], core["sigma"]), now)
    if core["have_book"] == 1 and core["crossed"] == 0:
        watch_equity(core, risk, now)
    reasons = why_not(core, risk, now)
    if core["regime"] == WARMUP:
        reasons |= R_WARMUP
    locked_out = reasons & R_LOCKOUT != 0 and risk["lockout_cancels"] == 1
    if reasons & BLOCKING != 0 or locked_out:
        disable(core)
        return reasons
    return reasons | decide_sides(state, params, now)


@jit
def write_context(state: Any, params: Any, now: int) -> None:
    """Write what policies are told."""
    core, context, quoting = state.core[0], state.context[0], params.quoting[0]
    context["local_ts"] = now
    context["mid_ticks"] = core["mid_ticks"]
    context["tick_size"] = params.instrument[0]["tick_size"]
    context["lot_size"] = params.instrument[0]["lot_size"]
    context["sigma"] = core["sigma"]
    context["sigma_bps_s"] = sigma_bps_s(quoting, core["sigma"], core["mid_ticks"] * context["tick_size"])
    context["base_lots"] = core["base_lots"]
    context["quote_atoms"] = core["quote_atoms"]
    context["order_lots"] = quoting["order_lots"]
    context["bid_lots"] = core["bid_lots"]
    context["ask_lots"] = core["ask_lots"]
    context["bid_depth_lots"] = core["bid_depth_lots"]
    context["ask_depth_lots"] = core["ask_depth_lots"]


@jit
def sigma_bps_s(quoting: Any, sigma: float, mid: float) -> float:
    """Return sigma in bps of mid (quote units) per root second; nan where a sample's span is not known."""
    if quoting["sample_s"] <= 0.0:
        return math.nan
    fraction = sigma / mid if quoting["sigma_absolute"] == 1 else sigma
    return float(fraction * 10_000.0 / math.sqrt(quoting["sample_s"]))


@jit
def write_spread(state: Any, params: Any) -> None:
    """Write both widths within floor and cap: the policy's, or the fallback without a sigma, times the signals'."""
    spread, signal, quoting = state.spread[0], state.signal[0], params.quoting[0]
    spread["reservation_bps"] = 0.0
    if math.isnan(state.context[0]["sigma"]):
        spread["bid_bps"] = quoting["fallback_spread_bps"]
        spread["ask_bps"] = quoting["fallback_spread_bps"]
    else:
        spread_decide(params.spread[0], params.regimes[0], state.context[0], spread)
    floor, cap = quoting["spread_floor_bps"], quoting["spread_cap_bps"]
    spread["bid_bps"] = min(max(spread["bid_bps"] * signal["bid_factor"], floor), cap)
    spread["ask_bps"] = min(max(spread["ask_bps"] * signal["ask_factor"], floor), cap)


@jit
def decide_sides(state: Any, params: Any, now: int) -> int:
    """Ask signals, spread policy and inventory policy: width x factor + shift, never under the floor."""
    core, signal, spread, inventory = state.core[0], state.signal[0], state.spread[0], state.inventory[0]
    floor = params.quoting[0]["spread_floor_bps"]
    write_context(state, params, now)
    signal["reference_bps"] = 0.0
    signal["bid_factor"] = 1.0
    signal["ask_factor"] = 1.0
    signals_decide(state.signals, params.signals, state.context[0], signal)
    write_spread(state, params)
    inventory_decide(params.inventory[0], state.context[0], inventory)
    shift = signal["reference_bps"] + spread["reservation_bps"]
    core["reference_ticks"] = core["mid_ticks"] * (1.0 + shift / 10_000.0)
    core["bid_enabled"] = inventory["bid_enabled"]
    core["ask_enabled"] = inventory["ask_enabled"]
    core["bid_bps"] = max(spread["bid_bps"] * inventory["bid_factor"] + inventory["bid_shift_bps"], floor)
    core["ask_bps"] = max(spread["ask_bps"] * inventory["ask_factor"] + inventory["ask_shift_bps"], floor)
    core["bid_size"] = inventory["bid_size"]
    core["ask_size"] = inventory["ask_size"]
    core["vol_size"] = vol_size(params.quoting[0], core["sigma"])
    return 0 if core["bid_enabled"] == 1 and core["ask_enabled"] == 1 else R_SIDE_DISABLED

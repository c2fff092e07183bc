"""Random parameters, near what is usual on the tape they are for, so that every rule comes to act."""

from random import Random
from typing import Any, Final, NamedTuple

BPS: Final = 1e-4
WITH_CADENCE: Final = ("glft", "avellaneda_stoikov")


class Names(NamedTuple):
    """The policies of a case."""

    engine: str
    spread: str
    inventory: str
    signals: tuple[str, ...]


class Scale(NamedTuple):
    """What is usual on a tape."""

    pause_s: float  # mean time between two updates
    length_s: float
    silence_s: float
    move: float  # standard deviation of mid from one update to the next, a fraction
    width_bps: float  # a half-spread that is reached within seconds, and not much narrower than a tick
    sigma: float  # about what the engine says, in its unit
    mid: float  # quote units
    order: float  # size of one level, base units
    top: float  # largest size of a level of the book, base units
    levels: int


def maybe(rng: Random, chance: float, value: Any) -> Any:
    """Return a value with that chance, else None."""
    return value if rng.random() < chance else None


def log_uniform(rng: Random, low: float, high: float) -> float:
    """Draw from `low` to `high`, every factor alike."""
    return float(low * (high / low) ** rng.random())


def sampling_interval(rng: Random, names: Names) -> float:
    """Draw the sampling clock's interval in seconds, 0 = none; some widths cannot do without."""
    clock = names.spread in WITH_CADENCE or rng.random() < 0.35
    return rng.choice((0.05, 0.1, 0.25, 1.0)) if clock else 0.0


def random_engine(rng: Random, name: str, interval: float, scale: Scale) -> dict[str, Any]:
    """Draw a volatility engine's fields."""
    fields = {"policy": name, "vol_sampling_interval": interval}
    window_s = max(scale.pause_s, interval) * log_uniform(rng, 15, 300)
    samples = {"min_samples": rng.choice((3, 10, 30))}
    if name == "bar_std":
        return fields | {"bar_seconds": 1.0, "bar_periods": rng.choice((2, 5, 10))}
    if name == "ewma":
        return fields | samples | {"half_life_seconds": window_s / 5}
    if name == "garch":
        coefficients = {"omega": 0.1 * scale.sigma**2, "alpha": 0.2, "beta": 0.7}
        return fields | samples | coefficients
    return fields | samples | {"vol_window_seconds": window_s}


def random_spread(rng: Random, name: str, scale: Scale) -> dict[str, Any]:
    """Draw a spread policy's fields."""
    width, sigma = scale.width_bps, scale.sigma
    narrow, wide = width * rng.uniform(0.2, 0.8), width * rng.uniform(1.2, 4.0)
    low, high = sigma * rng.uniform(0.5, 0.9), sigma * rng.uniform(1.1, 2.0)
    decay = {"arrival_decay": min(1.0 / width, 1_000.0), "max_inventory_orders": rng.choice((2.0, 20.0))}
    risk = {"inventory_target_base": rng.choice((0.0, 3.0)) * scale.order, "risk_aversion": min(0.3 / width, 100.0)}
    if name in ("linear", "pchip"):
        return {"policy": name, "spread_curve_points": [[low, narrow], [sigma, width], [high, wide]]}
    if name == "sigmoid":
        fields = {"sigmoid_floor_bps": narrow, "sigmoid_cap_bps": wide, "sigmoid_mid": sigma, "sigmoid_k": 4 / sigma}
        return {"policy": name} | fields
    if name == "range":
        return {"policy": name, "min_spread": narrow, "max_spread": wide, "vol_low": low, "vol_high": high}
    if name == "glft":
        return {"policy": name, "arrival_rate": log_uniform(rng, 0.1, 10.0)} | decay | risk
    if name == "avellaneda_stoikov":
        return {"policy": name, "horizon_seconds": log_uniform(rng, 5.0, 60.0)} | decay | risk
    return {"policy": name}


def random_inventory(rng: Random, name: str, scale: Scale) -> dict[str, Any]:
    """Draw an inventory policy's fields."""
    boost = {"rebalance_size_boost": rng.choice((0.0, 0.2, 1.0))}
    if name == "balanced":
        skew = {"max_skew": rng.choice((0.1, 0.3, 0.5)), "quote_beyond_max_skew": rng.random() < 0.5}
        return {"policy": name, "inventory_slope": rng.uniform(0.0, 4.0) * scale.width_bps * BPS} | skew | boost
    if name in ("skewed", "buy_only"):
        target = {"inventory_target_base": scale.order * rng.choice((1, 3, 10))}
        return {"policy": name, "skew_strength": rng.uniform(0.0, 1.0)} | target | boost
    return {"policy": name}


def random_signal(rng: Random, name: str, scale: Scale) -> dict[str, Any]:
    """Draw a signal's fields."""
    if name == "imbalance":
        source = {"source": rng.choice(("top", "band"))}
        return {"policy": name, "imbalance_bps": min(rng.uniform(0.1, 1.5) * scale.width_bps, 100.0)} | source
    if name == "trade_burst":
        burst = {"burst_ratio": rng.choice((1.0, 1.5, 2.5)), "burst_min_trades": rng.choice((1, 3, 8))}
        return {"policy": name, "mean_seconds": 10, "burst_widen": rng.uniform(1.2, 3.0)} | burst
    bars = {"bar_seconds": rng.choice((0.5, 1.0, 3.0)), "fast_periods": 2, "slow_periods": rng.choice((3, 6))}
    threshold = {"threshold": min(rng.uniform(0.2, 2.0) * scale.width_bps * BPS, 0.5)}
    return {"policy": name, "trend_bias": rng.choice((0.2, 0.7))} | bars | threshold


def random_regimes(rng: Random, scale: Scale) -> dict[str, Any]:
    """Draw thresholds around the usual sigma and a width for each regime."""
    low = scale.sigma * rng.uniform(0.4, 0.9)
    medium = low * rng.uniform(1.1, 1.5)
    widths = sorted(scale.width_bps * log_uniform(rng, 0.3, 3.0) for _ in range(3))
    thresholds = {"low_threshold": low, "medium_threshold": medium, "high_threshold": medium * rng.uniform(1.1, 1.8)}
    return thresholds | dict(zip(("spread_low", "spread_medium", "spread_high"), widths, strict=True))


def random_levels(rng: Random, levels: int) -> list[float]:
    """Draw the multiples of a side's levels, sometimes two alike."""
    return sorted(round(rng.uniform(0.5, 1.0 + levels), rng.choice((0, 2))) or 0.5 for _ in range(levels))


def random_quoting(rng: Random, scale: Scale) -> dict[str, Any]:
    """Draw sizes, levels, timing and limits."""
    floor = scale.width_bps * rng.choice((0.0, 0.0, 0.3, 1.0))
    return {
        "order_qty": scale.order,
        "buy_spreads": random_levels(rng, scale.levels),
        "sell_spreads": random_levels(rng, max(scale.levels - rng.choice((0, 0, 1)), 1)),
        "spread_floor_bps": floor,
        "spread_cap_bps": max(floor, scale.width_bps * rng.choice((2.0, 8.0))),
        "fallback_spread_bps": maybe(rng, 0.4, scale.width_bps),
        "executor_refresh_time": log_uniform(rng, 0.3, 20.0),
        "cooldown_time": rng.choice((0.0, 0.0, 0.1, 1.0, 4.0)),
        "min_update_interval": rng.choice((0.0, 0.0, 0.05, 0.2)),
        "on_cross": rng.choice(("behind", "behind", "drop")),
        "requote_tolerance_bps": maybe(rng, 0.4, scale.width_bps * log_uniform(rng, 0.1, 3.0)),
        "max_concurrent_buys": maybe(rng, 0.25, rng.randint(1, scale.levels)),
        "vol_size_ref": maybe(rng, 0.25, scale.sigma * rng.uniform(0.5, 1.2)),
        "vol_size_min": rng.choice((0.05, 0.25, 1.0)),
        "position_rebalance_threshold_pct": maybe(rng, 0.2, rng.uniform(0.1, 1.5)),
    }


def random_barriers(rng: Random, scale: Scale) -> dict[str, Any]:
    """Draw any of the barriers, half of the time none."""
    if rng.random() < 0.5:
        return {}
    reach = min(scale.width_bps * BPS, 0.1)
    trailing = rng.random() < 0.5
    return {
        "take_profit": maybe(rng, 0.6, reach * log_uniform(rng, 0.2, 4.0)),
        "stop_loss": maybe(rng, 0.6, reach * log_uniform(rng, 0.3, 4.0)),
        "time_limit": maybe(rng, 0.6, log_uniform(rng, 0.3, 20.0)),
        "trailing_stop_activation": reach * rng.uniform(0.2, 2.0) if trailing else None,
        "trailing_stop_delta": reach * rng.uniform(0.1, 1.0) if trailing else None,
    }


def random_risk(rng: Random, scale: Scale) -> dict[str, Any]:
    """Draw when not to quote; rules that end a replay early are rare."""
    swing = scale.move * (scale.length_s / scale.pause_s) ** 0.5
    return {
        "lockout_seconds": rng.choice((0.0, 0.5, 2.0, 5.0)),
        "lockout_cancels": rng.random() < 0.4,
        "panic_threshold": maybe(rng, 0.35, scale.sigma * rng.uniform(1.2, 2.5)),
        "panic_resume_samples": rng.choice((1, 3, 20)),
        "panic_kill_seconds": maybe(rng, 0.25, log_uniform(rng, 0.5, 10.0)),
        "max_daily_loss_quote": maybe(rng, 0.15, 5 * scale.order * scale.mid * swing * rng.uniform(0.1, 1.0)),
        "max_drawdown_pct": maybe(rng, 0.15, min(swing * rng.uniform(0.1, 1.0), 0.9)),
        "depth_band_bps": scale.width_bps * rng.choice((0.5, 2.0, 5.0)),
        "min_depth_base": rng.choice((0.0, 0.0, 0.0, 0.3, 1.5)) * scale.top,
        "stale_after_seconds": maybe(rng, 0.8, max(scale.silence_s * rng.choice((0.3, 0.6, 2.0)), 2 * scale.pause_s)),
        "collar_bps": maybe(rng, 0.8, scale.width_bps * log_uniform(rng, 0.2, 50.0)),
        "max_orders_per_second": maybe(rng, 0.4, rng.choice((1, 3, 10))),
        "max_orders_per_day": maybe(rng, 0.25, rng.choice((10, 100, 1_000))),
    }

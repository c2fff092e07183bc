"""The makers that are studied where the truth is known: one level a side, quotes that follow the mid every second."""

from typing import Final

from bench.truth.avellaneda_stoikov import NO_RULES
from strategy.policies.parameters import ParameterSet, parse_parameters
from strategy.replay.driver import ReplayConfig

ORDER: Final = 0.001
WIDTH: Final = "regimes.spread_low"  # of `constant`
WIDEST_BPS: Final = 40.0
WIDTHS_BPS: Final = (0.5, WIDEST_BPS)
PLENTY: Final = ReplayConfig(entry_latency_ns=0, response_latency_ns=0, base=100.0, quote=6e6, sample_interval_ns=60e9)


QUOTING: Final = {
    "order_qty": ORDER,
    "buy_spreads": [1.0],
    "sell_spreads": [1.0],
    "spread_floor_bps": 0.1,
    "executor_refresh_time": 1.0,
    "cooldown_time": 0.0,
}


def by_regime(window_s: float = 60.0) -> ParameterSet:
    """Return a maker with a width a regime; the numbers are only where a search begins."""
    engine = {"policy": "rolling_std", "vol_window_seconds": window_s, "vol_sampling_interval": 1.0}
    widths = {"spread_low": 5.0, "spread_medium": 6.0, "spread_high": 7.0}
    regimes = {"threshold_quantiles": [0.25, 0.5, 0.75]} | widths
    groups = {"volatility": engine, "inventory": {"policy": "neutral"}, "regimes": regimes}
    return parse_parameters(groups | {"quoting": QUOTING, "risk": NO_RULES})


def constant(window_s: float = 60.0) -> ParameterSet:
    """Return a maker whose width is `regimes.spread_low`, whatever sigma is: no sigma reaches its thresholds."""
    never = {"low_threshold": 0.7, "medium_threshold": 0.8, "high_threshold": 0.9}
    widths = {"spread_low": 5.0, "spread_medium": WIDEST_BPS, "spread_high": WIDEST_BPS}
    return parse_parameters(by_regime(window_s).model_dump(mode="json") | {"regimes": never | widths})

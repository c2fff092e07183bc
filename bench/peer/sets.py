"""Parameter sets of the single-level strategy as a study would ask for, for both engines."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from strategy.policies.parameters import ParameterSet, parse_parameters

SIGMAS: Final = (2e-6, 8e-6, 2.5e-5)  # fractions: sigma of one update, not of a minute
WIDTHS_BPS: Final = (3.0, 6.0, 15.0)
FALLBACK_BPS: Final = 6.0
MIN_SAMPLES: Final = 100


@dataclass(frozen=True, slots=True)
class Maker:
    """One parameter set: times in seconds, the curve as widths at `SIGMAS`."""

    window_s: float = 60.0
    refresh_s: float = 15.0
    cooldown_s: float = 5.0
    widths_bps: tuple[float, ...] = WIDTHS_BPS

    def parameters(self, order_qty: float) -> ParameterSet:
        """Return the set for microvol: one level a side, and no rule that the peer's strategy does not have."""
        return parse_parameters(
            {
                "volatility": {
                    "policy": "rolling_std",
                    "vol_window_seconds": self.window_s,
                    "min_samples": MIN_SAMPLES,
                },
                "spread": {"policy": "linear", "spread_curve_points": list(zip(SIGMAS, self.widths_bps, strict=True))},
                "inventory": {"policy": "neutral"},
                "quoting": {
                    "order_qty": order_qty,
                    "buy_spreads": [1.0],
                    "sell_spreads": [1.0],
                    "executor_refresh_time": self.refresh_s,
                    "cooldown_time": self.cooldown_s,
                    "min_update_interval": 0.0,
                    "fallback_spread_bps": FALLBACK_BPS,
                    "spread_floor_bps": 0.0,
                },
                "risk": {
                    "lockout_seconds": 0.0,
                    "stale_after_seconds": None,
                    "collar_bps": None,
                    "max_orders_per_second": None,
                    "max_orders_per_day": None,
                },
            }
        )


def makers(count: int, seed: int = 7, width: float = 1.0) -> list[Maker]:
    """Return the default set and `count - 1` drawn ones, `width` times as wide."""
    rng = np.random.default_rng(seed)
    found = [Maker(), *(drawn(rng) for _ in range(count - 1))]
    return [replace(each, widths_bps=tuple(width * bps for bps in each.widths_bps)) for each in found]


def drawn(rng: np.random.Generator) -> Maker:
    """Draw one set: window, refresh, cooldown, and a curve that is wider or narrower as a whole and in shape."""
    factor = rng.uniform(0.5, 1.6)
    low, middle, high = WIDTHS_BPS
    window, refresh, cooldown = rng.choice([30.0, 60.0, 120.0]), rng.integers(5, 31), rng.integers(1, 16)
    widths = (low * factor, middle * factor * rng.uniform(0.9, 1.1), high * factor * rng.uniform(0.8, 1.2))
    return Maker(float(window), float(refresh), float(cooldown), widths)


def full(maker: Maker, order_qty: float) -> ParameterSet:
    """Return the set with four levels a side, barriers, and the rules of risk as they are by default."""
    data = maker.parameters(order_qty).model_dump(mode="json")
    data["quoting"] |= {"buy_spreads": [1.0, 2.0, 3.0, 4.0], "sell_spreads": [1.0, 2.0, 3.0, 4.0]}
    data["barriers"] = {"take_profit": 0.001, "stop_loss": 0.003, "time_limit": 300.0}
    del data["risk"]
    return parse_parameters(data)

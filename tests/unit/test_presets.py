"""The presets say what the two seeds say."""

import pytest

from strategy.errors import BadParameters
from strategy.policies.document import Instrument
from strategy.policies.packing import pack_parameters
from strategy.policies.parameters import parse_parameters
from strategy.policies.presets import about, preset, preset_names

BTC = Instrument(venue="paper", symbol="BTC/FDUSD", tick_size="0.01", lot_size="0.00001")


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_is_a_valid_set_that_can_be_quoted_at_once(name):
    found = preset(name)
    assert parse_parameters(found.model_dump(mode="json")) == found
    assert pack_parameters(found, BTC).quoting["order_lots"] > 0
    assert about(name)


def test_micro_vol_has_the_second_seeds_initial_defaults():
    found = preset("micro_vol")
    assert found.volatility | {"vol_sampling_interval": 0.0} == {
        "policy": "rolling_std",
        "vol_window_seconds": 60.0,
        "vol_mode": "percentage",
        "min_samples": 10,
        "vol_sampling_interval": 0.0,
    }
    assert found.regimes.thresholds == (0.0005, 0.0015, 0.003)
    assert (found.regimes.spread_low, found.regimes.spread_medium, found.regimes.spread_high) == (4.0, 8.0, 20.0)
    assert (found.quoting.executor_refresh_time, found.quoting.cooldown_time) == (15.0, 5.0)
    assert (found.quoting.min_update_interval, found.risk.lockout_seconds) == (0.05, 5.0)
    inventory = found.inventory
    assert inventory["policy"] == "buy_only"
    assert (inventory["inventory_target_base"], inventory["inventory_tolerance_pct"]) == (0.002, 0.1)


def test_volatility_pmm_has_the_first_seeds_numbers():
    found = preset("volatility_pmm")
    assert [found.volatility[name] for name in ("policy", "bar_seconds", "bar_periods")] == ["bar_std", 60.0, 20]
    assert [found.spread[name] for name in ("policy", "min_spread", "max_spread")] == ["range", 10.0, 100.0]
    inventory = [found.inventory[name] for name in ("policy", "target_ratio", "inventory_slope", "max_skew")]
    assert inventory == ["balanced", 0.5, 0.2, 0.3]
    assert found.inventory["rebalance_size_boost"] == 0.2
    [trend] = found.signals
    assert [trend[name] for name in ("policy", "fast_periods", "slow_periods", "threshold")] == ["trend", 5, 14, 0.003]
    quoting = found.quoting
    assert (quoting.executor_refresh_time, quoting.spread_floor_bps, quoting.spread_cap_bps) == (60.0, 10.0, 100.0)


def test_an_unknown_preset_lists_the_known_ones():
    with pytest.raises(BadParameters, match="preset 'micro' is unknown, known are micro_vol, volatility_pmm"):
        preset("micro")

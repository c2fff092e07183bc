import math

import numpy as np
import pytest

from strategy.errors import BadParameters
from strategy.kernel.records import CONTEXT, INVENTORY, REGIMES, SPREAD
from strategy.policies.inventory.buy_only import inventory_decide as buy_only
from strategy.policies.inventory.skewed import RECORD as HOLDING
from strategy.policies.inventory.skewed import inventory_decide as skewed
from strategy.policies.parameters import ParameterSet, parse_parameters
from strategy.policies.registry import STATELESS
from strategy.policies.spreads.discrete import spread_decide as discrete
from strategy.policies.spreads.linear import RECORD as CURVE
from strategy.policies.spreads.linear import Linear, pack
from strategy.policies.spreads.linear import spread_decide as linear
from tests.unit.kernel_samples import records

SEED_REGIMES = {
    "low_threshold": 0.0005,
    "medium_threshold": 0.0015,
    "high_threshold": 0.003,
    "spread_low": 4.0,
    "spread_medium": 8.0,
    "spread_high": 20.0,
}


def decide(policy, base_lots, k=0.5):
    params = records(HOLDING, target=0.002, tolerance=0.1, strength=k, boost=0.2)
    context, out = records(CONTEXT, base_lots=base_lots, mid_ticks=6e6, lot_size=0.00001), records(INVENTORY)
    policy(params, context, out)
    return out


def width(policy, params, regimes, sigma):
    out = records(SPREAD)
    policy(params, regimes, records(CONTEXT, sigma=sigma), out)
    assert out["bid_bps"] == out["ask_bps"]
    assert out["reservation_bps"] == 0
    return out["bid_bps"]


@pytest.mark.parametrize(
    ("sigma", "bps"), [(0.0001, 3), (0.0005, 4.5), (0.0008, 6), (0.00165, 10.5), (0.0025, 15), (0.01, 15)]
)
def test_linear_curve_gives_the_documented_widths(sigma, bps):
    record = np.zeros(1, CURVE)
    pack(Linear(), record[0])
    assert width(linear, record[0], records(REGIMES), sigma) == pytest.approx(bps, abs=1e-12)


@pytest.mark.parametrize(
    ("sigma", "bps"),
    [(0.0, 4), (0.0005, 4), (0.0015, 8), (0.00299, 8), (math.nextafter(0.003, 0), 8), (0.003, 20), (1.0, 20)],
)
def test_discrete_boundaries_belong_to_the_upper_regime(sigma, bps):
    assert width(discrete, records(STATELESS), records(REGIMES, **SEED_REGIMES), sigma) == bps


@pytest.mark.parametrize(("base_lots", "ask"), [(0, 0), (179, 0), (180, 1), (200, 1), (220, 1), (221, 1)])
def test_buy_only_asks_only_from_the_band_upwards(base_lots, ask):
    out = decide(buy_only, base_lots)
    assert (out["bid_enabled"], out["ask_enabled"]) == (1, ask)


def test_buy_only_is_balanced_inside_the_band_and_favours_the_ask_above_it():
    inside, above = decide(buy_only, 220), decide(buy_only, 300)
    assert (inside["bid_factor"], inside["ask_factor"], inside["ask_size"]) == (1.0, 1.0, 1.0)
    assert (above["bid_factor"], above["ask_factor"], above["ask_size"], above["bid_size"]) == pytest.approx(
        (1.25, 0.75, 1.2, 1.0)
    )


@pytest.mark.parametrize(
    ("base_lots", "bid", "ask", "bid_size", "ask_size"),
    [
        (200, 1.0, 1.0, 1.0, 1.0),
        (210, 1.025, 0.975, 1.0, 1.0),
        (220, 1.05, 0.95, 1.0, 1.0),
        (300, 1.25, 0.75, 1.0, 1.2),
        (100, 0.75, 1.25, 1.2, 1.0),
        (1000, 1.5, 0.5, 1.0, 1.2),
        (0, 0.5, 1.5, 1.2, 1.0),
    ],
)
def test_skewed_leans_against_the_distance_and_boosts_outside_the_band(base_lots, bid, ask, bid_size, ask_size):
    out = decide(skewed, base_lots)
    got = (out["bid_factor"], out["ask_factor"], out["bid_size"], out["ask_size"])
    assert got == pytest.approx((bid, ask, bid_size, ask_size))
    assert (out["bid_enabled"], out["ask_enabled"]) == (1, 1)


@pytest.mark.parametrize(
    ("group", "fields", "words"),
    [
        ("spread", {"policy": "linear", "spread_curve_points": [[0.002, 3], [0.001, 4]]}, "0.001 after 0.002"),
        ("spread", {"policy": "linear", "spread_curve_points": [[0.001, 3], [0.001, 4]]}, "increase strictly"),
        ("spread", {"policy": "linear", "spread_curve_points": [[0.001, 5], [0.002, 4]]}, "4.0 bps after 5.0"),
        ("volatility", {"policy": "rolling_std", "vol_window_seconds": 0}, "vol_window_seconds"),
        ("volatility", {"policy": "rolling_std", "min_samples": 1}, "min_samples"),
        ("inventory", {"policy": "skewed", "inventory_target_base": 0}, "inventory_target_base"),
        ("inventory", {"policy": "all_in"}, "known are .*buy_only, neutral, skewed"),
    ],
)
def test_wrong_policy_parameters_are_refused_naming_field_and_value(group, fields, words):
    with pytest.raises(BadParameters, match=words):
        parse_parameters({group: fields})


def test_stored_set_writes_every_default_out():
    stored = ParameterSet(spread={"policy": "linear"})
    assert stored.volatility == {
        "policy": "rolling_std",
        "vol_sampling_interval": 0.0,
        "vol_window_seconds": 60.0,
        "vol_mode": "percentage",
        "min_samples": 10,
    }
    assert len(stored.spread["spread_curve_points"]) == 3
    assert parse_parameters(stored.model_dump(mode="json")).content_hash() == stored.content_hash()

import math

import numpy as np
import pytest

from analytics.metrics.curves import half_spread_curve
from tests.unit.kernel_samples import parameter_set

SECOND_CLOCK = {"policy": "rolling_std", "vol_sampling_interval": 4}


def test_curve_of_linear_is_the_documented_one_between_floor_and_cap():
    sigma = np.array([0.0, 0.0001, 0.0005, 0.0008, 0.00165, 0.01])
    quoting = {"spread_floor_bps": 3.5, "spread_cap_bps": 12.0}
    np.testing.assert_allclose(half_spread_curve(parameter_set(spread="linear"), sigma), [3, 3, 4.5, 6, 10.5, 15])
    np.testing.assert_allclose(
        half_spread_curve(parameter_set(spread="linear", quoting=quoting), sigma), [3.5, 3.5, 4.5, 6, 10.5, 12]
    )


@pytest.mark.parametrize("target", [0.002, 7.0])
def test_curve_of_a_model_of_inventory_risk_takes_sigma_per_root_second_from_the_cadence(target):
    fields = {"policy": "avellaneda_stoikov", "inventory_target_base": target}
    got = half_spread_curve(parameter_set(spread=fields, volatility=SECOND_CLOCK), np.array([0.0, 1e-4, 2e-4]))
    per_root_second = np.array([0.0, 0.5, 1.0])  # bps: 1e-4 a sample of four seconds
    want = 0.05 * per_root_second**2 * 60 / 2 + math.log(1 + 0.05 / 0.5) / 0.05
    np.testing.assert_allclose(got, want, rtol=1e-12)


def test_curve_in_quote_units_reads_sigma_against_a_mid_of_ten_thousand():
    absolute = SECOND_CLOCK | {"vol_mode": "absolute"}
    fraction = half_spread_curve(parameter_set(spread="glft", volatility=SECOND_CLOCK), np.array([1e-4]))
    assert half_spread_curve(parameter_set(spread="glft", volatility=absolute), np.array([1.0])) == pytest.approx(
        fraction
    )

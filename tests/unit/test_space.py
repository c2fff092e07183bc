import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from analytics.curves import half_spread_curve
from analytics.space import Space, SpaceSettings, geometric, stick_breaking
from strategy.errors import BadInput, Failed
from strategy.policies.parameters import ParameterSet, Quoting, parse_parameters

SIGMA = np.random.default_rng(1).lognormal(-9, 0.6, 2_000)
unit = st.floats(0, 1, allow_nan=False)


def space_of(policy: str, sigma=SIGMA, base: ParameterSet | None = None) -> Space:
    return Space(base or ParameterSet(), sigma, SpaceSettings(spread_policy=policy))


@settings(deadline=None, max_examples=200)
@given(data=st.data(), policy=st.sampled_from(["discrete", "linear"]))
def test_every_point_of_the_cube_is_a_valid_parameter_set(data, policy):
    space = space_of(policy)
    u = {name: data.draw(unit) for name in space.dimensions}
    point = space.point(u)
    assert parse_parameters(point.parameters.model_dump(mode="json")) == point.parameters
    assert point.parameters.spread["policy"] == policy
    assert list(point.quantiles) == sorted(point.quantiles)
    assert set(space.dimensions) == set(u)


@settings(deadline=None, max_examples=50)
@given(data=st.data(), policy=st.sampled_from(["discrete", "linear"]))
def test_a_frozen_market_still_gives_increasing_thresholds(data, policy):
    space = space_of(policy, sigma=np.full(100, 2e-5))
    regimes = space.point({name: data.draw(unit) for name in space.dimensions}).parameters.regimes
    assert regimes.low_threshold < regimes.medium_threshold < regimes.high_threshold


@settings(deadline=None, max_examples=30)
@given(data=st.data(), policy=st.sampled_from(["discrete", "linear"]))
def test_more_sigma_never_narrows_a_point_of_the_space(data, policy):
    space = space_of(policy)
    parameters = space.point({name: data.draw(unit) for name in space.dimensions}).parameters
    widths = half_spread_curve(parameters, np.quantile(SIGMA, np.linspace(0, 1, 60)))
    assert np.all(np.diff(widths) >= 0)


@given(u=st.lists(unit, min_size=1, max_size=16))
def test_stick_breaking_increases_within_the_unit_interval(u):
    values = stick_breaking(u)
    assert values == sorted(values)
    assert all(0 <= value <= 1 for value in values)


def test_stick_breaking_of_uniforms_is_distributed_as_order_statistics():
    rng = np.random.default_rng(2)
    broken = np.array([stick_breaking(u.tolist()) for u in rng.random((20_000, 3))])
    np.testing.assert_allclose(broken.mean(axis=0), [0.25, 0.5, 0.75], atol=0.01)
    np.testing.assert_allclose(broken.var(axis=0), [0.0375, 0.05, 0.0375], atol=0.002)


def test_thresholds_are_the_stated_quantiles_of_sigma():
    point = space_of("discrete").point(dict.fromkeys(space_of("discrete").dimensions, 0.5))
    regimes = point.parameters.regimes
    resolved = [regimes.low_threshold, regimes.medium_threshold, regimes.high_threshold]
    np.testing.assert_allclose(resolved, np.quantile(SIGMA, point.quantiles))


def test_what_is_not_searched_stays_as_in_the_base():
    base = ParameterSet(inventory={"policy": "neutral"}, quoting=Quoting(order_qty=0.02, buy_spreads=(1.0, 3.0)))
    point = space_of("linear", base=base).point(dict.fromkeys(space_of("linear").dimensions, 0.3))
    assert point.parameters.inventory == base.inventory
    assert point.parameters.volatility == base.volatility
    assert point.parameters.quoting.order_qty == 0.02
    assert point.parameters.quoting.buy_spreads == (1.0, 3.0)


def test_widths_stay_between_floor_and_cap():
    base = ParameterSet(quoting=Quoting(spread_floor_bps=3.0, spread_cap_bps=9.0))
    space = space_of("discrete", base=base)
    for value, width in ((0.0, 3.0), (1.0, 9.0)):
        assert space.point(dict.fromkeys(space.dimensions, value)).parameters.regimes.spread_low == pytest.approx(width)


def test_a_window_without_sigma_or_room_is_refused():
    with pytest.raises(Failed, match="no sigma above 0"):
        space_of("discrete", sigma=np.array([np.nan, 0.0]))
    narrow = ParameterSet(quoting=Quoting(spread_floor_bps=70.0))
    with pytest.raises(BadInput, match="leaves nothing"):
        space_of("discrete", base=narrow)
    with pytest.raises(ValidationError, match="must ascend"):
        SpaceSettings(refresh_s=(9.0, 3.0))
    with pytest.raises(ValidationError, match="logarithmic"):
        SpaceSettings(refresh_s=(0.0, 3.0))


def test_geometric_steps_are_equal_in_the_logarithm():
    assert geometric(0.5, (1.0, 100.0)) == pytest.approx(10.0)

"""Every point of the cube is a valid set, whatever policies the base has and whatever is switched on."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from analytics.metrics.curves import half_spread_curve
from analytics.study.axes import geometric, stick_breaking
from analytics.study.search import SEARCHED, SpaceSettings
from analytics.study.space import Space
from strategy.errors import BadInput, BadParameters, Failed
from strategy.kernel.sources import POLICY_PATH
from strategy.policies import registry
from strategy.policies.dotted import changed, declared
from strategy.policies.parameters import ParameterSet, parse_parameters
from strategy.policies.plugins import PREFIX
from strategy.policies.registry import policies
from strategy.policies.sections import Quoting

SIGMA = np.random.default_rng(1).lognormal(-9, 0.6, 2_000)
PLUGIN = Path(__file__).resolve().parents[1] / "plugin" / "microvol_sample" / "proportional.py"
EVERYTHING = ("volatility.*", "spread.*", "inventory.*", "signals.*", "quoting.*", "risk.*", "barriers.*")
CLOCK = {"volatility.vol_sampling_interval": 1.0}  # what a width per root second needs
SPREADS = sorted(policies("spreads"))
SHAPED = ["discrete", "linear", "pchip"]
unit = st.floats(0, 1, allow_nan=False)


def based(**chosen: str) -> ParameterSet:
    return changed(ParameterSet(), CLOCK | {f"{group}.policy": name for group, name in chosen.items()})


def space_of(base: ParameterSet | None = None, sigma=SIGMA, **given_settings) -> Space:
    return Space(base or ParameterSet(), lambda parameters: sigma, SpaceSettings(**given_settings))


def drawn(space: Space, data: st.DataObject) -> dict[str, float]:
    return {name: data.draw(unit) for name in space.dimensions}


def middle(space: Space, value: float = 0.5):
    return space.point(dict.fromkeys(space.dimensions, value))


CHOICES = [("spread", name) for name in SPREADS]
CHOICES += [("inventory", name) for name in sorted(policies("inventory"))]
CHOICES += [("volatility", name) for name in sorted(policies("volatility"))]


@pytest.mark.parametrize(("group", "name"), CHOICES)
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_every_point_of_the_cube_is_a_valid_parameter_set(group, name, data):
    space = space_of(based(**{group: name}), parameters=EVERYTHING)
    point = space.point(drawn(space, data))
    assert parse_parameters(point.parameters.model_dump(mode="json")) == point.parameters
    assert point.parameters.policy_of(group)[0].name == name
    assert list(point.quantiles) == sorted(point.quantiles)


@pytest.mark.parametrize("name", sorted(policies("signals")))
def test_a_signal_is_searched_by_its_own_name(name):
    base = changed(based(), {f"signals.{name}.policy": name})
    ranged = [each for each, what in declared(base).items() if each.startswith("signals.") and what.search]
    if ranged:
        space = space_of(base, parameters=("signals.*",))
        assert [f"u_{each}" for each in ranged] == list(space.dimensions)
        for corner in (0.0, 1.0):
            assert middle(space, corner).parameters.signals[0]["policy"] == name


@pytest.mark.parametrize("name", SPREADS)
def test_the_default_searches_shape_refresh_cooldown_and_every_declared_range_of_the_policy(name):
    base = based(spread=name)
    space = space_of(base)
    ranged = {f"u_{each}" for each, what in declared(base).items() if each.startswith("spread.") and what.search}
    shape = {axis for axis in space.dimensions if axis.startswith(("u_threshold_", "u_spread_", "u_curve_"))}
    timing = {"u_quoting.executor_refresh_time", "u_quoting.cooldown_time"}
    assert set(space.dimensions) == ranged | shape | timing
    assert len(shape) == {"discrete": 6, "linear": 8, "pchip": 8}.get(name, 0)
    assert SpaceSettings().parameters == SEARCHED


def test_scalars_reach_both_ends_of_their_declared_range():
    base = based(volatility="ewma")
    space = space_of(base, parameters=("volatility.half_life_seconds",))
    low, high = declared(base)["volatility.half_life_seconds"].search
    found = [middle(space, u).parameters.volatility["half_life_seconds"] for u in (0.0, 0.5, 1.0)]
    assert found == pytest.approx([low, np.sqrt(low * high), high])


def test_whole_numbers_are_rounded_and_choices_are_spread_evenly_over_the_axis():
    parameters = ("quoting.on_cross", "risk.lockout_cancels", "volatility.min_samples")
    space = space_of(parameters=parameters, ranges={"volatility.min_samples": (5, 20)})
    low, high = middle(space, 0.0).parameters, middle(space, 1.0).parameters
    assert (low.quoting.on_cross, high.quoting.on_cross) == ("behind", "drop")
    assert (low.risk.lockout_cancels, high.risk.lockout_cancels) == (False, True)
    assert (low.volatility["min_samples"], high.volatility["min_samples"]) == (5, 20)
    assert middle(space, 0.47).parameters.volatility["min_samples"] == 12


def test_an_optional_limit_that_is_searched_becomes_a_number():
    point = middle(space_of(parameters=("quoting.requote_tolerance_bps",)))
    assert point.values == {"quoting.requote_tolerance_bps": pytest.approx(np.sqrt(0.5 * 20.0))}


def test_a_point_that_the_policys_own_rule_refuses_is_drawn_towards_the_base():
    base = based(spread="range")
    space = space_of(
        base,
        parameters=("spread.min_spread", "spread.max_spread"),
        ranges={"spread.min_spread": (1.0, 200.0), "spread.max_spread": (1.0, 200.0)},
    )
    point = space.point({"u_spread.min_spread": 1.0, "u_spread.max_spread": 0.0})
    low, high = point.parameters.spread["min_spread"], point.parameters.spread["max_spread"]
    assert base.spread["min_spread"] <= low <= high <= base.spread["max_spread"]
    assert point.values == {"spread.min_spread": low, "spread.max_spread": high}


@settings(deadline=None, max_examples=50)
@given(data=st.data(), policy=st.sampled_from(SHAPED))
def test_a_frozen_market_still_gives_increasing_thresholds(data, policy):
    space = space_of(based(spread=policy), sigma=np.full(100, 2e-5))
    low, medium, high = space.point(drawn(space, data)).parameters.regimes.thresholds
    assert low < medium < high


@settings(deadline=None, max_examples=30)
@given(data=st.data(), policy=st.sampled_from([*SHAPED, "range", "sigmoid"]))
def test_more_sigma_never_narrows_a_point_of_the_space(data, policy):
    space = space_of(based(spread=policy))
    parameters = space.point(drawn(space, data)).parameters
    widths = half_spread_curve(parameters, np.quantile(SIGMA, np.linspace(0, 1, 60)))
    assert np.all(np.diff(widths) >= -1e-9)


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


def test_thresholds_are_the_stated_quantiles_of_sigma_and_both_are_kept():
    point = middle(space_of())
    regimes = point.parameters.regimes
    np.testing.assert_allclose(regimes.thresholds, np.quantile(SIGMA, point.quantiles))
    assert regimes.threshold_quantiles == point.quantiles
    assert point.values["regimes.low_threshold"] == regimes.low_threshold
    assert point.values["regimes.threshold_quantiles.1"] == point.quantiles[0]


def test_a_searched_engine_has_its_thresholds_cut_from_its_own_sigmas():
    def sigmas(parameters: ParameterSet):
        return SIGMA * parameters.volatility["vol_window_seconds"]

    space = Space(ParameterSet(), sigmas, SpaceSettings(parameters=("volatility.vol_window_seconds", *SEARCHED)))
    point = middle(space, 0.8)
    window = point.parameters.volatility["vol_window_seconds"]
    assert window != ParameterSet().volatility["vol_window_seconds"]
    expected = np.quantile(SIGMA * window, point.quantiles)
    np.testing.assert_allclose(point.parameters.regimes.thresholds, expected)


@pytest.mark.parametrize("policy", SHAPED[1:])
def test_a_curve_goes_through_quantiles_of_sigma_and_is_labelled_by_its_own_quarters(policy):
    point = middle(space_of(based(spread=policy), curve_points=5))
    sigma, bps = np.array(point.parameters.spread["spread_curve_points"]).T
    np.testing.assert_allclose(sigma, np.quantile(SIGMA, point.quantiles))
    np.testing.assert_allclose(point.parameters.regimes.thresholds, np.linspace(sigma[0], sigma[-1], 5)[1:4])
    assert np.all(np.diff(bps) >= 0)
    assert point.values["spread.spread_curve_points.bps.5"] == bps[-1]


def test_what_is_not_searched_stays_as_in_the_base():
    base = changed(based(spread="linear", inventory="neutral"), {"quoting.buy_spreads": [1.0, 3.0]})
    found = middle(space_of(base), 0.3).parameters
    assert (found.inventory, found.volatility, found.risk) == (base.inventory, base.volatility, base.risk)
    assert found.quoting.buy_spreads == (1.0, 3.0)


def test_quantiles_of_the_base_are_resolved_on_the_window_and_stay_where_only_the_curve_is_searched():
    base = changed(based(spread="linear"), {"regimes.threshold_quantiles": [0.2, 0.5, 0.9]})
    space = space_of(base)
    expected = tuple(np.quantile(SIGMA, [0.2, 0.5, 0.9]))
    assert space.base.regimes.thresholds == pytest.approx(expected)
    assert middle(space).parameters.regimes.thresholds == pytest.approx(expected)
    assert middle(space).parameters.regimes.threshold_quantiles == (0.2, 0.5, 0.9)


def test_widths_stay_between_floor_and_cap():
    space = space_of(ParameterSet(quoting=Quoting(spread_floor_bps=3.0, spread_cap_bps=9.0)))
    for value, width in ((0.0, 3.0), (1.0, 9.0)):
        assert middle(space, value).parameters.regimes.spread_low == pytest.approx(width)


def test_a_window_without_sigma_or_room_is_refused():
    with pytest.raises(Failed, match="no sigma above 0"):
        space_of(sigma=np.array([np.nan, 0.0]))
    with pytest.raises(BadInput, match="leaves nothing"):
        space_of(ParameterSet(quoting=Quoting(spread_floor_bps=70.0)))
    with pytest.raises(ValidationError, match="must ascend"):
        SpaceSettings(spread_bps=(9.0, 3.0))
    with pytest.raises(ValidationError, match="logarithmic"):
        SpaceSettings(spread_bps=(0.0, 3.0))


@pytest.mark.parametrize(
    ("given_settings", "said"),
    [
        ({"parameters": ("spread.gamma",)}, "calibrate.search.parameters named spread.gamma, which the set does not"),
        ({"parameters": ("signals.*",)}, "calibrate.search.parameters were signals.*: nothing matches"),
        ({"parameters": ("quoting.buy_spreads",)}, "quoting.buy_spreads cannot be searched"),
        ({"parameters": ("quoting.order_qty",)}, "quoting.order_qty has no declared search range: give it one in"),
        ({"ranges": {"risk.collar_bps": (1, 9)}}, "calibrate.search.ranges named risk.collar_bps, which is not"),
        (
            {"ranges": {"quoting.cooldown_time": (-2, 9)}},
            "the search range of quoting.cooldown_time was -2.0: input should be greater than or equal to 0",
        ),
        (
            {"ranges": {"quoting.executor_refresh_time": (0, 9)}},
            "the search range of quoting.executor_refresh_time started at 0.0, it is searched on a logarithmic scale",
        ),
    ],
)
def test_what_cannot_be_searched_is_one_line(given_settings, said):
    with pytest.raises(BadInput) as caught:
        space_of(**given_settings)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_policy_that_needs_a_sampling_clock_is_refused_where_the_base_has_none():
    with pytest.raises(BadParameters, match=r"glft needs volatility\.vol_sampling_interval over 0: it was 0"):
        changed(ParameterSet(), {"spread.policy": "glft"})


@pytest.fixture
def plugin(monkeypatch):
    monkeypatch.setenv(POLICY_PATH, "")
    registry.add_policy_path(PLUGIN)
    yield "proportional"
    monkeypatch.undo()
    for name in [name for name in sys.modules if name.startswith(PREFIX)]:
        del sys.modules[name]
    registry.look_again()


def test_a_policy_from_a_file_is_searched_by_what_it_declares(plugin):
    space = space_of(based(spread=plugin))
    timing = ["u_quoting.executor_refresh_time", "u_quoting.cooldown_time"]
    assert list(space.dimensions) == ["u_spread.sigmas", *timing]
    found = [middle(space, u).parameters.spread["sigmas"] for u in (0.0, 0.5, 1.0)]
    assert found == pytest.approx([0.5, np.sqrt(5.0), 10.0])


def test_geometric_steps_are_equal_in_the_logarithm():
    assert geometric(0.5, (1.0, 100.0)) == pytest.approx(10.0)

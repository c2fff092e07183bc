"""A parameter set: what is refused and how that is said, and names of single values."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategy.errors import BadParameters, Failed
from strategy.policies.document import Instrument, ParameterDocument
from strategy.policies.dotted import assignments, changed, declared, flat
from strategy.policies.packing import pack_parameters
from strategy.policies.parameters import ParameterSet, parse_parameters
from strategy.policies.quantiles import resolved
from strategy.policies.sections import Regimes

SIGMA = np.random.default_rng(3).lognormal(-9, 0.5, 1_000)
BTC = Instrument(venue="paper", symbol="BTC/FDUSD", tick_size="0.01", lot_size="0.00001")
QUANTILES = {"regimes": {"threshold_quantiles": [0.2, 0.6, 0.9]}}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            {"volatility": {"policy": "rolling_std", "vol_window_seconds": -1}},
            "volatility.vol_window_seconds was -1: input should be greater than 0",
        ),
        (
            {"spread": {"policy": "linear", "spread_curve_points": [[0.001, 3], [0.002, 20_000]]}},
            "spread.spread_curve_points[1][1] was 20000: input should be less than or equal to 10000",
        ),
        (
            {"spread": {"policy": "linear", "spread_curve_points": [[0.002, 3], [0.001, 4]]}},
            "spread.spread_curve_points had sigma 0.001 after 0.002, it must increase strictly",
        ),
        (
            {"signals": [{"policy": "trend", "trend_bias": 3}]},
            "signals[0].trend_bias was 3: input should be less than 1",
        ),
        ({"signals": [{"policy": "trend"}] * 2}, "signals were trend, trend, each may be named once"),
        (
            {"volatility": {"policy": "rolling_std", "vol_mode": "both"}},
            "volatility.vol_mode was 'both': input should be 'percentage' or 'absolute'",
        ),
        ({"spread": {"policy": "liner"}}, "spread: spreads policy 'liner' is unknown, known are "),
        ({"spread": {"spread_floor": 3}}, "spread.policy was None, it must name a policy"),
        ({"spread": {"policy": "linear", "k": 3}}, "spread.k was 3: it is unknown, known are spread_curve_points"),
        ({"spread": {"policy": "discrete", "k": 3}}, "spread.k was 3: it is unknown, there are none to set"),
        ({"quotign": 3}, "quotign was 3: it is unknown, known are barriers, inventory, quoting,"),
        ({"risk": {"colar_bps": 3}}, "risk.colar_bps was 3: it is unknown, known are collar_bps,"),
        ({"risk": {"collar_bps": 2e4}}, "risk.collar_bps was 20000.0: input should be less than or equal to 10000"),
        ({"quoting": {"buy_spreads": [1, -2]}}, "quoting.buy_spreads[1] was -2: input should be greater than 0"),
        ({"quoting": {"spread_floor_bps": 300}}, "quoting.spread_floor_bps was 300.0, the cap is 200.0"),
        ({"quoting": {"order_qty": math.inf}}, "quoting.order_qty was inf: input should be a finite number"),
        ({"regimes": {"low_threshold": 0.002}}, "regimes: thresholds were 0.002, 0.0015, 0.003, they must increase"),
        ({"regimes": {"low_threshold": None}}, "regimes: thresholds were None, 0.0015, 0.003, all of them must be"),
        (
            {"regimes": {"threshold_quantiles": [0.5, 0.4, 0.9]}},
            "regimes.threshold_quantiles were 0.5, 0.4, 0.9, they must not decrease",
        ),
        (
            {"regimes": {"threshold_quantiles": [0.5, 0.6, 1.0]}},
            "regimes.threshold_quantiles[2] was 1.0: input should be less than 1",
        ),
        (
            {"regimes": {"threshold_quantiles": [0.5, 0.6, 0.9], "low_threshold": 0.1}},
            "regimes: thresholds were 0.1, None, None, all of them must be set",
        ),
        ({"barriers": {"time_limit": "soon"}}, "barriers.time_limit was 'soon': input should be a valid number"),
        ({"spread": {"policy": "glft"}}, "glft needs volatility.vol_sampling_interval over 0: it was 0"),
        ({"schema_version": 7}, "schema_version was 7, this build reads 1 and 2"),
        ([1], "parameters was [1]: input should be a valid dictionary"),
    ],
)
def test_a_fault_is_one_line_naming_field_value_and_bound(data, said):
    with pytest.raises(BadParameters) as caught:
        parse_parameters(data)
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


def test_a_long_wrong_value_is_cut():
    with pytest.raises(BadParameters) as caught:
        parse_parameters({"quoting": list(range(1_000))})
    assert len(str(caught.value)) < 200


def test_quantiles_without_numbers_leave_the_thresholds_open_and_numbers_stay_as_they_were():
    open_set = parse_parameters(QUANTILES)
    assert (open_set.regimes.low_threshold, open_set.regimes.resolved) == (None, False)
    assert parse_parameters(open_set.model_dump(mode="json")) == open_set
    numeric = parse_parameters({"regimes": {"low_threshold": 0.0004}}).regimes
    assert (numeric.thresholds, numeric.threshold_quantiles) == ((0.0004, 0.0015, 0.003), None)


def test_resolving_writes_the_quantiles_of_sigma_and_keeps_them_beside():
    found = resolved(parse_parameters(QUANTILES), np.concatenate([SIGMA, [np.nan, 0.0]]))
    np.testing.assert_allclose(found.regimes.thresholds, np.quantile(SIGMA, [0.2, 0.6, 0.9]))
    assert found.regimes.threshold_quantiles == (0.2, 0.6, 0.9)
    assert parse_parameters(found.model_dump(mode="json")) == found
    again = resolved(found, 2 * SIGMA)
    np.testing.assert_allclose(again.regimes.thresholds, 2 * np.array(found.regimes.thresholds))


def test_a_set_without_quantiles_is_its_own_resolution():
    numeric = ParameterSet()
    assert resolved(numeric, SIGMA) is numeric


def test_quantiles_that_coincide_still_give_increasing_thresholds():
    found = resolved(parse_parameters(QUANTILES), np.full(50, 3e-5)).regimes.thresholds
    assert found == pytest.approx((3e-5, 3e-5, 3e-5), rel=1e-5)
    assert found[0] < found[1] < found[2]


def test_a_window_without_sigma_resolves_nothing():
    with pytest.raises(Failed, match="no sigma above 0"):
        resolved(parse_parameters(QUANTILES), np.array([np.nan, 0.0]))


def test_an_unresolved_set_is_neither_packed_nor_put_into_a_document():
    open_set = parse_parameters(QUANTILES)
    with pytest.raises(BadParameters, match="are not resolved: calibrate from this set, or set low_threshold"):
        pack_parameters(open_set, BTC)
    with pytest.raises(ValueError, match="are not resolved: calibrate first"):
        ParameterDocument(version=1, instrument=BTC, parameters=open_set, kernel_digest="k")
    assert pack_parameters(resolved(open_set, SIGMA), BTC).regimes["low_threshold"] > 0


def test_every_value_has_a_dotted_name_that_sets_it():
    parameters = parse_parameters({"signals": [{"policy": "trend"}], "spread": {"policy": "linear"}})
    values = flat(parameters)
    assert values["signals.trend.trend_bias"] == parameters.signals[0]["trend_bias"]
    assert values["spread.policy"] == "linear"
    assert set(declared(parameters)) == {name for name in values if not name.endswith(".policy")}
    assert changed(ParameterSet(), values) == parameters


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("quoting.cooldown_time=3", "quoting.cooldown_time", 3),
        ("risk.collar_bps = none", "risk.collar_bps", None),
        ("risk.lockout_cancels=True", "risk.lockout_cancels", True),
        ("quoting.buy_spreads=[1, 2.5]", "quoting.buy_spreads", [1, 2.5]),
        ("quoting.on_cross=drop", "quoting.on_cross", "drop"),
    ],
)
def test_an_assignment_is_read_as_json_or_as_a_word(text, name, value):
    assert assignments([text]) == {name: value}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("quoting.cooldown_time", "'quoting.cooldown_time' sets nothing: write group.field=value"),
        ("quoting.cooldown_time=", "sets nothing"),
        ("cooldown_time=3", "cooldown_time names no group, known are volatility, spread,"),
        ("quotign.cooldown_time=3", "quotign.cooldown_time names no group"),
        ("quoting.cooldown=3", "quoting.cooldown was 3: it is unknown, known are "),
        ("quoting.cooldown_time=-3", "quoting.cooldown_time was -3: input should be greater than or equal to 0"),
        ("quoting.a.b=3", "quoting.a.b is not group.field, nor signals.policy.field"),
        ("signals.trend=3", "signals.trend is not group.field, nor signals.policy.field"),
        ("signals.trnd.trend_bias=3", "signals[0]: signals policy 'trnd' is unknown"),
        ("schema_version=1", "schema_version names no group"),
    ],
)
def test_a_wrong_assignment_is_one_line(text, said):
    with pytest.raises(BadParameters) as caught:
        changed(ParameterSet(), assignments([text]))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_another_policy_starts_from_its_own_defaults_in_whatever_order_things_are_set():
    texts = ["inventory.max_skew=0.4", "inventory.policy=balanced", "signals.trend.trend_bias=0.3"]
    found = changed(ParameterSet(), assignments(texts))
    assert found.inventory["max_skew"] == 0.4
    assert "skew_strength" not in found.inventory
    assert [each["policy"] for each in found.signals] == ["trend"]
    assert changed(found, {"inventory.policy": "balanced"}) == found


def test_numbers_and_quantiles_of_thresholds_replace_each_other():
    found = resolved(parse_parameters(QUANTILES), SIGMA)
    numbers = changed(found, {"regimes.high_threshold": 0.1}).regimes
    assert (numbers.high_threshold, numbers.threshold_quantiles) == (0.1, None)
    assert not changed(found, {"regimes.threshold_quantiles": [0.1, 0.2, 0.3]}).regimes.resolved


@given(st.lists(st.floats(1e-8, 1.0), min_size=3, max_size=3, unique=True))
def test_the_content_hash_is_that_of_the_meaning_not_of_the_spelling(values):
    names = ("low_threshold", "medium_threshold", "high_threshold")
    thresholds = dict(zip(names, sorted(values), strict=True))
    first = parse_parameters({"regimes": thresholds, "quoting": {"cooldown_time": 5}})
    second = ParameterSet(regimes=Regimes(**dict(reversed(thresholds.items()))))
    assert first.content_hash() == second.content_hash()

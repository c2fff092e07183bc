"""Every spread policy's shape: documented values, bounds, refusals."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from strategy.errors import BadParameters
from strategy.kernel.records import CONTEXT, REGIMES, SPREAD
from strategy.policies.parameters import parse_parameters
from strategy.policies.registry import policy
from tests.unit.kernel_samples import records


def widths(name, sigmas, **fields):
    """Return the half-spread at each sigma; both sides must agree and no policy here moves the reference."""
    chosen = policy("spreads", name)
    params, regimes = records(chosen.record), records(REGIMES)
    chosen.pack(chosen.parameters(**fields), params)
    found = []
    for sigma in sigmas:
        out = records(SPREAD)
        chosen.functions["spread_decide"](params, regimes, records(CONTEXT, sigma=sigma), out)
        assert out["bid_bps"] == out["ask_bps"]
        assert out["reservation_bps"] == 0
        found.append(float(out["bid_bps"]))
    return np.array(found)


def naive_pchip(x, y, at):
    """Evaluate PCHIP from its published definition, in the Hermite basis, flat outside the ends."""
    h, delta = np.diff(x), np.diff(y) / np.diff(x)
    d = np.zeros(len(x))
    if len(x) == 2:
        d[:] = delta[0]
    else:
        w1, w2 = 2 * h[1:] + h[:-1], h[1:] + 2 * h[:-1]
        both = (delta[1:] * delta[:-1]) > 0
        d[1:-1][both] = ((w1 + w2)[both]) / (w1[both] / delta[:-1][both] + w2[both] / delta[1:][both])
        for end, (h0, h1, m0, m1) in {0: (*h[:2], *delta[:2]), -1: (*h[-2:][::-1], *delta[-2:][::-1])}.items():
            d[end] = ((2 * h0 + h1) * m0 - h0 * m1) / (h0 + h1)
            if np.sign(d[end]) != np.sign(m0):
                d[end] = 0
            elif np.sign(m0) != np.sign(m1) and abs(d[end]) > 3 * abs(m0):
                d[end] = 3 * m0
    at = np.clip(at, x[0], x[-1])
    i = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(h) - 1)
    t = (at - x[i]) / h[i]
    basis = (2 * t**3 - 3 * t**2 + 1, t**3 - 2 * t**2 + t, -2 * t**3 + 3 * t**2, t**3 - t**2)
    return basis[0] * y[i] + basis[1] * h[i] * d[i] + basis[2] * y[i + 1] + basis[3] * h[i] * d[i + 1]


@st.composite
def curves(draw):
    count = draw(st.integers(2, 16))
    steps = draw(st.lists(st.floats(1e-6, 1e-2), min_size=count, max_size=count))
    rises = draw(st.lists(st.one_of(st.just(0.0), st.floats(1e-3, 300)), min_size=count, max_size=count))
    return np.cumsum(steps), np.cumsum(rises)


@settings(deadline=None, max_examples=80)
@given(curve=curves(), shares=st.lists(st.floats(-0.1, 1.1), min_size=1, max_size=20))
def test_pchip_equals_its_published_definition(curve, shares):
    x, y = curve
    at = np.array([x[0] + share * (x[-1] - x[0]) for share in shares])
    points = [[float(s), float(w)] for s, w in zip(x, y, strict=True)]
    got = widths("pchip", at, spread_curve_points=points)
    np.testing.assert_allclose(got, naive_pchip(x, y, at), rtol=1e-9, atol=1e-9)


@settings(deadline=None, max_examples=60)
@given(curve=curves(), segment=st.integers(0, 14))
def test_pchip_stays_between_its_neighbours_and_never_falls(curve, segment):
    x, y = curve
    assume(segment < len(x) - 1)
    points = [[float(s), float(w)] for s, w in zip(x, y, strict=True)]
    got = widths("pchip", np.linspace(x[segment], x[segment + 1], 50), spread_curve_points=points)
    assert got.min() >= y[segment]
    assert got.max() <= y[segment + 1]
    assert np.diff(got).min() >= -1e-9 * y[-1]


def test_pchip_passes_through_the_points_and_is_flat_outside():
    at = [0.0, 0.0001, 0.0002, 0.0008, 0.0025, 0.01]
    np.testing.assert_allclose(widths("pchip", at), [3, 3, 3, 6, 15, 15], rtol=1e-15)


def test_pchip_bends_where_linear_has_a_kink():
    kink = 0.0008
    left, at, right = widths("pchip", [kink - 1e-7, kink, kink + 1e-7])
    assert (at - left) == pytest.approx(right - at, rel=1e-3)
    left, at, right = widths("linear", [kink - 1e-7, kink, kink + 1e-7])
    assert (right - at) > 1.05 * (at - left)


@pytest.mark.parametrize(
    ("sigma", "bps"), [(0.0, 10), (0.001, 10), (0.002, 55), (0.003, 100), (0.0025, 77.5), (9, 100)]
)
def test_range_rises_from_the_seeds_tenth_of_a_percent_to_one_percent(sigma, bps):
    assert widths("range", [sigma], vol_low=0.001, vol_high=0.003)[0] == pytest.approx(bps, rel=1e-12)


def test_sigmoid_is_halfway_at_its_middle_and_reaches_both_levels():
    fields = {"sigmoid_floor_bps": 4, "sigmoid_cap_bps": 20, "sigmoid_k": 1_000, "sigmoid_mid": 0.002}
    got = widths("sigmoid", [0.002, 0.003, 0.001, 1e3], **fields)
    rise = 16 / (1 + math.exp(-1))
    np.testing.assert_allclose(got, [12, 4 + rise, 20 - rise, 20], rtol=1e-12)
    assert widths("sigmoid", [0.0], **fields | {"sigmoid_k": 1e9})[0] == 4


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"policy": "sigmoid", "sigmoid_floor_bps": 9, "sigmoid_cap_bps": 8}, "floor_bps was 9.0, the cap is 8.0"),
        ({"policy": "sigmoid", "sigmoid_k": 0}, "sigmoid_k was 0: .*greater than 0"),
        ({"policy": "range", "min_spread": 30, "max_spread": 20}, "min_spread was 30.0, max_spread is 20.0"),
        ({"policy": "range", "vol_low": 0.003}, "vol_low was 0.003, it must be under vol_high 0.003"),
        ({"policy": "pchip", "spread_curve_points": [[0.001, 5], [0.002, 4]]}, "4.0 bps after 5.0"),
        ({"policy": "glft", "arrival_rate": 0}, "arrival_rate was 0"),
        ({"policy": "avellaneda_stoikov", "risk_aversion": 0}, "risk_aversion was 0"),
    ],
)
def test_wrong_spread_parameters_are_refused_naming_field_and_value(fields, words):
    with pytest.raises(BadParameters, match=words):
        parse_parameters({"spread": fields, "volatility": {"policy": "rolling_std", "vol_sampling_interval": 1}})
